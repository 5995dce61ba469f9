#include "core/wire/codec.hpp"
#include "skerry_fbs/admin_generated.h"

namespace skerry::wire {

template <>
std::string encode(const AdminRequest& m) {
  Builder b;
  const auto verb = b.CreateString(m.verb);
  const auto body = b.CreateString(m.body);
  return finish(b, fbs::CreateAdminRequest(b, m.id, verb, body));
}

template <>
Result<AdminRequest> decode(std::span<const std::byte> payload) {
  Reader reader(payload, "admin_request", kMaxTables);
  AdminRequest m;
  if (const auto* from = reader.root<fbs::AdminRequest>()) {
    m.id = from->id();
    m.verb = reader.id(from->verb(), "verb");
    m.body = reader.text(from->body(), "body");
  }
  return reader.finish(std::move(m));
}

template <>
std::string encode(const AdminReply& m) {
  Builder b;
  const auto body = b.CreateString(m.body);
  return finish(b, fbs::CreateAdminReply(b, m.id, m.ok, body));
}

template <>
Result<AdminReply> decode(std::span<const std::byte> payload) {
  Reader reader(payload, "admin_reply", kMaxTables);
  AdminReply m;
  if (const auto* from = reader.root<fbs::AdminReply>()) {
    m.id = from->id();
    m.ok = from->ok();
    m.body = reader.text(from->body(), "body");
  }
  return reader.finish(std::move(m));
}

}  // namespace skerry::wire
