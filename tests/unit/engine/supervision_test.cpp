// Real workers with a plugin that does what no plugin should.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <zmq.hpp>

#include "core/base/file.hpp"
#include "core/base/sanitizer.hpp"
#include "core/engine/unit.hpp"
#include "core/engine/worker_pool.hpp"
#include "core/runtime/confine.hpp"
#include "core/runtime/process_launcher.hpp"

namespace skerry::engine {
namespace {

using namespace std::chrono_literals;
using testing::AllOf;
using testing::HasSubstr;

struct Answers : WorkerPool::Listener {
  void task_done(wire::TaskDone done) override { tasks.push_back(std::move(done)); }
  void task_progress(const wire::TaskProgress&) override { ++progress; }
  void decided(wire::DecideReply reply) override { decisions.push_back(std::move(reply)); }
  std::vector<wire::TaskDone> tasks;
  std::vector<wire::DecideReply> decisions;
  int progress = 0;
};

// Remembers the worker that was started last.
struct Observed : runtime::Launcher {
  explicit Observed(std::filesystem::path program) : inner(std::move(program)) {}
  Result<runtime::WorkerHandle> start(const runtime::WorkerSpec& spec) override {
    auto handle = inner.start(spec);
    if (handle) pid = handle->pid;
    return handle;
  }
  void stop(const std::string& id, std::chrono::milliseconds grace) override {
    inner.stop(id, grace);
  }
  std::vector<runtime::WorkerExit> poll() override { return inner.poll(); }
  runtime::ProcessLauncher inner;
  pid_t pid = 0;
};

class Supervision : public testing::Test {
 protected:
  Supervision() {
    must(make_directories(dir.path() / "state"));
    must(database.exec(kQuarantineTable));
    options.run_dir = dir.path() / "state" / "run";
    options.output_dir = dir.path() / "state" / "blobs";
    options.log_dir = dir.path() / "state" / "log";
    options.hidden = dir.path() / "state";
    options.readable = {options.output_dir};
    options.quarantine = &quarantine;
  }
  void open() {
    pool = std::make_unique<WorkerPool>(io, *sockets, launcher, options, answers);
    must(pool->open());
  }
  void TearDown() override {
    if (pool) pool->stop_all();
  }

  bool eventually(const std::function<bool()>& condition) {
    const auto end = std::chrono::steady_clock::now() + 30s;
    while (!condition() && std::chrono::steady_clock::now() < end) io.run_for(5ms);
    return condition();
  }
  void start(const std::string& params, std::uint64_t deadline_ms = 0) {
    if (!pool) open();
    wire::RunTask task;
    task.key = {"job.1", std::to_string(++number)};
    task.node = "edge-1";
    task.kind = "fixture-noop";
    task.params = params;
    task.plan = plan();
    task.deadline_ms = deadline_ms;
    pool->run(std::move(task));
  }
  wire::TaskDone run(const std::string& params, std::uint64_t deadline_ms = 0) {
    const std::size_t before = answers.tasks.size();
    start(params, deadline_ms);
    EXPECT_TRUE(eventually([&] { return answers.tasks.size() > before; }));
    return answers.tasks.size() > before ? answers.tasks.back() : wire::TaskDone{};
  }
  std::string plan() const {
    return dump_json(
        {{"workflow", "fixture-echo"}, {"pluginPath", {plugin_path}}, {"spec", Json::object()}});
  }

  TempDir dir = must(TempDir::create());
  store::Database database = must(store::Database::open(dir.path() / "test.db"));
  Unit unit{database};
  Quarantine quarantine{unit, "say: allow {}"};
  boost::asio::io_context io;
  zmq::context_t context;
  Observed launcher{std::filesystem::path(SKERRY_BIN_DIR) / "skerry-worker"};
  Answers answers;
  WorkerPool::Options options;
  std::unique_ptr<WorkerPool> pool;
  std::string plugin_path = SKERRY_NULL_FIXTURES;
  int number = 0;
  std::unique_ptr<wire::SocketThread> sockets =
      std::make_unique<wire::SocketThread>(context, [this](wire::SocketThread::Batch&& batch) {
        boost::asio::post(io, [this, batch = std::move(batch)] {
          for (const auto& incoming : batch.messages)
            if (pool) pool->handle(incoming);
        });
      });  // last: ends before what it uses
};

TEST_F(Supervision, NamesThePluginTheCallAndTheSignalOfACrash) {
  const auto done = run(R"({"do":"crash"})");
  EXPECT_EQ(done.code, "crashed");
  EXPECT_THAT(done.message,
              AllOf(HasSubstr("plugin `fixture-noop` (digest "),
                    HasSubstr("was in task.run when its worker was killed by SIGSEGV"),
                    HasSubstr("Calls, innermost first: "), HasSubstr("noop.so(run+0x")));
  EXPECT_TRUE(run("{}").ok);
}

// The file is replaced by one that is no plugin, as by a copy that did not end.
TEST_F(Supervision, GoesOnWithTheCodeThatTheJobBeganWith) {
  namespace fs = std::filesystem;
  const fs::path folder = dir.path() / "plugins";
  must(make_directories(folder));
  fs::copy_file(fs::path(SKERRY_NULL_FIXTURES) / "noop.so", folder / "noop.so");
  options.plugin_dir = dir.path() / "state" / "plugins";
  options.readable.push_back(options.plugin_dir);
  plugin_path = folder.string();
  EXPECT_TRUE(run("{}").ok);
  must(write_file_durably(folder / "noop.so", "no plugin"));
  EXPECT_EQ(run(R"({"do":"crash"})").code, "crashed");
  const auto after_a_crash = run("{}");
  EXPECT_TRUE(after_a_crash.ok) << after_a_crash.message;
  ASSERT_EQ(after_a_crash.plugins.size(), 1u);
  EXPECT_THAT(after_a_crash.plugins[0], HasSubstr((folder / "noop.so").string()))
      << "people know it by its own file";
  pool->stop_all();
  pool.reset();  // the host starts anew
  const auto after_a_start = run("{}");
  EXPECT_TRUE(after_a_start.ok) << after_a_start.message;
  pool->forget("job.1");  // it ended, and begins again
  EXPECT_THAT(run("{}").message, HasSubstr("no plugin `fixture-noop`"));
}

TEST_F(Supervision, TellsOfAPluginThatAborts) {
  EXPECT_THAT(run(R"({"do":"abort"})").message,
              HasSubstr("was in task.run when its worker was killed by SIGABRT"));
}

TEST_F(Supervision, TellsOfAPluginThatCallsExit) {
  const auto done = run(R"({"do":"exit"})");
  EXPECT_EQ(done.code, "crashed");
  EXPECT_THAT(done.message, HasSubstr("was in task.run when its worker exited with status 3"));
}

TEST_F(Supervision, EndsATaskThatOverrunsItsDeadline) {
  const auto done = run(R"({"do":"loop"})", 300);
  EXPECT_EQ(done.code, "timeout");
  EXPECT_THAT(done.message, AllOf(HasSubstr("plugin `fixture-noop`"), HasSubstr("task.run"),
                                  HasSubstr("300 ms is its limit")));
  EXPECT_TRUE(quarantine.empty());
  EXPECT_TRUE(run("{}", 20'000).ok);
}

TEST_F(Supervision, EndsAPluginThatDoesNotStopWhenItIsTold) {
  options.cancel_limit = 200ms;
  start(R"({"do":"loop"})");
  pool->cancel({"job.1", "1"});  // before it began
  ASSERT_TRUE(eventually([&] { return answers.tasks.size() == 1; }));
  EXPECT_EQ(answers.tasks[0].code, "cancelled");
  EXPECT_TRUE(run("{}").ok);
  start(R"({"do":"loop"})");
  io.run_for(500ms);  // it has begun: a worker passes over what is cancelled before it looks
  pool->cancel({"job.1", "3"});
  ASSERT_TRUE(eventually([&] { return answers.tasks.size() == 3; }));
  EXPECT_EQ(answers.tasks[2].code, "hung");
  EXPECT_THAT(answers.tasks[2].message, HasSubstr("did not stop within 200 ms"));
}

TEST_F(Supervision, EndsAWorkflowThatDecidesForEver) {
  options.decide_limit = 300ms;
  open();
  pool->decide({.job = "job.1", .plan = plan(), .state = "", .events = {R"({"say":"loop"})"}});
  ASSERT_TRUE(eventually([&] { return answers.decisions.size() == 1; }));
  EXPECT_EQ(answers.decisions[0].code, "hung");
  EXPECT_THAT(answers.decisions[0].message,
              AllOf(HasSubstr("plugin `fixture-echo`"), HasSubstr("workflow.decide"),
                    HasSubstr("it made no decision within 300 ms")));
}

TEST_F(Supervision, EndsAWorkerThatFallsSilent) {
  options.silence_limit = 500ms;
  start(R"({"do":"wait"})");
  ASSERT_TRUE(eventually([&] { return answers.progress > 0; }));
  kill(launcher.pid, SIGSTOP);
  ASSERT_TRUE(eventually([&] { return answers.tasks.size() == 1; }));
  EXPECT_EQ(answers.tasks[0].code, "hung");
  EXPECT_THAT(answers.tasks[0].message, HasSubstr("it gave no sign of life for 500 ms"));
}

TEST_F(Supervision, EndsAPluginThatTakesTooMuchMemoryAndSaysSo) {
  if (kSanitized) GTEST_SKIP() << "no limit is wide enough for a sanitizer's shadow memory";
  options.memory = std::uint64_t{512} << 20;
  const auto done = run(R"({"do":"grow"})");
  EXPECT_EQ(done.code, "out_of_memory");
  EXPECT_THAT(done.message, AllOf(HasSubstr("plugin `fixture-noop`"), HasSubstr("task.run"),
                                  HasSubstr("that --worker-memory allows")));
  EXPECT_TRUE(quarantine.empty());
}

TEST_F(Supervision, PutsAPluginInQuarantineThatEndsItsWorkersInARow) {
  for (int i = 0; i < Quarantine::kDeaths; ++i) EXPECT_EQ(run(R"({"do":"crash"})").code, "crashed");
  const auto list = quarantine.list();
  ASSERT_EQ(list.size(), 1u);
  EXPECT_EQ(list[0].plugin, "fixture-noop");
  EXPECT_EQ(list[0].kind, "task");
  const auto refused = run("{}");
  EXPECT_EQ(refused.code, "quarantined");
  EXPECT_THAT(refused.message,
              AllOf(HasSubstr("plugin `fixture-noop`"), HasSubstr("killed by SIGSEGV"),
                    HasSubstr("say: allow " + list[0].digest.substr(0, 16))));
  ASSERT_TRUE(quarantine.allow(list[0].digest.substr(0, 16)));
  EXPECT_TRUE(run("{}").ok);
}

TEST_F(Supervision, BlamesNoPluginThatGivesAnswersInBetween) {
  for (int i = 0; i < 2 * Quarantine::kDeaths; ++i) {
    EXPECT_EQ(run(R"({"do":"crash"})").code, "crashed");
    EXPECT_TRUE(run("{}").ok);
  }
  EXPECT_TRUE(quarantine.empty());
}

TEST_F(Supervision, BlamesNoWorkflowThatDecidesInBetween) {
  options.decide_limit = 500ms;
  open();
  const auto decide = [&](const char* event) {
    const std::size_t before = answers.decisions.size();
    pool->decide({.job = "job.1", .plan = plan(), .state = "", .events = {event}});
    EXPECT_TRUE(eventually([&] { return answers.decisions.size() > before; }));
    return answers.decisions.back();
  };
  for (int i = 0; i <= Quarantine::kDeaths; ++i) {
    EXPECT_EQ(decide(R"({"say":"loop"})").code, "hung");
    EXPECT_TRUE(decide(R"({"say":"nothing"})").ok) << answers.decisions.back().message;
  }
  EXPECT_TRUE(quarantine.empty());
}

TEST_F(Supervision, BlamesNoPluginForWhatOthersDidToItsWorker) {
  for (int i = 0; i < Quarantine::kDeaths; ++i) {
    answers.progress = 0;
    start(R"({"do":"wait"})");
    ASSERT_TRUE(eventually([&] { return answers.progress > 0; }));
    kill(launcher.pid, SIGKILL);
    ASSERT_TRUE(
        eventually([&] { return answers.tasks.size() == static_cast<std::size_t>(i + 1); }));
    EXPECT_THAT(answers.tasks.back().message, HasSubstr("not by this host"));
  }
  EXPECT_TRUE(quarantine.empty());
}

TEST_F(Supervision, KeepsWorkersFromWhatIsNoneOfTheirBusiness) {
  if (runtime::landlock_version() == 0) GTEST_SKIP() << "this kernel has no Landlock";
  const auto path = [&](const std::string& name) { return (dir.path() / name).string(); };
  must(write_file_durably(path("state/edge.key"), "secret"));
  must(write_file_durably(path("neighbour"), "data"));
  ASSERT_TRUE(run("{}").ok);
  const auto own = options.output_dir / "task-job.1-1" / "file";
  const auto done = run(dump_json({{"do", "ask"},
                                   {"secret", path("state/edge.key")},
                                   {"neighbour", path("neighbour")},
                                   {"outside", path("outside")},
                                   {"own", own.string()},
                                   {"device", "/dev/null"}}));
  ASSERT_TRUE(done.ok) << done.message;
  EXPECT_EQ(done.metrics.at("secret"), 0);
  EXPECT_EQ(done.metrics.at("neighbour"), 1);
  EXPECT_EQ(done.metrics.at("outside"), 0);
  EXPECT_EQ(done.metrics.at("own"), 1);
  EXPECT_EQ(done.metrics.at("device"), 1);
  EXPECT_EQ(done.metrics.at("trace"), 0);
  EXPECT_EQ(done.metrics.at("mount"), 0);
  EXPECT_EQ(done.metrics.at("socket"), 0) << "a plugin could be the operator";
  EXPECT_EQ(done.metrics.at("internet"), 1);
  if (runtime::landlock_version() >= 6) {
    EXPECT_EQ(done.metrics.at("signal"), 0);
  }
}

TEST_F(Supervision, ConfinesNoWorkerWithoutASandbox) {
  options.hidden.clear();
  const auto file = (dir.path() / "outside").string();
  const auto done = run(dump_json({{"do", "ask"}, {"outside", file}}));
  ASSERT_TRUE(done.ok) << done.message;
  EXPECT_EQ(done.metrics.at("outside"), 1);
}

}  // namespace
}  // namespace skerry::engine
