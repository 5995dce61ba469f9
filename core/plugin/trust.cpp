#include "core/plugin/trust.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <string>
#include <system_error>

#include "core/base/file.hpp"
#include "core/base/try.hpp"

namespace skerry::plugin {
namespace {

namespace fs = std::filesystem;

constexpr mode_t kOthersMayWrite = S_IWGRP | S_IWOTH;

tl::unexpected<Problem> refuse(const fs::path& file, const std::string& why) {
  return fail(Code::permission_denied, "refused: " + why, file.string());
}

// Of those that have no business there.
std::string who(const struct stat& info) {
  if ((info.st_mode & S_IWOTH) != 0) return "anybody";
  return "its group (" + std::to_string(info.st_gid) + ")";
}

bool is_inside(const fs::path& file, const fs::path& directory) {
  const auto [end, rest] =
      std::mismatch(directory.begin(), directory.end(), file.begin(), file.end());
  return end == directory.end();
}

// The file that `file` stands for, when that is inside of the directory.
Result<fs::path> follow(const fs::path& file, const fs::path& directory) {
  std::error_code error;
  const fs::path target = fs::canonical(file, error);
  if (error) {
    return fail(errno_problem(error.value(), "follow the link", file));
  }
  const fs::path home = fs::canonical(directory, error);
  if (error || !is_inside(target, home)) {
    return refuse(file,
                  "it is a link that leads out of its directory, to " + target.string() +
                      "; copy the file there instead, or put its directory on the search path");
  }
  return target;
}

Status check_owner_and_mode(const struct stat& info, const fs::path& file, const fs::path& target) {
  if (!S_ISREG(info.st_mode)) {
    return refuse(file, "it is no regular file");
  }
  if (info.st_uid != 0 && info.st_uid != ::geteuid()) {
    const std::string me = std::to_string(::geteuid());
    return refuse(file, "it is owned by user " + std::to_string(info.st_uid) +
                            ", expected root or this process's user (" + me +
                            "); when you trust it: chown " + me + " " + target.string());
  }
  if ((info.st_mode & kOthersMayWrite) != 0) {
    return refuse(file,
                  who(info) + " may write to it; when you trust it: chmod go-w " + target.string());
  }
  return {};
}

}  // namespace

Status check_trust(const fs::path& file, const fs::path& directory) {
  SKERRY_ASSIGN(const fs::path target, follow(file, directory));
  struct stat info {};
  if (::stat(target.c_str(), &info) != 0) {
    return fail(errno_problem(errno, "read", file));
  }
  return check_owner_and_mode(info, file, target);
}

Status check_open_file(int fd, const fs::path& file) {
  struct stat info {};
  if (::fstat(fd, &info) != 0) {
    return fail(errno_problem(errno, "read", file));
  }
  return check_owner_and_mode(info, file, file);
}

Status check_directory_trust(const fs::path& directory) {
  struct stat info {};
  if (::stat(directory.c_str(), &info) != 0) {
    return fail(errno_problem(errno, "read", directory));
  }
  if ((info.st_mode & kOthersMayWrite) != 0 && (info.st_mode & S_ISVTX) == 0) {
    return refuse(directory, who(info) +
                                 " may replace files in it; when you trust what is there: "
                                 "chmod go-w " +
                                 directory.string());
  }
  return {};
}

}  // namespace skerry::plugin
