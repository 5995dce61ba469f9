#include "hosts/cli/run/job_watch.hpp"

#include "hosts/cli/view/record.hpp"

namespace skerry::cli {
namespace {

constexpr std::chrono::milliseconds kLateness{5'000};  // an answer may come so much after its time

}  // namespace

Status JobWatch::update(AdminClient& cloud, std::chrono::milliseconds wait,
                        const std::function<void(const Json&)>& on_record) {
  const auto reply = first_problem(
      cloud.call("watch", {{"job", job_}, {"after", records_.size()}, {"waitMs", wait.count()}},
                 wait + kLateness));
  if (!reply) return fail(reply.error());
  phase_ = text_at(*reply, "phase", phase_);
  message_ = text_at(*reply, "message");
  finished_ = reply->value("finished", Json(false)) == true;
  bytes_ = reply->value("bytes", Json());
  tasks_ = reply->value("tasks", Json::array());
  for (const Json& record : reply->value("records", Json::array())) {
    records_.push_back(record);
    on_record(record);
  }
  return {};
}

Progress JobWatch::progress(std::size_t total_rounds) const {
  const std::chrono::duration<double> since = std::chrono::steady_clock::now() - begun_;
  return {phase_, records_.size(), total_rounds, since.count(), tasks_};
}

std::size_t rounds_in_plan(const Json& plan) {
  const auto rounds = number_at(plan, "spec/rounds");
  return rounds && *rounds > 0 ? static_cast<std::size_t>(*rounds) : 0;
}

}  // namespace skerry::cli
