#include "tests/fault/power_cut/site.hpp"

#include <fmt/format.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <fstream>

#include "core/store/blob_store.hpp"
#include "core/store/database.hpp"
#include "tests/fault/support/cluster.hpp"
#include "tests/fault/support/state_copy.hpp"
#include "tests/support/process_table.hpp"
#include "tests/support/skerry.hpp"
#include "tests/support/wait.hpp"

namespace skerry::fault {
namespace {

namespace fs = std::filesystem;

// Hits of failpoints that a life can last: some end while the host starts, some after rounds.
constexpr double kShortestLife = 2, kLongestLife = 600;
// The same of one failpoint that was drawn.
constexpr double kFirstHit = 1, kLastHit = 30;
// One cut in so many takes the whole site.
constexpr std::uint64_t kOutage = 8;
constexpr const char* kSwept = "store.sweep.removed";
constexpr const char* kCollected = "collector.blobs.forgotten";

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
  for (const Place& place : places_to_cut()) names_[place.side].push_back(place.name);
  add("cloud", "skerry-cloud");
  // Ports of its own: other sites run beside this one.
  const int port = free_ports(2);
  hosts_[0]->arguments.insert(hosts_[0]->arguments.end(),
                              {"--listen", fmt::format("tcp://127.0.0.1:{}", port), "--bulk-listen",
                               fmt::format("tcp://127.0.0.1:{}", port + 1)});
}

void Site::add(const std::string& name, const std::string& program) {
  auto host = std::make_unique<Host>();
  host->name = name;
  host->program = program;
  host->side = program == "skerry-cloud" ? "cloud" : "edge";
  host->state = folder_ / name;
  host->journal = folder_ / "journals" / name;
  host->arguments = {"--state", host->state.string(), "--threads",
                     "1",       "--parent-pid",       std::to_string(::getpid())};
  hosts_.push_back(std::move(host));
}

Site::Host& Site::host(const std::string& name) {
  return **std::find_if(hosts_.begin(), hosts_.end(),
                        [&](const auto& each) { return each->name == name; });
}

Site::~Site() {
  for (auto& host : hosts_) {
    host->process.reset();
    end_workers(*host);
  }
}

// ---- hosts

std::string Site::order(const Host& host) {
  std::string orders = drawn_order(host);
  for (const Place& aim : plan_.aims)
    if (aim.side == host.side) orders += fmt::format(";{}=kill@1", aim.name);
  // What there is to be swept is what this leaves: a file whose row was not written.
  if (plan_.aims.contains({host.side, kSwept})) orders += ";store.blob.durable=kill@1";
  return orders;
}

// At any hit, or at one of a failpoint that is drawn: rare ones want their turn.
std::string Site::drawn_order(const Host& host) {
  if (drawn_ >= ceiling_) return {};
  const auto between = [&](double from, double to) {
    const double share = std::uniform_real_distribution<double>()(random_);
    return static_cast<int>(from * std::exp(std::log(to / from) * share));
  };
  const int last = between(kShortestLife, kLongestLife);
  if (random_() % 2 == 0) return fmt::format("*=kill@{}", last);
  const auto& names = names_[host.side];
  return fmt::format("{}=kill@{};*=kill@{:.0f}", names[random_() % names.size()],
                     between(kFirstHit, kLastHit), kLongestLife);
}

// What the collector of garbage is for, and hosts do not make by themselves: a blob that nothing
// needs.
void Site::leave_an_orphan(const Host& host) {
  const fs::path file = host.state / (host.side + ".db");
  if (!plan_.aims.contains({host.side, kCollected}) || !fs::exists(file)) return;
  if (!has_table(host.state, host.side, "blob")) return;
  auto database = expect(store::Database::open(file));
  auto blobs = expect(store::BlobStore::open(database, host.state / "blobs"));
  const std::string bytes(store::kInlineLimit + 1, 'o');
  expect(blobs.put(as_bytes(bytes), digest_of(as_bytes(bytes))));
}

void Site::start(Host& host) {
  leave_an_orphan(host);
  expect(begin_power_journal(host.journal, host.state));
  std::vector<std::string> arguments = host.arguments;
  arguments.insert(arguments.begin(), testing::program(host.program).string());
  const std::string home = (folder_ / "home").string();
  host.process = std::make_unique<testing::Process>(
      testing::Command{arguments,
                       {{"HOME", home},
                        {"XDG_DATA_HOME", home},
                        {"SKERRY_PLUGIN_PATH", ""},
                        {"SKERRY_FAILPOINTS", order(host)},
                        {"SKERRY_COLLECT_EVERY", "300"},
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
  if (host.turned_out && !ending.signal) {
    host.process.reset();
    return end_workers(host);
  }
  if (ending.signal != SIGKILL || place.empty()) {
    return fail(fmt::format("{} ended by itself (status {}, signal {}):\n{}", host.name,
                            ending.status.value_or(-1), ending.signal.value_or(0),
                            host.process->err()));
  }
  ++tally_.cuts;
  ++tally_.places[{host.side, place}];
  if (plan_.aims.erase({host.side, place}) == 0) ++drawn_;
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

// The whole site, between two acts: hosts that were started without orders get theirs.
void Site::begin_anew() {
  std::vector<Host*> all;
  for (auto& host : hosts_) all.push_back(host.get());
  ++tally_.outages;
  lose_power(all);
  if (failed()) return;
  for (Host* host : all) start(*host);
  tally_.restarts += static_cast<int>(all.size());
}

// ---- what must be true

void Site::check_whole(const Host& host) {
  if (!fs::exists(host.state / (host.side + ".db"))) return;
  try {
    StateCopy copy(host.state, host.side);
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

}  // namespace skerry::fault
