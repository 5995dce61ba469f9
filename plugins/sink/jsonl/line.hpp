// What a line says of an outcome: an answer as docs/http.md has it, and which example it is of.
#pragma once

#include <skerry/sink.hpp>

#include <string>

namespace jsonl {

struct Content {
  bool outputs = true;   // the model's outputs
  bool example = false;  // the example's elements, as a question over HTTP has them
  bool classes = true;   // the class, and how likely it is
};

// One JSON object with a newline after it, and none in it. `time` is when, in UTC. Throws Error
// where the example's elements are of a type that services do not take.
std::string line_of(const skerry::Outcome& outcome, const Content& content,
                    std::chrono::system_clock::time_point time);

}  // namespace jsonl
