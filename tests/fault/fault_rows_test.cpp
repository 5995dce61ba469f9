// Rows of the list of faults in docs/reliability.md that need real hosts and belong to no other
// file.
#include <ctime>
#include <fstream>

#include "tests/fault/host_faults.hpp"

namespace skerry::fault {
namespace {

namespace fs = std::filesystem;
using testing::eventually;
using ::testing::HasSubstr;
using testing::Process;

// ---- clock jumps

constexpr std::int64_t kYear = 365 * 24 * 3600;  // seconds

class ClockJumps : public HostFaults {
 protected:
  void SetUp() override {
    set(0);
    environment = {{"LD_PRELOAD", SKERRY_SHIFTED_CLOCK}, {"SKERRY_TEST_CLOCK", file().string()}};
  }
  fs::path file() const { return scratch / "clock"; }
  // Of the wall clock of all hosts, at once.
  void set(std::int64_t seconds) const {
    std::fstream stream(file(), std::ios::in | std::ios::out | std::ios::binary);
    if (!stream) stream.open(file(), std::ios::out | std::ios::binary);
    stream.write(reinterpret_cast<const char*>(&seconds), sizeof seconds);
  }
  static std::string year(std::int64_t shift) {
    const std::time_t then = std::time(nullptr) + shift;
    return std::to_string(1900 + std::gmtime(&then)->tm_year);
  }
  Environment environment;
};

TEST_F(ClockJumps, OfYearsInEitherDirectionChangeNoRound) {
  Process cloud = start_cloud(environment);
  Process edge = start_joined_edge("edge-1", environment);
  apply(200);
  std::int64_t last = 0;
  for (const std::int64_t jump : {2 * kYear, -3 * kYear, kYear, -kYear}) {
    set(last = jump);
    const std::uint64_t rounds = job().value("rounds", 0U);
    if (job().value("phase", "") == "Succeeded") break;
    EXPECT_TRUE(eventually([&] {
      return job().value("rounds", 0U) > rounds || job().value("phase", "") == "Succeeded";
    })) << job();
  }
  await_success();
  EXPECT_EQ(state_of("edge-1"), "online");
  stop(edge);
  stop(cloud);
  // The log has been to another year, so the hosts have too.
  EXPECT_THAT(cloud.err(), HasSubstr(year(last) + "-")) << "the clock was not shifted";
  expect_whole({"edge-1"});
}

// Tokens end by the wall clock, on purpose: people agree on dates.
TEST_F(ClockJumps, EndTokensThatAreOutOfDateByThen) {
  Process cloud = start_cloud(environment);
  const std::string old = token("edge-1");
  set(2 * 24 * 3600);
  Process edge = start_edge("edge-1", old, environment);
  const auto output = finish(edge);
  EXPECT_FALSE(output.ok());
  EXPECT_THAT(output.all(), HasSubstr("ended at"));
  stop(cloud);
}

// ---- corrupt blob

class CorruptBlob : public HostFaults {};

TEST_F(CorruptBlob, OnTheCloudIsNamedAndTrainsNobody) {
  Process cloud = start_cloud();
  apply();
  const auto blob = [&] {
    for (const auto& entry : fs::recursive_directory_iterator(cloud_state() / "blobs"))
      if (entry.is_regular_file() && entry.path().filename().string().size() == 64)
        return entry.path();
    return fs::path();
  };
  ASSERT_TRUE(eventually([&] { return !blob().empty(); })) << "no first model: " << job();
  fs::permissions(blob(), fs::perms::owner_all);
  {
    std::fstream file(blob(), std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(200'000);
    file.put('\x55');
  }
  Process edge = start_joined_edge("edge-1");
  EXPECT_TRUE(eventually([&] { return job().value("phase", "") == "Failed"; })) << job();
  EXPECT_THAT(job().value("message", ""), HasSubstr("damaged"));
  EXPECT_FALSE(cloud.ended());
  EXPECT_FALSE(edge.ended());
  stop(edge);
  stop(cloud);
}

// ---- join and leave in a round

class JoinAndLeave : public HostFaults {};

TEST_F(JoinAndLeave, InARoundCostsNoRound) {
  Process cloud = start_cloud();
  Process first = start_joined_edge("edge-1");
  Process second = start_joined_edge("edge-2");
  testing::JobText text("job");
  text.set("rounds", "4")
      .set("quorum", "1")
      .set("deadline", "3s")
      .set("estimator", "{plugin: fixture-null, config: {trainMillis: 500}}");
  const auto output = ask({"apply", "-f", scratch.write("job.yaml", text.yaml()).string()});
  ASSERT_TRUE(output.ok()) << output.all();
  ASSERT_TRUE(eventually([&] { return job().value("phase", "") == "Running"; })) << job();
  Process third = start_joined_edge("edge-3");
  stop(first);
  await_success();
  stop(second);
  stop(third);
  stop(cloud);
  expect_whole({"edge-1", "edge-2", "edge-3"});
}

}  // namespace
}  // namespace skerry::fault
