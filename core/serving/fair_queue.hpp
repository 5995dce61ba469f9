// Questions that wait for a worker: each node has a queue of its own and takes its turn, so that
// one that asks much delays itself and not the others. One thread.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <utility>

namespace skerry::serving {

template <class Item>
class FairQueue {
 public:
  using Clock = std::chrono::steady_clock;

  struct Limits {
    std::size_t items = 256;        // of a node
    std::size_t bytes = 64u << 20;  // of a node
  };

  explicit FairQueue(Limits limits) : limits_(limits) {}

  // False: the node has as many waiting as it may.
  bool push(const std::string& node, Item item, std::size_t bytes, Clock::time_point until) {
    Line& line = lines_[node];
    if (line.waiting.size() >= limits_.items ||
        (!line.waiting.empty() && line.bytes + bytes > limits_.bytes))
      return false;
    if (line.waiting.empty()) turns_.push_back(node);
    line.bytes += bytes;
    line.waiting.push_back({std::move(item), bytes, until});
    return true;
  }

  // The next one of the node whose turn it is. What is past its time is left out, and handed to
  // `expired`.
  template <class Expired>
  std::optional<Item> pop(Clock::time_point now, Expired&& expired) {
    while (!turns_.empty()) {
      const auto line = lines_.find(turns_.front());
      Waiting next = take_first(line->second);
      turns_.pop_front();
      if (line->second.waiting.empty())
        lines_.erase(line);
      else
        turns_.push_back(line->first);
      if (next.until > now) return std::move(next.item);
      expired(std::move(next.item));
    }
    return std::nullopt;
  }

  // Takes out all that is past its time.
  template <class Expired>
  void expire(Clock::time_point now, Expired&& expired) {
    std::erase_if(turns_, [&](const std::string& node) {
      const auto line = lines_.find(node);
      auto& waiting = line->second.waiting;
      const auto late = std::stable_partition(
          waiting.begin(), waiting.end(), [&](const Waiting& each) { return each.until > now; });
      for (auto at = late; at != waiting.end(); ++at) {
        line->second.bytes -= at->bytes;
        expired(std::move(at->item));
      }
      waiting.erase(late, waiting.end());
      if (!waiting.empty()) return false;
      lines_.erase(line);
      return true;
    });
  }

  bool empty() const { return turns_.empty(); }

 private:
  struct Waiting {
    Item item;
    std::size_t bytes;
    Clock::time_point until;
  };
  struct Line {
    std::deque<Waiting> waiting;
    std::size_t bytes = 0;
  };

  static Waiting take_first(Line& line) {
    Waiting first = std::move(line.waiting.front());
    line.waiting.pop_front();
    line.bytes -= first.bytes;
    return first;
  }

  const Limits limits_;
  std::map<std::string, Line> lines_;  // those that have something waiting
  std::deque<std::string> turns_;      // each of them once
};

}  // namespace skerry::serving
