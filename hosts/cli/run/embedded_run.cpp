#include "hosts/cli/run/embedded_run.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <thread>

#include "core/config/yaml_writer.hpp"
#include "hosts/cli/report/report.hpp"
#include "hosts/cli/run/interrupt.hpp"
#include "hosts/cli/view/record.hpp"

namespace skerry::cli {
namespace {

constexpr std::chrono::milliseconds kLivePoll{200};
constexpr std::chrono::milliseconds kPlainPoll{500};
constexpr std::chrono::milliseconds kApply{60'000};
constexpr std::chrono::milliseconds kExport{300'000};
constexpr std::chrono::milliseconds kHurry{5'000};  // after Ctrl-C
constexpr std::chrono::seconds kSilence{120};       // of a cloud that runs and does not answer

Problem interrupted() {
  return {Code::cancelled, "interrupted", "", ""};
}

}  // namespace

EmbeddedRun::EmbeddedRun(RunOptions options)
    : options_(std::move(options)),
      human_(options_.json ? stderr : stdout),
      style_(style_of(human_)),
      table_(human_, style_) {
  facts_.cores = std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
  facts_.edges = options_.edges;
  facts_.threads_per_edge =
      options_.threads_per_edge.value_or(std::max(1, facts_.cores / options_.edges));
}

double EmbeddedRun::seconds_since_begin() const {
  return std::chrono::duration<double>(Clock::now() - begun_).count();
}

void EmbeddedRun::say(const std::string& text) {
  if (!options_.quiet) table_.note(text);
  if (folder_) folder_->log(text);
}

tl::expected<void, Problems> EmbeddedRun::check() {
  auto file = read_job_file(options_.file);
  if (!file) return tl::unexpected(file.error());
  file_ = std::move(*file);
  auto checked = check_job(*file_, {options_.edges, ""});
  if (!checked) return tl::unexpected(checked.error());
  checked_ = std::move(*checked);
  facts_.job = checked_->job.name();
  facts_.check_seconds = seconds_since_begin();
  return {};
}

Status EmbeddedRun::start() {
  const auto begun = Clock::now();
  say(fmt::format("job {} on {} edge{}, {} thread{} each; results go to {}", facts_.job,
                  facts_.edges, facts_.edges == 1 ? "" : "s", facts_.threads_per_edge,
                  facts_.threads_per_edge == 1 ? "" : "s", folder_->path().string()));
  const Status started =
      Cluster::start({facts_.edges, facts_.threads_per_edge, facts_.cores, options_.writable,
                      [this](const std::string& text) { say(text); }},
                     cluster_);
  if (!started) return started;
  facts_.start_seconds = std::chrono::duration<double>(Clock::now() - begun).count();
  return {};
}

tl::expected<void, Problems> EmbeddedRun::apply() {
  const Json body{{"text", file_->text},
                  {"file", std::filesystem::absolute(file_->path).lexically_normal().string()},
                  {"nodes", facts_.edges}};
  const auto reply = cluster_->cloud().call("apply", body, kApply);
  if (!reply) return tl::unexpected(reply.error());
  applied_ = Clock::now();
  watch_.emplace(facts_.job);
  return {};
}

void EmbeddedRun::keep(const Json& record) {
  if (watch_->records().size() == 1) {
    const std::chrono::duration<double> since = Clock::now() - *applied_;
    facts_.prepare_seconds =
        std::max(0.0, since.count() - number_at(record, "seconds/total").value_or(0));
  }
  if (!options_.quiet) table_.record(record);
  const Status kept = folder_->add_record(record);
  if (!kept) say("metrics.jsonl: " + kept.error().text());
}

Status EmbeddedRun::follow() {
  const std::size_t rounds = rounds_in_plan(checked_->job.document);
  const bool show = !options_.quiet;
  const auto on_record = [this](const Json& record) { keep(record); };
  auto answered = Clock::now();
  while (!watch_->finished()) {
    const Status alive = cluster_->keep_alive();
    if (Interrupt::arrived()) return fail(interrupted());
    if (!alive) return alive;
    const Status updated =
        watch_->update(cluster_->cloud(), style_.live && show ? kLivePoll : kPlainPoll, on_record);
    if (Interrupt::arrived()) return fail(interrupted());
    // A cloud that does not answer may have died: keep_alive knows.
    const bool may_pass = !updated && (updated.error().code == Code::deadline_exceeded ||
                                       updated.error().code == Code::unavailable);
    if (updated) answered = Clock::now();
    if (!updated && (!may_pass || Clock::now() - answered > kSilence)) return updated;
    if (show && !watch_->finished()) table_.progress(watch_->progress(rounds));
  }
  return {};
}

void EmbeddedRun::fetch_model() {
  const auto patience = Interrupt::arrived() ? kHurry : kExport;
  const Json body{{"job", facts_.job}, {"to", folder_->model().string()}};
  const auto exported = cluster_->cloud().call("model.export", body, patience);
  if (exported) {
    facts_.model_path = folder_->model().string();
    facts_.model_digest = text_at(*exported, "digest");
  } else if (facts_.phase == "Succeeded" && exported.error().front().code != Code::not_found) {
    set_outcome(exported.error());  // not found: not every workflow makes a model
  }
}

void EmbeddedRun::set_outcome(const Problems& problems) {
  const bool stopped = problems.front().code == Code::cancelled;
  facts_.phase = stopped ? "Stopped" : "Failed";
  facts_.message = problems.front().text();
}

void EmbeddedRun::conclude() {
  table_.clear();
  facts_.elapsed = seconds_since_begin();
  if (watch_) {
    facts_.records = watch_->records();
    facts_.bytes = watch_->bytes();
    if (facts_.phase.empty()) {
      facts_.phase = watch_->phase();
      facts_.message = folder_->where_logs_are_kept(watch_->message(), cluster_->directory());
    }
  }
  if (cluster_) {
    if (applied_ && cluster_->answers()) {
      const auto patience = Interrupt::arrived() ? kHurry : AdminClient::kPatience;
      const auto reply =
          cluster_->cloud().call("describe", {{"kind", "job"}, {"name", facts_.job}}, patience);
      if (reply) description_ = *reply;
      fetch_model();
    }
    facts_.restarts = cluster_->restarts();
    cluster_->stop();
    for (const std::string& name : cluster_->names()) {
      folder_->keep_logs(name, cluster_->directory() / name);
    }
    cluster_.reset();
  }
  facts_.folder = folder_->path().string();
  write_results();
}

void EmbeddedRun::write_results() {
  const Json summary = summarize(facts_);
  Json kept = summary;
  kept["skerryResult"] = 1;
  const ReportInput report{
      summary,    facts_.records, description_, plugins_of(*checked_), file_->path.string(),
      file_->text};
  for (const Status& written :
       {folder_->write("job.yaml", config::to_yaml(runnable_again(checked_->job))),
        folder_->write("report.html", render_report(report)),
        folder_->write("summary.json", kept.dump(2) + "\n")}) {
    if (!written) say("the result is not complete: " + written.error().text());
  }
  if (!options_.quiet)
    std::fputs(("\n" + summary_text(summary, style_)).c_str(), human_);
  else if (facts_.phase == "Failed" && !options_.json)
    std::fputs(("job " + facts_.job + " failed: " + facts_.message + "\n").c_str(), stderr);
  std::fflush(human_);
  if (options_.json) print_json(summary);
}

int EmbeddedRun::execute() {
  Interrupt::watch();
  const auto checked = check();
  if (Interrupt::arrived()) return kInterrupted;
  if (!checked) return complain(checked.error(), options_.json, kBadInput);
  const auto path = ResultFolder::choose(options_.out, facts_.job);
  auto folder = ResultFolder::claim(path);
  if (!folder) return complain(folder.error(), options_.json, kBadInput);
  folder_ = std::move(*folder);

  Problems problems;
  if (const Status started = start(); !started) problems = {started.error()};
  if (problems.empty()) {
    if (const auto applied = apply(); !applied) problems = applied.error();
  }
  if (problems.empty()) {
    if (const Status followed = follow(); !followed) problems = {followed.error()};
  }
  table_.clear();
  if (Interrupt::arrived()) problems = {interrupted()};
  if (!problems.empty()) {
    set_outcome(problems);
    for (const Problem& problem : problems) folder_->log(problem.text());
    if (!Interrupt::arrived()) complain(problems, false, kFailed);
  }
  conclude();
  if (Interrupt::arrived()) return kInterrupted;
  return facts_.phase == "Succeeded" ? kOk : kFailed;
}

}  // namespace skerry::cli
