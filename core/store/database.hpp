// SQLite: the one durable record of a host. WAL with synchronous=FULL, so that what commit() said
// ok to survives a power cut. One connection, one thread; a failed fsync is Code::data_loss, after
// which the host must end.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <span>
#include <string_view>

#include "core/base/result.hpp"
#include "core/store/statement.hpp"

namespace skerry::store {

// Rolls back at destruction unless committed.
class Transaction {
 public:
  Transaction(Transaction&& other) noexcept;
  Transaction& operator=(Transaction&&) = delete;
  ~Transaction();

  // After a failure nothing of the transaction is kept.
  Status commit();

 private:
  friend class Database;
  explicit Transaction(Connection* connection) : connection_(connection) {}
  Connection* connection_;  // nullptr: over
};

class Database {
 public:
  // Creates the file (0600) when there is none. Statements and transactions must not outlive the
  // Database; it may be moved.
  static Result<Database> open(const std::filesystem::path& path);

  // To read beside the host's own connection, on another thread of its process: sees what is
  // committed, writes nothing, and leaves checkpoints to the writer.
  static Result<Database> open_reader(const std::filesystem::path& path);
  // A file that nobody changes, as that of a backup: no lock is taken, no file made beside it.
  static Result<Database> open_unchanging(const std::filesystem::path& path);

  Database(Database&&) noexcept;
  Database& operator=(Database&&) noexcept;
  ~Database();

  // One or more statements without parameters or rows.
  Status exec(std::string_view sql);
  Result<Statement> prepare(std::string_view sql);
  // As prepare, but the statement goes back into a cache when it is destroyed. For statements that
  // run often.
  Result<Statement> cached(std::string_view sql);

  // Takes the write lock at once. Transactions do not nest.
  Result<Transaction> begin();
  bool in_transaction() const;

  // Rows that the last INSERT, UPDATE or DELETE touched.
  std::int64_t changes() const;
  std::int64_t last_insert_id() const;

  // Brings the schema up to date: step N (counted from 0) runs where the file's user_version is N
  // or less. Steps that were released never change. Refuses a file that a newer program wrote.
  Status migrate(std::span<const std::string_view> steps);
  Result<std::int64_t> user_version();

  // Copies all pages into a new file (0600), which is durable afterwards, a few MiB at a time.
  // Inside "BEGIN" on a reader the copy is of one moment, however many commits others make
  // meanwhile. Code::cancelled where `cancelled` said yes between two pieces.
  Status copy_to(const std::filesystem::path& file, const std::function<bool()>& cancelled);

 private:
  explicit Database(std::unique_ptr<Connection> connection);
  std::unique_ptr<Connection> connection_;
};

}  // namespace skerry::store
