#include "core/runtime/abi_status.hpp"

#include <fmt/format.h>

#include <cstring>

namespace skerry::runtime {
namespace {

// A plugin may have filled the array to its last byte.
template <std::size_t N>
std::string text_of(const char (&array)[N]) {
  return std::string(array, strnlen(array, N));
}

// As much as fits, never half of a UTF-8 character.
template <std::size_t N>
void put(char (&array)[N], const std::string& text) {
  std::size_t size = text.size();
  if (size >= N) {
    size = N - 1;
    while (size > 0 && (static_cast<unsigned char>(text[size]) & 0xC0) == 0x80) --size;
  }
  std::memcpy(array, text.data(), size);
  array[size] = '\0';
}

}  // namespace

skerry_status to_abi(Code code) {
  switch (code) {
    case Code::invalid_argument:
    case Code::not_found:
    case Code::already_exists:
    case Code::permission_denied:
      return SKERRY_INVALID_ARGUMENT;
    case Code::failed_precondition:
      return SKERRY_UNSUPPORTED;
    case Code::data_loss:
      return SKERRY_FAILED;
    case Code::cancelled:
      return SKERRY_CANCELLED;
    case Code::unavailable:
    case Code::deadline_exceeded:
      return SKERRY_RETRY;
    case Code::internal:
      return SKERRY_INTERNAL;
  }
  return SKERRY_INTERNAL;
}

std::string_view status_name(skerry_status status) {
  switch (status) {
    case SKERRY_OK:
      return "ok";
    case SKERRY_INVALID_ARGUMENT:
      return "invalid_argument";
    case SKERRY_UNSUPPORTED:
      return "unsupported";
    case SKERRY_FAILED:
      return "failed";
    case SKERRY_CANCELLED:
      return "cancelled";
    case SKERRY_RETRY:
      return "retry";
    default:
      return "internal";
  }
}

skerry_error empty_error() {
  skerry_error error{};
  error.struct_size = sizeof error;
  return error;
}

Problem problem_of(skerry_status status, const skerry_error& error, std::string_view who) {
  Problem problem{.message = text_of(error.message), .field = text_of(error.field)};
  switch (status) {
    case SKERRY_INVALID_ARGUMENT:
      problem.code = Code::invalid_argument;
      break;
    case SKERRY_UNSUPPORTED:
      problem.code = Code::failed_precondition;
      break;
    case SKERRY_FAILED:
      problem.code = Code::data_loss;
      break;
    case SKERRY_CANCELLED:
      problem.code = Code::cancelled;
      break;
    case SKERRY_RETRY:
      problem.code = Code::unavailable;
      break;
    case SKERRY_INTERNAL:
      problem.code = Code::internal;
      break;
    default:
      problem.code = Code::internal;
      problem.message =
          fmt::format("{} returned status {}, which the plugin interface does not have ({})", who,
                      status, problem.message.empty() ? "no message" : problem.message);
      return problem;
  }
  if (problem.message.empty())
    problem.message = fmt::format("{} failed ({}) without a message", who, status_name(status));
  return problem;
}

skerry_status report(const Problem& problem, skerry_error* error) {
  const skerry_status status = to_abi(problem.code);
  if (error) {
    error->code = status;
    put(error->field, problem.field);
    put(error->message,
        problem.where.empty() ? problem.message : problem.where + ": " + problem.message);
  }
  return status;
}

}  // namespace skerry::runtime
