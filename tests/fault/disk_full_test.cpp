// A disk of 16 MiB that fills up, under the cloud and under an edge.
#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <fstream>

#include "core/base/file.hpp"
#include "core/base/sanitizer.hpp"
#include "tests/fault/host_faults.hpp"

namespace skerry::fault {
namespace {

namespace fs = std::filesystem;
using testing::eventually;
using ::testing::HasSubstr;
using ::testing::Not;
using testing::Process;

constexpr std::uint64_t kMiB = 1 << 20;
// Hosts keep copies of plugins, which are ten times as large when they are sanitized.
constexpr const char* kSize = kSanitized ? "size=256m,mode=700" : "size=16m,mode=700";

// Becomes root in a namespace of its own where it is not root already.
bool may_mount() {
  static const bool may = [] {
    const auto write = [](const char* file, const std::string& text) {
      std::ofstream(file) << text;
    };
    const auto user = ::getuid(), group = ::getgid();
    if (user != 0) {
      if (::unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0) return false;
      write("/proc/self/setgroups", "deny");
      write("/proc/self/uid_map", "0 " + std::to_string(user) + " 1");
      write("/proc/self/gid_map", "0 " + std::to_string(group) + " 1");
    } else if (::unshare(CLONE_NEWNS) != 0) {
      return false;
    }
    // What is mounted here is seen by nobody else, and gone with the test.
    return ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0;
  }();
  return may;
}

class SmallDisk {
 public:
  explicit SmallDisk(fs::path path) : path_(std::move(path)) {
    fs::create_directories(path_);
    mounted_ = ::mount("tmpfs", path_.c_str(), "tmpfs", 0, kSize) == 0;
  }
  ~SmallDisk() {
    if (mounted_) ::umount2(path_.c_str(), MNT_DETACH);
  }
  bool mounted() const { return mounted_; }

  std::uint64_t available() const {
    struct statvfs info {};
    ::statvfs(path_.c_str(), &info);
    return info.f_bavail * info.f_frsize;
  }
  // Leaves so many bytes.
  void fill(std::uint64_t left) const {
    const auto file = open_file(ballast(), O_WRONLY | O_CREAT | O_APPEND).value();
    const std::string block(64 * 1024, 'x');
    while (available() > left) {
      const auto size = std::min<std::uint64_t>(block.size(), available() - left);
      if (::write(file.get(), block.data(), size) <= 0) break;
    }
  }
  void clear() const { fs::remove(ballast()); }

 private:
  fs::path ballast() const { return path_ / "ballast"; }
  fs::path path_;
  bool mounted_ = false;
};

class DiskFull : public HostFaults {
 protected:
  void SetUp() override {
    if (!may_mount()) GTEST_SKIP() << "no right to mount a small disk";
  }
  std::uint64_t number(const fs::path& database, const std::string& sql) const {
    auto opened = store::Database::open(database).value();
    auto select = opened.prepare(sql).value();
    return select.step().value() ? static_cast<std::uint64_t>(select.column_int(0)) : 0;
  }
  std::uint64_t rounds() const { return job().value("rounds", 0u); }
};

TEST_F(DiskFull, OnTheCloudStopsAcknowledgementsUntilThereIsSpaceAgain) {
  const SmallDisk disk(cloud_state());
  ASSERT_TRUE(disk.mounted());
  Process cloud = start_cloud();
  Process edge = start_joined_edge("edge-1");
  apply(300);
  ASSERT_TRUE(eventually([&] { return rounds() >= 1; }));
  disk.fill(2 * kMiB);
  ASSERT_TRUE(eventually([&] { return conditions().find("DiskFull") != std::string::npos; }));
  EXPECT_THAT(conditions(), HasSubstr(cloud_state().string()));
  EXPECT_THAT(conditions(), HasSubstr("MiB left"));
  EXPECT_THAT(ask({"describe", "job", "job"}).out, HasSubstr("DiskFull"));
  const auto refused =
      ask({"apply", "-f", scratch.write("more.yaml", testing::JobText("more").yaml()).string()});
  EXPECT_FALSE(refused.ok());
  EXPECT_THAT(refused.all(), HasSubstr("the disk is full"));

  // The edge keeps its result: it is in the outbox, or waits to be uploaded. Or the round waits at
  // the cloud, for a task that is not begun.
  const auto edge_db = scratch / "edge-1" / "edge.db";
  ASSERT_TRUE(eventually([&] {
    return number(edge_db,
                  "SELECT (SELECT count(*) FROM outbox) + (SELECT count(*) FROM task "
                  "WHERE state = 'storing')") > 0 ||
           number(cloud_state() / "cloud.db",
                  "SELECT count(*) FROM task WHERE state = 'open' AND node = 'cloud'") > 0;
  }));
  const auto uplink = number(cloud_state() / "cloud.db", "SELECT uplink_seq FROM node");
  const auto stood = rounds();
  // Longer than the edge waits before it sends again.
  EXPECT_FALSE(eventually([&] { return rounds() != stood; }, std::chrono::seconds(5)));
  EXPECT_EQ(number(cloud_state() / "cloud.db", "SELECT uplink_seq FROM node"), uplink);

  disk.clear();
  await_success();
  EXPECT_THAT(conditions(), Not(HasSubstr("DiskFull")));
  stop(edge);
  stop(cloud);
  expect_whole({"edge-1"});
}

TEST_F(DiskFull, ToTheLastByteEndsNoCloud) {
  const SmallDisk disk(cloud_state());
  ASSERT_TRUE(disk.mounted());
  Process cloud = start_cloud();
  Process edge = start_joined_edge("edge-1");
  apply(200);
  ASSERT_TRUE(eventually([&] { return rounds() >= 1; }));
  disk.fill(2 * kMiB);
  ASSERT_TRUE(eventually([&] { return conditions().find("DiskFull") != std::string::npos; }));
  disk.fill(0);
  // The reserve is given up, and the cloud goes on with that.
  EXPECT_TRUE(eventually([&] { return disk.available() > 0 || cloud.ended(); }));
  EXPECT_THAT(conditions(), HasSubstr("DiskFull"));
  EXPECT_FALSE(cloud.ended()) << cloud.err();
  disk.clear();
  await_success();
  stop(edge);
  stop(cloud);
  expect_whole({"edge-1"});
}

TEST_F(DiskFull, OnAnEdgeLetsItsTasksWaitAndIsToldAtTheCloud) {
  const SmallDisk disk(scratch / "edge-1");
  ASSERT_TRUE(disk.mounted());
  Process cloud = start_cloud();
  Process edge = start_joined_edge("edge-1");
  disk.fill(2 * kMiB);
  const auto told = [&] {
    const auto nodes = ask({"get", "nodes"});
    return nodes.ok() && nodes.out.find("MiB left") != std::string::npos;
  };
  ASSERT_TRUE(eventually(told)) << edge.err();
  apply();
  EXPECT_FALSE(eventually([&] { return rounds() > 0; }, std::chrono::seconds(4)));
  EXPECT_FALSE(edge.ended());
  disk.clear();
  await_success();
  EXPECT_TRUE(eventually([&] { return !told(); }));
  stop(edge);
  stop(cloud);
  expect_whole({"edge-1"});
}

TEST_F(DiskFull, UnderABackupIsToldInNumbers) {
  const SmallDisk disk(scratch / "small");
  ASSERT_TRUE(disk.mounted());
  Process cloud = start_cloud();
  disk.fill(kMiB / 2);
  const auto refused = ask({"backup", (scratch / "small" / "copy").string()});
  EXPECT_EQ(refused.ending.status, 1) << refused.all();
  EXPECT_THAT(refused.err, HasSubstr("the backup takes"));
  EXPECT_THAT(refused.err, HasSubstr("the rest 1.0 MB); this disk has 52"));
  disk.clear();
  EXPECT_TRUE(ask({"backup", (scratch / "small" / "copy").string()}).ok());
  EXPECT_TRUE(skerry({"restore", "--check", (scratch / "small" / "copy").string()}).ok());
  stop(cloud);
}

TEST_F(DiskFull, DuringATransactionEndsTheHostAndTheNextStartGoesOn) {
  Process edge = [&] {
    Process cloud = start_cloud({{"SKERRY_FAILPOINTS", "unit.commit.sync=error(full)@40"}});
    Process joined = start_joined_edge("edge-1");
    const auto file = scratch.write("job.yaml", testing::JobText("job").set("rounds", "3").yaml());
    ask({"apply", "-f", file.string()});
    EXPECT_EQ(cloud.wait().status, 74) << cloud.err();
    EXPECT_THAT(cloud.err(), HasSubstr("No space left on device"));
    EXPECT_THAT(cloud.err(), HasSubstr("disk space"));
    return joined;
  }();
  Process cloud = start_cloud();
  const auto file = scratch / "job.yaml";
  EXPECT_TRUE(ask({"apply", "-f", file.string()}).ok());
  await_success();
  stop(edge);
  stop(cloud);
  expect_whole({"edge-1"});
}

}  // namespace
}  // namespace skerry::fault
