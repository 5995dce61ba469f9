#pragma once

#include <cstdint>

#include "core/runtime/calls.hpp"
#include "core/runtime/job.hpp"
#include "core/wire/messages.hpp"

namespace skerry::runtime {

// Asks a job's workflow what to do next; its instance stays from question to question. One thread.
class Decider {
 public:
  Decider(std::uint32_t threads, const Calls& calls) : job_(threads, calls) {}

  // All events or none: when one fails, the reply has no new state.
  wire::DecideReply decide(const wire::DecideRequest& request);

 private:
  Status decide(const wire::DecideRequest& request, wire::DecideReply& reply);

  CurrentJob job_;
};

}  // namespace skerry::runtime
