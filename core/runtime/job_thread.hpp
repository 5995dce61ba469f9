#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>
#include <utility>

namespace skerry::runtime {

// The thread that plugin code runs on, one piece of work at a time.
class JobThread {
 public:
  // `on_idle` is called on this thread after each piece of work.
  explicit JobThread(std::function<void()> on_idle)
      : on_idle_(std::move(on_idle)), thread_([this] { serve(); }) {}
  // Waits for the work in progress.
  ~JobThread() {
    {
      std::lock_guard lock(mutex_);
      ending_ = true;
    }
    changed_.notify_one();
    thread_.join();
  }
  JobThread(const JobThread&) = delete;
  JobThread& operator=(const JobThread&) = delete;

  bool busy() const { return busy_; }

  // Not while busy.
  void start(std::function<void()> work) {
    {
      std::lock_guard lock(mutex_);
      work_ = std::move(work);
      busy_ = true;
    }
    changed_.notify_one();
  }

 private:
  void serve() {
    std::unique_lock lock(mutex_);
    for (;;) {
      changed_.wait(lock, [this] { return ending_ || work_; });
      if (!work_) return;
      const auto work = std::exchange(work_, nullptr);
      lock.unlock();
      work();
      busy_ = false;
      on_idle_();
      lock.lock();
    }
  }

  const std::function<void()> on_idle_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::function<void()> work_;
  std::atomic<bool> busy_ = false;
  bool ending_ = false;
  std::thread thread_;
};

}  // namespace skerry::runtime
