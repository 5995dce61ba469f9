// A blob that is growing on the disk: appended in order, hashed on the way, resumed from its
// length. Internal to core/wire; one thread.
#pragma once

#include <cstdint>
#include <filesystem>

#include "core/base/bytes.hpp"
#include "core/base/digest.hpp"
#include "core/base/file.hpp"
#include "core/base/result.hpp"

namespace skerry::wire {

class PartialFile {
 public:
  // Created where it is absent; what is there is hashed.
  static Result<PartialFile> open(const std::filesystem::path& path);

  std::uint64_t size() const { return size_; }
  std::uint64_t durable() const { return durable_; }  // survives a power cut
  const std::filesystem::path& path() const { return path_; }

  // Durable each 8 MiB.
  Status append(Bytes data);
  // Makes all of it durable and gives its digest; nothing may be appended afterwards.
  Result<Digest> finish();
  // Throws the content away.
  Status restart();

 private:
  Status hash_content();
  Status sync();

  std::filesystem::path path_;
  UniqueFd fd_;
  Hasher hasher_;
  std::uint64_t size_ = 0;
  std::uint64_t durable_ = 0;
  std::uint64_t writing_ = 0;  // the disk was asked to write up to here
};

}  // namespace skerry::wire
