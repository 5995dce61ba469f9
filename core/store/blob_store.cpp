#include "core/store/blob_store.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <map>
#include <mutex>
#include <set>
#include <system_error>
#include <utility>

#include "core/base/failpoint.hpp"
#include "core/base/file.hpp"
#include "core/base/try.hpp"

namespace skerry::store {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kSchema =
    "CREATE TABLE IF NOT EXISTS blob ("
    " digest BLOB PRIMARY KEY CHECK (length(digest) = 32),"
    " size INTEGER NOT NULL,"
    " data BLOB)";  // NULL: in a file

Status empty_directory(const fs::path& directory) {
  std::error_code error;
  fs::remove_all(directory, error);
  if (error) return fail(errno_problem(error.value(), "empty the directory", directory));
  return make_directories(directory);
}

// Nothing when there is no file.
std::optional<std::uint64_t> size_of_file(const fs::path& path) {
  struct stat info;
  if (::lstat(path.c_str(), &info) != 0 || !S_ISREG(info.st_mode)) return std::nullopt;
  return static_cast<std::uint64_t>(info.st_size);
}

Status check_size(const fs::path& path, std::uint64_t expected) {
  const auto found = size_of_file(path);
  if (!found) return fail(Code::not_found, "no file is here to be stored", path.string());
  if (*found == expected) return {};
  return fail(
      Code::invalid_argument,
      fmt::format("the file to be stored has {} bytes, {} were announced", *found, expected),
      path.string());
}

// A blob never changes, so nobody may open its file for writing, its maker neither. Whoever has it
// open keeps that, which is why workers' files are taken with a lease (core/engine/worker_outputs).
Status make_durable(const fs::path& path) {
  SKERRY_ASSIGN(auto file, open_file(path, O_RDONLY | O_NOFOLLOW));
  if (::fchmod(file.get(), 0400) != 0) return fail(errno_problem(errno, "protect", path));
  return sync_data(file.get(), path);
}

// root/ab, made durable in root when it is new.
Status ensure_shard(const fs::path& shard) {
  SKERRY_ASSIGN(const bool made, make_directory(shard));
  if (!made) return {};
  SKERRY_FAILPOINT("store.shard.made");
  return sync_directory(shard.parent_path());
}

}  // namespace

struct BlobStore::Claims {
  std::mutex mutex;
  std::map<Digest, int> counts;
  int holds = 0;
  std::set<Digest> held_back;
};

BlobStore::BlobStore(Database& database, fs::path root)
    : database_(&database), root_(std::move(root)), claims_(std::make_shared<Claims>()) {}

Result<BlobStore> BlobStore::open(Database& database, const fs::path& root) {
  SKERRY_TRY(make_directories(root));
  BlobStore store(database, root);
  SKERRY_TRY(empty_directory(store.staging_dir()));
  SKERRY_TRY(sync_directory(root));
  SKERRY_TRY(database.exec(kSchema));
  return store;
}

fs::path BlobStore::file_path(const Digest& digest) const {
  const std::string name = digest.hex();
  return root_ / name.substr(0, 2) / name;
}

Status BlobStore::insert(const Digest& digest, std::uint64_t size,
                         std::optional<Bytes> inline_data) {
  SKERRY_ASSIGN(auto statement, database_->cached("INSERT INTO blob (digest, size, data) VALUES "
                                                  "(?, ?, ?) ON CONFLICT (digest) DO NOTHING"));
  statement.bind(1, digest).bind(2, size);
  if (inline_data) {
    statement.bind(3, *inline_data);
  } else {
    statement.bind(3, nullptr);
  }
  return statement.run();
}

Status BlobStore::put(Bytes bytes, const Digest& digest) {
  if (bytes.size() <= kInlineLimit) return insert(digest, bytes.size(), bytes);
  SKERRY_ASSIGN(const bool known, contains(digest));
  if (known) return {};
  static std::atomic<unsigned> counter{0};
  const fs::path staged = staging_dir() / fmt::format("put-{}", counter++);
  SKERRY_ASSIGN(auto file, open_file(staged, O_WRONLY | O_CREAT | O_EXCL));
  Status written = write_all(file.get(), bytes, staged);
  if (written) written = prepare_file(staged, digest, bytes.size());
  if (!written) {
    static_cast<void>(skerry::remove_file(staged));
    return written;
  }
  return record(digest, bytes.size());
}

Status BlobStore::prepare_file(const fs::path& file, const Digest& digest,
                               std::uint64_t size) const {
  const fs::path target = file_path(digest);
  SKERRY_TRY(ensure_shard(target.parent_path()));
  if (size_of_file(target) == size) {
    // Whoever renamed it had synced its bytes before, but may have died before the directory's
    // sync.
    SKERRY_TRY(skerry::remove_file(file));
    return sync_directory(target.parent_path());
  }
  SKERRY_TRY(check_size(file, size));
  SKERRY_FAILPOINT("store.blob.begun");
  SKERRY_TRY(make_durable(file));
  SKERRY_FAILPOINT("store.blob.synced");
  SKERRY_TRY(rename_file(file, target));
  SKERRY_FAILPOINT("store.blob.renamed");
  SKERRY_TRY(sync_directory(target.parent_path()));
  SKERRY_FAILPOINT("store.blob.durable");
  return {};
}

Status BlobStore::record(const Digest& digest, std::uint64_t size) {
  std::error_code error;
  if (!std::filesystem::exists(file_path(digest), error)) {
    return fail(Code::not_found,
                "the blob's file was removed before it was recorded; store it again",
                file_path(digest).string());
  }
  SKERRY_FAILPOINT("store.blob.recorded");
  return insert(digest, size, std::nullopt);
}

Result<std::optional<BlobRef>> BlobStore::find(const Digest& digest) {
  SKERRY_ASSIGN(auto statement, database_->cached("SELECT size, data FROM blob WHERE digest = ?"));
  statement.bind(1, digest);
  SKERRY_ASSIGN(const bool row, statement.step());
  if (!row) return std::nullopt;
  BlobRef blob{digest, static_cast<std::uint64_t>(statement.column_int(0)), {}, {}};
  if (statement.column_is_null(1)) {
    blob.path = file_path(digest);
  } else {
    blob.inline_data = statement.column_blob(1);
  }
  return blob;
}

Result<bool> BlobStore::contains(const Digest& digest) {
  SKERRY_ASSIGN(auto statement, database_->cached("SELECT 1 FROM blob WHERE digest = ?"));
  statement.bind(1, digest);
  return statement.step();
}

namespace {

tl::unexpected<Problem> gone(const BlobRef& blob) {
  return fail(Code::data_loss, fmt::format("the file of blob {} is gone", blob.digest.hex()),
              blob.path.string());
}

tl::unexpected<Problem> damaged(const BlobRef& blob, std::uint64_t size) {
  return fail(Code::data_loss,
              fmt::format("blob {} is damaged: its {} bytes do not match its digest",
                          blob.digest.hex(), size),
              blob.path.string());
}

}  // namespace

Result<std::string> BlobStore::read_all(const BlobRef& blob) {
  std::string bytes = blob.inline_data;
  if (!blob.is_inline()) {
    auto content = read_file(blob.path);
    if (!content && content.error().code == Code::not_found) return gone(blob);
    if (!content) return content;
    bytes = std::move(*content);
  }
  if (bytes.size() == blob.size && digest_of(as_bytes(bytes)) == blob.digest) return bytes;
  return damaged(blob, bytes.size());
}

Status BlobStore::check_file(const BlobRef& blob) {
  const auto found = digest_of_file(blob.path);
  if (!found && found.error().code == Code::not_found) return gone(blob);
  if (!found) return fail(found.error());
  if (*found == blob.digest) return {};
  return damaged(blob, size_of_file(blob.path).value_or(0));
}

Status BlobStore::forget(const Digest& digest) {
  SKERRY_ASSIGN(auto statement, database_->cached("DELETE FROM blob WHERE digest = ?"));
  return statement.bind(1, digest).run();
}

Result<bool> BlobStore::has_file(const Digest& digest) {
  SKERRY_ASSIGN(auto statement,
                database_->cached("SELECT 1 FROM blob WHERE digest = ? AND data IS NULL"));
  statement.bind(1, digest);
  return statement.step();
}

Result<std::optional<fs::path>> BlobStore::discard(const Digest& digest) {
  SKERRY_ASSIGN(const bool wanted, has_file(digest));
  if (wanted) return std::nullopt;
  static std::atomic<unsigned> counter{0};
  const fs::path gone = staging_dir() / fmt::format("gone-{}", counter++);
  const std::lock_guard lock(claims_->mutex);
  if (claims_->holds > 0) {
    claims_->held_back.insert(digest);
    return std::nullopt;
  }
  if (claims_->counts.contains(digest)) return std::nullopt;
  const fs::path file = file_path(digest);
  if (const Status moved = rename_file(file, gone); !moved) {
    if (moved.error().code == Code::not_found) return std::nullopt;
    return fail(moved.error());
  }
  SKERRY_FAILPOINT("store.blob.removed");
  return gone;
}

BlobStore::Claim BlobStore::claim(const Digest& digest) {
  {
    const std::lock_guard lock(claims_->mutex);
    ++claims_->counts[digest];
  }
  // What is pointed at is never looked at: it is the last copy's end that counts.
  return Claim(claims_.get(), [claims = claims_, digest](const void*) {
    const std::lock_guard lock(claims->mutex);
    const auto at = claims->counts.find(digest);
    if (--at->second == 0) claims->counts.erase(at);
  });
}

BlobStore::Hold BlobStore::hold() {
  {
    const std::lock_guard lock(claims_->mutex);
    ++claims_->holds;
  }
  return Hold(claims_.get(), [claims = claims_](const void*) {
    const std::lock_guard lock(claims->mutex);
    --claims->holds;
  });
}

std::vector<Digest> BlobStore::take_held_back() {
  const std::lock_guard lock(claims_->mutex);
  const auto all = std::exchange(claims_->held_back, {});
  return {all.begin(), all.end()};
}

std::vector<BlobStore::FoundFile> BlobStore::files_in(unsigned shard) const {
  std::vector<FoundFile> files;
  timespec now{};
  ::clock_gettime(CLOCK_REALTIME, &now);
  std::error_code error;
  for (fs::directory_iterator entry(root_ / fmt::format("{:02x}", shard), error), end;
       !error && entry != end; entry.increment(error)) {
    const auto digest = Digest::from_hex(entry->path().filename().string());
    struct stat info;
    if (!digest || ::lstat(entry->path().c_str(), &info) != 0) continue;
    files.push_back({*digest, static_cast<std::uint64_t>(info.st_size),
                     std::chrono::seconds(now.tv_sec - info.st_ctim.tv_sec)});
  }
  return files;
}

Result<std::uint64_t> BlobStore::sweep() {
  std::uint64_t removed = 0;
  std::error_code error;
  for (fs::directory_iterator shard(root_, error), end; !error && shard != end;
       shard.increment(error)) {
    if (shard->path() == staging_dir()) continue;
    for (fs::directory_iterator file(shard->path(), error); !error && file != end;
         file.increment(error)) {
      const auto digest = Digest::from_hex(file->path().filename().string());
      if (!digest) continue;
      SKERRY_ASSIGN(const auto blob, find(*digest));
      if (blob && !blob->is_inline()) continue;
      SKERRY_TRY(skerry::remove_file(file->path()));
      SKERRY_FAILPOINT("store.sweep.removed");
      ++removed;
    }
    if (error) break;
  }
  if (error) return fail(errno_problem(error.value(), "list the directory", root_));
  return removed;
}

}  // namespace skerry::store
