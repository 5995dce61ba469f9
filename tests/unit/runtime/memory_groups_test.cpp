// With a folder in place of the kernel's: what is asked for, not what a kernel does.
#include "core/runtime/memory_groups.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "core/base/file.hpp"

namespace skerry::runtime {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

class Groups : public testing::Test {
 protected:
  Groups() {
    write("self", "9:name=systemd:/x\n0::/system.slice/skerry.service\n");
    fs::create_directories(own_ / "host");
    write(own_ / "cgroup.controllers", "cpu memory pids\n");
    write(own_ / "cgroup.subtree_control", "");
    write(own_ / "host" / "cgroup.procs", "");
    fs::create_directories(own_ / "worker-w1");
    for (const char* file : {"memory.max", "memory.swap.max", "cgroup.procs"})
      write(own_ / "worker-w1" / file, "");
  }
  void write(const fs::path& file, const std::string& text) {
    ASSERT_TRUE(write_file_durably(dir_.path() / file, text));
  }
  std::string text(const fs::path& file) { return read_file(own_ / file).value_or("?"); }
  Result<MemoryGroups> open() { return MemoryGroups::open(dir_.path(), dir_.path() / "self"); }

  TempDir dir_ = TempDir::create().value();
  fs::path own_ = dir_.path() / "system.slice/skerry.service";
};

TEST_F(Groups, LimitAWorkerAndMoveTheHostAside) {
  auto groups = open();
  ASSERT_TRUE(groups) << groups.error().text();
  EXPECT_EQ(text("host/cgroup.procs"), std::to_string(getpid()));
  EXPECT_EQ(text("cgroup.subtree_control"), "+memory");
  ASSERT_TRUE(groups->add("w1", 4711, 1000));
  EXPECT_EQ(text("worker-w1/memory.max"), "1000");
  EXPECT_EQ(text("worker-w1/memory.swap.max"), "0");
  EXPECT_EQ(text("worker-w1/cgroup.procs"), "4711");
}

TEST_F(Groups, TellWhetherTheKernelEndedTheWorker) {
  auto groups = open();
  ASSERT_TRUE(groups);
  EXPECT_FALSE(groups->remove("w1"));
  write(own_ / "worker-w1" / "memory.events", "low 0\noom 1\noom_kill 1\n");
  EXPECT_TRUE(groups->remove("w1"));
}

TEST_F(Groups, SayWhatIsMissing) {
  write(own_ / "cgroup.controllers", "cpu pids\n");
  EXPECT_THAT(open().error().text(), HasSubstr("has no memory controller"));
  write("self", "0::/\n");
  EXPECT_THAT(open().error().text(), HasSubstr("no control group of its own"));
  write("self", "9:name=systemd:/x\n");
  EXPECT_THAT(open().error().text(), HasSubstr("no control groups of version 2"));
}

}  // namespace
}  // namespace skerry::runtime
