// The ABI's way to report failure and the core's, turned into each other.
#pragma once

#include <skerry/abi.h>

#include <exception>
#include <new>
#include <string>
#include <string_view>

#include "core/base/result.hpp"

namespace skerry::runtime {

skerry_status to_abi(Code code);

// "invalid_argument", "unsupported", "failed", "cancelled", "retry", "internal": what TaskDone
// carries.
std::string_view status_name(skerry_status status);

skerry_error empty_error();

// What a call of `who` ("plugin x 1.0.0 (FILE)") that did not return SKERRY_OK has told. A status
// that is none of the ABI's is the plugin's fault: Code::internal.
Problem problem_of(skerry_status status, const skerry_error& error, std::string_view who);

// Writes the problem where a plugin will read it and returns the status that goes with it. `error`
// may be null.
skerry_status report(const Problem& problem, skerry_error* error);

// The body of a function that plugins call: no exception leaves it.
template <class Body>
skerry_status answer(skerry_error* error, Body&& body) noexcept {
  try {
    const Status status = body();
    return status ? SKERRY_OK : report(status.error(), error);
  } catch (const std::bad_alloc&) {
    return report(Problem{Code::data_loss, "out of memory", {}, {}}, error);
  } catch (const std::exception& exception) {
    return report(Problem{Code::internal, exception.what(), {}, {}}, error);
  }
}

// The other direction: calls body(skerry_error*) -> skerry_status.
template <class Body>
Status call(std::string_view who, Body&& body) {
  skerry_error error = empty_error();
  const skerry_status status = body(&error);
  if (status == SKERRY_OK) return {};
  return fail(problem_of(status, error, who));
}

}  // namespace skerry::runtime
