#include "putting_away.hpp"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <skerry/error.hpp>

#include "../../files.hpp"

namespace directory {
namespace {

namespace fs = std::filesystem;

constexpr int kMostOfOneName = 100'000;

// A byte of UTF-8 that is not a character's first.
bool is_inside_character(char byte) {
  return (static_cast<unsigned char>(byte) & 0xC0) == 0x80;
}

// picture-2.jpg, with a shorter beginning where the name would become too long for a file.
std::string numbered(const fs::path& plain, int number) {
  const std::string end = "-" + std::to_string(number) + plain.extension().string();
  std::string stem = plain.stem().string();
  if (stem.size() + end.size() > NAME_MAX) {
    std::size_t size = NAME_MAX - std::min<std::size_t>(end.size(), NAME_MAX);
    while (size > 0 && is_inside_character(stem[size])) --size;
    stem.resize(size);
  }
  return stem + end;
}

// picture.jpg, picture-2.jpg, picture-3.jpg, ...: `to` is the path that it got. 0, or an errno.
int rename_to_free(const fs::path& from, const fs::path& folder, const std::string& name,
                   fs::path& to) {
  const fs::path plain(name);
  to = folder / plain;
  int error = files::rename_to_new(from, to);
  for (int number = 2; error == EEXIST && number < kMostOfOneName; ++number) {
    to = folder / numbered(plain, number);
    error = files::rename_to_new(from, to);
  }
  return error;
}

int sync(const fs::path& file) {
  const int fd = ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return errno;
  const int error = ::fsync(fd) == 0 ? 0 : errno;
  ::close(fd);
  return error;
}

// A new file with a name that is not in use and that nobody takes for a picture; empty: errno.
std::string scratch_file(const fs::path& folder) {
  std::string name = (folder / (std::string(files::kHidden) + "XXXXXX")).string();
  const int fd = ::mkostemp(name.data(), O_CLOEXEC);
  if (fd < 0) return {};
  ::close(fd);
  return name;
}

skerry::Error not_writable(const char* field, const fs::path& folder, int error) {
  return skerry::invalid(field, folder.string() + ": files cannot be put away there (" +
                                    std::strerror(error) + "). Start the edge with --allow-write " +
                                    folder.string() +
                                    ", as a user who may write there, or use `then: keep`");
}

// Removes what workers that were killed left there.
void prepare_folder(const char* field, const fs::path& folder) {
  const std::string file = scratch_file(folder);
  if (file.empty() || ::unlink(file.c_str()) != 0) throw not_writable(field, folder, errno);
  try {
    files::remove_leftovers(folder);
  } catch (const std::system_error& e) {
    throw not_writable(field, folder, e.code().value());
  }
}

}  // namespace

Identity Identity::of(const struct stat& info) {
  return {info.st_dev, info.st_ino, static_cast<std::uint64_t>(info.st_size),
          info.st_mtim.tv_sec * std::int64_t{1'000'000'000} + info.st_mtim.tv_nsec};
}

void PuttingAway::prepare() const {
  if (then_ == Then::keep) return;
  prepare_folder("path", folder_);
  if (then_ != Then::move) return;
  std::error_code error;
  fs::create_directories(target_, error);
  if (error) throw not_writable("moveTo", target_, error.value());
  if (fs::equivalent(folder_, target_, error))
    throw skerry::invalid("moveTo", "is the folder that is watched; name another");
  prepare_folder("moveTo", target_);
}

std::string PuttingAway::put_away(const std::string& name, const Identity& meant) const {
  const fs::path file = folder_ / name;
  struct stat info = {};
  if (::stat(file.c_str(), &info) != 0 || !(Identity::of(info) == meant)) return {};
  const int error = then_ == Then::move           ? move(file, name)
                    : ::unlink(file.c_str()) == 0 ? 0
                                                  : errno;
  if (error == 0 || error == ENOENT) return {};
  return file.string() + ": cannot be " + (then_ == Then::move ? "moved" : "deleted") + ": " +
         std::strerror(error);
}

// 0, or an errno. To another file system it is copied first, so that it is whole at either place.
int PuttingAway::move(const fs::path& from, const std::string& name) const {
  fs::path to;
  const int moved = rename_to_free(from, target_, name, to);
  if (moved != EXDEV) return moved;
  const std::string copy = scratch_file(target_);
  if (copy.empty()) return errno;
  std::error_code failed;
  fs::copy_file(from, copy, fs::copy_options::overwrite_existing, failed);
  int error = failed ? failed.value() : sync(copy);
  if (error == 0) error = rename_to_free(copy, target_, name, to);
  if (error != 0) {
    ::unlink(copy.c_str());
    return error;
  }
  if (::unlink(from.c_str()) == 0 || errno == ENOENT) return 0;
  error = errno;
  ::unlink(to.c_str());  // each further try would leave another copy
  return error;
}

}  // namespace directory
