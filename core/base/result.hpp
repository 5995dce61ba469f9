// How core functions report failure: a Result holds a value or a Problem that a person can act on.
#pragma once

#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <utility>

namespace skerry {

enum class Code {
  invalid_argument,
  not_found,
  already_exists,
  failed_precondition,
  permission_denied,
  unavailable,
  deadline_exceeded,
  cancelled,
  data_loss,
  internal
};

// "invalid_argument", "not_found", ...: the spelling in JSON output and in logs.
std::string_view code_name(Code code);

struct Problem {
  Code code = Code::internal;
  std::string message;
  std::string where;  // "job.yaml:7", or empty
  std::string field;  // "spec.rounds", or empty

  // "job.yaml:7: spec.rounds: message", without the parts that are empty.
  std::string text() const;
};

template <class T>
using Result = tl::expected<T, Problem>;
using Status = tl::expected<void, Problem>;

tl::unexpected<Problem> fail(Code code, std::string message, std::string where = {},
                             std::string field = {});

inline tl::unexpected<Problem> fail(Problem problem) {
  return tl::unexpected<Problem>(std::move(problem));
}

}  // namespace skerry
