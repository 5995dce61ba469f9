#include "core/store/backup.hpp"

#include <fmt/format.h>
#include <sys/stat.h>

#include <memory>
#include <optional>
#include <utility>

#include "core/base/failpoint.hpp"
#include "core/base/file.hpp"
#include "core/base/try.hpp"
#include "core/base/units.hpp"
#include "core/store/database.hpp"
#include "core/store/file_copy.hpp"
#include "core/store/state_lock.hpp"

namespace skerry::store {
namespace {

namespace fs = std::filesystem;

// For the manifest, the key, and the folders of the artifacts.
constexpr std::uint64_t kRoomBeside = 1 << 20;

// TO.partial, with a lock in it that tells a backup that is being written from what is left of one.
class Partial {
 public:
  static Result<Partial> begin(const fs::path& to) {
    Partial partial(to.string() + ".partial");
    SKERRY_TRY(partial.take());
    std::error_code error;
    for (fs::directory_iterator entry(partial.path(), error), end; !error && entry != end;
         entry.increment(error)) {
      if (entry->path().filename() != "lock") fs::remove_all(entry->path(), error);
    }
    if (error) return fail(errno_problem(error.value(), "clear what is left", partial.path()));
    return partial;
  }

  Partial(Partial&&) = default;
  ~Partial() {
    if (!lock_) return;
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }

  const fs::path& path() const { return path_; }

  Status become(const fs::path& to) {
    SKERRY_TRY(remove_file(path_ / "lock"));
    SKERRY_TRY(sync_directory(path_));
    SKERRY_FAILPOINT("store.backup.whole");
    SKERRY_TRY(rename_durably(path_, to));
    lock_.reset();
    SKERRY_FAILPOINT("store.backup.named");
    return {};
  }

 private:
  explicit Partial(fs::path path) : path_(std::move(path)) {}

  Status take() {
    auto lock = StateLock::acquire(path_);
    if (lock) {
      lock_ = std::make_unique<StateLock>(std::move(*lock));
      return {};
    }
    if (lock.error().code != Code::failed_precondition) return fail(lock.error());
    return fail(Code::failed_precondition, "a backup is being written there now; wait for its end",
                path_.string());
  }

  fs::path path_;
  std::unique_ptr<StateLock> lock_;
};

class Backup {
 public:
  Backup(const BackupRequest& request, const fs::path& folder)
      : request_(request), folder_(folder) {}

  Result<Manifest> make() {
    manifest_.version = request_.version;
    manifest_.created = request_.created;
    manifest_.public_key = request_.public_key;
    SKERRY_TRY(copy_database());
    SKERRY_FAILPOINT("store.backup.database");
    SKERRY_TRY(look_at_database());
    SKERRY_TRY(take_blobs());
    SKERRY_TRY(
        copy_durably(request_.state / kKeyFile, folder_ / kKeyFile, 0600, request_.cancelled));
    SKERRY_FAILPOINT("store.backup.key");
    SKERRY_TRY(write_file_durably(folder_ / kManifestFile, manifest_.to_json().dump(2) + "\n"));
    return manifest_;
  }

 private:
  // The reader's transaction is one moment for the whole copy. It ends before the blobs are looked
  // at: as long as it is open, no checkpoint gets past it and the write-ahead log grows.
  Status copy_database() {
    SKERRY_ASSIGN(auto reader, Database::open_reader(request_.state / kDatabaseFile));
    SKERRY_TRY(reader.exec("BEGIN"));
    SKERRY_TRY(expect_space(reader));
    return reader.copy_to(folder_ / kDatabaseFile, request_.cancelled);
  }

  static Result<std::int64_t> number(Database& database, std::string_view sql) {
    SKERRY_ASSIGN(auto select, database.prepare(sql));
    SKERRY_ASSIGN(const bool row, select.step());
    return row ? select.column_int(0) : 0;
  }

  // Said before anything is written, and in numbers.
  Status expect_space(Database& reader) {
    SKERRY_ASSIGN(const auto pages, number(reader, "PRAGMA page_count"));
    SKERRY_ASSIGN(const auto page_size, number(reader, "PRAGMA page_size"));
    SKERRY_ASSIGN(const auto files,
                  number(reader, "SELECT coalesce(sum(size), 0) FROM blob WHERE data IS NULL"));
    const bool links = on_one_disk(request_.state, folder_);
    const auto database_bytes = static_cast<std::uint64_t>(pages * page_size);
    const auto copied = links ? 0 : static_cast<std::uint64_t>(files);
    const std::uint64_t keep = links ? request_.keep_free : 0;
    SKERRY_ASSIGN(const std::uint64_t left, space_left(folder_));
    const std::uint64_t wanted = database_bytes + copied + kRoomBeside;
    if (left >= wanted + keep) return {};
    const std::string kept =
        keep > 0 ? fmt::format(", of which {} must stay free", format_bytes(keep)) : "";
    return fail(
        Code::unavailable,
        fmt::format("the backup takes up to {} (database {}, artifacts {}, the rest {}); "
                    "this disk has {} left{}: free some space, or name a folder on another "
                    "disk",
                    format_bytes(wanted), format_bytes(database_bytes), format_bytes(copied),
                    format_bytes(kRoomBeside), format_bytes(left), kept),
        request_.to.string());
  }

  // A copy of a damaged database is no backup.
  Status look_at_database() {
    const auto file = folder_ / kDatabaseFile;
    SKERRY_ASSIGN(copy_, Database::open_unchanging(file));
    {
      SKERRY_ASSIGN(auto check, copy_->prepare("PRAGMA quick_check(1)"));
      SKERRY_ASSIGN(const bool row, check.step());
      if (!row || check.column_text(0) != "ok") {
        return fail(Code::data_loss,
                    fmt::format("the cloud's database is damaged, and so is a copy of it: {}",
                                row ? check.column_text(0) : "no answer"),
                    (request_.state / kDatabaseFile).string());
      }
    }
    SKERRY_ASSIGN(manifest_.schema, copy_->user_version());
    SKERRY_ASSIGN(manifest_.audit, audit_head(*copy_));
    SKERRY_ASSIGN(manifest_.database, digest_of_file(file));
    manifest_.database_bytes = fs::file_size(file);
    return {};
  }

  Status take_blobs() {
    const auto root = folder_ / "blobs";
    SKERRY_TRY(make_directory(root));
    std::optional<fs::path> shard;
    SKERRY_ASSIGN(auto rows, copy_->prepare("SELECT digest, size FROM blob WHERE data IS NULL "
                                            "ORDER BY digest"));
    for (;;) {
      SKERRY_ASSIGN(const bool row, rows.step());
      if (!row) break;
      if (request_.cancelled())
        return fail(Code::cancelled, "the backup was cancelled", request_.to.string());
      SKERRY_ASSIGN(const Digest digest, rows.column_digest(0));
      const auto place = fs::path(digest.hex().substr(0, 2)) / digest.hex();
      if (const auto parent = root / place.parent_path(); shard != parent) {
        if (shard) SKERRY_TRY(sync_directory(*shard));
        SKERRY_TRY(make_directory(parent));
        shard = parent;
      }
      SKERRY_TRY(take_blob(place, digest, static_cast<std::uint64_t>(rows.column_int(1))));
      SKERRY_FAILPOINT("store.backup.blob");
    }
    if (shard) SKERRY_TRY(sync_directory(*shard));
    return sync_directory(root);
  }

  Status take_blob(const fs::path& place, const Digest& digest, std::uint64_t size) {
    const auto from = request_.state / "blobs" / place, to = folder_ / "blobs" / place;
    struct stat info;
    if (::lstat(from.c_str(), &info) != 0 || static_cast<std::uint64_t>(info.st_size) != size) {
      return fail(
          Code::data_loss,
          fmt::format("artifact {} of {} is not there in full", digest.hex(), format_bytes(size)),
          from.string());
    }
    SKERRY_ASSIGN(const bool linked, link_file(from, to));
    if (!linked) {
      SKERRY_ASSIGN(const Digest found, copy_durably(from, to, 0400, request_.cancelled));
      if (found != digest) {
        return fail(
            Code::data_loss,
            fmt::format("artifact {} is damaged: its bytes do not match its digest", digest.hex()),
            from.string());
      }
    }
    ++manifest_.files;
    manifest_.file_bytes += size;
    if (linked) ++manifest_.linked;
    return {};
  }

  const BackupRequest& request_;
  const fs::path& folder_;
  Manifest manifest_;
  std::optional<Database> copy_;
};

}  // namespace

Status check_backup_target(const fs::path& state, const fs::path& to) {
  std::error_code error;
  if (!to.is_absolute())
    return fail(Code::invalid_argument, "an absolute path is wanted", to.string());
  if (fs::exists(fs::symlink_status(to, error))) {
    return fail(Code::already_exists,
                "this exists; a backup is written to a new directory: name another one",
                to.string());
  }
  if (is_within(to, state)) {
    return fail(Code::invalid_argument,
                fmt::format("this is inside of the state directory {}, and would be lost with it; "
                            "name a directory elsewhere, best on another disk",
                            state.string()),
                to.string());
  }
  // Not made here: where a disk was meant to be mounted, the copy would land on the wrong one.
  if (!fs::is_directory(to.parent_path(), error)) {
    return fail(Code::not_found,
                fmt::format("there is no directory {} to write it in; make it first",
                            to.parent_path().string()),
                to.string());
  }
  return {};
}

Result<Manifest> make_backup(const BackupRequest& request) {
  const SpareHostOnSyncFailure spare;
  SKERRY_TRY(check_backup_target(request.state, request.to));
  SKERRY_ASSIGN(auto partial, Partial::begin(request.to));
  SKERRY_ASSIGN(auto manifest, Backup(request, partial.path()).make());
  SKERRY_TRY(partial.become(request.to));
  return manifest;
}

}  // namespace skerry::store
