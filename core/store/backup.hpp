// A backup of a cloud's state directory, and what a new one is made of again. A folder, 0700:
//
//   manifest.json   what all this is and must come to; written last
//   cloud.db        the database as it was at one moment; whole without a write-ahead log
//   cloud.key       the cloud's secret key
//   blobs/ab/...    the files that the rows of this database name
//
// Left out is what the next start makes anew: sockets, logs, unfinished transfers, workers' files.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

#include "core/base/digest.hpp"
#include "core/base/json.hpp"
#include "core/base/result.hpp"
#include "core/store/audit_chain.hpp"

namespace skerry::store {

inline constexpr std::int64_t kBackupFormat = 1;
inline constexpr const char *kDatabaseFile = "cloud.db", *kKeyFile = "cloud.key",
                            *kManifestFile = "manifest.json";

struct Manifest {
  std::string version;     // of the Skerry that made it
  std::string created;     // wall clock, for people
  std::string public_key;  // of the cloud; its secret half is in cloud.key
  std::int64_t schema = 0;
  Digest database;
  std::uint64_t database_bytes = 0;
  std::uint64_t files = 0;  // blobs outside the database
  std::uint64_t file_bytes = 0;
  std::uint64_t linked = 0;  // of the files: those that share their bytes with the state directory
  AuditHead audit;

  Json to_json() const;
  static Result<Manifest> parse(const std::string& text, const std::filesystem::path& file);
};

struct BackupRequest {
  std::filesystem::path state;
  std::filesystem::path to;  // must not exist; its parent must
  std::string version, created, public_key;
  std::uint64_t keep_free = 0;  // bytes that must be left on the disk of `state`
  std::function<bool()> cancelled = [] { return false; };
};

// Whether there can be a backup at `to`, as far as a look tells. Quick.
Status check_backup_target(const std::filesystem::path& state, const std::filesystem::path& to);

// Any thread; takes as long as disks take. The caller has the state directory's lock, a connection
// to the database that stays open, and sees to it that no blob's file goes meanwhile
// (BlobStore::hold). Writes beside `to`, in "TO.partial", and renames that when all is durable: a
// crash leaves nothing under the name, and the next backup to it clears up.
Result<Manifest> make_backup(const BackupRequest& request);

// What is wrong with a backup, all of it (to a limit of problems). Reads every byte.
struct BackupDemands {
  std::int64_t newest_schema = 0;  // that this program knows
  std::function<Result<std::string>(std::string_view secret_key)> public_key_of;
};
tl::expected<Manifest, std::vector<Problem>> check_backup(const std::filesystem::path& backup,
                                                          const BackupDemands& demands);

// Whether a state directory can be made at `state`: it is not in use, and empty.
Status check_restore_target(const std::filesystem::path& backup,
                            const std::filesystem::path& state);

// Makes a state directory of a backup that check_backup() has found whole. `amend` is SQL that is
// run on its database, `entry` is added to its audit log, both at once. A crash leaves a directory
// that hosts refuse (expect_restored) and that the next restore clears; a failure leaves it empty.
Status restore_backup(const std::filesystem::path& backup, const Manifest& manifest,
                      const std::filesystem::path& state, std::string_view amend,
                      const AuditEntry& entry);

// For whoever is about to use a state directory: was a restore to it cut off?
Status expect_restored(const std::filesystem::path& state);

}  // namespace skerry::store
