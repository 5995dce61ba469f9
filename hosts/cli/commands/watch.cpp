// watch, logs, signal.
#include <fmt/format.h>

#include <cstdio>

#include "hosts/cli/commands/commands.hpp"
#include "hosts/cli/commands/operator.hpp"
#include "hosts/cli/run/interrupt.hpp"
#include "hosts/cli/run/job_watch.hpp"
#include "hosts/cli/view/live_table.hpp"
#include "hosts/cli/view/record.hpp"

namespace skerry::cli {
namespace {

constexpr std::chrono::milliseconds kLivePoll{300};
constexpr std::chrono::milliseconds kQuietPoll{2'000};

int follow(AdminClient& cloud, const Operator& who, const std::string& job) {
  const auto description = cloud.call("describe", {{"kind", "job"}, {"name", job}});
  if (!description) return complain(description.error(), who.json, exit_for(description.error()));
  const std::size_t rounds = rounds_in_plan(description->value("plan", Json::object()));
  JobWatch watch(job);
  const Style style = style_of(stdout);
  LiveTable table(stdout, who.json ? Style{} : style);
  const auto on_record = [&](const Json& record) {
    who.json ? print_json(record) : table.record(record);
  };
  while (!watch.finished()) {
    const Status updated = watch.update(cloud, style.live ? kLivePoll : kQuietPoll, on_record);
    if (Interrupt::arrived()) return kInterrupted;
    if (!updated) {
      table.clear();
      return complain(updated.error(), who.json, kFailed);
    }
    if (!who.json && !watch.finished()) table.progress(watch.progress(rounds));
  }
  table.clear();
  if (who.json) {
    print_json({{"job", job},
                {"phase", watch.phase()},
                {"message", watch.message()},
                {"rounds", watch.records().size()},
                {"bytes", watch.bytes()}});
  } else {
    const std::string message = watch.message().empty() ? "" : ": " + watch.message();
    std::puts(printable(fmt::format("job {} {}{}", job, watch.phase(), message)).c_str());
  }
  return watch.phase() == "Succeeded" ? kOk : kFailed;
}

}  // namespace

int watch_command(const Operator& who, const std::string& job) {
  Interrupt::watch();
  return with_cloud(who, [&](AdminClient& cloud) { return follow(cloud, who, job); });
}

int logs_command(const Operator& who, const std::string& job) {
  return ask(who, {"logs", {{"job", job}}}, [](const Json& reply) {
    for (const Json& file : reply.value("files", Json::array())) {
      std::printf("==> %s <==\n%s\n", printable(text_at(file, "name")).c_str(),
                  printable(text_at(file, "text")).c_str());
    }
  });
}

int signal_command(const Operator& who, const std::string& job, const std::string& name,
                   const std::string& value) {
  const auto parsed = parse_json(value);
  const Json sent = value.empty() ? Json(nullptr) : parsed ? *parsed : Json(value);
  return ask(who, {"signal", {{"job", job}, {"name", name}, {"value", sent}}}, [&](const Json&) {
    std::puts(printable(fmt::format("signal {} sent to job {}", name, job)).c_str());
  });
}

}  // namespace skerry::cli
