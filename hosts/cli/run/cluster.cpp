#include "hosts/cli/run/cluster.hpp"

#include <fmt/format.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <thread>

#include "hosts/cli/run/interrupt.hpp"
#include "hosts/cli/run/orphans.hpp"
#include "hosts/cli/run/tail.hpp"
#include "hosts/cli/view/record.hpp"

namespace skerry::cli {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::seconds kStartDeadline{15};
constexpr std::chrono::seconds kGrace{5};
constexpr std::chrono::milliseconds kPoll{10};
// The path of a Unix socket has at most 107 characters; the hosts' own names need some of them.
constexpr std::size_t kLongestParent = 50;

Result<TempDir> private_directory() {
  const char* wanted = std::getenv("TMPDIR");
  std::filesystem::path parent = wanted != nullptr && *wanted != '\0' ? wanted : "/tmp";
  parent = std::filesystem::absolute(parent);
  if (parent.native().size() > kLongestParent) parent = "/tmp";
  return TempDir::create(parent, "skerry");
}

Problem interrupted() {
  return {Code::cancelled, "interrupted", "", ""};
}

}  // namespace

std::filesystem::path program_folder() {
  std::error_code error;
  return std::filesystem::read_symlink("/proc/self/exe", error).parent_path();
}

Status Cluster::start(ClusterOptions options, std::unique_ptr<Cluster>& cluster) {
  adopt_orphans();
  auto directory = private_directory();
  if (!directory) return fail(directory.error());
  cluster.reset(new Cluster(std::move(options)));
  cluster->directory_ = std::move(*directory);
  cluster->members_.push_back({"cloud", std::nullopt, "", 0});
  for (auto step : {&Cluster::start_cloud, &Cluster::invite_edges, &Cluster::await_edges}) {
    const Status status = (cluster.get()->*step)();
    if (!status) return status;
  }
  return {};
}

std::vector<std::string> Cluster::arguments(const Member& member) {
  const bool is_cloud = &member == &members_.front();
  std::vector<std::string> list{
      (program_folder() / (is_cloud ? "skerry-cloud" : "skerry-edge")).string(),
      "--state",
      (directory() / member.name).string(),
      "--parent-pid",
      std::to_string(getpid()),
      "--threads"};
  if (!is_cloud) {
    list.push_back(std::to_string(options_.threads_per_edge));
    if (!member.token.empty()) list.insert(list.end(), {"--join", member.token});
    for (const auto& path : options_.writable)
      list.insert(list.end(), {"--allow-write", path.string()});
    return list;
  }
  const std::string any = "tcp://127.0.0.1:*";
  list.push_back(std::to_string(options_.cloud_threads));
  list.insert(list.end(), {"--listen", endpoint_.empty() ? any : endpoint_, "--bulk-listen",
                           bulk_endpoint_.empty() ? any : bulk_endpoint_});
  return list;
}

Status Cluster::launch(Member& member) {
  const auto folder = directory() / member.name;
  const Status made = make_directories(folder);
  if (!made) return made;
  auto process = ChildProcess::start({member.name, arguments(member), folder / "console.log"});
  if (!process) return fail(process.error());
  member.process.emplace(std::move(*process));
  return {};
}

Problem Cluster::with_log(const Member& member, const std::string& message) const {
  return {Code::unavailable, message + log_excerpt(directory() / member.name / "console.log"), "",
          ""};
}

Status Cluster::start_cloud() {
  const Status launched = launch(members_.front());
  return launched ? await_cloud() : launched;
}

Status Cluster::await_cloud() {
  Member& cloud = members_.front();
  const auto deadline = Clock::now() + kStartDeadline;
  while (Clock::now() < deadline) {
    if (Interrupt::arrived()) return fail(interrupted());
    if (const auto status = cloud.process->ended()) {
      return fail(with_log(cloud, "the cloud " + describe_end(*status) + " before it was ready"));
    }
    auto client = AdminClient::connect(directory() / "cloud");
    if (!client) {
      std::this_thread::sleep_for(kPoll);
      continue;
    }
    const auto pong = client->call("ping", Json::object(), std::chrono::seconds(1));
    if (!pong) continue;
    client_.emplace(std::move(*client));
    endpoint_ = text_at(*pong, "endpoint");
    if (const auto port = number_at(*pong, "bulkPort")) {
      bulk_endpoint_ = fmt::format("tcp://127.0.0.1:{:.0f}", *port);
    }
    return {};
  }
  return fail(
      with_log(cloud, fmt::format("the cloud was not ready within {} s", kStartDeadline.count())));
}

Status Cluster::invite_edges() {
  for (int i = 1; i <= options_.edges; ++i) {
    const std::string name = fmt::format("edge-{}", i);
    auto reply = first_problem(client_->call("node.token", {{"name", name}}));
    if (!reply) return fail(reply.error());
    members_.push_back({name, std::nullopt, text_at(*reply, "token"), 0});
  }
  for (std::size_t i = 1; i < members_.size(); ++i) {
    const Status launched = launch(members_[i]);
    if (!launched) return launched;
  }
  return {};
}

Status Cluster::await_edges() {
  const auto deadline =
      Clock::now() + kStartDeadline + std::chrono::milliseconds(200) * options_.edges;
  while (Clock::now() < deadline) {
    const Status alive = keep_alive();
    if (!alive) return alive;
    const auto pong = client_->call("ping", Json::object(), std::chrono::seconds(2));
    if (Interrupt::arrived()) return fail(interrupted());
    if (pong && number_at(*pong, "nodes/online").value_or(0) >= options_.edges) return {};
    std::this_thread::sleep_for(kPoll);
  }
  for (std::size_t i = 1; i < members_.size(); ++i) {
    if (!has_joined(members_[i].name)) {
      return fail(
          with_log(members_[i], members_[i].name + " did not connect to the cloud in time"));
    }
  }
  return fail(with_log(members_.front(), "not all edges are connected to the cloud"));
}

bool Cluster::has_joined(const std::string& edge) {
  const auto reply = client_->call("node.ls", Json::object(), std::chrono::seconds(2));
  if (!reply || !reply->contains("nodes")) return false;
  for (const Json& node : reply->at("nodes")) {
    if (text_at(node, "name") == edge) return text_at(node, "state") != "invited";
  }
  return false;
}

Status Cluster::restart(Member& member, int status) {
  const bool is_cloud = &member == &members_.front();
  if (is_cloud) client_.reset();
  const std::string what = member.name + " " + describe_end(status);
  // A host that gives up by itself has said why; starting it again would only repeat that.
  if (!WIFSIGNALED(status)) return fail(with_log(member, what + " during the run"));
  if (member.restarts >= kMostRestarts) {
    return fail(with_log(member, fmt::format("{}, after {} restarts", what, kMostRestarts)));
  }
  ++member.restarts;
  ++restarts_;
  if (options_.note) {
    options_.note(
        fmt::format("{}; started again ({} of {})", what, member.restarts, kMostRestarts));
  }
  member.process->kill();
  // An invitation serves once.
  if (!is_cloud && !member.token.empty() && has_joined(member.name)) member.token.clear();
  const Status launched = launch(member);
  return launched && is_cloud ? await_cloud() : launched;
}

Status Cluster::keep_alive() {
  for (Member& member : members_) {
    const auto status = member.process ? member.process->ended() : std::nullopt;
    if (!status) continue;
    const Status restarted = restart(member, *status);
    if (!restarted) return restarted;
  }
  return {};
}

void Cluster::stop() {
  client_.reset();
  const int signals = Interrupt::count();
  for (Member& member : members_) {
    if (member.process) member.process->ask_to_end();
  }
  const auto deadline = Clock::now() + kGrace;
  for (Member& member : members_) {
    while (member.process && !member.process->ended() && Clock::now() < deadline &&
           Interrupt::count() <= signals) {
      std::this_thread::sleep_for(kPoll);
    }
  }
  for (Member& member : members_) member.process.reset();
  kill_descendants();
}

std::vector<std::string> Cluster::names() const {
  std::vector<std::string> list;
  for (const Member& member : members_) list.push_back(member.name);
  return list;
}

}  // namespace skerry::cli
