// The SQLite handle, its cache of statements, and the meaning of SQLite's errors. Internal to this
// module.
#pragma once

#include <string>
#include <string_view>
#include <unordered_map>

#include "core/base/result.hpp"

struct sqlite3;
struct sqlite3_stmt;

namespace skerry::store {

class Connection {
 public:
  Connection(sqlite3* handle, std::string path) : handle_(handle), path_(std::move(path)) {}
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  ~Connection();

  sqlite3* handle() const { return handle_; }
  // What the last call on this connection failed with. `rc` is its (extended) result code.
  tl::unexpected<Problem> problem(int rc, std::string_view doing) const;

  Status exec(std::string_view sql);
  Result<sqlite3_stmt*> compile(std::string_view sql, bool keep_long);
  sqlite3_stmt* take_cached(std::string_view sql);  // nullptr: none is idle
  void give_back(sqlite3_stmt* statement);          // reset and unbound already

 private:
  sqlite3* handle_;
  std::string path_;
  std::unordered_map<std::string, sqlite3_stmt*> idle_;  // by the text that was prepared
};

}  // namespace skerry::store
