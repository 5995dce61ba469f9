// What the operator of a site does: all that leaves a record.
#include <fmt/format.h>

#include <fstream>
#include <future>
#include <thread>

#include "hosts/cli/admin/admin_client.hpp"
#include "tests/fault/power_cut/site.hpp"
#include "tests/fault/support/state_copy.hpp"
#include "tests/support/job.hpp"
#include "tests/support/skerry.hpp"

namespace skerry::fault {
namespace {

using Clock = std::chrono::steady_clock;
using namespace std::chrono_literals;

constexpr auto kLook = 2ms;  // at the hosts
constexpr auto kAskAgain = 100ms;
constexpr auto kBackupTakes = 3s;  // at most, of a site as small as this

testing::JobText job_text(const std::string& name) {
  testing::JobText job(name);
  job.set("pluginPath", fmt::format("[{}, {}]", testing::fixture_plugins("null").string(),
                                    testing::fixture_plugins("bad").string()));
  return job;
}

std::string estimator(std::size_t bytes, int train_millis = 0) {
  return fmt::format("{{plugin: fixture-null, config: {{bytes: {}, trainMillis: {}}}}}", bytes,
                     train_millis);
}

}  // namespace

Site::Answer Site::ask(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), testing::program("skerry").string());
  arguments.insert(arguments.end(), {"--state", hosts_[0]->state.string(), "--json"});
  testing::Process process({arguments,
                            {{"HOME", (folder_ / "home").string()}, {"SKERRY_FAILPOINTS", ""}},
                            folder_ / "printed"});
  const auto deadline = Clock::now() + 15s;
  while (!process.ended() && tend() && Clock::now() < deadline) std::this_thread::sleep_for(kLook);
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
  Answer answer;
  await(fmt::format("an answer to `skerry {}`", fmt::join(arguments, " ")), [&] {
    answer = ask(arguments);
    return answer.ok;
  });
  return answer;
}

// A cut starts the patience anew.
void Site::await(const std::string& what, const Condition& condition) {
  int seen = tally_.cuts;
  auto moved = Clock::now();
  while (tend() && !condition()) {
    const auto pause = Clock::now() + kAskAgain;
    while (Clock::now() < pause && tend()) std::this_thread::sleep_for(kLook);
    if (std::exchange(seen, tally_.cuts) != tally_.cuts) moved = Clock::now();
    if (Clock::now() - moved > plan_.patience && !failed()) fail("there is no " + what);
  }
}

void Site::join(const std::string& name) {
  if (failed()) return;
  add(name, "skerry-edge");
  const Answer answer = insist({"node", "token", name});
  if (failed()) return;
  Host& edge = host(name);
  edge.arguments.insert(edge.arguments.end(), {"--join", answer.json.value("token", "")});
  start(edge);
}

void Site::apply(const std::string& name, const std::string& yaml) {
  const auto file = folder_ / (name + ".yaml");
  std::ofstream(file) << yaml;
  insist({"apply", "-f", file.string()});
}

// As `skerry get` tells it, empty when there is none; nothing while nobody answers.
std::optional<Json> Site::find(const std::string& kind, const std::string& name) {
  const Answer answer = ask({"get", kind});
  if (!answer.ok || !answer.json.contains("items")) return std::nullopt;
  for (const Json& each : answer.json.at("items"))
    if (each.value("name", "") == name) return each;
  return Json::object();
}

std::string Site::field(const std::string& kind, const std::string& name, const std::string& key) {
  const auto found = find(kind, name);
  return found ? found->value(key, "") : std::string();
}

void Site::await_phase(const std::string& name, const std::string& phase) {
  await(fmt::format("job {} that is {}", name, phase), [&] {
    const auto found = find("jobs", name);
    if (!found) return false;
    const std::string now = found->value("phase", "gone");
    const bool over = now == "gone" || now == "Succeeded" || now == "Failed" || now == "Stopped";
    if (over && now != phase)
      fail(fmt::format("job {} is {}, not {}: {}", name, now, phase, found->value("message", "")));
    return now == phase;
  });
}

// ---- acts

void Site::train() {
  auto text = job_text("survives");
  // All take part in every round: an update that is lost or counted twice changes the model. Larger
  // than what travels in messages and lives in the database: two chunks, a file.
  text.set("rounds", "8")
      .set("quorum", "2")
      .set("deadline", "10m")
      .set("estimator", estimator(300'000));
  apply("survives", text.yaml());
  await_phase("survives", "Succeeded");
}

// More than is synced at a time; its rounds pass a gate.
void Site::train_a_large_model_and_change_keys() {
  auto text = job_text("large");
  text.set("rounds", "1")
      .set("quorum", "2")
      .set("deadline", "10m")
      .set("estimator", estimator(9 << 20));
  text.set("gate", "{metric: accuracy, atLeast: 0.1}");
  apply("large", text.yaml());
  std::string before;
  await("edge-1", [&] {
    before = field("nodes", "edge-1", "key");
    return !before.empty();
  });
  insist({"node", "rotate", "edge-1"});
  await_phase("large", "Succeeded");
  await("changed key of edge-1", [&] {
    const std::string after = field("nodes", "edge-1", "key");
    return !after.empty() && after != before;
  });
}

// By the host itself: one that is down could be backed up by the tool, which holds its lock
// meanwhile.
void Site::back_up() {
  int tries = 0;
  await("backup", [&] {
    backup_ = folder_ / fmt::format("backup-{}", ++tries);
    auto made = std::async(std::launch::async, [state = hosts_[0]->state, to = backup_] {
      auto client = cli::AdminClient::connect(state);
      return client && client->call("backup", {{"to", to.string()}}, kBackupTakes);
    });
    while (made.wait_for(kLook) != std::future_status::ready) tend();
    return made.get();
  });
}

void Site::run_out_of_time() {
  auto text = job_text("late");
  text.set("rounds", "1")
      .set("attempts", "1")
      .set("deadline", "1s")
      .set("estimator", estimator(4096, 60'000));
  apply("late", text.yaml());
  await_phase("late", "Failed");
}

void Site::fail_a_task() {
  auto text = job_text("fails");
  text.set("rounds", "1")
      .set("attempts", "1")
      .set("retries", "1")
      .set("estimator", "{plugin: fixture-bad, config: {does: throw}}");
  apply("fails", text.yaml());
  await_phase("fails", "Failed");
}

void Site::revoke_a_node_and_delete_its_job() {
  join("edge-3");
  auto text = job_text("doomed");
  text.set("nodes", "3").set("deadline", "10m").set("estimator", estimator(4096, 60'000));
  apply("doomed", text.yaml());
  await("edge-3", [&] { return field("nodes", "edge-3", "state") == "online"; });
  await_phase("doomed", "Running");
  if (failed()) return;
  host("edge-3").turned_out = true;
  insist({"node", "revoke", "edge-3"});
  insist({"signal", "doomed", "stop"});
  await_phase("doomed", "Failed");  // no round has given a model
  await("end of job doomed", [&] {
    ask({"delete", "job", "doomed"});
    const auto found = find("jobs", "doomed");
    return found && found->empty();
  });
}

// One more outage: what the jobs came to must be durable as well.
void Site::end_all() {
  if (failed()) return;
  std::vector<Host*> all;
  for (auto& host : hosts_)
    if (host->process) all.push_back(host.get());
  lose_power(all);
  for (Host* host : all) host->process.reset();
  if (!failed())
    check_states({.jobs_have_ended = true, .all_recompute = false, .plugin_paths = {}});
  if (!failed()) note_models();
  const Answer whole = ask({"restore", "--check", backup_.string()});
  if (!failed() && !whole.ok) fail("a backup that was made is not whole: " + whole.text);
}

void Site::note_models() {
  StateCopy cloud(hosts_[0]->state, "cloud");
  auto models = cloud.sql(
      "SELECT job.name, model.digest FROM model JOIN job ON job.id = model.job ORDER BY version");
  while (expect(models.step()))
    tally_.models[models.column_text(0)] = expect(models.column_digest(1)).hex();
}

Tally Site::run() {
  using Act = void (Site::*)();
  const std::vector<Act> acts{&Site::train,       &Site::train_a_large_model_and_change_keys,
                              &Site::back_up,     &Site::run_out_of_time,
                              &Site::fail_a_task, &Site::revoke_a_node_and_delete_its_job};
  const auto let = [&](std::size_t act) {
    ceiling_ = plan_.cuts * static_cast<int>(act + 1) / static_cast<int>(acts.size());
  };
  let(0);
  start(*hosts_[0]);
  for (const char* name : {"edge-1", "edge-2"}) join(name);
  for (std::size_t act = 0; act < acts.size() && !failed(); ++act) {
    let(act);
    if (act > 0 && drawn_ < ceiling_) begin_anew();
    if (!failed()) (this->*acts[act])();
  }
  end_all();
  return tally_;
}

}  // namespace skerry::fault
