// A job as the engine holds it in memory. Everything in it is in the database too.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>

#include "core/base/digest.hpp"
#include "core/engine/loop.hpp"

namespace skerry::engine::cloud {

struct Job {
  explicit Job(const Loop& clock) : loop(&clock) {}

  const Loop* loop;
  std::int64_t id = 0;
  std::string name;
  std::string
      key;  // "NAME.ID": names it to nodes and workers, also when another job of that name follows
  std::string kind;
  std::string plan;  // JSON: the resolved document
  std::string phase;
  std::string message;
  std::string created;
  std::string state;  // the workflow's own

  std::int64_t next_event = 1;
  std::int64_t decided = 0;           // events that `state` reflects
  std::deque<std::string> undecided;  // JSON, in order
  std::size_t asked = 0;              // of them, in the question under way; 0: none is
  std::int64_t next_record = 1;

  std::map<std::string, std::int64_t> timers;  // name, when it fires in job time
  // Blobs that it holds: what its tasks made, what it has published of that, and what was shipped
  // with it. Only the first are looked through at each step: a job publishes one a round.
  std::set<Digest> artifacts, models, shipped;
  std::map<std::string, double> progress;  // of open tasks, by task; not durable
  std::uint64_t bytes_up = 0, bytes_down = 0;

  // Job time: how long the job has run, in ms, without the time that the host was down.
  std::int64_t time_base = 0;
  Loop::Clock::time_point loaded = loop->now();
  std::int64_t now_ms() const {
    return time_base +
           std::chrono::duration_cast<std::chrono::milliseconds>(loop->now() - loaded).count();
  }

  bool finished() const { return phase == "Succeeded" || phase == "Failed" || phase == "Stopped"; }
};

}  // namespace skerry::engine::cloud
