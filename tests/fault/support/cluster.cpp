#include "tests/fault/support/cluster.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <stdexcept>
#include <thread>

#include "core/base/file.hpp"
#include "tests/fault/support/state_copy.hpp"

namespace skerry::fault {
namespace {

constexpr int kFirstPort = 12'000, kLastPort = 32'000;  // the kernel's own begin at 32768

bool is_free(int port) {
  const UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const int yes = 1;
  ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return ::bind(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
}

std::string endpoint(int port, const std::string& address = "127.0.0.1") {
  return fmt::format("tcp://{}:{}", address, port);
}

std::string ending(int status) {
  if (WIFSIGNALED(status)) return fmt::format("was killed by signal {}", WTERMSIG(status));
  return fmt::format("ended with status {}", WEXITSTATUS(status));
}

}  // namespace

bool eventually(const std::function<bool()>& condition, std::chrono::milliseconds patience) {
  const auto deadline = std::chrono::steady_clock::now() + patience;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return true;
}

int free_ports(int count) {
  static std::atomic<int> next{kFirstPort + ::getpid() * 16 % (kLastPort - kFirstPort)};
  for (int tries = 0; tries < kLastPort - kFirstPort; ++tries) {
    int first = next.fetch_add(count);
    if (first + count > kLastPort) next = first = kFirstPort;
    bool all = true;
    for (int port = first; port < first + count; ++port) all = all && is_free(port);
    if (all) return first;
  }
  throw std::runtime_error("no port is free");
}

Cluster::Cluster(std::filesystem::path folder, int edges, std::filesystem::path edges_folder)
    : folder_(std::move(folder)),
      edges_folder_(edges_folder.empty() ? folder_ : std::move(edges_folder)),
      port_(free_ports(3)) {
  hosts_.push_back({.name = "cloud"});
  for (int edge = 1; edge <= edges; ++edge)
    hosts_.push_back({.name = fmt::format("edge-{}", edge)});
  for (int host = 0; host < hosts(); ++host) expect(make_directories(state(host)));
}

void Cluster::start() {
  launch(0);
  for (Host& host : hosts_) {
    if (&host == &hosts_.front()) continue;
    host.token = insist("node.token",
                        {{"name", host.name}, {"endpoint", endpoint(port_, host.cloud_address)}})
                     .at("token")
                     .get<std::string>();
  }
  for (int edge = 1; edge < hosts(); ++edge) launch(edge);
}

States Cluster::states() const {
  States states{folder_ / "cloud", {}};
  for (int edge = 1; edge < hosts(); ++edge) states.edges.push_back(state(edge));
  return states;
}

void Cluster::launch(int number) {
  Host& host = hosts_[index(number)];
  const bool is_cloud = number == 0;
  std::vector<std::string> command{
      fmt::format("{}/{}", SKERRY_BIN_DIR, is_cloud ? "skerry-cloud" : "skerry-edge"),
      "--state",
      state(number).string(),
      "--threads",
      "1",
      "--parent-pid",
      std::to_string(::getpid())};
  if (is_cloud) {
    command.insert(command.end(),
                   {"--listen", endpoint(control_port()), "--bulk-listen", endpoint(bulk_port()),
                    "--request-listen", endpoint(request_port())});
  } else {
    // An edge that has joined does not use it, and one that was killed before tries again.
    command.insert(command.end(), {"--join", host.token});
  }
  host.process = Child(command, folder_ / (host.name + ".console"));
}

void Cluster::expect_alive() {
  for (Host& host : hosts_)
    if (!host.process.running())
      throw std::runtime_error(fmt::format("{} {}", host.name, ending(*host.process.status())));
}

void Cluster::stop() {
  client_.reset();
  for (const Host& host : hosts_) host.process.send(SIGTERM);
  for (Host& host : hosts_) {
    if (!host.process.wait(kPatience))
      throw std::runtime_error(fmt::format("{} does not end when it is asked to", host.name));
    // One that was started just now has no handler yet, and ends as by any kill.
    const int status = *host.process.status();
    if (status != 0 && !(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM))
      throw std::runtime_error(fmt::format("{}, asked to end, {}", host.name, ending(status)));
  }
}

void Cluster::kill_all() {
  client_.reset();
  for (Host& host : hosts_) host.process.send(SIGKILL);
  for (Host& host : hosts_) host.process.kill();
}

std::optional<Json> Cluster::ask(const std::string& verb, const Json& body,
                                 std::chrono::milliseconds patience) {
  if (!client_) {
    auto client = cli::AdminClient::connect(state(0));
    if (!client) return std::nullopt;
    client_.emplace(std::move(*client));
  }
  auto reply = client_->call(verb, body, patience);
  if (reply) return std::move(*reply);
  const Problem& problem = reply.error().front();
  if (problem.code == Code::unavailable || problem.code == Code::deadline_exceeded) {
    client_.reset();
    return std::nullopt;
  }
  throw std::runtime_error(fmt::format("the cloud refuses `{}`: {}", verb, problem.text()));
}

Json Cluster::insist(const std::string& verb, const Json& body) {
  std::optional<Json> answer;
  const bool answered = eventually([&] {
    answer = ask(verb, body);
    return answer.has_value();
  });
  if (!answered) throw std::runtime_error(fmt::format("the cloud does not answer `{}`", verb));
  return *answer;
}

}  // namespace skerry::fault
