// Keeps a full disk from ending the host: while there is still space for its own record, it says
// stop, and new work waits where it is.
//
// Two marks: below `low` new work is refused, above `enough` it is taken again. A reserve file is
// given up when the space that is left would not hold the next transactions, so that what has begun
// can be recorded. One thread, that of the event loop.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>

#include "core/base/result.hpp"

namespace skerry::engine {

struct DiskSpace {
  std::uint64_t total = 0;      // bytes
  std::uint64_t available = 0;  // to this process
};

Result<DiskSpace> disk_space(const std::filesystem::path& directory);

class DiskGuard {
 public:
  struct Options {
    std::filesystem::path directory;  // the state directory
    // Bytes; none: 64 MiB or a hundredth of the disk, whichever is more, but never more than a
    // quarter of it.
    std::optional<std::uint64_t> low;
    std::function<Result<DiskSpace>(const std::filesystem::path&)> probe = disk_space;
  };

  explicit DiskGuard(Options options);

  // Called by look() when low() has changed.
  void on_change(std::function<void()> changed) { changed_ = std::move(changed); }

  // Asks the disk: once a second, and when something failed that a full disk may have caused.
  void look();
  // Before a commit: gives the reserve up when what is left might not do.
  void make_room();
  bool low() const { return low_; }
  // Not even the reserve is left: nothing should be recorded that can wait.
  bool critical() const { return critical_; }
  // Bytes that new work must leave.
  std::uint64_t low_mark() const { return low_mark_; }
  std::uint64_t enough_mark() const { return low_mark_ + low_mark_ / 4; }

  // For operators: how much is left where, what waits, what to do. Empty while not low.
  const std::string& text() const { return text_; }
  // Why so many bytes more are not taken now; empty: they are.
  std::string refusal(std::uint64_t bytes) const;
  const std::string& since() const { return since_; }  // wall clock, for people

 private:
  std::uint64_t reserve_size() const;
  void keep_reserve(const DiskSpace& space);
  void give_up_reserve();
  std::filesystem::path reserve() const { return options_.directory / "reserve"; }

  Options options_;
  std::uint64_t low_mark_ = 0;
  bool low_ = false;
  bool critical_ = false;
  bool reserved_ = false;
  std::string text_, since_;
  std::function<void()> changed_;
};

}  // namespace skerry::engine
