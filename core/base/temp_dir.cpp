#include <fmt/format.h>
#include <stdlib.h>

#include <cerrno>
#include <system_error>

#include "core/base/file.hpp"

namespace skerry {

Result<TempDir> TempDir::create(const std::filesystem::path& parent, std::string_view prefix) {
  std::string name = (parent / fmt::format("{}-XXXXXX", prefix)).string();
  if (::mkdtemp(name.data()) == nullptr) {
    return fail(errno_problem(errno, "create a temporary directory in it", parent));
  }
  TempDir directory;
  directory.path_ = name;
  return directory;
}

Result<TempDir> TempDir::create() {
  std::error_code error;
  const auto parent = std::filesystem::temp_directory_path(error);
  if (error) {
    return fail(Code::failed_precondition,
                "no directory for temporary files: set TMPDIR to one that exists");
  }
  return create(parent);
}

TempDir& TempDir::operator=(TempDir&& other) noexcept {
  if (this != &other) {
    remove();
    path_ = other.release();
  }
  return *this;
}

void TempDir::remove() {
  std::error_code ignored;
  if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
  path_.clear();
}

}  // namespace skerry
