// One transaction and what may happen only after it is durable.
//
// Everything that a host does in one turn of its event loop shares a unit: rows are written inside
// it, messages leave and files go away after its commit. Hosts are crash-only: a database that
// fails ends the process at once, the transaction is rolled back by the next start, and nothing
// that was not durable has been told to anybody.
#pragma once

#include <exception>
#include <functional>
#include <optional>
#include <utility>
#include <vector>

#include "core/base/result.hpp"
#include "core/store/database.hpp"

namespace skerry::engine {

// Logs the problem, with the place to look, and ends the process with status 74.
[[noreturn]] void die(const Problem& problem);

inline void must(const Status& status) {
  if (!status) die(status.error());
}
template <class T>
T must(Result<T> result) {
  if (!result) die(result.error());
  return std::move(*result);
}

// True when it was done; false when it failed with `expected`, which the caller can mend.
inline bool done_unless(Code expected, const Status& status) {
  if (!status && status.error().code == expected) return false;
  must(status);
  return true;
}

class Unit {
 public:
  explicit Unit(store::Database& database) : database_(database) {}
  Unit(const Unit&) = delete;
  Unit& operator=(const Unit&) = delete;

  // Opens the unit, or joins the one that is open. The outermost scope commits, then runs the
  // effects in their order.
  class Scope {
   public:
    explicit Scope(Unit& unit) : unit_(unit), unwinding_(std::uncaught_exceptions()) {
      unit_.enter();
    }
    // An exception on its way out must not commit half of what was meant: it takes the whole unit
    // with it, and the process when it is caught before the outermost scope has ended.
    ~Scope() noexcept(false) {
      std::uncaught_exceptions() > unwinding_ ? unit_.abandon() : unit_.leave();
    }
    Scope(const Scope&) = delete;
    Scope& operator=(const Scope&) = delete;

   private:
    Unit& unit_;
    int unwinding_;
  };

  // Inside a scope only. An effect may open a unit of its own.
  void after_commit(std::function<void()> effect);

  // Called before each commit: one that finds no space takes the whole transaction with it.
  void before_commit(std::function<void()> make_room) { make_room_ = std::move(make_room); }

  store::Database& database() { return database_; }
  store::Statement sql(std::string_view text) { return must(database_.cached(text)); }

 private:
  void enter();
  void leave();
  void abandon();

  store::Database& database_;
  std::optional<store::Transaction> transaction_;
  int depth_ = 0;
  bool abandoned_ = false;  // an exception has left an inner scope
  std::vector<std::function<void()>> effects_;
  std::function<void()> make_room_;
};

}  // namespace skerry::engine
