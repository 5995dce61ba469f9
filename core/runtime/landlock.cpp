#include "core/runtime/landlock.hpp"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdint>
#include <string>

#include "core/base/file.hpp"
#include "core/base/try.hpp"

namespace skerry::runtime {
namespace {

namespace fs = std::filesystem;

// From linux/landlock.h, whose older copies lack the later half.
constexpr std::uint64_t kExecute = 1u << 0;
constexpr std::uint64_t kWriteFile = 1u << 1;
constexpr std::uint64_t kReadFile = 1u << 2;
constexpr std::uint64_t kReadDir = 1u << 3;
constexpr std::uint64_t kFirstVersion = (1u << 13) - 1;
constexpr std::uint64_t kRefer = 1u << 13;       // from version 2
constexpr std::uint64_t kTruncate = 1u << 14;    // from version 3
constexpr std::uint64_t kScopeSignal = 1u << 1;  // from version 6
constexpr std::uint64_t kRead = kExecute | kReadFile | kReadDir;
constexpr std::uint64_t kOnFiles = kExecute | kReadFile | kWriteFile | kTruncate;
constexpr int kRulePathBeneath = 1;

struct RulesetAttributes {
  std::uint64_t handled_fs;
  std::uint64_t handled_net;
  std::uint64_t scoped;
};
struct [[gnu::packed]] PathBeneath {
  std::uint64_t allowed;
  std::int32_t parent;
};

std::uint64_t handled_by(int version) {
  return kFirstVersion | (version >= 2 ? kRefer : 0) |
         (version >= kLandlockTruncates ? kTruncate : 0);
}

class Ruleset {
 public:
  static Result<Ruleset> create(int version) {
    const bool signals = version >= kLandlockSignals;
    const RulesetAttributes attributes{handled_by(version), 0, signals ? kScopeSignal : 0};
    const std::size_t size = signals ? sizeof attributes : sizeof attributes.handled_fs;
    UniqueFd fd(static_cast<int>(::syscall(SYS_landlock_create_ruleset, &attributes, size, 0)));
    if (!fd) return fail(errno_problem(errno, "make a Landlock ruleset", ""));
    return Ruleset(std::move(fd), attributes.handled_fs);
  }

  // What is not there needs no rule.
  Status allow(const fs::path& path, std::uint64_t access) {
    return allow(UniqueFd(::open(path.c_str(), O_PATH | O_CLOEXEC)), path, access);
  }
  // Nor does what lies behind a link: a plugin that may write could have put it there.
  Status allow_itself(const fs::path& path, std::uint64_t access) {
    open_how how{};
    how.flags = O_PATH | O_CLOEXEC;
    how.resolve = RESOLVE_NO_SYMLINKS;
    const auto opened = ::syscall(SYS_openat2, AT_FDCWD, path.c_str(), &how, sizeof how);
    return allow(UniqueFd(static_cast<int>(opened)), path, access);
  }

  Status enforce() {
    if (::syscall(SYS_landlock_restrict_self, fd_.get(), 0) != 0)
      return fail(errno_problem(errno, "restrict what files the worker may use", ""));
    return {};
  }

 private:
  Ruleset(UniqueFd fd, std::uint64_t handled) : fd_(std::move(fd)), handled_(handled) {}

  Status allow(const UniqueFd& fd, const fs::path& path, std::uint64_t access) {
    struct stat info {};
    if (!fd || ::fstat(fd.get(), &info) != 0) return {};
    PathBeneath rule{access & handled_, fd.get()};
    if (!S_ISDIR(info.st_mode)) rule.allowed &= kOnFiles;
    if (::syscall(SYS_landlock_add_rule, fd_.get(), kRulePathBeneath, &rule, 0) != 0)
      return fail(errno_problem(errno, "add a Landlock rule", path));
    return {};
  }

  UniqueFd fd_;
  std::uint64_t handled_;
};

// A rule covers all that lies beneath it, so a directory is hidden by allowing all its neighbours,
// and those of each directory above it.
Status allow_reading_all_but(Ruleset& rules, const fs::path& hidden) {
  std::error_code error;
  const fs::path target = fs::weakly_canonical(hidden, error);
  if (error)
    return fail(
        errno_problem(error.value(), "find the directory to be hidden from the worker", hidden));
  fs::path above = "/";
  for (const fs::path& step : target.relative_path()) {
    for (const auto& entry : fs::directory_iterator(above, error))
      if (entry.path().filename() != step) SKERRY_TRY(rules.allow(entry.path(), kRead));
    if (error) return fail(errno_problem(error.value(), "list", above));
    above /= step;
  }
  return rules.allow("/", kReadDir);  // names are no secret
}

// Not all of /dev: a disk is a device too.
Status allow_devices(Ruleset& rules) {
  constexpr std::uint64_t use = kReadFile | kWriteFile | kTruncate;
  for (const char* device : {"/dev/null", "/dev/zero", "/dev/full", "/dev/tty", "/dev/kfd"})
    SKERRY_TRY(rules.allow(device, use));
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator("/dev", ignored))
    if (entry.path().filename().string().starts_with("nvidia"))
      SKERRY_TRY(rules.allow(entry.path(), use | kReadDir));
  SKERRY_TRY(rules.allow("/dev/dri", use | kReadDir));
  return rules.allow("/dev/shm", ~std::uint64_t{0});
}

}  // namespace

int landlock_version() {
  const long version = ::syscall(SYS_landlock_create_ruleset, nullptr, 0, 1);
  return version > 0 ? static_cast<int>(version) : 0;
}

Status restrict_files(const FileAccess& access) {
  SKERRY_ASSIGN(auto rules, Ruleset::create(landlock_version()));
  if (access.hide.empty()) {
    SKERRY_TRY(rules.allow("/", kRead));
  } else {
    SKERRY_TRY(allow_reading_all_but(rules, access.hide));
  }
  for (const auto& path : access.read) SKERRY_TRY(rules.allow(path, kRead));
  for (const auto& path : access.write) SKERRY_TRY(rules.allow_itself(path, ~std::uint64_t{0}));
  SKERRY_TRY(allow_devices(rules));
  SKERRY_TRY(rules.allow("/proc/self", kRead | kWriteFile | kTruncate));
  return rules.enforce();
}

}  // namespace skerry::runtime
