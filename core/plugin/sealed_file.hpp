#pragma once

#include <filesystem>
#include <string>

#include "core/base/file.hpp"
#include "core/base/result.hpp"

namespace skerry::plugin {

// Forbids every change of a file made by memfd_create, for good. The kernel says no as long as it
// holds one of its pages for something else, as it does for moments on a busy machine: asked again
// for up to three seconds. `shown` is what problems name.
Status seal(int memory_file, const std::filesystem::path& shown);

// A copy of a file in memory that nobody can change any more, this process included: what is hashed
// is what is loaded.
class SealedFile {
 public:
  // `file` is opened once, and what was opened must pass the checks of trust.hpp.
  static Result<SealedFile> copy(const std::filesystem::path& file);

  const std::string& digest() const { return digest_; }  // BLAKE2b-256 in hex
  // Where this process, and no other, can open it, as long as this object lives.
  std::filesystem::path path() const;

 private:
  SealedFile(UniqueFd fd, std::string digest) : fd_(std::move(fd)), digest_(std::move(digest)) {}
  UniqueFd fd_;
  std::string digest_;
};

}  // namespace skerry::plugin
