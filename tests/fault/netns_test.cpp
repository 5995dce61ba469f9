// Networks as the kernel breaks them: a cloud and an edge in network namespaces of their own with a
// cable between them. Skipped, with the reason, where this process may not make such a thing.
#include <fcntl.h>
#include <sched.h>
#include <unistd.h>

#include <cstring>
#include <fstream>
#include <thread>

#include "core/base/file.hpp"
#include "tests/fault/network_faults.hpp"

namespace skerry::fault {
namespace {

using namespace std::chrono_literals;
using testing::Clock;
using testing::eventually;
using testing::Process;

constexpr const char* kIp = "/usr/sbin/ip";
constexpr const char* kCloudAddress = "10.77.0.1";
constexpr const char* kEdgeAddress = "10.77.0.2";
constexpr const char* kOtherAddress = "10.77.0.3";
// A heartbeat each 5 s, 15 s without an answer, and an attempt to connect that may have begun just
// before.
constexpr auto kNoticed = 30s;

// Root in a user namespace of its own where it is not root already. Once a process.
std::string why_not() {
  static const std::string reason = [] {
    if (::access(kIp, X_OK) != 0) return std::string("iproute2 is not installed");
    if (::getuid() == 0) return std::string();
    const auto user = ::getuid(), group = ::getgid();
    if (::unshare(CLONE_NEWUSER) != 0)
      return std::string("no right to make user namespaces: ") + std::strerror(errno);
    std::ofstream("/proc/self/setgroups") << "deny";
    std::ofstream("/proc/self/uid_map") << "0 " << user << " 1";
    std::ofstream("/proc/self/gid_map") << "0 " << group << " 1";
    return std::string();
  }();
  return reason;
}

UniqueFd this_namespace() {
  return open_file("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC).value();
}

// Processes that are started meanwhile live in that namespace.
class Inside {
 public:
  explicit Inside(const UniqueFd& space) : before_(this_namespace()) { enter(space); }
  ~Inside() { enter(before_); }
  Inside(const Inside&) = delete;
  Inside& operator=(const Inside&) = delete;

 private:
  static void enter(const UniqueFd& space) {
    if (::setns(space.get(), CLONE_NEWNET) != 0)
      ADD_FAILURE() << "cannot enter a network namespace: " << std::strerror(errno);
  }
  UniqueFd before_;
};

class NetworkNamespaces : public NetworkFaults {
 protected:
  void SetUp() override {
    if (const std::string reason = why_not(); !reason.empty()) GTEST_SKIP() << reason;
    home_ = this_namespace();
    for (UniqueFd* space : {&edge_side_, &cloud_side_}) {
      if (::unshare(CLONE_NEWNET) != 0)
        GTEST_SKIP() << "no right to make network namespaces: " << std::strerror(errno);
      *space = this_namespace();
    }
    lay_cable();
  }
  void TearDown() override {
    if (home_) ::setns(home_.get(), CLONE_NEWNET);
    HostFaults::TearDown();
  }

  bool ip(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), kIp);
    Process process({std::move(arguments), {}, scratch / "printed"});
    const auto output = finish(process);
    said_ = output.all();
    return output.ok();
  }
  void must_ip(std::vector<std::string> arguments) const {
    EXPECT_TRUE(ip(std::move(arguments))) << said_;
  }
  void at_edge(std::vector<std::string> arguments) const {
    const Inside inside(edge_side_);
    must_ip(std::move(arguments));
  }

  // The main thread stays on the cloud's side: hosts and commands are started there.
  Process start_cloud_here() const {
    Process cloud = start("skerry-cloud", {"--state", cloud_state().string(), "--listen",
                                           std::string("tcp://") + kCloudAddress + ":*"});
    EXPECT_TRUE(eventually([&] { return ask({"node", "ls"}).ok(); })) << cloud.err();
    return cloud;
  }
  Process join_over_cable(const std::string& name) const {
    const std::string invitation = token(name);
    const Inside inside(edge_side_);
    Process edge = start_edge(name, invitation);
    await_state(name, "online");
    return edge;
  }

 private:
  void lay_cable() {
    // The other end goes to the namespace of this process's main thread, which is the cloud's.
    bool laid = false;
    std::thread([&] {
      const Inside inside(edge_side_);
      laid = ip({"link", "add", "edge0", "type", "veth", "peer", "name", "cloud0", "netns",
                 std::to_string(::getpid())});
    }).join();
    if (!laid) GTEST_SKIP() << "no pair of virtual Ethernet devices: " << said_;
    must_ip({"link", "set", "lo", "up"});
    must_ip({"addr", "add", std::string(kCloudAddress) + "/24", "dev", "cloud0"});
    must_ip({"link", "set", "cloud0", "up"});
    at_edge({"link", "set", "lo", "up"});
    at_edge({"addr", "add", std::string(kEdgeAddress) + "/24", "dev", "edge0"});
    at_edge({"link", "set", "edge0", "up"});
  }

  UniqueFd home_, edge_side_, cloud_side_;
  mutable std::string said_;
};

TEST_F(NetworkNamespaces, ACableThatIsPulledInARoundAndPutBackGoesOnInIt) {
  Process cloud = start_cloud_here();
  Process edge = join_over_cable("edge-1");
  begin("job", 300'000, 300);
  await_rounds(1);
  must_ip({"link", "set", "cloud0", "down"});
  await_state("edge-1", "offline");
  std::this_thread::sleep_for(8s);  // the edge's side has noticed, and tries to connect
  must_ip({"link", "set", "cloud0", "up"});
  EXPECT_TRUE(eventually([&] { return state_of("edge-1") == "online"; }, kNoticed)) << edge.err();
  await_success();
  for (const Json& record : records()) expect_round(record, {"edge-1"});
  stop(edge);
  stop(cloud);
  expect_whole({"edge-1"});
}

TEST_F(NetworkNamespaces, AnEdgeThatRoamsToAnotherAddressGoesOnInItsRound) {
  Process cloud = start_cloud_here();
  Process edge = join_over_cable("edge-1");
  begin("job", 300'000, 300);
  await_rounds(1);
  at_edge({"addr", "del", std::string(kEdgeAddress) + "/24", "dev", "edge0"});
  at_edge({"addr", "add", std::string(kOtherAddress) + "/24", "dev", "edge0"});
  const auto so_far = rounds();
  EXPECT_TRUE(eventually([&] { return rounds() > so_far + 1; }, kNoticed)) << edge.err();
  await_success();
  for (const Json& record : records()) expect_round(record, {"edge-1"});
  stop(edge);
  stop(cloud);
  expect_whole({"edge-1"});
}

// Large packets vanish and small ones pass: heartbeats do, an upload does not.
TEST_F(NetworkNamespaces, AnMtuBlackHoleCostsTheBulkConnectionAndNotTheRound) {
  Process cloud = start_cloud_here();
  at_edge({"link", "set", "edge0", "gso_max_segs", "1"});  // packets are as large as on a wire
  Process edge = join_over_cable("edge-1");
  begin("job", 3'000'000, 300);
  await_rounds(1);
  must_ip({"link", "set", "cloud0", "mtu", "1000"});
  const auto so_far = rounds();
  EXPECT_TRUE(eventually([&] { return rounds() > so_far + 1; }, kNoticed)) << edge.err();
  await_success();
  for (const Json& record : records()) expect_round(record, {"edge-1"});
  stop(edge);
  stop(cloud);
  expect_whole({"edge-1"});
}

}  // namespace
}  // namespace skerry::fault
