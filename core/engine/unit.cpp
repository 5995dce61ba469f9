#include "core/engine/unit.hpp"

#include <cstdlib>

#include "core/base/failpoint.hpp"
#include "core/base/log.hpp"

namespace skerry::engine {

void die(const Problem& problem) {
  log_error("cannot go on: " + problem.text() +
            ". Nothing acknowledged is lost; mend the cause (disk space, permissions, the disk "
            "itself) and start again");
  flush_log();
  std::_Exit(74);
}

void Unit::after_commit(std::function<void()> effect) {
  effects_.push_back(std::move(effect));
}

void Unit::enter() {
  if (depth_++ == 0) transaction_.emplace(must(database_.begin()));
}

void Unit::leave() {
  if (--depth_ > 0) return;
  if (abandoned_) {
    // Somebody caught the exception that unwound a part of this unit, and went on. What is in
    // memory goes beyond what may be recorded; the last commit tells what is so.
    die({Code::internal, "a part of a transaction was given up, and the rest of it was not", "",
         ""});
  }
  SKERRY_FAILPOINT("unit.commit.begun");
  must(SKERRY_FAILPOINT_STATUS("unit.commit.sync"));
  if (make_room_) make_room_();
  must(transaction_->commit());
  transaction_.reset();
  SKERRY_FAILPOINT("unit.commit.done");
  auto effects = std::exchange(effects_, {});
  for (auto& effect : effects) {
    effect();
    SKERRY_FAILPOINT("unit.effect.done");
  }
}

void Unit::abandon() {
  abandoned_ = --depth_ > 0;
  if (abandoned_) return;
  transaction_.reset();
  effects_.clear();
}

}  // namespace skerry::engine
