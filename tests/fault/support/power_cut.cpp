#include "tests/fault/support/power_cut.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <map>
#include <optional>
#include <random>
#include <sstream>
#include <vector>

#include "core/base/file.hpp"
#include "core/base/power_journal.hpp"
#include "core/base/try.hpp"

namespace skerry::fault {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kBlock = 4096;  // bytes of a file that a kernel writes at a time

using Durable = std::uint64_t;  // bytes of a file that were synced

struct Effect {
  enum class Kind { made, folder, renamed, removed };
  Kind kind;
  fs::path path;       // after the effect; of `removed`: before it
  fs::path from;       // of `renamed`
  fs::path grave;      // what was removed or replaced; empty: nothing
  Durable buried = 0;  // of the file in the grave
};

std::vector<std::string> fields(const std::string& line) {
  std::vector<std::string> list;
  std::istringstream text(line);
  for (std::string field; std::getline(text, field, '\t');) list.push_back(field);
  list.resize(4);
  return list;
}

// Databases have a disk of their own.
bool is_database(const fs::path& path) {
  const std::string name = path.filename().string();
  return name.ends_with(".db") || name.ends_with("-wal") || name.ends_with("-shm");
}

class Disk {
 public:
  explicit Disk(std::uint64_t seed) : random_(seed), quarters_(seed % 4) {}

  void play(const std::string& line) {
    const auto field = fields(line);
    const std::string& what = field[0];
    const fs::path path = field[1];
    if (what == "made") {
      effects_.push_back({Effect::Kind::made, path, {}, {}, 0});
      files_[path] = 0;
    } else if (what == "opened") {
      files_.emplace(path, std::stoull(field[2]));
    } else if (what == "synced") {
      files_[path] = std::stoull(field[2]);
    } else if (what == "truncated") {
      files_[path] = std::min<Durable>(files_[path], std::stoull(field[2]));
    } else if (what == "directory") {
      std::erase_if(effects_, [&](const Effect& each) { return each.path.parent_path() == path; });
    } else if (what == "folder") {
      effects_.push_back({Effect::Kind::folder, path, {}, {}, 0});
    } else if (what == "renamed") {
      const fs::path to = field[2];
      effects_.push_back({Effect::Kind::renamed, to, path, field[3], durable(to)});
      // A file that nobody has synced, as a worker made it, has nothing that is durable.
      files_[to] = durable(path);
      files_.erase(path);
    } else if (what == "removed") {
      effects_.push_back({Effect::Kind::removed, path, {}, field[2], durable(path)});
      files_.erase(path);
    }
  }

  Result<Lost> cut() {
    for (auto effect = effects_.rbegin(); effect != effects_.rend(); ++effect) {
      if (survives()) {
        ++lost_.survived;
      } else if (undo(*effect)) {
        ++lost_.names_undone;
      }
    }
    for (const auto& [path, durable] : files_)
      if (!is_database(path)) SKERRY_TRY(shorten(path, durable));
    return lost_;
  }

 private:
  bool survives() { return random_() % 4 < quarters_; }

  Durable durable(const fs::path& path) const {
    const auto known = files_.find(path);
    return known == files_.end() ? 0 : known->second;
  }

  bool dig_up(const Effect& effect) {
    std::error_code error;
    if (effect.grave.empty()) return false;
    fs::rename(effect.grave, effect.path, error);
    if (error) return false;
    files_[effect.path] = effect.buried;
    return true;
  }

  // False: there is nothing to undo, since the call failed or a later effect hid it.
  bool undo(const Effect& effect) {
    std::error_code error;
    const bool there = fs::exists(fs::symlink_status(effect.path, error));
    switch (effect.kind) {
      case Effect::Kind::made:
        files_.erase(effect.path);
        return there && fs::remove(effect.path, error);
      case Effect::Kind::folder:
        return there && fs::remove_all(effect.path, error) > 0;
      case Effect::Kind::removed:
        return !there && dig_up(effect);
      case Effect::Kind::renamed:
        if (!there || fs::exists(fs::symlink_status(effect.from, error))) return false;
        fs::rename(effect.path, effect.from, error);
        if (error) fs::remove(effect.path, error);  // its folder is gone
        files_[effect.from] = durable(effect.path);
        files_.erase(effect.path);
        dig_up(effect);
        return true;
    }
    return false;
  }

  Status shorten(const fs::path& path, Durable durable) {
    struct stat info;
    if (::lstat(path.c_str(), &info) != 0 || !S_ISREG(info.st_mode)) return {};
    const auto size = static_cast<std::uint64_t>(info.st_size);
    if (size <= durable) return {};
    const std::uint64_t kept =
        quarters_ == 0 ? durable : durable + random_() % (size - durable + 1);
    ::chmod(path.c_str(), 0600);
    SKERRY_ASSIGN(const auto file, open_file(path, O_RDWR));
    if (::ftruncate(file.get(), static_cast<off_t>(kept)) != 0)
      return fail(errno_problem(errno, "cut", path));
    for (std::uint64_t at = durable; at < kept; at += kBlock)
      if (!survives()) SKERRY_TRY(write_zeros(file.get(), at, std::min(kBlock, kept - at), path));
    ::fchmod(file.get(), info.st_mode & 07777);
    ++lost_.files_cut;
    return {};
  }

  static Status write_zeros(int fd, std::uint64_t at, std::uint64_t length, const fs::path& path) {
    const std::string zeros(length, '\0');
    if (::pwrite(fd, zeros.data(), length, static_cast<off_t>(at)) == static_cast<ssize_t>(length))
      return {};
    return fail(errno_problem(errno, "write", path));
  }

  std::mt19937_64 random_;
  std::uint64_t quarters_;
  std::vector<Effect> effects_;        // that are not durable, in their order
  std::map<fs::path, Durable> files_;  // those that were written
  Lost lost_;
};

}  // namespace

Status begin_power_journal(const fs::path& journal, const fs::path& state) {
  std::string notes;
  std::error_code error;
  for (const auto& entry : fs::recursive_directory_iterator(state, error))
    if (entry.is_regular_file())
      notes += fmt::format("opened\t{}\t{}\n", entry.path().string(), entry.file_size());
  SKERRY_ASSIGN(const auto file, open_file(journal, O_WRONLY | O_CREAT | O_APPEND));
  return write_all(file.get(), as_bytes(notes), journal);
}

Result<Lost> apply_power_cut(const fs::path& journal, std::uint64_t seed) {
  Disk disk(seed);
  std::error_code error;
  if (!fs::exists(journal, error)) return Lost{};  // the process ended before its first file
  SKERRY_ASSIGN(const std::string text, read_file(journal));
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) disk.play(line);
  auto lost = disk.cut();
  fs::remove(journal, error);
  fs::remove_all(journal.string() + power_journal::kGraves, error);
  return lost;
}

}  // namespace skerry::fault
