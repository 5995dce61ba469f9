#pragma once

#include <gtest/gtest.h>

#include <cstring>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "core/tensor/safetensors.hpp"
#include "tests/support/scratch.hpp"

namespace skerry::testing {

struct StoredTensor {
  std::string dtype;
  std::vector<std::int64_t> shape;
  std::string bytes;

  template <class T>
  std::vector<T> values() const {
    std::vector<T> list(bytes.size() / sizeof(T));
    std::memcpy(list.data(), bytes.data(), list.size() * sizeof(T));
    return list;
  }
};

// A safetensors file's tensors by their names.
inline std::map<std::string, StoredTensor> read_tensors(const std::filesystem::path& file) {
  const auto layout = tensor::read_layout(file);
  if (!layout) {
    ADD_FAILURE() << layout.error().text();
    return {};
  }
  const std::string text = read_text(file);
  std::map<std::string, StoredTensor> tensors;
  for (const auto& spec : layout->tensors) {
    tensors[spec.name] = {spec.dtype, spec.shape,
                          text.substr(layout->data_offset + spec.offset, spec.size)};
  }
  return tensors;
}

}  // namespace skerry::testing
