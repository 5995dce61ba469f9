#include "tests/fault/support/invariants.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <set>

#include "core/base/crypto.hpp"
#include "tests/fault/support/checks.hpp"

namespace skerry::fault {
namespace {

void load_tasks(StateCopy& cloud, JobRow& job) {
  auto select = cloud.sql(
      "SELECT id, node, kind, state, params, inputs, downlink_seq FROM task WHERE job = ? ORDER BY "
      "rowid");
  select.bind(1, job.id);
  while (expect(select.step())) {
    TaskRow task{select.column_text(0),
                 select.column_text(1),
                 select.column_text(2),
                 select.column_text(3),
                 expect(parse_json(select.column_text(4))),
                 expect(parse_json(select.column_text(5))),
                 select.column_int(6)};
    job.tasks.emplace(task.id, std::move(task));
  }
}

void load_events(StateCopy& cloud, JobRow& job) {
  auto select = cloud.sql("SELECT body FROM event WHERE job = ? ORDER BY seq");
  select.bind(1, job.id);
  while (expect(select.step())) {
    Json event = expect(parse_json(select.column_text(0)));
    if (event.value("type", "") != "TaskFinished") continue;
    const std::string task = event.at("task").get<std::string>();
    job.finished.emplace(task, std::move(event));
  }
}

void load_rounds(StateCopy& cloud, JobRow& job) {
  auto records = cloud.sql("SELECT body FROM record WHERE job = ? ORDER BY seq");
  records.bind(1, job.id);
  while (expect(records.step())) job.records.push_back(expect(parse_json(records.column_text(0))));
  auto models = cloud.sql("SELECT version, digest FROM model WHERE job = ?");
  models.bind(1, job.id);
  while (expect(models.step())) job.models[models.column_int(0)] = expect(models.column_digest(1));
}

std::vector<JobRow> load_jobs(StateCopy& cloud) {
  std::vector<JobRow> jobs;
  auto select = cloud.sql("SELECT id, name, phase, plan, message, decided FROM job ORDER BY id");
  while (expect(select.step())) {
    JobRow job;
    job.id = select.column_int(0);
    job.name = select.column_text(1);
    job.key = fmt::format("{}.{}", job.name, job.id);
    job.phase = select.column_text(2);
    job.plan = select.column_text(3);
    job.message = select.column_text(4);
    job.decided = select.column_int(5);
    load_tasks(cloud, job);
    load_events(cloud, job);
    load_rounds(cloud, job);
    jobs.push_back(std::move(job));
  }
  return jobs;
}

// Killed before it had a record. Only one that never joined may be without.
bool has_begun(const std::filesystem::path& edge) {
  return std::filesystem::exists(edge / "edge.db") && StateCopy(edge, "edge").has_table("meta");
}

void check_nobody_lost_all(Examination& examination, std::size_t without_record) {
  if (without_record == 0) return;
  std::set<std::string> known;
  for (StateCopy* edge : examination.edges) known.insert(edge->meta("node"));
  auto select = examination.cloud.sql("SELECT name FROM node WHERE revoked = 0");
  while (expect(select.step()))
    if (!known.contains(select.column_text(0)))
      examination.violated("acknowledged", fmt::format("node {} joined, and its edge has no record",
                                                       select.column_text(0)));
}

void examine(const States& states, const Demands& demands, Report& report) {
  expect(init_sodium());
  StateCopy cloud(states.cloud, "cloud");
  std::vector<std::unique_ptr<StateCopy>> edges;
  Examination examination{cloud, {}, load_jobs(cloud), demands, report};
  for (const auto& state : states.edges) {
    if (!has_begun(state)) continue;
    edges.push_back(std::make_unique<StateCopy>(state, "edge"));
    examination.edges.push_back(edges.back().get());
  }
  check_nobody_lost_all(examination, states.edges.size() - edges.size());
  report.jobs = static_cast<int>(examination.jobs.size());
  for (const JobRow& job : examination.jobs) report.tasks += static_cast<int>(job.tasks.size());
  check_sessions(examination);
  check_counts(examination);
  check_rounds(examination);
  check_blobs(examination);
  check_audit(examination);
}

}  // namespace

int Report::count(const std::string& rule) const {
  return static_cast<int>(std::count_if(violations.begin(), violations.end(),
                                        [&](const auto& each) { return each.rule == rule; }));
}

std::string Report::text() const {
  std::string text;
  for (const auto& each : violations) text += fmt::format("{}: {}\n", each.rule, each.detail);
  return text + fmt::format("{} violations; {} jobs, {} tasks, {} rounds, {} of them recomputed\n",
                            violations.size(), jobs, tasks, rounds, recomputed);
}

Report check(const States& states, const Demands& demands) {
  Report report;
  try {
    examine(states, demands, report);
  } catch (const std::exception& error) {
    report.violations.push_back({"readable", error.what()});
  }
  return report;
}

}  // namespace skerry::fault
