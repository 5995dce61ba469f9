// What an operator says about workers, before the host starts.
#include "core/engine/worker_options.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>
#include <zmq.hpp>

#include "core/base/file.hpp"
#include "core/engine/unit.hpp"

namespace skerry::engine {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

class AllowWrite : public testing::Test {
 protected:
  AllowWrite() {
    fs::create_directories(state / "run");
    fs::create_directories(dir.path() / "out" / "deeper");
  }
  // What `path` becomes.
  fs::path allowed(const fs::path& path) {
    std::vector<fs::path> writable{path};
    const Status checked = check_writable(writable, state);
    EXPECT_TRUE(checked) << checked.error().text();
    return writable.at(0);
  }
  std::string refusal(const fs::path& path) { return refusal(std::vector{path}); }
  std::string refusal(std::vector<fs::path> writable) {
    const Status checked = check_writable(writable, state);
    if (checked) return "none";
    EXPECT_EQ(checked.error().code, Code::invalid_argument);
    return checked.error().text();
  }

  TempDir dir = must(TempDir::create());
  fs::path state = fs::canonical(dir.path()) / "state";
};

TEST_F(AllowWrite, TakesAFolderBesideTheState) {
  EXPECT_EQ(allowed(dir.path() / "out"), fs::canonical(dir.path() / "out"));
  EXPECT_EQ(allowed(dir.path() / "out/"), fs::canonical(dir.path() / "out"));
  EXPECT_EQ(allowed(dir.path() / "out" / ".." / "out" / "deeper"),
            fs::canonical(dir.path() / "out" / "deeper"));
}

TEST_F(AllowWrite, TakesAFolderWhoseNameBeginsAsTheStates) {
  fs::create_directories(dir.path() / "state-of-things");
  fs::create_directories(dir.path() / "sta");
  EXPECT_EQ(allowed(dir.path() / "state-of-things"), fs::canonical(dir.path() / "state-of-things"));
  EXPECT_EQ(allowed(dir.path() / "sta"), fs::canonical(dir.path() / "sta"));
}

TEST_F(AllowWrite, TakesADevice) {
  EXPECT_EQ(allowed("/dev/null"), "/dev/null");
}

TEST_F(AllowWrite, MakesARelativePathAbsolute) {
  const fs::path before = fs::current_path();
  fs::current_path(dir.path());
  EXPECT_EQ(allowed("out"), fs::canonical(dir.path() / "out"));
  EXPECT_THAT(refusal("state"), HasSubstr("the host's own state"));
  fs::current_path(before);
}

TEST_F(AllowWrite, FollowsALink) {
  fs::create_directory_symlink(dir.path() / "out", dir.path() / "link");
  EXPECT_EQ(allowed(dir.path() / "link"), fs::canonical(dir.path() / "out"));
}

TEST_F(AllowWrite, RefusesWhatIsNotThereWithTheCure) {
  const std::string why = refusal(dir.path() / "typo");
  EXPECT_THAT(why, HasSubstr("--allow-write " + (dir.path() / "typo").string()));
  EXPECT_THAT(why, HasSubstr("No such file or directory"));
  EXPECT_THAT(why, HasSubstr("it has to be there, for this user, before the host starts"));
  EXPECT_NE(refusal(fs::path()), "none");
  fs::create_symlink(dir.path() / "typo", dir.path() / "dangling");
  EXPECT_THAT(refusal(dir.path() / "dangling"), HasSubstr("No such file or directory"));
}

TEST_F(AllowWrite, RefusesTheStateWhatIsInItAndWhatHoldsIt) {
  fs::create_directory_symlink(state, dir.path() / "link");
  fs::create_directory_symlink(state / "run", dir.path() / "deep link");
  for (const fs::path& path :
       {state, state / "", state / "run", state / "run" / ".." / "run", dir.path(), fs::path("/"),
        dir.path() / "out" / ".." / "state", dir.path() / "link", dir.path() / "link" / "run",
        dir.path() / "deep link"}) {
    const std::string why = refusal(path);
    EXPECT_THAT(why, HasSubstr("the host's own state " + state.string())) << path;
    EXPECT_THAT(why, HasSubstr("give a folder beside it")) << path;
  }
}

TEST_F(AllowWrite, RefusesTheSameOfAStateThatIsALink) {
  const fs::path real = state;
  fs::create_directory_symlink(real, dir.path() / "link");
  for (const fs::path& given : {dir.path() / "link", dir.path() / "link" / "", real / ""}) {
    state = given;
    EXPECT_THAT(refusal(real / "run"), HasSubstr("the host's own state " + real.string()));
    EXPECT_THAT(refusal(dir.path()), HasSubstr("the host's own state " + real.string()));
  }
}

TEST_F(AllowWrite, RefusesTheSameOfAStateThatIsStillToBeMade) {
  state = fs::canonical(dir.path()) / "new" / "state";
  for (const fs::path& given : {state, state / ""}) {
    state = given;
    EXPECT_THAT(refusal(dir.path()), HasSubstr("the host's own state"));
    EXPECT_EQ(allowed(dir.path() / "out"), fs::canonical(dir.path() / "out"));
  }
}

TEST_F(AllowWrite, OneThatIsWrongIsRefusedWithTheOthers) {
  EXPECT_THAT(refusal({dir.path() / "out", state}), HasSubstr(state.string()));
  EXPECT_EQ(refusal(std::vector<fs::path>{}), "none");
}

// ---- what workers get

TEST_F(AllowWrite, WorkersInASandboxMayWriteThere) {
  WorkerSettings settings;
  settings.memory = 7;
  settings.writable = {dir.path() / "out"};
  WorkerPool::Options options;
  apply_settings(settings, state, {"/plugins"}, options);
  EXPECT_EQ(options.memory, 7u);
  EXPECT_EQ(options.hidden, state);
  EXPECT_EQ(options.readable, std::vector<fs::path>{"/plugins"});
  EXPECT_EQ(options.writable, settings.writable);
}

TEST_F(AllowWrite, WorkersWithoutASandboxNeedNoLeave) {
  WorkerSettings settings;
  settings.sandbox = false;
  settings.writable = {dir.path() / "out"};
  WorkerPool::Options options;
  apply_settings(settings, state, {"/plugins"}, options);
  EXPECT_TRUE(options.hidden.empty());
  EXPECT_TRUE(options.writable.empty());
}

// Notes what it is to start, and starts nothing.
struct NotingLauncher : runtime::Launcher {
  Result<runtime::WorkerHandle> start(const runtime::WorkerSpec& spec) override {
    specs.push_back(spec);
    return runtime::WorkerHandle{spec.id, 4711};
  }
  void stop(const std::string&, std::chrono::milliseconds) override {}
  std::vector<runtime::WorkerExit> poll() override { return {}; }
  std::vector<runtime::WorkerSpec> specs;
};

struct NobodyListens : WorkerPool::Listener {
  void task_done(wire::TaskDone) override {}
  void task_progress(const wire::TaskProgress&) override {}
  void decided(wire::DecideReply) override {}
};

TEST_F(AllowWrite, EachWorkerMayWriteThereAndToItsOwnFolder) {
  boost::asio::io_context io;
  zmq::context_t context;
  NotingLauncher launcher;
  NobodyListens nobody;
  wire::SocketThread sockets{context, [](wire::SocketThread::Batch&&) {}};
  WorkerPool::Options options{.run_dir = state / "run",
                              .output_dir = state / "out",
                              .log_dir = state / "log",
                              .hidden = state,
                              .writable = {dir.path() / "out"}};
  WorkerPool pool{io, sockets, launcher, std::move(options), nobody};
  must(pool.open());
  for (const char* job : {"one", "two"}) {
    wire::RunTask task;
    task.key = {job, "1"};
    pool.run(std::move(task));
  }
  ASSERT_EQ(launcher.specs.size(), 2u);
  for (const runtime::WorkerSpec& spec : launcher.specs) {
    ASSERT_TRUE(spec.files);
    EXPECT_EQ(spec.files->hide, state);
    EXPECT_THAT(spec.files->write,
                testing::UnorderedElementsAre(dir.path() / "out", state / "out" / spec.id));
  }
}

}  // namespace
}  // namespace skerry::engine
