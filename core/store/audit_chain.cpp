#include "core/store/audit_chain.hpp"

#include <fmt/format.h>

#include <array>
#include <charconv>

#include "core/base/bytes.hpp"
#include "core/base/try.hpp"

namespace skerry::store {
namespace {

constexpr std::string_view kDomain = "skerry.audit.1\n";

void add_number(Hasher& hasher, std::uint64_t value) {
  std::array<std::byte, 8> bytes;
  for (std::size_t i = 0; i < bytes.size(); ++i)
    bytes[i] = static_cast<std::byte>(value >> (8 * i) & 0xff);
  hasher.update(bytes);
}

void add_text(Hasher& hasher, std::string_view text) {
  add_number(hasher, text.size());
  hasher.update(as_bytes(text));
}

}  // namespace

std::string AuditHead::text() const {
  return fmt::format("{}:{}", seq, hash.hex());
}

Result<AuditHead> AuditHead::parse(std::string_view text) {
  AuditHead head;
  const auto colon = text.find(':');
  const auto number = text.substr(0, colon);
  const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), head.seq);
  auto hash = Digest::from_hex(colon == text.npos ? "" : text.substr(colon + 1));
  if (error != std::errc() || end != number.data() + number.size() || head.seq < 0 || !hash) {
    return fail(Code::invalid_argument,
                fmt::format("found \"{}\"; a head of the audit log is written SEQ:HASH, as `skerry "
                            "audit head` prints it",
                            text));
  }
  head.hash = *hash;
  return head;
}

Digest audit_hash(const AuditEntry& entry) {
  Hasher hasher;
  hasher.update(as_bytes(kDomain));
  hasher.update(entry.prev.view());
  add_number(hasher, static_cast<std::uint64_t>(entry.seq));
  for (const std::string* text :
       {&entry.time, &entry.actor, &entry.action, &entry.subject, &entry.details})
    add_text(hasher, *text);
  return hasher.finish();
}

Result<AuditHead> audit_head(Database& database) {
  SKERRY_ASSIGN(auto select,
                database.cached("SELECT seq, hash FROM audit ORDER BY seq DESC LIMIT 1"));
  SKERRY_ASSIGN(const bool any, select.step());
  if (!any) return AuditHead{};
  AuditHead head;
  head.seq = select.column_int(0);
  SKERRY_ASSIGN(head.hash, select.column_digest(1));
  return head;
}

Status append_audit(Database& database, AuditEntry entry) {
  SKERRY_ASSIGN(const AuditHead head, audit_head(database));
  entry.seq = head.seq + 1;
  entry.prev = head.hash;
  SKERRY_ASSIGN(auto insert,
                database.cached("INSERT INTO audit(seq, time, actor, action, subject, details, "
                                "prev, hash) VALUES(?, ?, ?, ?, ?, ?, ?, ?)"));
  return insert.bind(1, entry.seq)
      .bind(2, entry.time)
      .bind(3, entry.actor)
      .bind(4, entry.action)
      .bind(5, entry.subject)
      .bind(6, entry.details)
      .bind(7, entry.prev)
      .bind(8, audit_hash(entry))
      .run();
}

Result<std::vector<AuditEntry>> read_audit(Database& database, std::int64_t after,
                                           std::int64_t limit) {
  SKERRY_ASSIGN(auto select,
                database.cached("SELECT seq, time, actor, action, subject, details, prev, hash "
                                "FROM audit WHERE seq > ? ORDER BY seq LIMIT ?"));
  select.bind(1, after).bind(2, limit);
  std::vector<AuditEntry> entries;
  for (;;) {
    SKERRY_ASSIGN(const bool row, select.step());
    if (!row) return entries;
    AuditEntry entry{select.column_int(0),
                     select.column_text(1),
                     select.column_text(2),
                     select.column_text(3),
                     select.column_text(4),
                     select.column_text(5),
                     {},
                     {}};
    // What has not 32 bytes is left as zeros, which no row has: the verifier tells where.
    entry.prev = select.column_digest(6).value_or(Digest{});
    entry.hash = select.column_digest(7).value_or(Digest{});
    entries.push_back(std::move(entry));
  }
}

void AuditVerifier::take(const AuditEntry& entry) {
  if (fault_) return;
  const std::int64_t expected = head_.seq + 1;
  if (entry.seq != expected) {
    fault_ = {expected, fmt::format("entry {} is missing: entry {} follows entry {}", expected,
                                    entry.seq, head_.seq)};
  } else if (entry.prev != head_.hash) {
    fault_ = {entry.seq,
              fmt::format("it names {} as the hash of the entry before it, which has {}: it, or "
                          "what stands before it, was changed",
                          entry.prev.hex(), head_.hash.hex())};
  } else if (const Digest hash = audit_hash(entry); hash != entry.hash) {
    fault_ = {entry.seq, fmt::format("its content has the hash {}, it says {}: it was changed",
                                     hash.hex(), entry.hash.hex())};
  } else if (kept_ && entry.seq == kept_->seq && entry.hash != kept_->hash) {
    fault_ = {entry.seq,
              fmt::format("it has the hash {}, the head that was kept says {}: the log was written "
                          "anew from some entry up to this one on",
                          entry.hash.hex(), kept_->hash.hex())};
  }
  if (!fault_) head_ = {entry.seq, entry.hash};
}

std::optional<AuditVerifier::Fault> AuditVerifier::finish() {
  if (!fault_ && kept_ && head_.seq < kept_->seq) {
    fault_ = {head_.seq + 1, fmt::format("the log ends with entry {}, but it once had {}: its end "
                                         "was cut off, or an older state was put back",
                                         head_.seq, kept_->seq)};
  }
  return fault_;
}

}  // namespace skerry::store
