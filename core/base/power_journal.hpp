// Notes what a power cut could undo: files made, written, renamed and removed, and what of that was
// synced. Only in builds with SKERRY_FAILPOINTS, and only when the environment variable
// SKERRY_POWER_JOURNAL names the file to keep the notes in; tests/fault/support/power_cut.hpp plays
// them back. Each note is one line, its fields parted by tabs.
#pragma once

#include <filesystem>

namespace skerry::power_journal {

#ifdef SKERRY_FAILPOINTS

// A directory for files that were removed or replaced, in case the removal is undone.
inline constexpr const char* kGraves = ".graves";

// Keeps the notes of this process there from now on; empty: keeps none. For code inside a test.
void keep_at(const std::filesystem::path& file);

// Before open(2) with these flags, and the descriptor after it.
class Opening {
 public:
  Opening(const std::filesystem::path& path, int flags);
  void done(int fd) const;

 private:
  std::filesystem::path path_;
  bool writes_ = false;
  bool is_new_ = false;
};

void synced(int fd);
void truncated(int fd);
void directory_synced(const std::filesystem::path& directory);
void directory_made(const std::filesystem::path& directory);
// Before the fact: what is at `to`, or `path`, is kept.
void renaming(const std::filesystem::path& from, const std::filesystem::path& to);
void removing(const std::filesystem::path& path);

#else

class Opening {
 public:
  Opening(const std::filesystem::path&, int) {}
  void done(int) const {}
};

inline void synced(int) {}
inline void truncated(int) {}
inline void directory_synced(const std::filesystem::path&) {}
inline void directory_made(const std::filesystem::path&) {}
inline void renaming(const std::filesystem::path&, const std::filesystem::path&) {}
inline void removing(const std::filesystem::path&) {}

#endif

}  // namespace skerry::power_journal
