#include "core/engine/disk_guard.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/statvfs.h>

#include <algorithm>
#include <cerrno>

#include "core/base/file.hpp"
#include "core/base/log.hpp"
#include "core/engine/wall_clock.hpp"

namespace skerry::engine {
namespace {

constexpr std::uint64_t kLow = 64u << 20;
constexpr std::uint64_t kReserve = 1u << 20;

std::string mib(std::uint64_t bytes) {
  return fmt::format("{:.1f} MiB", static_cast<double>(bytes) / (1 << 20));
}

std::uint64_t choose_low(const DiskSpace& space) {
  return std::min(std::max(kLow, space.total / 100), space.total / 4);
}

}  // namespace

Result<DiskSpace> disk_space(const std::filesystem::path& directory) {
  struct statvfs info;
  if (::statvfs(directory.c_str(), &info) != 0)
    return fail(errno_problem(errno, "ask for the space that is left", directory));
  const std::uint64_t block = info.f_frsize;
  return DiskSpace{info.f_blocks * block, info.f_bavail * block};
}

DiskGuard::DiskGuard(Options options) : options_(std::move(options)) {
  const auto space = options_.probe(options_.directory);
  std::error_code ignored;
  reserved_ = std::filesystem::exists(reserve(), ignored);  // of an earlier run
  low_mark_ = options_.low ? *options_.low : space ? choose_low(*space) : kLow;
  look();
}

void DiskGuard::look() {
  const auto space = options_.probe(options_.directory);
  if (!space) return;  // nothing is known: go on as before
  keep_reserve(*space);
  critical_ = space->available < reserve_size();
  const bool was_low = low_;
  low_ = space->available < (was_low ? enough_mark() : low_mark_);
  text_.clear();
  if (low_) {
    text_ = fmt::format(
        "{} has {} of {} left, {} are wanted: no new jobs, results or artifacts are taken until "
        "there is space; nothing is lost, what waits goes on by itself. Free some space there",
        options_.directory.string(), mib(space->available), mib(space->total), mib(enough_mark()));
  }
  if (low_ == was_low) return;
  if (low_) {
    since_ = wall_clock_text();
    log_warn("the disk is full: " + text_);
  } else {
    log_info(fmt::format("the disk has space again: {} of {} are left in {}", mib(space->available),
                         mib(space->total), options_.directory.string()));
  }
  if (changed_) changed_();
}

// Nobody is told from here: a transaction is open.
void DiskGuard::make_room() {
  if (!reserved_) return;
  const auto space = options_.probe(options_.directory);
  if (!space || space->available >= reserve_size()) return;
  give_up_reserve();
  critical_ = true;
}

std::string DiskGuard::refusal(std::uint64_t bytes) const {
  if (low_) return "the disk is full: " + text_;
  const auto space = options_.probe(options_.directory);
  if (!space || space->available >= low_mark_ + bytes) return {};
  return fmt::format("the disk is too full for {} more: {} has {} left, and {} must stay free",
                     mib(bytes), options_.directory.string(), mib(space->available),
                     mib(low_mark_));
}

std::uint64_t DiskGuard::reserve_size() const {
  return std::min(kReserve, low_mark_ / 4);
}

// Made while there is plenty; given up when the next transactions would not fit.
void DiskGuard::keep_reserve(const DiskSpace& space) {
  const std::uint64_t size = reserve_size();
  if (reserved_ && space.available < size) give_up_reserve();
  if (reserved_ || space.available < enough_mark()) return;
  auto file = open_file(reserve(), O_WRONLY | O_CREAT);
  if (!file) return;
  if (::posix_fallocate(file->get(), 0, static_cast<off_t>(size)) == 0) {
    reserved_ = true;
  } else {
    give_up_reserve();
  }
}

void DiskGuard::give_up_reserve() {
  static_cast<void>(remove_file(reserve()));
  reserved_ = false;
}

}  // namespace skerry::engine
