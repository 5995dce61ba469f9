#include "live.hpp"

#include <algorithm>
#include <exception>
#include <utility>

namespace video {
namespace {

constexpr std::chrono::seconds kFirstWait{1}, kLongestWait{30};

}  // namespace

Live::Live(Address address, std::uint64_t every, const skerry::Host& host)
    : address_(std::move(address)), every_(every), host_(host), thread_([this] { run(); }) {}

Live::~Live() {
  stop();
  thread_.join();
}

void Live::stop() {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    stop_ = true;
  }
  changed_.notify_all();
}

const Frame* Live::next(Clock::time_point until) {
  std::unique_lock<std::mutex> lock(mutex_);
  if (!changed_.wait_until(lock, until, [this] { return fresh_; })) return nullptr;
  fresh_ = false;
  std::swap(given_, newest_);
  return &given_;
}

// A connection that is lost at once again does not shorten the waiting.
void Live::run() {
  auto wait = kFirstWait;
  while (!stopped()) {
    const auto began = Clock::now();
    try {
      if (capture_.open(address_)) read_while_connected();
      capture_.close();
    } catch (const std::exception& error) {
      host_.warn(address_.shown + ": " + error.what());
    }
    if (Clock::now() - began >= kLongestWait) wait = kFirstWait;
    if (stopped()) return;
    if (!said_lost_)
      host_.warn(address_.shown + (grabbed_ == 0 ? ": cannot be reached" : ": lost") +
                 "; it is sought again, after 1 s and then up to every 30 s");
    said_lost_ = true;
    if (pause(wait)) return;
    wait = std::min(2 * wait, kLongestWait);
  }
}

void Live::read_while_connected() {
  while (!stopped() && capture_.grab()) {
    if (std::exchange(said_lost_, false)) host_.info(address_.shown + ": is there now");
    const std::uint64_t number = grabbed_++;
    if (number % every_ == 0 && capture_.picture(incoming_.picture)) keep(number);
  }
}

void Live::keep(std::uint64_t number) {
  incoming_.number = number;
  incoming_.seconds = std::chrono::duration<double>(Clock::now() - began_).count();
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    std::swap(newest_, incoming_);
    fresh_ = true;
  }
  changed_.notify_all();
}

// True: to be stopped.
bool Live::pause(std::chrono::seconds time) {
  std::unique_lock<std::mutex> lock(mutex_);
  return changed_.wait_for(lock, time, [this] { return stop_; });
}

bool Live::stopped() {
  const std::lock_guard<std::mutex> lock(mutex_);
  return stop_;
}

}  // namespace video
