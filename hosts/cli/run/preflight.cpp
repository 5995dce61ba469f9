#include "hosts/cli/run/preflight.hpp"

#include <fmt/format.h>
#include <sys/wait.h>

#include <chrono>
#include <thread>

#include "core/base/file.hpp"
#include "core/base/json.hpp"
#include "hosts/cli/run/child_process.hpp"
#include "hosts/cli/run/cluster.hpp"
#include "hosts/cli/run/interrupt.hpp"
#include "hosts/cli/run/tail.hpp"
#include "hosts/cli/view/record.hpp"

namespace skerry::cli {
namespace {

constexpr std::chrono::seconds kPatience{120};
constexpr std::chrono::milliseconds kPoll{5};

Json question(const config::ResolvedJob& job, std::optional<int> nodes) {
  Json artifacts = Json::object();
  for (const config::ArtifactFile& file : job.artifacts)
    artifacts[file.digest.hex()] = file.path.string();
  Json question{{"plan", job.document}, {"artifacts", std::move(artifacts)}};
  if (nodes) question["nodes"] = *nodes;
  return question;
}

// The last line that is a JSON object; a library may have printed before it.
std::optional<Json> verdict_in(const std::string& output) {
  std::size_t end = output.size();
  while (end != 0) {
    const std::size_t newline = output.rfind('\n', end - 1);
    const std::size_t start = newline == output.npos ? 0 : newline + 1;
    if (start < end && output[start] == '{') {
      auto value = parse_json(std::string_view(output).substr(start, end - start));
      if (value && value->contains("ok")) return std::move(*value);
    }
    end = newline == output.npos ? 0 : newline;
  }
  return std::nullopt;
}

Problem located(const config::ResolvedJob& job, const Json& problem) {
  const std::string slot = text_at(problem, "slot");
  const std::string node = text_at(problem, "node");
  const std::string field = text_at(problem, "field");
  const std::string message = text_at(problem, "message", "refused without a reason");
  if (node.empty()) return config::locate(job, slot, field, message);
  // What only one node is given stands beside the configuration of all.
  return config::locate(job, "", slot + ".nodes." + node + (field.empty() ? "" : "." + field),
                        message);
}

tl::unexpected<Problems> one(Problem problem) {
  return tl::unexpected(Problems{std::move(problem)});
}

Problem crashed(const config::ResolvedJob& job, const std::string& how,
                const std::filesystem::path& console) {
  return {Code::internal, "the worker that tried the job's plugins " + how + log_excerpt(console),
          job.source.where(""), ""};
}

}  // namespace

tl::expected<SlotFacts, Problems> read_verdict(const config::ResolvedJob& job,
                                               const std::string& output) {
  const auto verdict = verdict_in(output);
  if (!verdict) {
    return one({Code::internal, "the worker that tried the job's plugins gave no verdict",
                job.source.where(""), ""});
  }
  if ((*verdict)["ok"] == true) return verdict->value("slots", Json::object());
  return one(located(job, *verdict));
}

tl::expected<SlotFacts, Problems> preflight(const config::ResolvedJob& job,
                                            std::optional<int> nodes) {
  const auto folder = TempDir::create();
  if (!folder) return one(folder.error());
  const auto plan = folder->path() / "plan.json";
  const Status written = write_file_durably(plan, dump_json(question(job, nodes)));
  if (!written) return one(written.error());
  const auto console = folder->path() / "console.log";
  auto worker = ChildProcess::start(
      {"worker",
       {(program_folder() / "skerry-worker").string(), "--preflight", plan.string()},
       console});
  if (!worker) return one(worker.error());
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  while (!worker->ended()) {
    if (Interrupt::arrived()) return one({Code::cancelled, "interrupted", "", ""});
    if (std::chrono::steady_clock::now() > deadline) {
      return one(crashed(job, fmt::format("was not done within {} s", kPatience.count()), console));
    }
    std::this_thread::sleep_for(kPoll);
  }
  const auto output = read_file(console);
  if (!output) return one(output.error());
  if (!verdict_in(*output)) return one(crashed(job, describe_end(*worker->ended()), console));
  return read_verdict(job, *output);
}

}  // namespace skerry::cli
