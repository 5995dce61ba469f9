#pragma once

#include <filesystem>

#include "core/base/file.hpp"
#include "core/base/result.hpp"

namespace skerry::store {

// One host a state directory. Held until destruction or the end of the process, however it ends.
class StateLock {
 public:
  // Creates the directory (0700). A second host is refused with the first one's process id.
  static Result<StateLock> acquire(const std::filesystem::path& directory);

 private:
  explicit StateLock(UniqueFd file) : file_(std::move(file)) {}
  UniqueFd file_;
};

}  // namespace skerry::store
