// Networks that break in every way: rows of the list of faults, one test each.
#include <algorithm>
#include <random>
#include <thread>

#include "tests/fault/network_faults.hpp"

namespace skerry::fault {
namespace {

using namespace std::chrono_literals;
using testing::Clock;
using testing::eventually;
using ::testing::HasSubstr;
using testing::Process;

constexpr const char* kLink1 = "127.0.0.2";
constexpr const char* kLink2 = "127.0.0.3";
constexpr const char* kLink3 = "127.0.0.4";
// A heartbeat each 5 s, 15 s without an answer, and the way back.
constexpr auto kNoticed = 5s + 15s + 5s;

// Somewhere in what a round with an upload of 3 MB makes flow; its answers are short.
struct Spot {
  int port;
  Way way;
  std::uint64_t bytes;
};

class NetworkFaultsAnywhere : public NetworkFaults {
 protected:
  Spot any_spot(std::mt19937& random) {
    if (at_.bulk == 0) at_ = ports();
    const bool bulk = random() % 2 == 0, up = random() % 2 == 0;
    const std::uint64_t most = bulk && up ? 3'000'000 : 2'000;
    return {bulk ? at_.bulk : at_.control, up ? Way::up : Way::down, random() % most};
  }

 private:
  Ports at_;
};

TEST_F(NetworkFaults, ABriefPartitionIsNotEvenNoticed) {
  Process cloud = start_cloud();
  const auto line = link(kLink1);
  Process edge = join_over(kLink1, "edge-1");
  begin("job", 300'000, 300);
  await_rounds(1);
  line->partition();
  std::this_thread::sleep_for(3s);
  line->heal();
  await_success();
  for (const Json& record : records()) expect_round(record, {"edge-1"});
  EXPECT_EQ(line->arrivals(ports().control).size(), 2u) << "of its token and of its key";
  stop(edge);
  stop(cloud);
  expect_whole({"edge-1"});
}

TEST_F(NetworkFaults, APartitionInARoundHealsAndTheSameRoundGoesOn) {
  Process cloud = start_cloud();
  const auto line = link(kLink1);
  Process cut_off = join_over(kLink1, "edge-1");
  Process other = start_joined_edge("edge-2");
  begin("job", 300'000, 500, {{"quorum", "2"}});
  await_rounds(1);
  const auto round = rounds() + 1;
  line->partition();
  await_state("edge-1", "offline");
  EXPECT_EQ(state_of("edge-2"), "online");
  EXPECT_LE(rounds(), round) << "a round was published without its quorum";
  line->heal();
  await_state("edge-1", "online");
  await_success();
  for (const Json& record : records()) expect_round(record, {"edge-1", "edge-2"});
  stop(cut_off);
  stop(other);
  stop(cloud);
  expect_whole({"edge-1", "edge-2"});
}

// Of three edges at a time: one whose connections died without a word to anybody, one that is not
// heard, one that does not hear.
TEST_F(NetworkFaults, AHalfOpenLinkIsNoticedByItsHeartbeat) {
  Process cloud = start_cloud();
  const auto dead = link(kLink1), unheard = link(kLink2), deaf = link(kLink3);
  const int port = ports().control;
  Process edge_1 = join_over(kLink1, "edge-1");
  Process edge_2 = join_over(kLink2, "edge-2");
  Process edge_3 = join_over(kLink3, "edge-3");
  begin("job", 300'000, 200, {{"quorum", "3"}});
  await_rounds(1);
  dead->forget_connections();
  unheard->block(Way::up);
  deaf->block(Way::down);
  const auto since = Clock::now();
  ASSERT_EQ(dead->open(port), 0);
  EXPECT_TRUE(eventually([&] { return dead->open(port) == 1; }, kNoticed));
  EXPECT_TRUE(eventually([&] { return unheard->arrivals(port).size() > 2; }, 5s));
  EXPECT_TRUE(eventually([&] { return deaf->arrivals(port).size() > 2; }, 5s));
  EXPECT_LT(Clock::now() - since, kNoticed);
  unheard->heal();
  deaf->heal();
  await_success();
  for (const Json& record : records()) expect_round(record, {"edge-1", "edge-2", "edge-3"});
  stop(edge_1);
  stop(edge_2);
  stop(edge_3);
  stop(cloud);
  expect_whole({"edge-1", "edge-2", "edge-3"});
}

TEST_F(NetworkFaults, ASlowClientIsLateAndSlowsNoOther) {
  Process cloud = start_cloud();
  const auto line = link(kLink1);
  Process fast_1 = start_joined_edge("fast-1");
  Process fast_2 = start_joined_edge("fast-2");
  Process slow = join_over(kLink1, "slow");
  const Spec fast_only{{"selection", "{plugin: fixture-named, config: {prefix: fast}}"},
                       {"quorum", "2"},
                       {"rounds", "20"}};
  const auto time_of = [&](const std::string& name) {
    begin(name, 300'000, 20, fast_only);
    await_success(name);
    return job(name).at("elapsedSeconds").get<double>();
  };
  const double before = time_of("before");
  line->limit(Way::up, 64'000);
  line->limit(Way::down, 64'000);
  begin("job", 1'000'000, 0, {{"quorum", "2"}, {"rounds", "3"}, {"deadline", "4s"}});
  ASSERT_TRUE(eventually([&] { return line->carried(ports().bulk, Way::down) > 50'000; }));
  const double meanwhile = time_of("meanwhile");
  EXPECT_LT(meanwhile, 2 * before + 1) << before << " s without the slow one";
  await_success();
  for (const Json& record : records()) {
    expect_round(record, {"fast-1", "fast-2"});
    EXPECT_EQ(record.at("late"), Json::array({"slow"})) << record;
  }
  EXPECT_EQ(state_of("slow"), "online");
  stop(fast_1);
  stop(fast_2);
  stop(slow);
  stop(cloud);
  expect_whole({"fast-1", "fast-2", "slow"});
}

TEST_F(NetworkFaultsAnywhere, FlippedBitsEndConnectionsAndGetNowhere) {
  constexpr int kFlips = 12;
  Process cloud = start_cloud();
  const auto line = link(kLink1);
  Process edge = join_over(kLink1, "edge-1");
  begin("job", 3'000'000, 0, {{"rounds", "1000000"}});
  std::mt19937 random(20);
  int ended = 0;
  for (std::uint64_t flip = 1; flip <= kFlips; ++flip) {
    const Spot spot = any_spot(random);
    const auto connections = line->arrivals(spot.port).size();
    line->flip_after(spot.port, spot.way, spot.bytes);
    ASSERT_TRUE(eventually([&] { return line->flips() == flip; }));
    if (eventually([&] { return line->arrivals(spot.port).size() > connections; }, 8s)) ++ended;
  }
  // A reserved bit of a frame's flags means nothing, and one of its length makes it wait for bytes
  // that do not come before the heartbeat has failed.
  EXPECT_GE(ended, kFlips - 3);
  const auto so_far = rounds();
  await_rounds(so_far + 2);
  ASSERT_TRUE(ask({"signal", "job", "stop"}).ok());
  await_success();
  const auto all = records();
  EXPECT_TRUE(std::all_of(all.begin(), all.end(), [](const Json& record) {
    return record.at("attempts") == 1 && record.at("participants").size() == 1;
  }));
  stop(edge);
  stop(cloud);
  expect_whole({"edge-1"});
}

TEST_F(NetworkFaults, ADamagedFrameAndAHangUpEndNoCloud) {
  constexpr std::uint64_t kTimes = 4;
  Process cloud = start_cloud();
  const auto line = link(kLink1);
  const int port = ports().control;
  Process edge = join_over(kLink1, "edge-1");
  for (std::uint64_t time = 1; time <= kTimes; ++time) {
    line->flip_after(port, Way::up, 40);  // within a ping's encrypted body
    ASSERT_TRUE(eventually([&] { return line->flips() == time; }));
    std::this_thread::sleep_for(300ms);
    const auto connections = line->arrivals(port).size();
    line->cut();
    ASSERT_TRUE(eventually([&] { return line->arrivals(port).size() > connections; }));
    ASSERT_FALSE(cloud.ended()) << cloud.err();
  }
  await_state("edge-1", "online");
  stop(edge);
  stop(cloud);
  expect_whole({"edge-1"});
}

TEST_F(NetworkFaults, ALongDelayOnlyTakesTime) {
  constexpr auto kDelay = 200ms;  // each way
  Process cloud = start_cloud();
  const auto line = link(kLink1);
  line->delay(Way::up, kDelay);
  line->delay(Way::down, kDelay);
  Process edge = join_over(kLink1, "edge-1");
  begin("job", 300'000, 0, {{"rounds", "2"}});
  await_success();
  for (const Json& record : records()) {
    expect_round(record, {"edge-1"});
    // The task and its answer; its input and its output, each of which is asked for.
    EXPECT_GT(record.at("seconds").at("total").get<double>(), 2 * 0.4) << record;
  }
  stop(edge);
  stop(cloud);
  expect_whole({"edge-1"});
}

TEST_F(NetworkFaultsAnywhere, ConnectionsThatAreCutAnywhereGoOnThere) {
  constexpr int kCuts = 24;
  Process cloud = start_cloud();
  const auto line = link(kLink1);
  Process edge = join_over(kLink1, "edge-1");
  begin("job", 3'000'000, 0, {{"rounds", "1000000"}});
  std::mt19937 random(30);
  for (std::uint64_t cut = 1; cut <= kCuts; ++cut) {
    const Spot spot = any_spot(random);
    line->cut_after(spot.port, spot.way, spot.bytes);
    ASSERT_TRUE(eventually([&] { return line->cuts() == cut; })) << cut;
  }
  const auto so_far = rounds();
  await_rounds(so_far + 2);
  ASSERT_TRUE(ask({"signal", "job", "stop"}).ok());
  await_success();
  for (const Json& record : records()) expect_round(record, {"edge-1"});
  stop(edge);
  stop(cloud);
  expect_whole({"edge-1"});
}

TEST_F(NetworkFaults, AReconnectStormIsSpreadAndEndsInTheSameRound) {
  constexpr std::size_t kEdges = 12;
  Process cloud = start_cloud();
  const auto line = link(kLink1);
  const int port = ports().control;
  std::vector<Process> edges;
  std::vector<std::string> names;
  for (std::size_t i = 0; i < kEdges; ++i) {
    names.push_back("edge-" + std::to_string(10 + i));
    edges.push_back(start_edge_over(kLink1, names.back()));
  }
  for (const auto& name : names) await_state(name, "online");
  begin("job", 4096, 3000, {{"quorum", "12"}, {"rounds", "1"}});
  ASSERT_TRUE(eventually([&] { return job().at("phase") == "Running"; }));
  const auto before = line->arrivals(port).size();
  line->cut();
  EXPECT_GE(line->cuts(), kEdges);  // and more where blobs were just moved
  ASSERT_TRUE(eventually([&] { return line->arrivals(port).size() >= before + kEdges; }, 5s));
  const auto arrivals = line->arrivals(port);
  const auto spread = arrivals[before + kEdges - 1] - arrivals[before];
  EXPECT_GT(spread, 50ms) << "they all came at once";
  EXPECT_TRUE(eventually([&] { return line->open(port) == static_cast<int>(kEdges); }, 5s));
  await_success();
  for (const Json& record : records()) expect_round(record, names);
  for (Process& edge : edges) stop(edge);
  stop(cloud);
  expect_whole(names);
}

}  // namespace
}  // namespace skerry::fault
