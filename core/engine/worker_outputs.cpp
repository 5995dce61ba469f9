#include "core/engine/worker_outputs.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/stat.h>

#include <atomic>
#include <cerrno>
#include <system_error>

#include "core/base/digest.hpp"
#include "core/base/file.hpp"
#include "core/base/try.hpp"

namespace skerry::engine {
namespace {

namespace fs = std::filesystem;

tl::unexpected<Problem> refuse(const wire::TaskOutput& output, const std::string& why) {
  return fail(Code::permission_denied, fmt::format("output `{}` is refused: {}", output.name, why),
              output.path);
}

Status check_data(const wire::TaskOutput& output) {
  if (output.data.size() > wire::kInlineBlobLimit)
    return refuse(output, fmt::format("it comes as {} bytes in a message, {} are allowed; larger "
                                      "ones are files",
                                      output.data.size(), wire::kInlineBlobLimit));
  if (output.data.size() == output.size && digest_of(as_bytes(output.data)) == output.digest)
    return {};
  return refuse(output, "its bytes do not match the size and the digest that the worker gave");
}

Status check_place(const wire::TaskOutput& output, const fs::path& from) {
  const fs::path path = output.path;
  const fs::path name = path.filename();
  if (path.parent_path() == from && !name.empty() && name != "." && name != "..") return {};
  return refuse(output, "the file does not lie in its worker's folder, " + from.string());
}

// A read lease is given only where nobody has the file open for writing: not by a descriptor, not
// by a mapping. A file system without leases says something else, and nothing is known.
bool open_for_writing(int fd) {
  // Whoever opens it while the lease lasts must not end this process, as SIGIO would.
  if (::fcntl(fd, F_SETSIG, SIGURG) != 0) return false;
  if (::fcntl(fd, F_SETLEASE, F_RDLCK) != 0) return errno == EAGAIN;
  ::fcntl(fd, F_SETLEASE, F_UNLCK);
  return false;
}

// `taken`: where the file lies now.
Status check_taken(const wire::TaskOutput& output, const fs::path& taken) {
  struct stat info {};
  if (::lstat(taken.c_str(), &info) != 0) return fail(errno_problem(errno, "read", output.path));
  if (!S_ISREG(info.st_mode)) return refuse(output, "it is a link, or no regular file");
  if (info.st_nlink != 1) return refuse(output, "the file has a second name");
  if (static_cast<std::uint64_t>(info.st_size) != output.size)
    return refuse(output, fmt::format("the file has {} bytes, the worker said {}", info.st_size,
                                      output.size));
  SKERRY_ASSIGN(const auto file, open_file(taken, O_RDONLY | O_NOFOLLOW | O_NONBLOCK));
  if (open_for_writing(file.get()))
    return refuse(output, "the file is still open for writing; close it before the task ends");
  return {};
}

Status take(wire::TaskOutput& output, const fs::path& from, const fs::path& to) {
  if (output.path.empty()) return check_data(output);
  SKERRY_TRY(check_place(output, from));
  static std::atomic<unsigned> counter{0};
  const fs::path taken = to / std::to_string(counter++);
  SKERRY_TRY(rename_file(output.path, taken));
  if (Status checked = check_taken(output, taken); !checked) {
    std::error_code ignored;
    fs::remove_all(taken, ignored);
    return checked;
  }
  output.path = taken.string();
  return {};
}

}  // namespace

Status take_outputs(wire::TaskDone& done, const fs::path& from, const fs::path& to) {
  for (auto& output : done.outputs) SKERRY_TRY(take(output, from, to));
  return {};
}

Status check_file_of(const wire::TaskOutput& output) {
  SKERRY_ASSIGN(const Digest found, digest_of_file(output.path));
  if (found == output.digest) return {};
  return fail(Code::data_loss,
              fmt::format("output `{}` has other bytes than its worker said: their digest is {}, "
                          "expected {}; after a fault of the disk or of a plugin",
                          output.name, found.hex(), output.digest.hex()),
              output.path);
}

}  // namespace skerry::engine
