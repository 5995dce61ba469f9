#pragma once

#include <skerry/workflow.hpp>

namespace joint {

// One decision: what happened, the state that it changes (service.hpp), and what is to be done.
// Who needs what, from the top to the bottom:
//   service.cpp    events
//   failures.cpp   what becomes of a task that failed
//   swaps.cpp      other models while it runs, and back to those before
//   feeds.cpp      sources that come to their end
//   places.cpp     where tasks run, and which
//   reporting.cpp  what is told, and the end of the service
struct Step {
  const skerry::Event& event;
  skerry::Json& state;
  skerry::Commands commands = {};
};

}  // namespace joint
