// What the wire tests share: waiting on conditions with a deadline, and a cloud and edges on the
// loopback.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>
#include <zmq.hpp>

#include "core/wire/keys.hpp"
#include "core/wire/zap.hpp"

namespace skerry::wire {

inline constexpr std::chrono::seconds kDeadline{30};

// Values handed from another thread.
template <class T>
class Mailbox {
 public:
  void put(T value) {
    std::lock_guard lock(mutex_);
    values_.push_back(std::move(value));
    changed_.notify_all();
  }

  // Nothing where none came before the deadline.
  std::optional<T> take() {
    std::unique_lock lock(mutex_);
    if (!changed_.wait_for(lock, kDeadline, [&] { return !values_.empty(); })) return std::nullopt;
    T value = std::move(values_.front());
    values_.pop_front();
    return value;
  }

  bool empty() {
    std::lock_guard lock(mutex_);
    return values_.empty();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<T> values_;
};

// For conditions that tell nobody when they change.
template <class Condition>
bool eventually(Condition condition) {
  const auto deadline = std::chrono::steady_clock::now() + kDeadline;
  while (std::chrono::steady_clock::now() < deadline) {
    if (condition()) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return condition();
}

inline KeyPair new_key() {
  return KeyPair::generate().value();
}

// The cloud's context with its ZAP handler, which knows edge-1 and edge-2; and the edges' context.
struct Network {
  KeyPair cloud = new_key();
  KeyPair edge_1 = new_key();
  KeyPair edge_2 = new_key();
  zmq::context_t cloud_context;
  zmq::context_t edge_context;
  Mailbox<Refusal> refusals;
  std::unique_ptr<ZapHandler> zap;

  Network() {
    zap = ZapHandler::start(cloud_context, [this](const Refusal& r) { refusals.put(r); }).value();
    zap->set_keys(keys());
  }

  std::map<std::string, std::string> keys() const {
    return {{edge_1.public_key, "edge-1"}, {edge_2.public_key, "edge-2"}};
  }
};

}  // namespace skerry::wire
