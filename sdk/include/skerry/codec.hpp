// codec/1: how an update travels from a node to the cloud.
#pragma once

#include <skerry/plugin.hpp>

#include <cstdint>
#include <string>
#include <vector>

namespace skerry {

// Where an encoded update's tensors go. Each is copied.
class TensorSink {
 public:
  explicit TensorSink(const skerry_tensor_sink* sink) : sink_(sink) {}

  // Names are distinct. Throws Error where the host refuses the tensor.
  void add(const std::string& name, const TensorView& tensor) {
    const skerry_named_tensor named = {name.c_str(), tensor.abi()};
    const skerry_status status = sink_->add(sink_, &named);
    if (status != SKERRY_OK) throw Error(status, "", "the host refused the tensor " + name);
  }

 private:
  const skerry_tensor_sink* sink_;
};

// The tensor of that name. Throws SKERRY_INVALID_ARGUMENT where there is none, or one that is not
// of this type and shape.
inline const TensorView& find_tensor(const std::vector<NamedTensor>& tensors,
                                     const std::string& name, DType dtype,
                                     const std::vector<std::int64_t>& shape);

// In both functions `base` is the model that the update started from; base[i] and update[i] have
// one name, type and shape. All memory is borrowed for the call.
class Codec {
 public:
  using KindBase = Codec;
  virtual ~Codec() = default;

  // On a node: any tensors from which decode() makes the update again, or one near it, of floats of
  // 16 (SKERRY_BFLOAT too), 32 or 64 bits, signed integers of 8 to 64 bits, bytes or bools. None
  // may be NaN or infinite. What is left out may be kept for the node's next update; it is lost
  // when the worker ends. [serial]
  virtual void encode(const std::vector<NamedTensor>& update, const std::vector<NamedTensor>& base,
                      TensorSink& encoded) = 0;

  // On the cloud: writes every element of update[i].tensor. A pure function of its arguments.
  // `encoded` is a stranger's word: throw SKERRY_INVALID_ARGUMENT (skerry::invalid) where encode()
  // can't have given it. [serial]
  virtual void decode(const std::vector<NamedTensor>& encoded, const std::vector<NamedTensor>& base,
                      const std::vector<NamedTensor>& update) = 0;
};

// ------------------------------------------------------------------------------- implementation

inline const TensorView& find_tensor(const std::vector<NamedTensor>& tensors,
                                     const std::string& name, DType dtype,
                                     const std::vector<std::int64_t>& shape) {
  for (const NamedTensor& each : tensors) {
    if (each.name != name) continue;
    if (each.tensor.dtype() == dtype && each.tensor.shape() == shape) return each.tensor;
    throw invalid("", "`" + name + "` is " + each.tensor.dtype().name() + " " +
                          shape_text(each.tensor.shape()) + ", expected " + dtype.name() + " " +
                          shape_text(shape));
  }
  throw invalid("", "no tensor `" + name + "`");
}

template <>
struct InterfaceKind<skerry_codec_v1> {
  static constexpr const char* id = "codec/1";
};

template <>
struct Kind<Codec> {
  static constexpr const char* id = InterfaceKind<skerry_codec_v1>::id;

  template <class T>
  static const void* table() {
    static constexpr skerry_codec_v1 functions = {sizeof(skerry_codec_v1), 0, encode, decode};
    return &functions;
  }

 private:
  static skerry_status encode(skerry_instance* instance, const skerry_named_tensor* update,
                              const skerry_named_tensor* base, std::uint64_t count,
                              const skerry_tensor_sink* encoded, skerry_error* error) {
    return detail::guard(error, [&] {
      TensorSink sink(encoded);
      object_of<Codec>(instance).encode(detail::named_tensors(update, count),
                                        detail::named_tensors(base, count), sink);
    });
  }
  static skerry_status decode(skerry_instance* instance, const skerry_named_tensor* encoded,
                              std::uint64_t encoded_count, const skerry_named_tensor* base,
                              const skerry_named_tensor* update, std::uint64_t count,
                              skerry_error* error) {
    return detail::guard(error, [&] {
      object_of<Codec>(instance).decode(detail::named_tensors(encoded, encoded_count),
                                        detail::named_tensors(base, count),
                                        detail::named_tensors(update, count));
    });
  }
};

}  // namespace skerry
