// How a plugin reports a failure: throw skerry::Error. The layer turns it into a skerry_error at
// the boundary.
#pragma once

#include <skerry/abi.h>

#include <cstring>
#include <new>
#include <stdexcept>
#include <string>
#include <system_error>
#include <utility>

namespace skerry {

// code: a SKERRY_ value of skerry_status; the host decides by it what to do (abi.h).
// field: the configuration field at fault, as "optimizer.lr", or empty. At most 63 bytes reach the
// host. message: what was found, what is allowed, what to do. UTF-8; at most 439 bytes reach the
// host.
class Error : public std::runtime_error {
 public:
  Error(skerry_status code, std::string field, const std::string& message)
      : std::runtime_error(message), code_(code), field_(std::move(field)) {}

  skerry_status code() const { return code_; }
  const std::string& field() const { return field_; }

 private:
  skerry_status code_;
  std::string field_;
};

// The most frequent one: the configuration or the data is wrong and a person must change it.
inline Error invalid(std::string field, const std::string& message) {
  return Error(SKERRY_INVALID_ARGUMENT, std::move(field), message);
}

namespace detail {

// Copies as much as fits, never half a UTF-8 character, and ends with NUL.
inline void copy_text(char* to, std::size_t room, const char* text) noexcept {
  std::size_t size = std::strlen(text);
  if (size >= room) {
    size = room - 1;
    while (size > 0 && (static_cast<unsigned char>(text[size]) & 0xC0) == 0x80) --size;
  }
  std::memcpy(to, text, size);
  to[size] = '\0';
}

inline skerry_status write_error(skerry_error* error, skerry_status code, const char* field,
                                 const char* message) noexcept {
  if (error != nullptr) {
    error->code = code;
    copy_text(error->field, sizeof(error->field), field);
    copy_text(error->message, sizeof(error->message), message);
  }
  return code;
}

// Runs body() and turns whatever it throws into a skerry_error: nothing crosses the boundary as an
// exception.
template <class Body>
skerry_status guard(skerry_error* error, Body&& body) noexcept {
  try {
    body();
    return SKERRY_OK;
  } catch (const Error& e) {
    return write_error(error, e.code(), e.field().c_str(), e.what());
  } catch (const std::bad_alloc&) {
    return write_error(error, SKERRY_FAILED, "", "out of memory");
  } catch (const std::system_error& e) {
    return write_error(error, SKERRY_FAILED, "", e.what());
  } catch (const std::exception& e) {
    return write_error(error, SKERRY_INTERNAL, "", e.what());
  } catch (...) {
    return write_error(error, SKERRY_INTERNAL, "", "an exception of an unknown type");
  }
}

}  // namespace detail

// The other direction: calls body(skerry_error*) -> skerry_status, some function of the ABI, and
// throws Error unless it returned SKERRY_OK.
template <class Body>
void check_call(Body&& body) {
  skerry_error error = {};
  error.struct_size = sizeof(error);
  const skerry_status status = body(&error);
  if (status == SKERRY_OK) return;
  error.field[sizeof(error.field) - 1] = '\0';
  error.message[sizeof(error.message) - 1] = '\0';
  throw Error(status, error.field,
              error.message[0] != '\0' ? error.message : "failed without a message");
}

}  // namespace skerry
