// What each side of a session believes of the other. An edge gives its work away only when the
// cloud has it for good, and the cloud forgets a message only when the edge has it for good.
#include <fmt/format.h>

#include <set>

#include "tests/fault/support/checks.hpp"

namespace skerry::fault {
namespace {

constexpr const char* kRule = "acknowledged";

struct Numbers {
  std::int64_t lowest = 0, highest = 0, count = 0;  // of rows; all 0 where there is none
  bool gapless() const { return count == 0 || highest - lowest + 1 == count; }
};

Numbers numbers_of(store::Statement select) {
  if (!expect(select.step()) || select.column_is_null(0)) return {};
  return {select.column_int(0), select.column_int(1), select.column_int(2)};
}

class Session {
 public:
  Session(const Examination& examination, StateCopy& edge)
      : examination_(examination), edge_(edge), node_(edge.meta("node")) {}

  void check() {
    if (node_.empty()) return;  // never joined
    auto row = examination_.cloud.sql(
        "SELECT outbox, uplink_seq, downlink_seq, revoked FROM node WHERE name = ?");
    row.bind(1, node_);
    if (!expect(row.step())) return violated("joined, but the cloud does not know it");
    const std::string outbox = row.column_text(0);
    uplink_seq_ = row.column_int(1);
    downlink_seq_ = row.column_int(2);
    inbox_seq_ = std::stoll(edge_.meta("inbox_seq"));
    if (outbox == edge_.meta("outbox")) {
      check_uplink();
      check_delivered();
    }
    // Another epoch's numbers say nothing.
    if (edge_.meta("cloud_epoch") != examination_.cloud.meta("epoch")) return;
    // A revoked node's messages were forgotten, on purpose.
    if (row.column_int(3) == 0) check_downlink();
    check_open_tasks();
  }

 private:
  void violated(const std::string& what) const {
    examination_.violated(kRule, fmt::format("node {}: {}", node_, what));
  }

  void check_uplink() {
    const std::int64_t given = std::stoll(edge_.meta("next_seq")) - 1;
    const Numbers kept = numbers_of(edge_.sql("SELECT min(seq), max(seq), count(*) FROM outbox"));
    if (!kept.gapless())
      violated(fmt::format("its outbox has a gap: {} messages from {} to {}", kept.count,
                           kept.lowest, kept.highest));
    if (kept.count > 0 && kept.highest != given)
      violated(
          fmt::format("it gave out {} numbers, but its outbox ends with {}", given, kept.highest));
    const std::int64_t forgotten = kept.count > 0 ? kept.lowest - 1 : given;
    if (forgotten > uplink_seq_)
      violated(fmt::format("it forgot its messages up to {}, the cloud has committed up to {}",
                           forgotten, uplink_seq_));
    if (uplink_seq_ > given)
      violated(
          fmt::format("the cloud has committed message {}, it gave out {}", uplink_seq_, given));
  }

  // What the cloud has committed must have had its effect, though the edge may not know it yet.
  void check_delivered() {
    auto select = edge_.sql("SELECT seq, job, task FROM outbox WHERE seq <= ?");
    select.bind(1, uplink_seq_);
    while (expect(select.step())) {
      const TaskRow* task = find(select.column_text(1), select.column_text(2));
      if (task != nullptr && task->state == "open")
        violated(
            fmt::format("message {} about task {} is committed at the cloud, where the task "
                        "is still open",
                        select.column_int(0), task->id));
    }
  }

  void check_downlink() {
    auto rows =
        examination_.cloud.sql("SELECT min(seq), max(seq), count(*) FROM downlink WHERE node = ?");
    rows.bind(1, node_);
    const Numbers kept = numbers_of(std::move(rows));
    if (!kept.gapless())
      violated(fmt::format("the cloud's messages to it have a gap: {} messages from {} to {}",
                           kept.count, kept.lowest, kept.highest));
    if (kept.count > 0 && kept.highest != downlink_seq_)
      violated(fmt::format("the cloud gave out {} numbers to it, but keeps messages up to {}",
                           downlink_seq_, kept.highest));
    const std::int64_t forgotten = kept.count > 0 ? kept.lowest - 1 : downlink_seq_;
    if (forgotten > inbox_seq_)
      violated(
          fmt::format("the cloud forgot its messages to it up to {}, it has committed up to {}",
                      forgotten, inbox_seq_));
    if (inbox_seq_ > downlink_seq_)
      violated(fmt::format("it has committed message {}, the cloud gave out {}", inbox_seq_,
                           downlink_seq_));
  }

  // A task that the cloud waits for is on its way to the edge, or at the edge.
  void check_open_tasks() {
    std::set<std::pair<std::string, std::string>> here;
    auto select = edge_.sql("SELECT job, id FROM task");
    while (expect(select.step())) here.emplace(select.column_text(0), select.column_text(1));
    for (const JobRow& job : examination_.jobs) {
      if (job.ended()) continue;
      for (const auto& [id, task] : job.tasks) {
        if (task.node != node_ || task.state != "open" || task.downlink_seq > inbox_seq_) continue;
        if (!here.contains({job.key, id}))
          violated(
              fmt::format("the cloud waits for task {} of job {}, which it got as message {} "
                          "and does not have",
                          id, job.key, task.downlink_seq));
      }
    }
  }

  const TaskRow* find(const std::string& key, const std::string& id) const {
    for (const JobRow& job : examination_.jobs) {
      if (job.key != key) continue;
      const auto task = job.tasks.find(id);
      return task == job.tasks.end() ? nullptr : &task->second;
    }
    return nullptr;
  }

  const Examination& examination_;
  StateCopy& edge_;
  std::string node_;
  std::int64_t uplink_seq_ = 0, downlink_seq_ = 0, inbox_seq_ = 0;
};

}  // namespace

void check_sessions(Examination& examination) {
  for (StateCopy* edge : examination.edges) Session(examination, *edge).check();
}

}  // namespace skerry::fault
