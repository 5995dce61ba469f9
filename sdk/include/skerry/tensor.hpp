// Views of dense arrays in CPU memory, in C++17.
#pragma once

#include <skerry/abi.h>
#include <skerry/error.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace skerry {

// `size` objects from `data` on; borrows them. (std::span is C++20.)
template <class T>
class Span {
 public:
  Span() = default;
  Span(T* data, std::size_t size) : data_(data), size_(size) {}
  T* data() const { return data_; }
  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  T* begin() const { return data_; }
  T* end() const { return data_ + size_; }
  T& operator[](std::size_t i) const { return data_[i]; }

 private:
  T* data_ = nullptr;
  std::size_t size_ = 0;
};

// An element type: a SKERRY_INT, _UINT, _FLOAT, _BFLOAT or _BOOL code and a width in bits.
struct DType {
  std::uint8_t code = SKERRY_FLOAT;
  std::uint8_t bits = 32;

  std::size_t bytes() const { return bits / 8; }
  std::string name() const {
    switch (code) {
      case SKERRY_INT:
        return "int" + std::to_string(bits);
      case SKERRY_UINT:
        return "uint" + std::to_string(bits);
      case SKERRY_FLOAT:
        return "float" + std::to_string(bits);
      case SKERRY_BFLOAT:
        return "bfloat" + std::to_string(bits);
      case SKERRY_BOOL:
        return "bool";
      default:
        return "type " + std::to_string(code) + " of " + std::to_string(bits) + " bits";
    }
  }
  friend bool operator==(DType a, DType b) { return a.code == b.code && a.bits == b.bits; }
  friend bool operator!=(DType a, DType b) { return !(a == b); }
};

template <class T>
constexpr DType dtype_of() {
  static_assert(std::is_arithmetic_v<T>, "an arithmetic type");
  constexpr auto bits = static_cast<std::uint8_t>(sizeof(T) * 8);
  if constexpr (std::is_same_v<T, bool>)
    return {SKERRY_BOOL, bits};
  else if constexpr (std::is_floating_point_v<T>)
    return {SKERRY_FLOAT, bits};
  else if constexpr (std::is_signed_v<T>)
    return {SKERRY_INT, bits};
  else
    return {SKERRY_UINT, bits};
}

inline std::string shape_text(const std::vector<std::int64_t>& shape) {
  std::string text = "[";
  for (std::size_t i = 0; i < shape.size(); ++i)
    text += (i == 0 ? "" : ", ") + std::to_string(shape[i]);
  return text + "]";
}

// Dense, row-major, on the CPU. Borrows the elements, owns its shape. A view of a schema has no
// data (nullptr).
class TensorView {
 public:
  TensorView() = default;
  TensorView(void* data, DType dtype, std::vector<std::int64_t> shape)
      : data_(data), dtype_(dtype), shape_(std::move(shape)) {}
  // Read-only elements share the type, as in the ABI: data<T>() of an input must not be written to.
  TensorView(const void* data, DType dtype, std::vector<std::int64_t> shape)
      : TensorView(const_cast<void*>(data), dtype, std::move(shape)) {}

  // Throws Error SKERRY_UNSUPPORTED unless the tensor is dense and on the CPU.
  explicit TensorView(const skerry_tensor& tensor) : dtype_{tensor.dtype_code, tensor.dtype_bits} {
    if (tensor.device_type != SKERRY_CPU)
      throw Error(SKERRY_UNSUPPORTED, "", "a tensor that is not in CPU memory");
    if (tensor.ndim < 0 || tensor.ndim > SKERRY_MAX_DIMS) {
      throw Error(SKERRY_UNSUPPORTED, "",
                  "a tensor of " + std::to_string(tensor.ndim) + " dimensions");
    }
    shape_.assign(tensor.shape, tensor.shape + tensor.ndim);
    if (!is_dense(tensor))
      throw Error(SKERRY_UNSUPPORTED, "", "a tensor that is not dense and row-major");
    if (tensor.data != nullptr) data_ = static_cast<char*>(tensor.data) + tensor.byte_offset;
  }

  DType dtype() const { return dtype_; }
  const std::vector<std::int64_t>& shape() const { return shape_; }
  void* raw() const { return data_; }

  // Number of elements; 1 for a scalar (no dimensions).
  std::size_t size() const {
    std::size_t count = 1;
    for (std::int64_t extent : shape_) count *= static_cast<std::size_t>(extent);
    return count;
  }
  std::size_t bytes() const { return size() * dtype_.bytes(); }

  // The elements. Throws Error SKERRY_INVALID_ARGUMENT when they are of another type.
  template <class T>
  T* data() const {
    const DType wanted = dtype_of<std::remove_const_t<T>>();
    if (dtype_ != wanted)
      throw invalid("", "a tensor of " + wanted.name() + " is needed, found " + dtype_.name());
    return static_cast<T*>(data_);
  }
  template <class T>
  Span<T> elements() const {
    return {data<T>(), size()};
  }

  // For a call of the ABI; borrows this view's shape and data, so the view must outlive it.
  skerry_tensor abi() const&& = delete;
  skerry_tensor abi() const& {
    skerry_tensor tensor = {};
    tensor.data = data_;
    tensor.device_type = SKERRY_CPU;
    tensor.ndim = static_cast<std::int32_t>(shape_.size());
    tensor.dtype_code = dtype_.code;
    tensor.dtype_bits = dtype_.bits;
    tensor.dtype_lanes = 1;
    tensor.shape = shape_.data();
    return tensor;
  }

 private:
  static bool is_dense(const skerry_tensor& tensor) {
    if (tensor.strides == nullptr) return true;
    std::int64_t expected = 1;
    for (std::int32_t i = tensor.ndim - 1; i >= 0; --i) {
      if (tensor.shape[i] != 1 && tensor.strides[i] != expected) return false;
      expected *= tensor.shape[i];
    }
    return true;
  }

  void* data_ = nullptr;
  DType dtype_;
  std::vector<std::int64_t> shape_;
};

struct NamedTensor {
  std::string name;
  TensorView tensor;
};

namespace detail {

inline std::vector<NamedTensor> named_tensors(const skerry_named_tensor* tensors,
                                              std::uint64_t count) {
  std::vector<NamedTensor> result;
  result.reserve(count);
  for (std::uint64_t i = 0; i < count; ++i)
    result.push_back({tensors[i].name, TensorView(tensors[i].tensor)});
  return result;
}

// Borrows names, shapes and data from `tensors`.
inline std::vector<skerry_named_tensor> abi_tensors(const std::vector<NamedTensor>& tensors) {
  std::vector<skerry_named_tensor> result;
  result.reserve(tensors.size());
  for (const NamedTensor& each : tensors) result.push_back({each.name.c_str(), each.tensor.abi()});
  return result;
}

}  // namespace detail
}  // namespace skerry
