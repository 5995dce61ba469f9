// safetensors bytes for tests.
#pragma once

#include <cstring>
#include <span>
#include <string>
#include <vector>

#include "core/tensor/safetensors.hpp"

namespace skerry::runtime {

struct TestTensor {
  std::string name;
  std::string dtype;
  std::vector<std::int64_t> shape;
  std::string data;
};

template <class T>
std::string raw(const std::vector<T>& values) {
  return std::string(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T));
}

inline std::string tensor_file(const std::vector<TestTensor>& tensors) {
  std::vector<tensor::TensorSpec> specs;
  for (const auto& tensor : tensors)
    specs.push_back({.name = tensor.name, .dtype = tensor.dtype, .shape = tensor.shape});
  std::string file = tensor::encode_header(specs);
  for (const auto& tensor : tensors) file += tensor.data;
  return file;
}

// The values of a tensor of a file.
template <class T>
std::vector<T> values_of(const std::string& file, const std::string& name) {
  const auto layout = tensor::parse_layout(as_bytes(file), file.size()).value();
  const auto* spec = layout.find(name);
  std::vector<T> values(spec->size / sizeof(T));
  std::memcpy(values.data(), file.data() + layout.data_offset + spec->offset, spec->size);
  return values;
}

}  // namespace skerry::runtime
