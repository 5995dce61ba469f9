// A backup looked at from all sides, and put in a state directory's place.
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <optional>
#include <utility>

#include "core/base/failpoint.hpp"
#include "core/base/file.hpp"
#include "core/base/try.hpp"
#include "core/base/units.hpp"
#include "core/store/backup.hpp"
#include "core/store/blob_store.hpp"
#include "core/store/database.hpp"
#include "core/store/file_copy.hpp"
#include "core/store/state_lock.hpp"

namespace skerry::store {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMostProblems = 20;
constexpr std::int64_t kAuditPage = 1000;
// In a state directory that is being restored; goes last.
constexpr const char* kUnfinished = "restoring";
constexpr const char* kBlobs = "blobs";

bool is_there(const fs::path& path) {
  std::error_code ignored;
  return fs::exists(fs::symlink_status(path, ignored));
}

fs::path blob_place(const Digest& digest) {
  const std::string name = digest.hex();
  return fs::path(kBlobs) / name.substr(0, 2) / name;
}

Result<Manifest> read_manifest(const fs::path& backup) {
  std::error_code ignored;
  if (!is_there(backup)) return fail(Code::not_found, "there is no backup here", backup.string());
  if (!fs::is_directory(backup, ignored)) {
    return fail(Code::invalid_argument,
                "this is no backup: a directory that `skerry backup` made is wanted",
                backup.string());
  }
  const auto file = backup / kManifestFile;
  auto text = read_file(file, 1 << 20);
  if (!text && text.error().code == Code::not_found) {
    return fail(
        Code::invalid_argument,
        fmt::format("this is no backup, or one that was not finished: it has no {}", kManifestFile),
        backup.string());
  }
  if (!text) return fail(text.error());
  return Manifest::parse(*text, file);
}

class Check {
 public:
  Check(fs::path backup, Manifest manifest, const BackupDemands& demands)
      : backup_(std::move(backup)), manifest_(std::move(manifest)), demands_(demands) {}

  std::vector<Problem> problems() {
    note(check_key());
    if (note(check_database())) {
      note(check_audit());
      note(check_blobs());
    }
    if (problems_.size() > kMostProblems) {
      const auto more = problems_.size() - kMostProblems;
      problems_.resize(kMostProblems);
      problems_.push_back({Code::data_loss, fmt::format("and {} problems more", more), "", ""});
    }
    return std::move(problems_);
  }

 private:
  bool note(const Status& status) {
    if (!status) problems_.push_back(status.error());
    return status.has_value();
  }
  void note(std::string message, const fs::path& where) {
    problems_.push_back({Code::data_loss, std::move(message), where.string(), ""});
  }

  Status check_key() {
    const auto file = backup_ / kKeyFile;
    const auto text = read_file(file, 4096);
    if (!text && text.error().code == Code::not_found)
      return fail(Code::data_loss, "the cloud's key is missing in the backup", file.string());
    if (!text) return fail(text.error());
    const auto end = text->find_last_not_of(" \t\r\n");
    const auto found = demands_.public_key_of(
        std::string_view(*text).substr(0, end == std::string::npos ? 0 : end + 1));
    if (found && *found == manifest_.public_key) return {};
    return fail(Code::data_loss,
                found ? "the cloud's key is damaged: it is another one than the manifest names"
                      : "the cloud's key is damaged: " + found.error().message,
                file.string());
  }

  Status check_database() {
    const auto file = backup_ / kDatabaseFile;
    const auto digest = digest_of_file(file);
    if (!digest && digest.error().code == Code::not_found)
      return fail(Code::data_loss, "the database is missing in the backup", file.string());
    if (!digest) return fail(digest.error());
    if (*digest != manifest_.database) {
      return fail(Code::data_loss,
                  fmt::format("the database is damaged: its digest is {}, the manifest says {}",
                              digest->hex(), manifest_.database.hex()),
                  file.string());
    }
    SKERRY_ASSIGN(database_, Database::open_unchanging(file));
    SKERRY_ASSIGN(const auto schema, database_->user_version());
    if (schema > demands_.newest_schema) {
      return fail(Code::failed_precondition,
                  fmt::format("the backup has schema {}, this program knows up to {}; use Skerry "
                              "{}, which made it, or a newer one",
                              schema, demands_.newest_schema, manifest_.version),
                  file.string());
    }
    if (schema != manifest_.schema) {
      return fail(Code::data_loss,
                  fmt::format("the database is another one than the backup's: its schema is {}, "
                              "the manifest says {}",
                              schema, manifest_.schema),
                  file.string());
    }
    SKERRY_ASSIGN(auto check, database_->prepare("PRAGMA integrity_check(1)"));
    SKERRY_ASSIGN(const bool row, check.step());
    if (row && check.column_text(0) == "ok") return {};
    return fail(Code::data_loss,
                "the database is damaged: " + (row ? check.column_text(0) : "no answer"),
                file.string());
  }

  Status check_audit() {
    AuditVerifier verifier(manifest_.audit);
    for (std::int64_t after = 0;;) {
      SKERRY_ASSIGN(const auto entries, read_audit(*database_, after, kAuditPage));
      if (entries.empty()) break;
      for (const auto& entry : entries) verifier.take(entry);
      after = entries.back().seq;
    }
    const auto fault = verifier.finish();
    if (!fault) return {};
    return fail(Code::data_loss,
                fmt::format("the audit log is broken at entry {}: {}", fault->seq, fault->found),
                (backup_ / kDatabaseFile).string());
  }

  Status check_blobs() {
    std::uint64_t files = 0, bytes = 0;
    SKERRY_ASSIGN(auto rows, database_->prepare("SELECT digest, size, data FROM blob"));
    for (;;) {
      SKERRY_ASSIGN(const bool row, rows.step());
      if (!row) break;
      SKERRY_ASSIGN(const Digest digest, rows.column_digest(0));
      BlobRef blob{digest, static_cast<std::uint64_t>(rows.column_int(1)), {}, {}};
      if (!rows.column_is_null(2)) {
        blob.inline_data = rows.column_blob(2);
        if (const auto read = BlobStore::read_all(blob); !read)
          note(read.error().message, backup_ / kDatabaseFile);
        continue;
      }
      ++files;
      bytes += blob.size;
      blob.path = backup_ / blob_place(digest);
      note(BlobStore::check_file(blob));
    }
    if (files != manifest_.files || bytes != manifest_.file_bytes) {
      note(fmt::format("the manifest is damaged: it tells of {} files with {} bytes, the database "
                       "of {} with {}",
                       manifest_.files, manifest_.file_bytes, files, bytes),
           backup_ / kManifestFile);
    }
    return {};
  }

  const fs::path backup_;
  const Manifest manifest_;
  const BackupDemands& demands_;
  std::optional<Database> database_;
  std::vector<Problem> problems_;
};

// What is in a state directory besides a lock; empty: nothing.
std::string first_entry(const fs::path& state) {
  std::error_code error;
  for (fs::directory_iterator entry(state, error), end; !error && entry != end;
       entry.increment(error)) {
    if (entry->path().filename() != "lock") return entry->path().filename().string();
  }
  return {};
}

Status expect_empty(const fs::path& state) {
  if (is_there(state / kUnfinished)) return {};  // what is there is of a restore that was cut off
  const std::string found = first_entry(state);
  if (found.empty()) return {};
  return fail(Code::failed_precondition,
              fmt::format("this state directory is not empty: it has {}. A restore replaces "
                          "nothing: move what is there away, or name another directory with "
                          "--state",
                          found),
              state.string());
}

class Restore {
 public:
  Restore(const fs::path& backup, const Manifest& manifest, const fs::path& state)
      : backup_(backup), manifest_(manifest), state_(state), unfinished_(state / kUnfinished) {}

  Status clear() const {
    std::error_code error;
    // The mark goes last.
    for (const char* name : {kDatabaseFile, kKeyFile, kBlobs, kUnfinished}) {
      fs::remove_all(state_ / name, error);
      if (error) return fail(errno_problem(error.value(), "clear what is left", state_ / name));
    }
    return {};
  }

  Status run(std::string_view amend, const AuditEntry& entry) {
    SKERRY_TRY(make_directory(unfinished_));
    SKERRY_TRY(sync_directory(state_));
    SKERRY_TRY(expect_space());
    SKERRY_TRY(put_database(amend, entry));
    SKERRY_FAILPOINT("store.restore.database");
    SKERRY_TRY(copy(kKeyFile, 0600));
    SKERRY_TRY(put_blobs());
    SKERRY_TRY(sync_directory(unfinished_));
    SKERRY_FAILPOINT("store.restore.whole");
    for (const char* name : {kBlobs, kKeyFile, kDatabaseFile}) {
      SKERRY_TRY(rename_file(unfinished_ / name, state_ / name));
      SKERRY_FAILPOINT("store.restore.moved");
    }
    SKERRY_TRY(sync_directory(state_));
    if (::rmdir(unfinished_.c_str()) != 0) return fail(errno_problem(errno, "remove", unfinished_));
    SKERRY_FAILPOINT("store.restore.named");
    return sync_directory(state_);
  }

 private:
  Status expect_space() const {
    const std::uint64_t copied = on_one_disk(backup_, state_) ? 0 : manifest_.file_bytes;
    const std::uint64_t wanted = manifest_.database_bytes + copied;
    SKERRY_ASSIGN(const std::uint64_t left, space_left(state_));
    if (left >= wanted) return {};
    return fail(Code::unavailable,
                fmt::format("the restored state takes {}; this disk has {} left: free some space, "
                            "or name a directory on another disk with --state",
                            format_bytes(wanted), format_bytes(left)),
                state_.string());
  }

  Result<Digest> copy(const fs::path& place, mode_t mode) const {
    return copy_durably(backup_ / place, unfinished_ / place, mode, [] { return false; });
  }

  static Status expect(const Digest& found, const Digest& wanted, const fs::path& file) {
    if (found == wanted) return {};
    return fail(Code::data_loss, "the file changed while it was read, or its disk fails",
                file.string());
  }

  Status put_database(std::string_view amend, const AuditEntry& entry) const {
    SKERRY_ASSIGN(const Digest found, copy(kDatabaseFile, 0600));
    SKERRY_TRY(expect(found, manifest_.database, backup_ / kDatabaseFile));
    SKERRY_ASSIGN(auto database, Database::open(unfinished_ / kDatabaseFile));
    SKERRY_ASSIGN(auto transaction, database.begin());
    SKERRY_TRY(database.exec(amend));
    SKERRY_TRY(append_audit(database, entry));
    SKERRY_TRY(transaction.commit());
    // The file alone is moved: nothing may be left in its log.
    SKERRY_ASSIGN(auto checkpoint, database.prepare("PRAGMA wal_checkpoint(TRUNCATE)"));
    SKERRY_ASSIGN(const bool row, checkpoint.step());
    if (row && checkpoint.column_int(0) == 0) return {};
    return fail(Code::internal, "the restored database is in use by somebody",
                (unfinished_ / kDatabaseFile).string());
  }

  Status put_blobs() const {
    const auto root = unfinished_ / kBlobs;
    SKERRY_TRY(make_directory(root));
    SKERRY_ASSIGN(auto database, Database::open_unchanging(backup_ / kDatabaseFile));
    SKERRY_ASSIGN(auto rows,
                  database.prepare("SELECT digest FROM blob WHERE data IS NULL ORDER BY digest"));
    std::optional<fs::path> shard;
    for (;;) {
      SKERRY_ASSIGN(const bool row, rows.step());
      if (!row) break;
      SKERRY_ASSIGN(const Digest digest, rows.column_digest(0));
      const auto place = blob_place(digest);
      if (const auto parent = (unfinished_ / place).parent_path(); shard != parent) {
        if (shard) SKERRY_TRY(sync_directory(*shard));
        SKERRY_TRY(make_directory(parent));
        shard = parent;
      }
      SKERRY_ASSIGN(const bool linked, link_file(backup_ / place, unfinished_ / place));
      if (!linked) {
        SKERRY_ASSIGN(const Digest found, copy(place, 0400));
        SKERRY_TRY(expect(found, digest, backup_ / place));
      }
      SKERRY_FAILPOINT("store.restore.blob");
    }
    if (shard) SKERRY_TRY(sync_directory(*shard));
    return sync_directory(root);
  }

  const fs::path& backup_;
  const Manifest& manifest_;
  const fs::path& state_;
  const fs::path unfinished_;
};

}  // namespace

tl::expected<Manifest, std::vector<Problem>> check_backup(const fs::path& backup,
                                                          const BackupDemands& demands) {
  auto manifest = read_manifest(backup);
  if (!manifest) return tl::unexpected(std::vector<Problem>{manifest.error()});
  auto problems = Check(backup, *manifest, demands).problems();
  if (!problems.empty()) return tl::unexpected(std::move(problems));
  return std::move(*manifest);
}

Status check_restore_target(const fs::path& backup, const fs::path& state) {
  std::error_code error;
  if (is_there(state) && !fs::is_directory(state, error)) {
    return fail(Code::invalid_argument,
                "something else than a directory has this name; name another one with --state",
                state.string());
  }
  if (fs::equivalent(backup, state, error)) {
    return fail(Code::invalid_argument,
                "this is the backup itself; name the directory that the cloud will have with "
                "--state",
                state.string());
  }
  if (is_within(state, backup)) {
    return fail(Code::invalid_argument,
                fmt::format("this is inside of the backup {}, which would change with it; name a "
                            "directory elsewhere with --state",
                            backup.string()),
                state.string());
  }
  // Who is refused leaves no lock behind.
  if (is_there(state / "lock")) SKERRY_TRY(StateLock::acquire(state));
  return expect_empty(state);
}

Status restore_backup(const fs::path& backup, const Manifest& manifest, const fs::path& state,
                      std::string_view amend, const AuditEntry& entry) {
  SKERRY_ASSIGN(const auto lock, StateLock::acquire(state));
  SKERRY_TRY(expect_empty(state));
  Restore restore(backup, manifest, state);
  SKERRY_TRY(restore.clear());
  Status done = restore.run(amend, entry);
  if (!done) static_cast<void>(restore.clear());
  return done;
}

Status expect_restored(const fs::path& state) {
  if (!is_there(state / kUnfinished)) return {};
  return fail(Code::failed_precondition,
              fmt::format("a restore to this state directory was cut off; run `skerry restore "
                          "BACKUP --state {}` again",
                          state.string()),
              state.string());
}

}  // namespace skerry::store
