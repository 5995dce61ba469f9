#include "core/wire/bulk_transfer.hpp"

namespace skerry::wire {
namespace {

Code code_of(std::string_view name) {
  for (const Code code : {Code::invalid_argument, Code::not_found, Code::already_exists,
                          Code::failed_precondition, Code::permission_denied, Code::unavailable,
                          Code::deadline_exceeded, Code::cancelled, Code::data_loss}) {
    if (code_name(code) == name) return code;
  }
  return Code::internal;
}

}  // namespace

void Transfer::refused(const BlobError& error) {
  const Code code = code_of(error.code);
  if (code == Code::unavailable) {
    pause();
    return;
  }
  give_up({code, "the server refused blob " + digest_.hex() + ": " + error.message, {}, {}});
}

}  // namespace skerry::wire
