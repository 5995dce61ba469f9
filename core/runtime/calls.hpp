#pragma once

#include <atomic>
#include <cstdint>

namespace skerry::runtime {

// The number of the call that runs, and whether it is to stop. One call at a time.
class Calls {
 public:
  std::uint64_t begin() { return ++current_; }  // before the call is handed to its thread
  void cancel_current() { cancelled_.store(current_.load()); }                // any thread
  bool cancelled(std::uint64_t id) const { return id == cancelled_.load(); }  // any thread

 private:
  std::atomic<std::uint64_t> current_ = 0;
  std::atomic<std::uint64_t> cancelled_ = 0;  // calls count from 1
};

}  // namespace skerry::runtime
