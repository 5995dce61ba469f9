#include "core/base/result.hpp"

namespace skerry {

std::string_view code_name(Code code) {
  switch (code) {
    case Code::invalid_argument:
      return "invalid_argument";
    case Code::not_found:
      return "not_found";
    case Code::already_exists:
      return "already_exists";
    case Code::failed_precondition:
      return "failed_precondition";
    case Code::permission_denied:
      return "permission_denied";
    case Code::unavailable:
      return "unavailable";
    case Code::deadline_exceeded:
      return "deadline_exceeded";
    case Code::cancelled:
      return "cancelled";
    case Code::data_loss:
      return "data_loss";
    case Code::internal:
      return "internal";
  }
  return "internal";
}

std::string Problem::text() const {
  std::string result;
  if (!where.empty()) result += where + ": ";
  if (!field.empty()) result += field + ": ";
  return result + message;
}

tl::unexpected<Problem> fail(Code code, std::string message, std::string where, std::string field) {
  return tl::unexpected<Problem>(
      Problem{code, std::move(message), std::move(where), std::move(field)});
}

}  // namespace skerry
