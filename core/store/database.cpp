#include "core/store/database.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sqlite3.h>

#include <cstdlib>
#include <utility>

#include "core/base/failpoint.hpp"
#include "core/base/file.hpp"
#include "core/base/try.hpp"
#include "core/store/connection.hpp"
#include "core/store/power_cut.hpp"

namespace skerry::store {
namespace {

constexpr int kBusyTimeoutMs = 5000;
constexpr std::uintmax_t kMaxChecked = 64u << 20;  // bytes

// The journal's size limit keeps the -wal file from staying at the size of the largest burst.
constexpr std::string_view kSettings =
    "PRAGMA synchronous = FULL;"
    "PRAGMA foreign_keys = ON;"
    "PRAGMA trusted_schema = OFF;"
    "PRAGMA temp_store = MEMORY;"
    "PRAGMA journal_size_limit = 16777216;";

#ifdef SKERRY_FAILPOINTS
const char* disk() {
  return power_cut::vfs();
}
// The test of the power cuts: whether they notice that commits are not durable.
std::string sloppiness() {
  const char* level = std::getenv("SKERRY_SYNCHRONOUS");
  return level != nullptr ? fmt::format("PRAGMA synchronous = {};", level) : std::string();
}
#else
const char* disk() {
  return nullptr;
}
std::string sloppiness() {
  return {};
}
#endif

constexpr int kReadWrite = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;

Result<std::unique_ptr<Connection>> connect(const std::filesystem::path& path,
                                            const std::string& name, int flags, const char* vfs) {
  sqlite3* handle = nullptr;
  const int rc = sqlite3_open_v2(name.c_str(), &handle,
                                 flags | SQLITE_OPEN_FULLMUTEX | SQLITE_OPEN_EXRESCODE, vfs);
  if (handle == nullptr)
    return fail(Code::unavailable, "no memory to open the database", path.string());
  auto connection = std::make_unique<Connection>(handle, path.string());
  if (rc != SQLITE_OK) return connection->problem(rc, "be opened");
  sqlite3_busy_timeout(handle, kBusyTimeoutMs);
  return connection;
}

// A path as a URI that SQLite reads back as that path.
std::string uri_of(const std::filesystem::path& path) {
  std::string uri = "file:";
  for (const char each : path.native()) {
    if (each == '%' || each == '?' || each == '#') {
      uri += fmt::format("%{:02x}", static_cast<unsigned char>(each));
    } else {
      uri += each;
    }
  }
  return uri;
}

// Private from its first moment; SQLite's -wal and -shm files take its mode over. A file that
// exists is not opened: closing it would drop the locks that another connection of this process has
// on it.
Status create_private(const std::filesystem::path& path) {
  const auto file = open_file(path, O_RDWR | O_CREAT | O_EXCL, 0600);
  if (!file && file.error().code != Code::already_exists) return fail(file.error());
  return {};
}

// Damage is found before it is built upon. Larger files would take too long.
Status check_whole(Database& database, const std::filesystem::path& path) {
  std::error_code error;
  if (std::filesystem::file_size(path, error) > kMaxChecked || error) return {};
  SKERRY_ASSIGN(auto check, database.prepare("PRAGMA quick_check(1)"));
  SKERRY_ASSIGN(const bool row, check.step());
  if (row && check.column_text(0) == "ok") return {};
  return fail(
      Code::data_loss,
      fmt::format("the database is damaged: {}; restore a cloud from a backup (`skerry restore`), "
                  "let an edge join anew with another --state",
                  row ? check.column_text(0) : "no answer"),
      path.string());
}

std::string_view without_end(std::string_view sql) {
  const auto last = sql.find_last_not_of(" \t\r\n;");
  return last == std::string_view::npos ? std::string_view() : sql.substr(0, last + 1);
}

}  // namespace

Database::Database(std::unique_ptr<Connection> connection) : connection_(std::move(connection)) {}
Database::Database(Database&&) noexcept = default;
Database& Database::operator=(Database&&) noexcept = default;
Database::~Database() = default;

Result<Database> Database::open(const std::filesystem::path& path) {
  SKERRY_TRY(create_private(path));
  SKERRY_ASSIGN(auto connection, connect(path, path.native(), kReadWrite, disk()));
  Database database(std::move(connection));
  SKERRY_ASSIGN(auto statement, database.prepare("PRAGMA journal_mode = WAL"));
  SKERRY_ASSIGN(const bool row, statement.step());
  if (!row || statement.column_text(0) != "wal") {
    return fail(
        Code::failed_precondition,
        "SQLite cannot keep a write-ahead log here; put the state directory on a local disk",
        path.string());
  }
  statement.reset();
  SKERRY_TRY(database.exec(kSettings));
  if (const std::string looser = sloppiness(); !looser.empty()) SKERRY_TRY(database.exec(looser));
  SKERRY_TRY(check_whole(database, path));
  SKERRY_TRY(sync_directory(path.has_parent_path() ? path.parent_path() : "."));
  return database;
}

Result<Database> Database::open_reader(const std::filesystem::path& path) {
  SKERRY_ASSIGN(auto connection, connect(path, path.native(), SQLITE_OPEN_READONLY, disk()));
  // SQLite 3.40 has a bug where two connections checkpoint at once: only the writer ever does.
  sqlite3_db_config(connection->handle(), SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
  sqlite3_wal_autocheckpoint(connection->handle(), 0);
  return Database(std::move(connection));
}

Result<Database> Database::open_unchanging(const std::filesystem::path& path) {
  SKERRY_ASSIGN(auto connection, connect(path, uri_of(path) + "?immutable=1",
                                         SQLITE_OPEN_READONLY | SQLITE_OPEN_URI, nullptr));
  return Database(std::move(connection));
}

// The copy needs no journal: until it is whole it is nothing. What was written goes to the disk
// piece by piece, so that a commit of the host never waits for a gigabyte of it.
Status Database::copy_to(const std::filesystem::path& file,
                         const std::function<bool()>& cancelled) {
  constexpr int kPages = 2048;  // 8 MiB
  SKERRY_ASSIGN(const auto target_file, open_file(file, O_RDWR | O_CREAT | O_EXCL, 0600));
  SKERRY_ASSIGN(auto target, connect(file, file.native(), kReadWrite, nullptr));
  SKERRY_TRY(target->exec("PRAGMA journal_mode = OFF"));
  sqlite3_backup* const copy =
      sqlite3_backup_init(target->handle(), "main", connection_->handle(), "main");
  if (copy == nullptr)
    return target->problem(sqlite3_extended_errcode(target->handle()), "be copied");
  int rc = SQLITE_OK;
  Status synced;
  while (rc == SQLITE_OK && synced && !cancelled()) {
    rc = sqlite3_backup_step(copy, kPages);
    SKERRY_FAILPOINT("store.backup.pages");
    synced = sync_data(target_file.get(), file);
  }
  sqlite3_backup_finish(copy);
  SKERRY_TRY(synced);
  if (rc == SQLITE_OK) return fail(Code::cancelled, "the copy was cancelled", file.string());
  if (rc != SQLITE_DONE) return target->problem(rc, "be copied");
  return sync_data(target_file.get(), file);
}

Status Database::exec(std::string_view sql) {
  return connection_->exec(sql);
}

Result<Statement> Database::prepare(std::string_view sql) {
  SKERRY_ASSIGN(sqlite3_stmt* const handle, connection_->compile(sql, false));
  return Statement(connection_.get(), handle, false);
}

Result<Statement> Database::cached(std::string_view sql) {
  const std::string_view text = without_end(sql);
  sqlite3_stmt* handle = connection_->take_cached(text);
  if (handle == nullptr) {
    SKERRY_ASSIGN(handle, connection_->compile(text, true));
  }
  return Statement(connection_.get(), handle, true);
}

Result<Transaction> Database::begin() {
  if (in_transaction()) {
    return fail(Code::failed_precondition, "a transaction is open already; they do not nest");
  }
  SKERRY_TRY(exec("BEGIN IMMEDIATE"));
  return Transaction(connection_.get());
}

bool Database::in_transaction() const {
  return sqlite3_get_autocommit(connection_->handle()) == 0;
}

std::int64_t Database::changes() const {
  return sqlite3_changes64(connection_->handle());
}

std::int64_t Database::last_insert_id() const {
  return sqlite3_last_insert_rowid(connection_->handle());
}

Result<std::int64_t> Database::user_version() {
  SKERRY_ASSIGN(auto statement, prepare("PRAGMA user_version"));
  SKERRY_ASSIGN(const bool row, statement.step());
  return row ? statement.column_int(0) : 0;
}

Status Database::migrate(std::span<const std::string_view> steps) {
  SKERRY_ASSIGN(const std::int64_t version, user_version());
  const auto known = static_cast<std::int64_t>(steps.size());
  if (version > known) {
    return fail(
        Code::failed_precondition,
        fmt::format("the database has schema {}, this program knows up to {}; use the newer "
                    "program that wrote it",
                    version, known));
  }
  for (std::int64_t step = version; step < known; ++step) {
    SKERRY_ASSIGN(auto transaction, begin());
    SKERRY_TRY(exec(steps[static_cast<std::size_t>(step)]));
    SKERRY_TRY(exec(fmt::format("PRAGMA user_version = {}", step + 1)));
    SKERRY_TRY(transaction.commit());
  }
  return {};
}

}  // namespace skerry::store
