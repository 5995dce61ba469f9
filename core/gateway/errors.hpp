// What an asker is told where there is no answer.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "core/base/result.hpp"

namespace skerry::gateway {

// Its code is part of what is promised to programs, which a Problem's is not: hence no Result here.
struct Refusal {
  std::string code;     // of failures(), or of whoever answered
  std::string message;  // for a person
  std::string field;    // "tensor[3][0]", "Skerry-Shape", or empty
};

template <class T>
using Outcome = tl::expected<T, Refusal>;

struct Failure {
  std::string_view code;
  int status;
  bool any_path;  // else only questions to a service end like this
  std::string_view meaning;
};

// All codes that have a meaning here, each once.
std::span<const Failure> failures();
// 500 for a code that is not among them.
int status_of(std::string_view code);
// {"error": {"code", "message", "field"}}
std::string error_body(const Refusal& refusal);

tl::unexpected<Refusal> refuse(std::string_view code, std::string message, std::string field = {});

// `"text"` to stand in a message, shortened where it is long.
std::string in_quotes(std::string_view text);

}  // namespace skerry::gateway

namespace skerry {

// For SKERRY_TRY and SKERRY_ASSIGN.
inline tl::unexpected<gateway::Refusal> fail(gateway::Refusal refusal) {
  return tl::unexpected<gateway::Refusal>(std::move(refusal));
}

}  // namespace skerry
