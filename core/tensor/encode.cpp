#include <fmt/format.h>

#include "core/base/json.hpp"
#include "core/tensor/safetensors.hpp"

namespace skerry::tensor {
namespace {

std::string length_prefix(std::uint64_t length) {
  std::string bytes;
  for (int shift = 0; shift < 64; shift += 8) bytes += static_cast<char>(length >> shift & 0xff);
  return bytes;
}

std::uint64_t byte_size(const TensorSpec& tensor) {
  return element_count(tensor.shape).value_or(0) * dtype_size(tensor.dtype);
}

}  // namespace

std::string encode_header(std::vector<TensorSpec>& tensors,
                          const std::map<std::string, std::string>& metadata) {
  // Written as text: a Json object would sort the tensors by name, and some readers want the order
  // of the data.
  std::string json = "{";
  if (!metadata.empty()) json += "\"__metadata__\":" + dump_json(metadata);
  std::uint64_t offset = 0;
  for (TensorSpec& tensor : tensors) {
    tensor.offset = offset;
    tensor.size = byte_size(tensor);
    offset += tensor.size;
    if (json.size() > 1) json += ',';
    json += fmt::format(R"({}:{{"dtype":{},"shape":{},"data_offsets":[{},{}]}})",
                        dump_json(tensor.name), dump_json(tensor.dtype), dump_json(tensor.shape),
                        tensor.offset, offset);
  }
  json += '}';
  const std::uint64_t past = (8 + json.size()) % kDataAlignment;
  if (past != 0) json.append(kDataAlignment - past, ' ');
  return length_prefix(json.size()) + json;
}

}  // namespace skerry::tensor
