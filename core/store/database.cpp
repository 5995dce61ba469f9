#include "core/store/database.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sqlite3.h>

#include <cstdlib>
#include <utility>

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

Result<std::unique_ptr<Connection>> connect(const std::filesystem::path& path) {
  sqlite3* handle = nullptr;
  const int rc = sqlite3_open_v2(
      path.c_str(), &handle,
      SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_FULLMUTEX | SQLITE_OPEN_EXRESCODE,
      disk());
  if (handle == nullptr)
    return fail(Code::unavailable, "no memory to open the database", path.string());
  auto connection = std::make_unique<Connection>(handle, path.string());
  if (rc != SQLITE_OK) return connection->problem(rc, "be opened");
  sqlite3_busy_timeout(handle, kBusyTimeoutMs);
  return connection;
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
      fmt::format("the database is damaged: {}; restore it from a backup (`skerry restore`)",
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
  SKERRY_ASSIGN(auto connection, connect(path));
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
