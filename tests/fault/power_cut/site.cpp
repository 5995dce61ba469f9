#include "tests/fault/power_cut/site.hpp"

#include <fmt/format.h>
#include <signal.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <thread>

#include "tests/fault/support/state_copy.hpp"
#include "tests/support/job.hpp"
#include "tests/support/process_table.hpp"
#include "tests/support/skerry.hpp"
#include "tests/support/wait.hpp"

namespace skerry::fault {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

constexpr int kEdges = 2;
constexpr int kRounds = 10;
constexpr const char* kJob = "survives";
// Hits of failpoints that a life can last: some end while the host starts, some after rounds.
constexpr double kShortestLife = 2, kLongestLife = 600;
// One cut in so many takes the whole site.
constexpr std::uint64_t kOutage = 8;

std::string job_text() {
  testing::JobText job(kJob);
  // All take part in every round: an update that is lost or counted twice changes the model.
  job.set("rounds", std::to_string(kRounds))
      .set("quorum", std::to_string(kEdges))
      .set("deadline", "10m")
      // Larger than what travels in messages and lives in the database: two chunks, a file.
      .set("estimator", "{plugin: fixture-null, config: {bytes: 300000}}");
  return job.yaml();
}

// The failpoint that ended the process, as it said last.
std::string place_of(const testing::Process& process) {
  const std::string text = process.err();
  const auto end = text.rfind(": kill");
  const auto begin = text.rfind("failpoint ", end);
  if (end == text.npos || begin == text.npos) return {};
  return text.substr(begin + 10, end - begin - 10);
}

bool is_stopped(pid_t pid) {
  std::ifstream file(fmt::format("/proc/{}/stat", pid));
  std::string text;
  std::getline(file, text);
  const auto name_end = text.rfind(')');
  return name_end == text.npos || text.size() < name_end + 3 || text[name_end + 2] == 'T' ||
         text[name_end + 2] == 'Z';
}

bool has_table(const fs::path& state, const std::string& database, const std::string& table) {
  if (!fs::exists(state / (database + ".db"))) return false;
  return StateCopy(state, database).has_table(table);
}

}  // namespace

Site::Site(const Plan& plan, fs::path folder)
    : plan_(plan), folder_(std::move(folder)), random_(plan.seed) {
  for (const char* name : {"printed", "home", "journals"}) fs::create_directories(folder_ / name);
  const auto add = [this](const std::string& name, const std::string& program) {
    auto host = std::make_unique<Host>();
    host->name = name;
    host->program = program;
    host->state = folder_ / name;
    host->journal = folder_ / "journals" / name;
    host->arguments = {"--state", host->state.string()};
    hosts_.push_back(std::move(host));
  };
  add("cloud", "skerry-cloud");
  hosts_[0]->arguments.insert(hosts_[0]->arguments.end(), {"--listen", "tcp://127.0.0.1:*"});
  for (int i = 1; i <= kEdges; ++i) add(fmt::format("edge-{}", i), "skerry-edge");
}

Site::~Site() {
  for (auto& host : hosts_) {
    host->process.reset();
    end_workers(*host);
  }
}

// ---- hosts

std::string Site::order() {
  if (tally_.cuts >= plan_.cuts) return {};
  const double length = std::log(kLongestLife / kShortestLife);
  const double share = std::uniform_real_distribution<double>()(random_);
  return fmt::format("*=kill@{}", static_cast<int>(kShortestLife * std::exp(length * share)));
}

void Site::start(Host& host) {
  std::vector<std::string> arguments = host.arguments;
  arguments.insert(arguments.begin(), testing::program(host.program).string());
  const std::string home = (folder_ / "home").string();
  host.process = std::make_unique<testing::Process>(
      testing::Command{arguments,
                       {{"HOME", home},
                        {"XDG_DATA_HOME", home},
                        {"SKERRY_PLUGIN_PATH", ""},
                        {"SKERRY_FAILPOINTS", order()},
                        {"SKERRY_POWER_CUT", std::to_string(random_() % 1000)},
                        {"SKERRY_POWER_JOURNAL", host.journal.string()},
                        {"SKERRY_SYNCHRONOUS", plan_.synchronous}},
                       folder_ / "printed"});
}

// Looks after hosts that died. False after a failure.
bool Site::tend() {
  for (auto& host : hosts_) {
    if (failed()) return false;
    if (host->process && host->process->ended()) died(*host);
  }
  return !failed();
}

void Site::died(Host& host) {
  const testing::Ending ending = *host.process->ended();
  const std::string place = place_of(*host.process);
  if (ending.signal != SIGKILL || place.empty()) {
    return fail(fmt::format("{} ended by itself (status {}, signal {}):\n{}", host.name,
                            ending.status.value_or(-1), ending.signal.value_or(0),
                            host.process->err()));
  }
  ++tally_.cuts;
  ++tally_.places[place];
  std::vector<Host*> dead{&host};
  if (random_() % kOutage == 0) {
    ++tally_.outages;
    for (auto& other : hosts_)
      if (other.get() != &host && other->process) dead.push_back(other.get());
  }
  lose_power(dead);
  if (failed()) return;
  for (Host* each : dead) start(*each);
  tally_.restarts += static_cast<int>(dead.size());
}

void Site::end_workers(const Host& host) const {
  testing::eventually([&] {
    const auto workers = testing::skerry_processes(host.state);
    for (const auto& worker : workers) ::kill(worker.pid, SIGKILL);
    return workers.empty();
  });
}

// Those hosts lose their power, then everybody's record is examined while nobody moves.
void Site::lose_power(const std::vector<Host*>& dead) {
  std::vector<pid_t> halted;
  for (auto& host : hosts_) {
    if (!host->process || host->process->ended()) continue;
    const bool dies = std::find(dead.begin(), dead.end(), host.get()) != dead.end();
    host->process->send(dies ? SIGKILL : SIGSTOP);
    if (dies) {
      testing::eventually([&] { return host->process->ended().has_value(); });
    } else {
      halted.push_back(host->process->pid());
      testing::eventually([&] { return is_stopped(halted.back()); });
    }
  }
  for (Host* host : dead) {
    end_workers(*host);
    const auto lost = apply_power_cut(host->journal, random_());
    if (!lost) {
      fail(lost.error().text());
      continue;
    }
    tally_.lost.files_cut += lost->files_cut;
    tally_.lost.names_undone += lost->names_undone;
    tally_.lost.survived += lost->survived;
    check_whole(*host);
  }
  check_states({});
  for (const pid_t pid : halted) ::kill(pid, SIGCONT);
}

// ---- what must be true

void Site::check_whole(const Host& host) {
  const std::string database = host.program == "skerry-cloud" ? "cloud" : "edge";
  if (!fs::exists(host.state / (database + ".db"))) return;
  try {
    StateCopy copy(host.state, database);
    auto check = copy.sql("PRAGMA integrity_check");
    while (expect(check.step()))
      if (check.column_text(0) != "ok")
        fail(fmt::format("{}: integrity_check: {}", host.name, check.column_text(0)));
  } catch (const std::exception& error) {
    fail(fmt::format("{}: {}", host.name, error.what()));
  }
}

States Site::states() const {
  States states{hosts_[0]->state, {}};
  for (std::size_t i = 1; i < hosts_.size(); ++i)
    if (has_table(hosts_[i]->state, "edge", "held")) states.edges.push_back(hosts_[i]->state);
  return states;
}

void Site::check_states(const Demands& demands) {
  try {
    // In its first moments a host has no record yet.
    if (!has_table(hosts_[0]->state, "cloud", "blob")) return;
    const Report report = check(states(), demands);
    if (!report.ok()) fail(report.text());
  } catch (const std::exception& error) {
    fail(error.what());
  }
}

void Site::note_model() {
  StateCopy cloud(hosts_[0]->state, "cloud");
  auto model = cloud.sql("SELECT digest FROM model ORDER BY version DESC LIMIT 1");
  if (expect(model.step())) tally_.model = expect(model.column_digest(0)).hex();
  auto job = cloud.sql("SELECT phase, message FROM job");
  if (!expect(job.step())) return fail("the job that was applied is gone");
  if (job.column_text(0) != "Succeeded")
    fail(fmt::format("the job is {}: {}", job.column_text(0), job.column_text(1)));
}

// ---- the operator

Site::Answer Site::ask(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), testing::program("skerry").string());
  arguments.insert(arguments.end(), {"--state", hosts_[0]->state.string(), "--json"});
  testing::Process process({arguments,
                            {{"HOME", (folder_ / "home").string()}, {"SKERRY_FAILPOINTS", ""}},
                            folder_ / "printed"});
  const auto deadline = Clock::now() + std::chrono::seconds(15);
  while (!process.ended() && tend() && Clock::now() < deadline)
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  Answer answer;
  answer.text = process.out() + process.err();
  if (!process.ended() || process.ended()->status != 0) return answer;
  auto json = parse_json(process.out());
  answer.ok = json.has_value();
  if (answer.ok) answer.json = std::move(*json);
  return answer;
}

// Until the cloud answers: it may be down just now.
Site::Answer Site::insist(const std::vector<std::string>& arguments) {
  const auto deadline = Clock::now() + plan_.patience;
  Answer answer;
  while (tend()) {
    answer = ask(arguments);
    if (answer.ok) return answer;
    if (Clock::now() > deadline) {
      fail(fmt::format("`skerry {}` gets no answer: {}", arguments[0], answer.text));
      break;
    }
  }
  return answer;
}

bool Site::job_ended() {
  const Answer answer = ask({"get", "jobs"});
  if (!answer.ok || !answer.json.contains("items")) return false;
  if (answer.json.at("items").empty()) fail("the job that was applied is gone");
  for (const Json& job : answer.json.at("items")) {
    const std::string phase = job.value("phase", "");
    if (phase == "Succeeded" || phase == "Failed" || phase == "Stopped") return true;
  }
  return false;
}

Tally Site::run() {
  start(*hosts_[0]);
  for (std::size_t i = 1; i < hosts_.size() && !failed(); ++i) {
    const Answer answer = insist({"node", "token", hosts_[i]->name});
    if (failed()) return tally_;
    hosts_[i]->arguments.insert(hosts_[i]->arguments.end(),
                                {"--join", answer.json.value("token", "")});
    start(*hosts_[i]);
  }
  const fs::path file = folder_ / "job.yaml";
  std::ofstream(file) << job_text();
  insist({"apply", "-f", file.string()});

  int seen = tally_.cuts;
  auto moved = Clock::now();
  while (tend() && !job_ended()) {
    const auto pause = Clock::now() + std::chrono::milliseconds(300);
    while (Clock::now() < pause && tend())
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
    if (std::exchange(seen, tally_.cuts) != tally_.cuts) moved = Clock::now();
    if (Clock::now() - moved > plan_.patience) fail("the job does not end");
  }
  if (failed()) return tally_;
  // The end is one more outage: what the job came to must be durable as well.
  std::vector<Host*> all;
  for (auto& host : hosts_) all.push_back(host.get());
  lose_power(all);
  if (!failed())
    check_states({.jobs_have_ended = true, .all_recompute = false, .plugin_paths = {}});
  if (!failed()) note_model();
  return tally_;
}

}  // namespace skerry::fault
