// A loop whose time passes only when a test says so; work aside is done in its turn.
#pragma once

#include <algorithm>
#include <map>
#include <utility>

#include "core/engine/loop.hpp"

namespace skerry::engine {

class ManualLoop : public Loop {
 public:
  Clock::time_point now() const override { return now_; }
  void post(Work work) override { plan({}, std::move(work)); }
  void aside(Work work, Work done) override {
    post([this, work = std::move(work), done = std::move(done)] {
      work();
      post(done);
    });
  }
  std::unique_ptr<Alarm> after(Clock::duration delay, Work work) override {
    auto alarm = std::make_unique<Bell>();
    plan(delay, [work = std::move(work), alive = std::weak_ptr(alarm->alive)] {
      if (!alive.expired()) work();
    });
    return alarm;
  }
  double random() override { return 0.5; }

  // What is due now, and what follows from it at once.
  void run() { run_for({}); }
  void run_for(Clock::duration time) {
    const auto end = now_ + time;
    while (!due_.empty() && due_.begin()->first.first <= end) {
      auto first = due_.extract(due_.begin());
      now_ = first.key().first;
      first.mapped()();
    }
    now_ = end;
  }

 private:
  struct Bell : Alarm {
    std::shared_ptr<const bool> alive = std::make_shared<const bool>(true);
  };
  void plan(Clock::duration delay, Work work) {
    due_.emplace(std::pair{now_ + delay, ++count_}, std::move(work));
  }

  Clock::time_point now_{};
  int count_ = 0;
  std::map<std::pair<Clock::time_point, int>, Work> due_;
};

}  // namespace skerry::engine
