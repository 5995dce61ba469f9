// Work handed to a thread that sleeps in zmq_poll. Shared by pointer, so that a late callback finds
// it even when the thread is gone. Internal to core/wire.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "core/base/try.hpp"
#include "core/wire/wake.hpp"

namespace skerry::wire {

class Inbox {
 public:
  using Work = std::function<void()>;

  static Result<std::shared_ptr<Inbox>> create() {
    SKERRY_ASSIGN(auto wake, Wake::create());
    return std::shared_ptr<Inbox>(new Inbox(std::move(wake)));
  }

  int fd() const { return wake_.fd(); }

  // Any thread. False, and the work is dropped, once the inbox is closed.
  bool post(Work work) {
    std::lock_guard lock(mutex_);
    if (closed_) return false;
    if (work_.empty()) wake_.notify();
    work_.push_back(std::move(work));
    return true;
  }

  // The thread only.
  std::vector<Work> take() {
    wake_.clear();
    std::lock_guard lock(mutex_);
    return std::exchange(work_, {});
  }

  // Any thread: asks the thread to end.
  void stop() {
    std::lock_guard lock(mutex_);
    stopped_ = true;
    wake_.notify();
  }
  bool stopped() const {
    std::lock_guard lock(mutex_);
    return stopped_;
  }
  // What was not taken is destroyed.
  void close() {
    std::vector<Work> left;
    std::lock_guard lock(mutex_);
    closed_ = true;
    left.swap(work_);
  }

 private:
  explicit Inbox(Wake wake) : wake_(std::move(wake)) {}

  Wake wake_;
  mutable std::mutex mutex_;
  std::vector<Work> work_;
  bool stopped_ = false;
  bool closed_ = false;
};

}  // namespace skerry::wire
