// The audit log as rows: who did what, each row bound to all before it by a hash, so that nobody
// can change, drop or slip in a row unseen.
//
//   hash = BLAKE2b-256 of these bytes, one after the other:
//     "skerry.audit.1\n"
//     prev          the hash of the row before; 32 zero bytes for the first
//     seq           8 bytes, little endian; rows are counted from 1 without gaps
//     time, actor, action, subject, details
//                   for each: its length in bytes (8 bytes, little endian), then its UTF-8 bytes
//                   exactly as they are stored
//
// A row that is cut off the end leaves a chain that is whole: keep the head (number and hash of the
// last row) elsewhere to find that too.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/digest.hpp"
#include "core/base/result.hpp"
#include "core/store/database.hpp"

namespace skerry::store {

// A step of a schema: the table, and triggers that refuse to change it in any way but at its end.
inline constexpr std::string_view kAuditSchema = R"sql(
CREATE TABLE audit(seq INTEGER PRIMARY KEY, time TEXT NOT NULL, actor TEXT NOT NULL, action TEXT NOT NULL,
  subject TEXT NOT NULL, details TEXT NOT NULL, prev BLOB NOT NULL, hash BLOB NOT NULL);
CREATE TRIGGER audit_appends BEFORE INSERT ON audit
  WHEN NEW.seq IS NOT (SELECT coalesce(max(seq), 0) + 1 FROM audit)
  BEGIN SELECT RAISE(ABORT, 'the audit log grows at its end only'); END;
CREATE TRIGGER audit_changes_nothing BEFORE UPDATE ON audit
  BEGIN SELECT RAISE(ABORT, 'the audit log is never changed'); END;
CREATE TRIGGER audit_drops_nothing BEFORE DELETE ON audit
  BEGIN SELECT RAISE(ABORT, 'the audit log is never shortened'); END;
)sql";

struct AuditEntry {
  std::int64_t seq = 0;
  std::string time;     // wall clock, for people
  std::string actor;    // "operator", "node:NAME", "invite:NAME", "stranger:ADDRESS", "cloud"
  std::string action;   // stable: "node.revoked"
  std::string subject;  // what it was done to: a job, a node, an address
  std::string details;  // a JSON object, as it was written
  Digest prev;
  Digest hash;
};

struct AuditHead {
  std::int64_t seq = 0;  // 0: the log is empty
  Digest hash;

  std::string text() const;  // "SEQ:HASH"
  static Result<AuditHead> parse(std::string_view text);
};

Digest audit_hash(const AuditEntry& entry);

// Inside the caller's transaction, after the last row: sets seq, prev and hash.
Status append_audit(Database& database, AuditEntry entry);
Result<AuditHead> audit_head(Database& database);
// At most `limit` rows after row `after`, in their order.
Result<std::vector<AuditEntry>> read_audit(Database& database, std::int64_t after,
                                           std::int64_t limit);

// Follows a chain row by row.
class AuditVerifier {
 public:
  struct Fault {
    std::int64_t seq = 0;  // the first row that is wrong or missing
    std::string found;
  };

  // `kept`: a head that was noted earlier and must still be in the chain.
  explicit AuditVerifier(std::optional<AuditHead> kept = std::nullopt) : kept_(std::move(kept)) {}

  // The next row. After a fault nothing more is looked at.
  void take(const AuditEntry& entry);
  // There is no further row. Nothing: the chain is whole.
  std::optional<Fault> finish();

  const AuditHead& head() const { return head_; }
  const std::optional<Fault>& fault() const { return fault_; }

 private:
  AuditHead head_;
  std::optional<AuditHead> kept_;
  std::optional<Fault> fault_;
};

}  // namespace skerry::store
