#include <utility>

#include "core/store/connection.hpp"
#include "core/store/database.hpp"

namespace skerry::store {

Transaction::Transaction(Transaction&& other) noexcept
    : connection_(std::exchange(other.connection_, nullptr)) {}

Transaction::~Transaction() {
  // It fails when SQLite has rolled back by itself, as after a full disk.
  if (connection_ != nullptr) static_cast<void>(connection_->exec("ROLLBACK"));
}

Status Transaction::commit() {
  if (connection_ == nullptr) {
    return fail(Code::failed_precondition,
                "the transaction is over: it was committed or failed to");
  }
  Status status = connection_->exec("COMMIT");
  // A failed COMMIT may leave the transaction open.
  if (!status) static_cast<void>(connection_->exec("ROLLBACK"));
  connection_ = nullptr;
  return status;
}

}  // namespace skerry::store
