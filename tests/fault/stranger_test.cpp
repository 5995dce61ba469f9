// Floods: what strangers, and nodes that turned bad, can cost a real cloud, and that honest edges
// go on meanwhile.
#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <fstream>
#include <thread>
#include <zmq.hpp>

#include "core/base/file.hpp"
#include "core/base/sanitizer.hpp"
#include "core/wire/envelope.hpp"
#include "core/wire/keys.hpp"
#include "core/wire/monitor.hpp"
#include "core/wire/sockets.hpp"
#include "tests/integration/host_processes.hpp"
#include "tests/support/job.hpp"

namespace skerry::testing {
namespace {

using namespace std::chrono_literals;

constexpr std::uint64_t kMegabyte = 1'000'000;

// ZMTP 3.0: signature, version, mechanism, not a server, filler.
std::string greeting() {
  std::string text("\xff\0\0\0\0\0\0\0\0\x7f\x03\0", 12);
  text += "CURVE";
  text.resize(64, '\0');
  return text;
}

UniqueFd dial(int port) {
  UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  static_cast<void>(::connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address));
  return fd;
}

bool closed_by_peer(int fd) {
  char bytes[256];
  for (;;) {
    const ssize_t got = ::recv(fd, bytes, sizeof bytes, MSG_DONTWAIT);
    if (got > 0) continue;
    return got == 0 || (errno != EAGAIN && errno != EINTR && errno != ENOTCONN);
  }
}

// Connections that say nothing, or half a greeting; each that the cloud ends is made anew.
class Crowd {
 public:
  Crowd(int port, std::size_t size) : thread_([this, port, size] { run(port, size); }) {}
  ~Crowd() {
    stop_ = true;
    thread_.join();
  }
  // Those that there are stay.
  void make_no_more() { more_ = false; }
  std::size_t ended() const { return ended_; }  // by the cloud

 private:
  void run(int port, std::size_t size) {
    std::vector<UniqueFd> all(size);
    std::vector<bool> spoken(size);
    const std::string half = greeting().substr(0, 32);
    while (!stop_) {
      for (std::size_t i = 0; i < size && !stop_; ++i) {
        UniqueFd& fd = all[i];
        if (fd && closed_by_peer(fd.get())) {
          fd.reset();
          ++ended_;
        }
        if (!fd && more_) {
          fd = dial(port);
          spoken[i] = i % 2 == 0;  // half of them stay silent
        } else if (fd && !spoken[i]) {
          spoken[i] = ::send(fd.get(), half.data(), half.size(), MSG_NOSIGNAL | MSG_DONTWAIT) > 0;
        }
      }
      std::this_thread::sleep_for(100ms);
    }
  }

  std::atomic<bool> stop_{false}, more_{true};
  std::atomic<std::size_t> ended_{0};
  std::thread thread_;
};

class Strangers : public HostsTest {
 protected:
  int port() const {
    const Json log = ask({"audit", "ls"}).json();
    for (const Json& entry : log.at("items"))
      if (entry.at("action") == "host.started") {
        const std::string at = entry.at("details").at("endpoint");
        return std::stoi(at.substr(at.rfind(':') + 1));
      }
    ADD_FAILURE() << "the cloud does not say where it listens";
    return 0;
  }

  static std::uint64_t status_bytes(const Process& process, const std::string& key) {
    std::ifstream status("/proc/" + std::to_string(process.pid()) + "/status");
    for (std::string line; std::getline(status, line);)
      if (line.starts_with(key + ":")) return std::stoull(line.substr(key.size() + 1)) << 10;
    return 0;
  }
  // The largest size from now on counts.
  static std::uint64_t begin_watching(const Process& process) {
    std::ofstream("/proc/" + std::to_string(process.pid()) + "/clear_refs") << "5";
    return status_bytes(process, "VmRSS");
  }
  static void expect_growth_below(std::uint64_t limit, const Process& process,
                                  std::uint64_t begin) {
    const std::uint64_t peak = status_bytes(process, "VmHWM");
    const std::uint64_t growth = peak > begin ? peak - begin : 0;
    RecordProperty("growth", std::to_string(growth));
    if (!kSanitized) EXPECT_LT(growth, limit);  // a sanitizer keeps what was freed
  }
  static std::size_t descriptors(const Process& process) {
    std::size_t count = 0;
    for ([[maybe_unused]] const auto& entry :
         std::filesystem::directory_iterator("/proc/" + std::to_string(process.pid()) + "/fd"))
      ++count;
    return count;
  }

  void enrol(const std::string& node) {
    Process edge = start_joined_edge(node);
    stop(edge);
  }
  void expect_a_job_to_succeed(const std::string& name) const {
    const auto file = scratch.write(name + ".yaml", JobText(name).yaml());
    ASSERT_TRUE(ask({"apply", "-f", file.string()}).ok());
    const Output watched = ask({"watch", name});
    EXPECT_TRUE(watched.ok()) << watched.all();
  }

  wire::KeyPair key_of(const std::string& node) const {
    return wire::KeyPair::load_or_create(scratch / node / "edge.key").value();
  }
  std::string cloud_key() const {
    return wire::KeyPair::load_or_create(cloud_state() / "cloud.key").value().public_key;
  }

  // As the node itself would connect, but for the rules that it keeps.
  zmq::socket_t dealer_of(const std::string& node) {
    zmq::socket_t socket(context_, zmq::socket_type::dealer);
    wire::set_limits(socket, {1 << 20, 100, 100}, "tcp://");
    wire::set_curve_client(socket, key_of(node), cloud_key());
    return socket;
  }

  zmq::context_t context_;
};

TEST_F(Strangers, FiveThousandHalfOpenConnectionsCostLittleAndHonestEdgesGoOn) {
  constexpr std::size_t kCrowd = 5000;
  rlimit limit{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &limit), 0);
  if (limit.rlim_max < 3 * kCrowd)
    GTEST_SKIP() << "at most " << limit.rlim_max << " descriptors a process here";
  limit.rlim_cur = 1024;  // as most systems give it; the host has to raise it by itself
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &limit), 0);
  Process cloud = start_cloud();
  Process edge = start_joined_edge("edge-1");
  limit.rlim_cur = limit.rlim_max;
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &limit), 0);
  expect_a_job_to_succeed("before");
  const std::size_t usual = descriptors(cloud);
  const std::uint64_t begin = begin_watching(cloud);
  {
    Crowd crowd(port(), kCrowd);
    EXPECT_TRUE(eventually([&] { return descriptors(cloud) > usual + kCrowd * 9 / 10; }));
    Process late = start_joined_edge("edge-2");
    expect_a_job_to_succeed("meanwhile");
    EXPECT_TRUE(eventually([&] { return crowd.ended() > kCrowd; }))
        << "those that say nothing stay";
    expect_a_job_to_succeed("later");
    crowd.make_no_more();
    EXPECT_TRUE(eventually([&] { return descriptors(cloud) < usual + 100; }));
    stop(late);
  }
  expect_growth_below(20 * kMegabyte, cloud, begin);
  stop(edge);
  stop(cloud);
}

TEST_F(Strangers, AnOversizedFrameBeforeAuthenticationIsCutAtOnce) {
  Process cloud = start_cloud();
  Process edge = start_joined_edge("edge-1");
  const int at = port();
  const std::uint64_t begin = begin_watching(cloud);
  const std::string zeros(1 << 20, '\0');
  for (int round = 0; round < 20; ++round) {
    const UniqueFd fd = dial(at);
    std::string opening = greeting();
    opening += std::string("\x06\0\0\0\0\x40\0\0\0", 9);  // a command of 1 GiB
    std::uint64_t sent = 0;
    bool cut = false;
    const auto end = Clock::now() + 10s;
    while (!cut && Clock::now() < end && sent < 512 * kMegabyte) {
      const std::string& bytes = sent < opening.size() ? opening : zeros;
      const std::size_t from = sent < opening.size() ? sent : 0;
      const ssize_t count =
          ::send(fd.get(), bytes.data() + from, bytes.size() - from, MSG_NOSIGNAL | MSG_DONTWAIT);
      if (count > 0) sent += static_cast<std::uint64_t>(count);
      cut = count < 0 && (errno == EPIPE || errno == ECONNRESET);
      if (count < 0 && !cut) std::this_thread::sleep_for(1ms);
    }
    EXPECT_TRUE(cut) << "after " << sent << " bytes";
  }
  expect_growth_below(64 * kMegabyte, cloud, begin);
  expect_a_job_to_succeed("after");
  stop(edge);
  stop(cloud);
}

// What libzmq never sends, it sends as one message of very many frames, whose end the cloud does
// not live to see.
TEST_F(Strangers, AnEndlessMultipartFromAnEnrolledEdgeIsCut) {
  Process cloud = start_cloud();
  enrol("bad");
  Process edge = start_joined_edge("edge-1");
  const std::string endpoint = "tcp://127.0.0.1:" + std::to_string(port());
  const std::uint64_t begin = begin_watching(cloud);
  static std::string frame(32 * 1024, 'x');  // of all messages; nobody frees it
  for (int round = 0; round < 3; ++round) {
    auto socket = dealer_of("bad");
    auto monitor = wire::Monitor::open(context_, socket).value();
    socket.connect(endpoint);
    for (int i = 0; i < 8000; ++i)  // 250 MiB
      socket.send(zmq::message_t(frame.data(), frame.size(), nullptr), zmq::send_flags::sndmore);
    socket.send(zmq::message_t(frame.data(), frame.size(), nullptr), zmq::send_flags::none);
    EXPECT_TRUE(eventually([&] { return monitor.take() == ZMQ_EVENT_DISCONNECTED; }));
  }
  EXPECT_THAT(cloud.err(), ::testing::HasSubstr("bytes that do not end; it is disconnected"));
  expect_growth_below(64 * kMegabyte, cloud, begin);
  expect_a_job_to_succeed("after");
  stop(edge);
  stop(cloud);
}

// Each of them is whole, and within the limits: they are answered, as fast as the cloud can.
TEST_F(Strangers, AnEnrolledEdgeThatFloodsHasToWait) {
  Process cloud = start_cloud();
  enrol("bad");
  Process edge = start_joined_edge("edge-1");
  auto socket = dealer_of("bad");
  socket.connect("tcp://127.0.0.1:" + std::to_string(port()));
  const std::uint64_t begin = begin_watching(cloud);
  const std::string frame = wire::frame({wire::Type::ping, 1, 0, 0}, std::string(60'000, 'x'));
  socket.set(zmq::sockopt::sndtimeo, 100);
  std::uint64_t sent = 0;
  std::atomic<bool> stop_flood{false};
  std::thread flood([&] {
    while (!stop_flood)
      if (socket.send(zmq::buffer(frame))) sent += frame.size();
  });
  expect_a_job_to_succeed("meanwhile");
  std::this_thread::sleep_for(2s);
  stop_flood = true;
  flood.join();
  EXPECT_GT(sent, 100 * kMegabyte);
  expect_growth_below(64 * kMegabyte, cloud, begin);
  stop(edge);
  stop(cloud);
}

}  // namespace
}  // namespace skerry::testing
