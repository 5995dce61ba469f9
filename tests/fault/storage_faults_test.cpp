// Disks that fail or lie: rows of the list of faults, one test each.
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <fstream>
#include <random>

#include "core/base/file.hpp"
#include "tests/fault/host_faults.hpp"

namespace skerry::fault {
namespace {

namespace fs = std::filesystem;
using testing::eventually;
using ::testing::HasSubstr;
using testing::Process;

class FsyncError : public HostFaults, public ::testing::WithParamInterface<const char*> {
 protected:
  // Starts it again until the job is done: the disk failed once.
  static void expect_end_of(Process& host) {
    EXPECT_EQ(host.wait().status, 74) << host.err();
    EXPECT_THAT(host.err(), HasSubstr("cannot sync"));
  }
};

TEST_P(FsyncError, EndsTheCloudAndLosesNothing) {
  Process first = start_cloud({{"SKERRY_FAILPOINTS", GetParam()}});
  // Not awaited: how many commits a join takes depends on how it is timed, so the disk may fail
  // before the edge is online.
  Process edge = start_edge("edge-1", token("edge-1"));
  testing::JobText job("job");
  job.set("rounds", "5").set("estimator", "{plugin: fixture-null, config: {bytes: 300000}}");
  const auto file = scratch.write("job.yaml", job.yaml());
  ask({"apply", "-f", file.string()});
  expect_end_of(first);
  Process second = start_cloud();
  EXPECT_TRUE(ask({"apply", "-f", file.string()}).ok());
  await_success();
  stop(edge);
  stop(second);
  expect_whole({"edge-1"});
}

TEST_P(FsyncError, EndsAnEdgeAndLosesNothing) {
  Process cloud = start_cloud();
  Process first = start_joined_edge("edge-1", {{"SKERRY_FAILPOINTS", GetParam()}});
  apply();
  expect_end_of(first);
  Process second = start_edge("edge-1");
  await_success();
  stop(second);
  stop(cloud);
  expect_whole({"edge-1"});
}

// Of a transaction; of a file, the host's key not counted; of a directory, those of the start not
// counted.
INSTANTIATE_TEST_SUITE_P(StorageFaults, FsyncError,
                         ::testing::Values("unit.commit.sync=error(fsync)@32",
                                           "file.sync=error(fsync)@4",
                                           "file.directory.sync=error(fsync)@18"));

class StorageFaults : public HostFaults {
 protected:
  void run_a_job() const {
    Process cloud = start_cloud();
    Process edge = start_joined_edge("edge-1");
    apply();
    await_success();
    stop(edge);
    stop(cloud);
  }
  // The type of every page of the file.
  static void flip_bytes(const fs::path& database) {
    std::fstream file(database, std::ios::in | std::ios::out | std::ios::binary);
    const auto size = fs::file_size(database);
    for (std::uintmax_t at = 4096; at < size; at += 4096) {
      file.seekp(static_cast<std::streamoff>(at));
      file.put('\x55');
    }
  }
  void expect_refused(const std::string& name, std::vector<std::string> arguments,
                      const fs::path& database) const {
    Process host = start(name, std::move(arguments));
    const auto output = finish(host);
    EXPECT_EQ(output.ending.status, 1) << output.all();
    EXPECT_THAT(output.err, HasSubstr(database.string()));
    EXPECT_THAT(output.err, HasSubstr("damaged"));
    EXPECT_THAT(output.err, HasSubstr("`skerry restore`"));
  }
};

TEST_F(StorageFaults, SqliteCorruptionIsNamedAtTheStart) {
  run_a_job();
  const auto cloud_db = cloud_state() / "cloud.db", edge_db = scratch / "edge-1" / "edge.db";
  flip_bytes(cloud_db);
  flip_bytes(edge_db);
  expect_refused("skerry-cloud",
                 {"--state", cloud_state().string(), "--listen", "tcp://127.0.0.1:*"}, cloud_db);
  expect_refused("skerry-edge", {"--state", (scratch / "edge-1").string()}, edge_db);
}

TEST_F(StorageFaults, AFileThatIsNoDatabaseIsNamedAtTheStart) {
  fs::create_directories(cloud_state());
  scratch.write("cloud/cloud.db", std::string(8192, 'x'));
  expect_refused("skerry-cloud",
                 {"--state", cloud_state().string(), "--listen", "tcp://127.0.0.1:*"},
                 cloud_state() / "cloud.db");
}

// A download that was cut off and damaged meanwhile, an upload of which half is there, a blob that
// was not yet recorded, and a file that was not yet renamed.
TEST_F(StorageFaults, HalfWrittenFilesAreMendedOrThrownAway) {
  Process cloud = start_cloud();
  {
    Process first =
        start_joined_edge("edge-1", {{"SKERRY_FAILPOINTS", "bulk.download.appended=kill@1"}});
    apply();
    EXPECT_EQ(first.wait().signal, SIGKILL) << first.err();
  }
  const auto state = scratch / "edge-1";
  int damaged = 0;
  for (const auto& entry : fs::directory_iterator(state / "downloads")) {
    std::ofstream(entry.path(), std::ios::binary) << std::string(1000, 'x');
    ++damaged;
  }
  EXPECT_GT(damaged, 0) << "nothing was under way";
  const std::string name(64, 'a');
  scratch.write("edge-1/blobs/aa/" + name, "half");
  scratch.write("edge-1/blobs/staging/output", "half");
  Process second = start_edge("edge-1");
  await_success();
  EXPECT_FALSE(fs::exists(state / "blobs" / "aa" / name));
  EXPECT_FALSE(fs::exists(state / "blobs" / "staging" / "output"));
  stop(second);
  stop(cloud);
  expect_whole({"edge-1"});
}

TEST_F(StorageFaults, OrdersForFailpointsThatMakeNoSenseEndTheHost) {
  Process cloud =
      start("skerry-cloud", {"--state", cloud_state().string(), "--listen", "tcp://127.0.0.1:*"},
            {{"SKERRY_FAILPOINTS", "unit.commit.done=explode"}});
  const auto output = finish(cloud);
  EXPECT_EQ(output.ending.status, 2) << output.all();
  EXPECT_THAT(output.err, HasSubstr("the action \"explode\" is not known"));
}

}  // namespace
}  // namespace skerry::fault
