#pragma once

#include <skerry/abi.h>

#include <exception>
#include <string>

namespace skerry::runtime {

// A skerry_sink that appends to a string.
class StringSink {
 public:
  StringSink() : sink_{sizeof(skerry_sink), 0, &text_, write} {}
  StringSink(const StringSink&) = delete;
  StringSink& operator=(const StringSink&) = delete;

  const skerry_sink* get() const { return &sink_; }
  std::string& text() { return text_; }

 private:
  static skerry_status write(const skerry_sink* sink, skerry_bytes bytes) {
    try {
      static_cast<std::string*>(sink->ctx)->append(reinterpret_cast<const char*>(bytes.data),
                                                   bytes.size);
      return SKERRY_OK;
    } catch (const std::exception&) {  // no memory for so much
      return SKERRY_FAILED;
    }
  }

  std::string text_;
  skerry_sink sink_;
};

inline skerry_bytes abi_bytes(const std::string& text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

}  // namespace skerry::runtime
