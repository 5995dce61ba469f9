// What becomes of files that are done with.
#pragma once

#include <sys/stat.h>

#include <cstdint>
#include <filesystem>
#include <string>

namespace directory {

// Tells a file, as it is, from another of its name and from itself after it was written to.
struct Identity {
  std::uint64_t device = 0, inode = 0, size = 0;
  std::int64_t modified = 0;  // nanoseconds

  static Identity of(const struct stat& info);
  bool operator==(const Identity& other) const {
    return device == other.device && inode == other.inode && size == other.size &&
           modified == other.modified;
  }
};

enum class Then { keep, remove, move };

class PuttingAway {
 public:
  // `target`: for Then::move.
  PuttingAway(Then then, std::filesystem::path folder, std::filesystem::path target)
      : then_(then), folder_(std::move(folder)), target_(std::move(target)) {}

  // Throws Error SKERRY_INVALID_ARGUMENT, of the field `path` or `moveTo`, where files may not be
  // put away; makes the target, and removes what workers that were killed left.
  void prepare() const;

  // Empty, or why it did not work. A file that is gone, or is not the one that was meant any more,
  // is left alone.
  std::string put_away(const std::string& name, const Identity& meant) const;

  bool keeps() const { return then_ == Then::keep; }

 private:
  int move(const std::filesystem::path& from, const std::string& name) const;

  Then then_;
  std::filesystem::path folder_, target_;
};

}  // namespace directory
