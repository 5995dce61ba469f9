#include "core/runtime/artifacts.hpp"

#include <fcntl.h>
#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <set>
#include <thread>
#include <utility>

#include "core/base/digest.hpp"
#include "core/base/try.hpp"
#include "core/runtime/tensor_types.hpp"
#include "core/tensor/safetensors.hpp"

namespace skerry::runtime {
namespace {

bool is_dense(const skerry_tensor& tensor) {
  if (!tensor.strides) return true;
  std::int64_t expected = 1;
  for (std::int32_t i = tensor.ndim - 1; i >= 0; --i) {
    if (tensor.shape[i] != 1 && tensor.strides[i] != expected) return false;
    expected *= tensor.shape[i];
  }
  return true;
}

std::string type_text(const skerry_tensor& tensor) {
  const char* name = tensor.dtype_code == SKERRY_INT      ? "int"
                     : tensor.dtype_code == SKERRY_UINT   ? "uint"
                     : tensor.dtype_code == SKERRY_FLOAT  ? "float"
                     : tensor.dtype_code == SKERRY_BFLOAT ? "bfloat"
                     : tensor.dtype_code == SKERRY_BOOL   ? "bool"
                                                          : "an unknown type of ";
  return fmt::format(
      "{}{}{}", name, tensor.dtype_bits,
      tensor.dtype_lanes == 1 ? "" : fmt::format(" in {} lanes", tensor.dtype_lanes));
}

// What a plugin hands over is checked like any other input.
Result<tensor::TensorSpec> spec_of(const skerry_named_tensor& named) {
  const auto& tensor = named.tensor;
  const std::string name = named.name ? named.name : "";
  const auto refuse = [&](std::string what) {
    return fail(Code::invalid_argument, fmt::format("tensor \"{}\" {}", name, what));
  };
  if (name.empty() || name == "__metadata__")
    return refuse("cannot have this name in a safetensors file");
  if (tensor.device_type != SKERRY_CPU) return refuse("is not in CPU memory; copy it there first");
  if (tensor.ndim < 0 || tensor.ndim > SKERRY_MAX_DIMS)
    return refuse(
        fmt::format("has {} dimensions; 0 to {} are allowed", tensor.ndim, int{SKERRY_MAX_DIMS}));
  const auto dtype = dtype_name(tensor.dtype_code, tensor.dtype_bits);
  if (!dtype || tensor.dtype_lanes != 1)
    return refuse(fmt::format(
        "has elements of {}, which safetensors files cannot hold; they hold float16, float32, "
        "float64, bfloat16, int8, int16, int32, int64, uint8 and bool",
        type_text(tensor)));
  if (!is_dense(tensor)) return refuse("is not dense and row-major; make it contiguous first");
  tensor::TensorSpec spec{.name = name, .dtype = std::string(*dtype)};
  spec.shape.assign(tensor.shape, tensor.shape + tensor.ndim);
  SKERRY_ASSIGN(const auto elements, tensor::element_count(spec.shape));
  if (elements > 0 && !tensor.data) return refuse("has no data");
  return spec;
}

Result<std::vector<tensor::TensorSpec>> specs_of(const skerry_named_tensor* tensors,
                                                 std::uint64_t count) {
  std::vector<tensor::TensorSpec> specs;
  std::set<std::string> names;
  for (std::uint64_t i = 0; i < count; ++i) {
    SKERRY_ASSIGN(auto spec, spec_of(tensors[i]));
    if (!names.insert(spec.name).second)
      return fail(Code::invalid_argument, fmt::format("two tensors are named \"{}\"", spec.name));
    specs.push_back(std::move(spec));
  }
  return specs;
}

Bytes data_of(const skerry_named_tensor& named, const tensor::TensorSpec& spec) {
  const auto* start = static_cast<const std::byte*>(named.tensor.data);
  return {spec.size ? start + named.tensor.byte_offset : start, spec.size};
}

// Calls put(Bytes) for the header and each tensor's data.
template <class Put>
Status stream(const std::string& header, const skerry_named_tensor* tensors,
              const std::vector<tensor::TensorSpec>& specs, Put put) {
  SKERRY_TRY(put(as_bytes(header)));
  for (std::size_t i = 0; i < specs.size(); ++i) SKERRY_TRY(put(data_of(tensors[i], specs[i])));
  return {};
}

Status stream_to_file(const std::filesystem::path& file, const std::string& header,
                      const skerry_named_tensor* tensors,
                      const std::vector<tensor::TensorSpec>& specs, Hasher& hasher) {
  SKERRY_ASSIGN(auto fd, open_file(file, O_WRONLY | O_CREAT | O_TRUNC));
  return stream(header, tensors, specs, [&](Bytes bytes) -> Status {
    constexpr std::size_t kStep = 1 << 20;  // hashed while it is still in the cache
    for (std::size_t at = 0; at < bytes.size(); at += kStep) {
      const Bytes step = bytes.subspan(at, std::min(kStep, bytes.size() - at));
      hasher.update(step);
      SKERRY_TRY(write_all(fd.get(), step, file));
    }
    return {};
  });
}

Status check_input(const wire::TaskInput& input) {
  if (input.path.empty() || input.digest.empty()) return {};
  SKERRY_ASSIGN(const Digest found, digest_of_file(input.path));
  if (found.hex() == input.digest) return {};
  return fail(Code::data_loss,
              fmt::format("input `{}` is damaged: the file's bytes do not match the digest {}, as "
                          "after a fault of the disk",
                          input.name, input.digest),
              input.path);
}

}  // namespace

Status check_inputs(const std::vector<const wire::TaskInput*>& inputs, int threads) {
  std::vector<Status> found(inputs.size());
  std::atomic<std::size_t> next = 0;
  const auto work = [&] {
    for (std::size_t i; (i = next++) < inputs.size();) found[i] = check_input(*inputs[i]);
  };
  {
    std::vector<std::jthread> helpers;
    for (std::size_t i = 1; i < std::min<std::size_t>(threads, inputs.size()); ++i)
      helpers.emplace_back(work);
    work();
  }
  for (const Status& one : found) SKERRY_TRY(one);
  return {};
}

Result<InputFile> InputFile::open(const wire::TaskInput& input) {
  InputFile result;
  if (input.path.empty()) {
    result.inline_ = as_bytes(input.data);
    return result;
  }
  SKERRY_ASSIGN(result.file_, MappedFile::open(input.path));
  result.mapped_ = true;
  return result;
}

Result<std::unique_ptr<InputTensors>> InputTensors::open(const wire::TaskInput& input) {
  auto result = std::make_unique<InputTensors>();
  SKERRY_TRY(check_inputs({&input}, 1));
  SKERRY_ASSIGN(result->file_, InputFile::open(input));
  const Bytes bytes = result->file_.bytes();
  SKERRY_ASSIGN(result->layout_, tensor::parse_layout(bytes, bytes.size()));
  for (const auto& spec : result->layout_.tensors) {
    const std::byte* data = bytes.data() + result->layout_.data_offset + spec.offset;
    if (reinterpret_cast<std::uintptr_t>(data) % tensor::dtype_size(spec.dtype) != 0) {
      auto& copy = result->copies_.emplace_back(new std::byte[spec.size]);
      std::memcpy(copy.get(), data, spec.size);
      data = copy.get();
    }
    result->views_.push_back(view_of(spec, data));
  }
  return result;
}

Result<wire::TaskOutput> write_tensors(std::string_view name, const skerry_named_tensor* tensors,
                                       std::uint64_t count, const std::filesystem::path& file) {
  SKERRY_ASSIGN(auto specs, specs_of(tensors, count));
  const std::string header = tensor::encode_header(specs);
  wire::TaskOutput output{.name = std::string(name), .size = header.size()};
  for (const auto& spec : specs) output.size += spec.size;

  Hasher hasher;
  if (output.size <= wire::kInlineBlobLimit) {
    SKERRY_TRY(stream(header, tensors, specs, [&](Bytes bytes) -> Status {
      output.data.append(as_text(bytes));
      hasher.update(bytes);
      return {};
    }));
  } else {
    if (auto written = stream_to_file(file, header, tensors, specs, hasher); !written) {
      std::error_code ignored;
      std::filesystem::remove(file, ignored);
      return fail(written.error());
    }
    output.path = file.string();
  }
  output.digest = hasher.finish();
  return output;
}

}  // namespace skerry::runtime
