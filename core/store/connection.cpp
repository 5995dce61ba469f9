#include "core/store/connection.hpp"

#include <fmt/format.h>
#include <sqlite3.h>

namespace skerry::store {
namespace {

Code code_for(int rc) {
  switch (rc & 0xff) {
    case SQLITE_CONSTRAINT:
      return rc == SQLITE_CONSTRAINT_UNIQUE || rc == SQLITE_CONSTRAINT_PRIMARYKEY
                 ? Code::already_exists
                 : Code::failed_precondition;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_FULL:
    case SQLITE_NOMEM:
      return Code::unavailable;
    case SQLITE_IOERR:
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return Code::data_loss;
    case SQLITE_CANTOPEN:
    case SQLITE_PERM:
    case SQLITE_READONLY:
      return Code::permission_denied;
    default:
      return Code::internal;
  }
}

std::string_view advice_for(int rc) {
  switch (rc & 0xff) {
    case SQLITE_FULL:
      return "; free some disk space";
    case SQLITE_IOERR:
      return "; check the disk and start again";
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return "; the file is damaged: restore a cloud from a backup (`skerry restore`), let an edge "
             "join anew with another --state";
    case SQLITE_BUSY:
      return "; another process uses the file";
    default:
      return "";
  }
}

}  // namespace

Connection::~Connection() {
  for (const auto& [sql, statement] : idle_) sqlite3_finalize(statement);
  sqlite3_close_v2(handle_);
}

tl::unexpected<Problem> Connection::problem(int rc, std::string_view doing) const {
  return fail(code_for(rc),
              fmt::format("the database cannot {}: {} (SQLite code {}){}", doing,
                          sqlite3_errmsg(handle_), rc, advice_for(rc)),
              path_);
}

Status Connection::exec(std::string_view sql) {
  const int rc = sqlite3_exec(handle_, std::string(sql).c_str(), nullptr, nullptr, nullptr);
  if (rc != SQLITE_OK) return problem(rc, fmt::format("run \"{}\"", sql.substr(0, 120)));
  return {};
}

Result<sqlite3_stmt*> Connection::compile(std::string_view sql, bool keep_long) {
  sqlite3_stmt* statement = nullptr;
  const char* rest = nullptr;
  const int rc = sqlite3_prepare_v3(handle_, sql.data(), static_cast<int>(sql.size()),
                                    keep_long ? SQLITE_PREPARE_PERSISTENT : 0, &statement, &rest);
  if (rc != SQLITE_OK) return problem(rc, fmt::format("prepare \"{}\"", sql.substr(0, 120)));
  const auto used = static_cast<std::size_t>(rest - sql.data());
  if (statement == nullptr || sql.find_first_not_of(" \t\r\n;", used) != std::string_view::npos) {
    sqlite3_finalize(statement);
    return fail(Code::internal, fmt::format("exactly one SQL statement is wanted, found \"{}\"",
                                            sql.substr(0, 120)));
  }
  return statement;
}

sqlite3_stmt* Connection::take_cached(std::string_view sql) {
  auto node = idle_.extract(std::string(sql));
  return node.empty() ? nullptr : node.mapped();
}

void Connection::give_back(sqlite3_stmt* statement) {
  // sqlite3_sql() ends where the statement does, so a text with a ';' and spaces after it would
  // never be found again: cached() takes the text without them.
  const bool kept = idle_.emplace(sqlite3_sql(statement), statement).second;
  if (!kept) sqlite3_finalize(statement);  // another of the same text came back first
}

}  // namespace skerry::store
