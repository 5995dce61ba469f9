// payload/1: how an example travels as bytes, as a picture's file. An edge may send its hard
// examples to the cloud so, and applications may ask with such bytes.
#pragma once

#include <skerry/plugin.hpp>

#include <cstdint>
#include <string>
#include <vector>

namespace skerry {

class Payload {
 public:
  using KindBase = Payload;
  virtual ~Payload() = default;

  // example: float32, of the shape that a service takes; images are channels, height, width. Throw
  // SKERRY_INVALID_ARGUMENT (skerry::invalid) where it has no such form. [serial]
  virtual std::vector<std::uint8_t> encode(const TensorView& example) = 0;

  // Writes every element of `example`, float32. `encoded` is a stranger's word: throw
  // SKERRY_INVALID_ARGUMENT where it cannot be read. A pure function of its arguments. [serial]
  virtual void decode(Span<const std::uint8_t> encoded, const TensorView& example) = 0;
};

template <>
struct InterfaceKind<skerry_payload_v1> {
  static constexpr const char* id = "payload/1";
};

template <>
struct Kind<Payload> {
  static constexpr const char* id = InterfaceKind<skerry_payload_v1>::id;

  template <class T>
  static const void* table() {
    static constexpr skerry_payload_v1 functions = {sizeof(skerry_payload_v1), 0, encode, decode};
    return &functions;
  }

 private:
  static skerry_status encode(skerry_instance* instance, const skerry_tensor* example,
                              const skerry_sink* encoded, skerry_error* error) {
    return detail::guard(error, [&] {
      const std::vector<std::uint8_t> bytes =
          object_of<Payload>(instance).encode(TensorView(*example));
      const skerry_status status = encoded->write(encoded, {bytes.data(), bytes.size()});
      if (status != SKERRY_OK) throw Error(status, "", "the host refused the encoded example");
    });
  }
  static skerry_status decode(skerry_instance* instance, skerry_bytes encoded,
                              const skerry_tensor* example, skerry_error* error) {
    return detail::guard(error, [&] {
      object_of<Payload>(instance).decode({encoded.data, static_cast<std::size_t>(encoded.size)},
                                          TensorView(*example));
    });
  }
};

}  // namespace skerry
