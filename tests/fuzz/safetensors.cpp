// Files of tensors that edges send: header, structure, values.
#include "core/tensor/safetensors.hpp"

#include "core/tensor/header_reader.hpp"
#include "core/tensor/validate.hpp"
#include "tests/fuzz/fuzz.hpp"

namespace skerry::tensor {
namespace {

using fuzz::require;

void check(std::string_view file) {
  const auto layout = parse_layout(as_bytes(file), file.size());
  if (!layout) return;
  std::uint64_t data = 0;
  for (const auto& tensor : layout->tensors) {
    require(tensor.offset == data, "tensors cover the data without hole or overlap");
    data += tensor.size;
    const auto count = element_count(tensor.shape);
    require(count && *count * dtype_size(tensor.dtype) == tensor.size, "a size fits its shape");
  }
  require(layout->data_offset + data == file.size(), "tensors cover the data to its end");
  require(same_structure(*layout, *layout).has_value(), "a file is like itself");
  (void)check_finite(*layout, as_bytes(file));

  auto tensors = layout->tensors;
  const std::string header = encode_header(tensors, layout->metadata);
  const auto again = parse_layout(as_bytes(header), header.size() + data);
  require(again && same_structure(*layout, *again), "what was read can be written and read again");
}

}  // namespace
}  // namespace skerry::tensor

// The first byte says what the rest is: a whole file, or a header without its length, with data.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  skerry::fuzz::Input input(data, size);
  const std::size_t zeros = 4 * input.byte();
  const auto text = input.rest();
  if (zeros == 0) {
    skerry::tensor::check(text);
    return 0;
  }
  (void)skerry::tensor::read_header(text);
  std::string file;
  for (int shift = 0; shift < 64; shift += 8) file += static_cast<char>(text.size() >> shift);
  skerry::tensor::check(file.append(text).append(zeros, '\0'));
  return 0;
}
