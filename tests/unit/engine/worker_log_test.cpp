#include "core/engine/worker_log.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>

#include "core/base/file.hpp"
#include "core/engine/unit.hpp"
#include "core/runtime/crash_report.hpp"

namespace skerry::engine {
namespace {

class WorkerLog : public testing::Test {
 protected:
  void say(const std::string& text) { must(write_all(file_.get(), as_bytes(text), log_)); }
  std::filesystem::path in(const std::string& name) const { return dir_.path() / name; }

  TempDir dir_ = must(TempDir::create());
  std::filesystem::path log_ = dir_.path() / "worker-x.log";
  UniqueFd file_ = must(open_file(log_, O_WRONLY | O_CREAT | O_APPEND));  // as a worker has it
};

TEST_F(WorkerLog, OfAWorkerThatGoesOnPrintingStaysBounded) {
  constexpr std::uint64_t kMost = 64 * 1024;
  std::string line(100, 'x');
  line.back() = '\n';
  for (int i = 0; i < 10'000; ++i) {
    say(line);
    if (i % 100 == 0) bound_log(log_, kMost);
  }
  say("the last line\n");
  bound_log(log_, kMost);
  EXPECT_LE(std::filesystem::file_size(log_), kMost);
  EXPECT_LE(std::filesystem::file_size(in("worker-x.old.log")), 2 * kMost);
  EXPECT_TRUE(tail_of(log_, 1000).ends_with("the last line\n"));
}

TEST_F(WorkerLog, ThatIsSmallIsLeftAlone) {
  say("a line\n");
  bound_log(log_, 1000);
  EXPECT_EQ(must(read_file(log_)), "a line\n");
  EXPECT_FALSE(std::filesystem::exists(in("worker-x.old.log")));
}

TEST_F(WorkerLog, ATailIsTheEndOfIt) {
  say("a line\nanother line\n");
  EXPECT_EQ(tail_of(log_, 5), "line\n");
  EXPECT_EQ(tail_of(log_, 1000), "a line\nanother line\n");
  EXPECT_EQ(tail_of(in("missing"), 10), "");
}

TEST_F(WorkerLog, OnlyTheNewestLogsOfWorkersAreKept) {
  using namespace std::chrono_literals;
  const auto now = std::filesystem::file_time_type::clock::now();
  must(write_file_durably(in("host.log"), "the host's"));
  std::filesystem::last_write_time(in("host.log"), now - 100h);
  for (int i = 0; i < 6; ++i) {
    const auto file = in("worker-" + std::to_string(i) + ".log");
    must(write_file_durably(file, "a worker's"));
    std::filesystem::last_write_time(file, now - i * 1h);
  }
  std::filesystem::remove(log_);
  prune_worker_logs(dir_.path(), 3);
  for (int i = 0; i < 6; ++i)
    EXPECT_EQ(std::filesystem::exists(in("worker-" + std::to_string(i) + ".log")), i < 3) << i;
  EXPECT_TRUE(std::filesystem::exists(in("host.log")));
}

// The report's own frames, and those in which the C library raised the signal, are of no interest.
TEST(LastCalls, BeginWhereThePluginCalledWhatEndedIt) {
  const TempDir dir = must(TempDir::create());
  const auto log = dir.path() / "worker.log";
  must(write_file_durably(log, std::string(runtime::kCrashMark) +
                                   "6 in task.run of plugin x\n"
                                   "/bin/skerry-worker(+0x1)[0x1]\n"
                                   "/lib/libc.so.6(+0x2)[0x2]\n"
                                   "/lib/libc.so.6(gsignal+0x3)[0x3]\n"
                                   "/lib/libc.so.6(abort+0x4)[0x4]\n"
                                   "/proc/self/fd/9(_ZN1A1bEi+0x5)[0x5]\n"
                                   "/lib/libc.so.6(qsort+0x6)[0x6]\n"
                                   "/bin/skerry-worker(+0x7)[0x7]\n"
                                   "/proc/self/fd/9 is /plugins/mine.so\n" +
                                   runtime::kCrashEnd + "\n"));
  EXPECT_EQ(last_calls(log), "mine.so(A::b(int)+0x5) < libc.so.6(qsort+0x6) < skerry-worker(+0x7)");
}

}  // namespace
}  // namespace skerry::engine
