// A task's artifacts in safetensors form: inputs mapped, outputs written.
#pragma once

#include <skerry/abi.h>

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/bytes.hpp"
#include "core/base/file.hpp"
#include "core/base/result.hpp"
#include "core/tensor/layout.hpp"
#include "core/wire/messages.hpp"

namespace skerry::runtime {

// Whether an input's file still holds what its digest says: disks lose bits, and a model must not
// learn from them. Reads all of it, several files at a time. Bytes that came in a message, and
// inputs without a digest, pass.
Status check_inputs(const std::vector<const wire::TaskInput*>& inputs, int threads);

// The bytes of an input: mapped from its file, or in the message that brought it, which must
// outlive this.
class InputFile {
 public:
  static Result<InputFile> open(const wire::TaskInput& input);
  Bytes bytes() const { return mapped_ ? file_.bytes() : inline_; }
  bool mapped() const { return mapped_; }

 private:
  MappedFile file_;
  Bytes inline_;
  bool mapped_ = false;
};

// Named views of an input's tensors, in the order of the file. Data that is not aligned for its
// type is copied.
class InputTensors {
 public:
  static Result<std::unique_ptr<InputTensors>> open(const wire::TaskInput& input);
  const std::vector<skerry_named_tensor>& views() const { return views_; }

 private:
  InputFile file_;
  tensor::Layout layout_;
  std::vector<std::unique_ptr<std::byte[]>> copies_;
  std::vector<skerry_named_tensor> views_;
};

// Writes dense CPU tensors as one safetensors file and takes its digest on the way. At most
// wire::kInlineBlobLimit bytes stay in memory (TaskOutput::data); more go to `file`, which is
// removed again on failure.
Result<wire::TaskOutput> write_tensors(std::string_view name, const skerry_named_tensor* tensors,
                                       std::uint64_t count, const std::filesystem::path& file);

}  // namespace skerry::runtime
