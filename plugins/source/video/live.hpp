// A camera or a stream. A thread of its own reads it and keeps the newest frame only, so that who
// asks slowly sees the present.
#pragma once

#include <skerry/host.hpp>

#include <condition_variable>
#include <mutex>
#include <thread>

#include "capture.hpp"
#include "frames.hpp"

namespace video {

class Live : public Frames {
 public:
  // Every Nth frame. `host` must outlive this.
  Live(Address address, std::uint64_t every, const skerry::Host& host);
  // Waits for a read that is under way: see Capture.
  ~Live() override;

  const Frame* next(Clock::time_point until) override;
  bool ended() const override { return false; }
  void stop() override;

 private:
  void run();
  void read_while_connected();
  void keep(std::uint64_t number);
  bool pause(std::chrono::seconds time);
  bool stopped();

  const Address address_;
  const std::uint64_t every_;
  const skerry::Host& host_;
  const Clock::time_point began_ = Clock::now();

  // of the thread
  Capture capture_;
  Frame incoming_;
  std::uint64_t grabbed_ = 0;
  bool said_lost_ = false;

  std::mutex mutex_;
  std::condition_variable changed_;
  bool stop_ = false;   // guarded by mutex_, as the next two
  bool fresh_ = false;  // newest_ has not been given
  Frame newest_;
  Frame given_;  // of the caller
  std::thread thread_;
};

}  // namespace video
