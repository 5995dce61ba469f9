#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "core/base/bytes.hpp"
#include "core/base/digest.hpp"
#include "core/base/result.hpp"

struct sqlite3_stmt;

namespace skerry::store {

class Connection;

// A prepared statement. bind() from 1, columns from 0, as in SQLite. Text and blobs are copied both
// ways.
class Statement {
 public:
  Statement(Statement&& other) noexcept;
  Statement& operator=(Statement&& other) noexcept;
  ~Statement();

  // A bad index is reported by step(), so that binds can be chained.
  template <std::integral T>
  Statement& bind(int index, T value) {
    return bind_int(index, static_cast<std::int64_t>(value));
  }
  Statement& bind(int index, double value);
  Statement& bind(int index, std::string_view text);
  Statement& bind(int index, const char* text) { return bind(index, std::string_view(text)); }
  Statement& bind(int index, const std::string& text) {
    return bind(index, std::string_view(text));
  }
  Statement& bind(int index, Bytes blob);
  Statement& bind(int index, const Digest& digest) { return bind(index, digest.view()); }
  Statement& bind(int index, std::nullptr_t);

  // True: a row is there. False: done.
  Result<bool> step();
  // For a statement without rows: step and reset.
  Status run();
  // Ready to be bound and stepped again; forgets the bound values.
  void reset();

  bool column_is_null(int column) const;
  std::int64_t column_int(int column) const;
  double column_double(int column) const;
  std::string column_text(int column) const;
  std::string column_blob(int column) const;
  Result<Digest> column_digest(int column) const;  // Code::data_loss unless it has 32 bytes

 private:
  friend class Database;
  Statement(Connection* connection, sqlite3_stmt* handle, bool cached)
      : connection_(connection), handle_(handle), cached_(cached) {}
  Statement& bind_int(int index, std::int64_t value);
  Statement& note(int rc);
  void close();

  Connection* connection_;
  sqlite3_stmt* handle_;
  bool cached_;         // goes back to the connection's cache
  int bind_error_ = 0;  // SQLite's code of the first bind that failed
};

}  // namespace skerry::store
