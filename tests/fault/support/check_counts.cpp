// One end a task, and numbers without gaps.
#include <fmt/format.h>

#include "tests/fault/support/checks.hpp"

namespace skerry::fault {
namespace {

struct Ends {
  int finished = 0, failed = 0;
};

void check_task_ends(const Examination& examination, const JobRow& job) {
  std::map<std::string, Ends> ends;
  auto select = examination.cloud.sql("SELECT body FROM event WHERE job = ? ORDER BY seq");
  select.bind(1, job.id);
  while (expect(select.step())) {
    const Json event = expect(parse_json(select.column_text(0)));
    const std::string type = event.value("type", "");
    if (type == "TaskFinished") ++ends[event.at("task").get<std::string>()].finished;
    if (type == "TaskFailed") ++ends[event.at("task").get<std::string>()].failed;
  }
  const auto violated = [&](const std::string& task, const std::string& what) {
    examination.violated("once", fmt::format("job {}: task {} {}", job.key, task, what));
  };
  for (const auto& [id, count] : ends) {
    if (count.finished + count.failed > 1)
      violated(id, fmt::format("ended {} times ({} finished, {} failed)",
                               count.finished + count.failed, count.finished, count.failed));
    if (!job.tasks.contains(id)) violated(id, "ended, but was never started");
  }
  for (const auto& [id, task] : job.tasks) {
    const auto end = ends.find(id);
    const Ends count = end == ends.end() ? Ends{} : end->second;
    const bool agrees = task.state == "finished" ? count.finished == 1
                        : task.state == "failed" ? count.failed == 1
                                                 : count.finished + count.failed == 0;
    if (!agrees)
      violated(id, fmt::format("is {}, and the job was told {} times that it finished and {} times "
                               "that it failed",
                               task.state, count.finished, count.failed));
  }
}

// `from`: the first row that must be there.
void check_rows(const Examination& examination, const JobRow& job, const char* table,
                std::int64_t from) {
  auto select = examination.cloud.sql(fmt::format(
      "SELECT count(*), coalesce(max(seq), 0) FROM {} WHERE job = ? AND seq >= ?", table));
  select.bind(1, job.id).bind(2, from);
  expect(select.step());
  const std::int64_t rows = select.column_int(0), last = select.column_int(1);
  if (rows > 0 && rows != last - from + 1)
    examination.violated("contiguous",
                         fmt::format("job {}: {} rows in `{}` from number {} on, the last has {}",
                                     job.key, rows, table, from, last));
}

// Of the events, the last that was decided stays, and all that come after it; of those before it,
// the ends of tasks (above).
void check_numbers(const Examination& examination, const JobRow& job) {
  check_rows(examination, job, "record", 1);
  check_rows(examination, job, "event", std::max<std::int64_t>(job.decided, 1));
  auto last = examination.cloud.sql("SELECT coalesce(max(seq), 0) FROM event WHERE job = ?");
  last.bind(1, job.id);
  expect(last.step());
  if (job.decided > last.column_int(0))
    examination.violated("contiguous", fmt::format("job {}: decided {} events, there are {}",
                                                   job.key, job.decided, last.column_int(0)));
  std::int64_t expected = 1;
  for (const auto& [version, digest] : job.models) {
    if (version != expected)
      examination.violated("contiguous",
                           fmt::format("job {}: model {} is missing", job.key, expected));
    expected = version + 1;
  }
}

void check_end(const Examination& examination, const JobRow& job) {
  if (!examination.demands.jobs_have_ended) return;
  if (!job.ended())
    examination.violated("ends", fmt::format("job {} is {}: {}", job.key, job.phase, job.message));
}

}  // namespace

void check_counts(Examination& examination) {
  for (const JobRow& job : examination.jobs) {
    check_task_ends(examination, job);
    check_numbers(examination, job);
    check_end(examination, job);
  }
}

}  // namespace skerry::fault
