#include "tests/fault/support/storm.hpp"

#include <fmt/format.h>
#include <signal.h>

#include <stdexcept>
#include <thread>
#include <utility>

namespace skerry::fault {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::seconds kLongestStorm{120};  // of a job; then it may end in peace
constexpr std::chrono::seconds kCalm{90};           // in which it must
constexpr std::chrono::milliseconds kPoll{150};

std::string job_name(int job) {
  return fmt::format("job-{}", job);
}

// All take part in every round: an update that is lost or counted twice changes the model.
std::string job_text(const StormOptions& options, int job) {
  const int bytes = job % kJobKinds == 0 ? 4096 : 160 * 1024;
  return fmt::format(R"(apiVersion: skerry.dev/v1alpha1
kind: FederatedLearningJob
metadata: {{name: {}}}
spec:
  pluginPath: [{}]
  estimator: {{plugin: fixture-null, config: {{bytes: {}, trainMillis: 2}}}}
  dataset: {{plugin: fixture-null}}
  aggregation: {{plugin: fedavg}}
  rounds: {}
  nodes: {}
  quorum: {}
  deadline: 10m
  retries: 1000
  attempts: 1000
  evaluation: {{where: edges, every: 10}}
)",
                     job_name(job), SKERRY_FIXTURES_DIR "/null", bytes, options.rounds,
                     options.edges, options.edges);
}

void apply(Cluster& cluster, const StormOptions& options, int job) {
  cluster.insist("apply", {{"text", job_text(options, job)},
                           {"file", (options.folder / "job.yaml").string()},
                           {"nodes", options.edges}});
}

// As `skerry get job` tells it; null where the cloud does not answer just now.
Json look(Cluster& cluster, int job) {
  const auto answer = cluster.ask("get", {{"kind", "jobs"}, {"name", job_name(job)}},
                                  std::chrono::milliseconds(1000));
  return answer && !answer->at("items").empty() ? answer->at("items").at(0) : Json();
}

bool has_ended(const Json& job) {
  const std::string phase = job.is_null() ? "" : job.value("phase", "");
  return phase == "Succeeded" || phase == "Failed" || phase == "Stopped";
}

void expect_success(const Json& job, const StormOptions& options) {
  if (job.value("phase", "") != "Succeeded" || job.value("rounds", 0) != options.rounds)
    throw std::runtime_error(
        fmt::format("the job came to an end that it should not: {} after {} "
                    "rounds: {}",
                    job.value("phase", ""), job.value("rounds", 0), job.value("message", "")));
}

}  // namespace

Calm run_calm(const StormOptions& options) {
  Calm calm;
  Cluster cluster(options.folder / "calm", options.edges);
  cluster.start();
  for (int kind = 0; kind < kJobKinds; ++kind) {
    apply(cluster, options, kind);
    Json job;
    eventually([&] { return has_ended(job = look(cluster, kind)); }, kCalm);
    expect_success(job, options);
    calm.models[kind] = job.at("model").get<std::string>();
  }
  calm.cloud = footprint_of(cluster.process(0).pid()).value();
  calm.edge = footprint_of(cluster.process(1).pid()).value();
  cluster.stop();
  const Report report = check(cluster.states(), {.jobs_have_ended = true, .all_recompute = true});
  if (!report.ok()) throw std::runtime_error(report.text());
  return calm;
}

Storm::Storm(const StormOptions& options, const Calm& calm, Tally& tally, std::uint64_t seed,
             int number)
    : options_(options),
      calm_(calm),
      tally_(tally),
      random_(seed * 1000 + static_cast<unsigned>(number)),
      number_(number) {}

void Storm::run() {
  while (!tally_.done() && run_state()) {
  }
}

bool Storm::run_state() {
  const auto folder = options_.folder / fmt::format("{}-{}", number_, ++states_);
  recomputed_ = 0;
  try {
    Cluster cluster(folder, options_.edges);
    cluster.start();
    for (int job = 0; job < options_.jobs_a_state && !tally_.done(); ++job) {
      if (job > 0)
        for (int host = 0; host < cluster.hosts(); ++host) cluster.launch(host);
      run_job(cluster, job);
    }
  } catch (const std::exception& error) {
    ++tally_.failures;
    const std::lock_guard lock(tally_.output);
    fmt::print("FAILED: {}\nits state is in {}\n", error.what(), folder.string());
    std::fflush(stdout);
    return false;
  }
  std::filesystem::remove_all(folder);
  return true;
}

void Storm::run_job(Cluster& cluster, int number) {
  kills_ = 0;
  apply(cluster, options_, number);
  const auto begun = Clock::now();
  auto next = begun;
  Json job;
  while (!has_ended(job)) {
    const auto now = Clock::now();
    const bool storm = !tally_.done() && now - begun < kLongestStorm;
    if (now - begun > kLongestStorm + kCalm)
      throw std::runtime_error(fmt::format("the job does not end: {}", dump_json(job)));
    if (storm && now >= next) {
      strike(cluster);
      next = Clock::now() +
             std::chrono::milliseconds(pick(2 * static_cast<int>(options_.pause.count()) + 1));
    }
    cluster.expect_alive();
    std::this_thread::sleep_until(storm ? std::min(next, now + kPoll) : now + kPoll);
    if (!storm || Clock::now() < next) job = look(cluster, number);
  }
  expect_success(job, options_);
  if (const auto& right = calm_.models.at(number % kJobKinds); job.at("model") != right)
    throw std::runtime_error(fmt::format("the job's model is {}; undisturbed it is {}",
                                         dump_json(job.at("model")), right));
  expect_footprints(cluster);
  if (pick(2) == 0) {
    cluster.stop();
  } else {
    cluster.kill_all();  // must make no difference to what is durable
  }
  expect_invariants(cluster, true);
  ++tally_.jobs;
  tally_.rounds += options_.rounds;
  const std::lock_guard lock(tally_.output);
  fmt::print("job {}.{}.{}: {} rounds, {} kills, {:.1f} s\n", number_, states_, number,
             options_.rounds, kills_, std::chrono::duration<double>(Clock::now() - begun).count());
  std::fflush(stdout);
}

// In a hundred: 46 edges, 20 clouds, 14 workers, 10 times two hosts at once, 8 times a host and
// again as soon as it starts, 2 times everything at once.
void Storm::strike(Cluster& cluster) {
  const int what = pick(100);
  const int edge = 1 + pick(cluster.hosts() - 1);
  if (what < 2) return kill_everything(cluster);
  if (what < 16 && kill_worker(cluster, pick(cluster.hosts()))) return;
  if (what < 26) {
    const int other = (edge + 1 + pick(cluster.hosts() - 1)) % cluster.hosts();
    kill(cluster, edge);
    kill(cluster, other);
    cluster.launch(edge);
    cluster.launch(other);
    return;
  }
  const int host = what < 46 ? 0 : edge;
  kill(cluster, host);
  cluster.launch(host);
  if (what < 92) return;
  std::this_thread::sleep_for(std::chrono::milliseconds(pick(60)));
  kill(cluster, host);
  cluster.launch(host);
}

void Storm::kill(Cluster& cluster, int host) {
  cluster.kill(host);
  ++kills_;
  ++tally_.kills;
}

bool Storm::kill_worker(Cluster& cluster, int host) {
  const auto workers = children_of(cluster.process(host).pid());
  if (workers.empty()) return false;
  ::kill(workers[static_cast<std::size_t>(pick(static_cast<int>(workers.size())))], SIGKILL);
  ++kills_;
  ++tally_.kills;
  return true;
}

// What is durable in the middle of a job must be right as well.
void Storm::kill_everything(Cluster& cluster) {
  cluster.kill_all();
  kills_ += cluster.hosts();
  tally_.kills += cluster.hosts();
  expect_invariants(cluster, false);
  for (int host = 0; host < cluster.hosts(); ++host) cluster.launch(host);
}

void Storm::expect_invariants(Cluster& cluster, bool ended) {
  const Report report = check(cluster.states(), {.jobs_have_ended = ended, .all_recompute = true});
  if (ended) tally_.recomputed += report.recomputed - std::exchange(recomputed_, report.recomputed);
  tally_.lost += report.count("acknowledged") + report.count("blobs") + report.count("ends");
  tally_.doubled += report.count("once");
  if (!report.ok()) throw std::runtime_error(report.text());
}

void Storm::expect_footprints(Cluster& cluster) const {
  std::string text;
  const bool back = eventually([&] {
    text.clear();
    for (int host = 0; host < cluster.hosts(); ++host) {
      const auto now = footprint_of(cluster.process(host).pid());
      const std::string grown =
          now ? growth(host == 0 ? calm_.cloud : calm_.edge, *now, {.descriptors = 4}) : "";
      if (!grown.empty()) text += cluster.name(host) + ": " + grown;
      for (const auto& file : temporary_files(cluster.state(host)))
        text += file.string() + " was left\n";
    }
    return text.empty();
  });
  if (!back) throw std::runtime_error(text);
}

}  // namespace skerry::fault
