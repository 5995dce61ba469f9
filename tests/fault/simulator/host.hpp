// What the simulated cloud and edges have in common: they run, die at any instruction that a
// failpoint names, and come back with what was durable.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/engine/disk_guard.hpp"
#include "core/engine/loop.hpp"
#include "core/wire/transport.hpp"
#include "virtual_time.hpp"

namespace skerry::simulator {

class Host {
 public:
  // Bytes that a disk has left, and what that means to a host.
  static constexpr std::uint64_t kPlenty = 1 << 30, kLow = 40 << 10, kNothing = 0;

  Host(VirtualTime& time, std::string name, std::filesystem::path state)
      : time_(time), name_(std::move(name)), state_(std::move(state)) {}
  virtual ~Host() = default;
  Host(const Host&) = delete;
  Host& operator=(const Host&) = delete;

  const std::string& name() const { return name_; }
  const std::filesystem::path& state() const { return state_; }
  bool up() const { return up_; }
  // Counts the lives of the host: what one life planned does not happen in the next.
  int life() const { return life_; }
  int crashes() const { return crashes_; }

  // A start may die on the way, too.
  void start();
  void crash();
  // Dies at so many hits of failpoints from now; 0: not.
  void doom(std::uint64_t hits) { doom_ = hits; }
  // Runs the host's code. Nothing when it is down or in another life.
  void enter(int life, const std::function<void()>& work);

  // The disk has so many bytes left. Seen at once, and at each start.
  void set_space(std::uint64_t available);

  virtual void receive(std::vector<wire::Incoming> batch) = 0;

 protected:
  virtual void open() = 0;   // may throw failpoint::Crash
  virtual void close() = 0;  // forgets all that is in memory
  virtual void look_at_disk() {}
  // Of a disk that people fill; its marks fit the space that set_space() gives.
  engine::DiskGuard::Options disk_options() const;

  VirtualTime& time_;

 private:
  std::string name_;
  std::filesystem::path state_;
  bool up_ = false;
  int life_ = 0;
  int crashes_ = 0;
  std::uint64_t doom_ = 0;
  std::uint64_t space_ = kPlenty;
};

// The loop of one life of a host.
class HostLoop : public engine::Loop {
 public:
  HostLoop(VirtualTime& time, Host& host) : time_(time), host_(host), life_(host.life()) {}

  Clock::time_point now() const override { return time_.now(); }
  void post(Work work) override { plan(Duration::zero(), std::move(work)); }
  std::unique_ptr<Alarm> after(Duration delay, Work work) override;
  void aside(Work work, Work done) override;
  double random() override { return time_.uniform(); }

  // As after(), until the life ends.
  void later(Duration delay, Work work) { plan(delay, std::move(work)); }

 private:
  void plan(Duration delay, Work work);

  VirtualTime& time_;
  Host& host_;
  int life_;
  Clock::time_point aside_free_{};
};

}  // namespace skerry::simulator
