#include "core/store/statement.hpp"

#include <sqlite3.h>

#include <utility>

#include "core/base/try.hpp"
#include "core/store/connection.hpp"

namespace skerry::store {

Statement::Statement(Statement&& other) noexcept
    : connection_(other.connection_),
      handle_(std::exchange(other.handle_, nullptr)),
      cached_(other.cached_),
      bind_error_(other.bind_error_) {}

Statement& Statement::operator=(Statement&& other) noexcept {
  if (this != &other) {
    close();
    connection_ = other.connection_;
    handle_ = std::exchange(other.handle_, nullptr);
    cached_ = other.cached_;
    bind_error_ = other.bind_error_;
  }
  return *this;
}

Statement::~Statement() {
  close();
}

void Statement::close() {
  if (handle_ == nullptr) return;
  if (cached_) {
    reset();
    connection_->give_back(handle_);
  } else {
    sqlite3_finalize(handle_);
  }
  handle_ = nullptr;
}

Statement& Statement::note(int rc) {
  if (rc != SQLITE_OK && bind_error_ == SQLITE_OK) bind_error_ = rc;
  return *this;
}

Statement& Statement::bind_int(int index, std::int64_t value) {
  return note(sqlite3_bind_int64(handle_, index, value));
}

Statement& Statement::bind(int index, double value) {
  return note(sqlite3_bind_double(handle_, index, value));
}

Statement& Statement::bind(int index, std::string_view text) {
  // A null pointer would bind NULL, and an empty view may have one.
  const char* data = text.empty() ? "" : text.data();
  return note(
      sqlite3_bind_text64(handle_, index, data, text.size(), SQLITE_TRANSIENT, SQLITE_UTF8));
}

Statement& Statement::bind(int index, Bytes blob) {
  if (blob.empty()) return note(sqlite3_bind_zeroblob(handle_, index, 0));
  return note(sqlite3_bind_blob64(handle_, index, blob.data(), blob.size(), SQLITE_TRANSIENT));
}

Statement& Statement::bind(int index, std::nullptr_t) {
  return note(sqlite3_bind_null(handle_, index));
}

Result<bool> Statement::step() {
  if (bind_error_ != SQLITE_OK) {
    return fail(Code::internal, std::string("a parameter cannot be bound to \"") +
                                    sqlite3_sql(handle_) + "\": " + sqlite3_errstr(bind_error_));
  }
  const int rc = sqlite3_step(handle_);
  if (rc == SQLITE_ROW) return true;
  if (rc == SQLITE_DONE) return false;
  auto problem = connection_->problem(rc, std::string("run \"") + sqlite3_sql(handle_) + '"');
  sqlite3_reset(handle_);
  return problem;
}

Status Statement::run() {
  SKERRY_ASSIGN(const bool row, step());
  static_cast<void>(row);
  reset();
  return {};
}

void Statement::reset() {
  sqlite3_reset(handle_);
  sqlite3_clear_bindings(handle_);
  bind_error_ = SQLITE_OK;
}

bool Statement::column_is_null(int column) const {
  return sqlite3_column_type(handle_, column) == SQLITE_NULL;
}

std::int64_t Statement::column_int(int column) const {
  return sqlite3_column_int64(handle_, column);
}

double Statement::column_double(int column) const {
  return sqlite3_column_double(handle_, column);
}

std::string Statement::column_text(int column) const {
  const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(handle_, column));
  if (text == nullptr) return {};
  return {text, static_cast<std::size_t>(sqlite3_column_bytes(handle_, column))};
}

std::string Statement::column_blob(int column) const {
  const auto* data = static_cast<const char*>(sqlite3_column_blob(handle_, column));
  if (data == nullptr) return {};
  return {data, static_cast<std::size_t>(sqlite3_column_bytes(handle_, column))};
}

Result<Digest> Statement::column_digest(int column) const {
  const std::string bytes = column_blob(column);
  auto digest = Digest::from_bytes(as_bytes(bytes));
  if (!digest) {
    return fail(Code::data_loss,
                "the database holds a digest that is none: " + digest.error().message);
  }
  return digest;
}

}  // namespace skerry::store
