#include "core/engine/worker_pool.hpp"

#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <zmq.hpp>

#include "core/base/file.hpp"
#include "core/engine/unit.hpp"
#include "core/wire/envelope.hpp"

namespace skerry::engine {
namespace {

using namespace std::chrono_literals;

// Workers that never are: they fail to start, end at once, or are played by the test.
struct NoWorkers : runtime::Launcher {
  Result<runtime::WorkerHandle> start(const runtime::WorkerSpec& spec) override {
    ++starts;
    if (lives) return runtime::WorkerHandle{spec.id, 4711};
    if (!dies) return fail(Code::unavailable, "no such program");
    ended.push_back({.id = spec.id, .text = "killed by SIGSEGV"});
    return runtime::WorkerHandle{spec.id, 4711};
  }
  void stop(const std::string&, std::chrono::milliseconds) override {}
  std::vector<runtime::WorkerExit> poll() override { return std::exchange(ended, {}); }
  bool dies = false, lives = false;
  int starts = 0;
  std::vector<runtime::WorkerExit> ended;
};

struct Answers : WorkerPool::Listener {
  void task_done(wire::TaskDone done) override { tasks.push_back(std::move(done)); }
  void task_progress(const wire::TaskProgress&) override {}
  void decided(wire::DecideReply reply) override { decisions.push_back(std::move(reply)); }
  std::vector<wire::TaskDone> tasks;
  std::vector<wire::DecideReply> decisions;
};

class Pool : public testing::Test {
 protected:
  void SetUp() override { must(pool.open()); }
  bool eventually(const std::function<bool()>& condition) {
    const auto end = std::chrono::steady_clock::now() + 20s;
    while (!condition() && std::chrono::steady_clock::now() < end) io.run_for(5ms);
    return condition();
  }
  static wire::RunTask task(const std::string& id) {
    wire::RunTask run;
    run.key = {"job", id};
    return run;
  }

  TempDir dir = must(TempDir::create());
  boost::asio::io_context io;
  zmq::context_t context;
  NoWorkers launcher;
  Answers answers;
  wire::SocketThread sockets{context, [this](wire::SocketThread::Batch&& batch) {
                               boost::asio::post(io, [this, batch = std::move(batch)] {
                                 for (const auto& incoming : batch.messages) pool.handle(incoming);
                               });
                             }};
  WorkerPool pool{io,
                  sockets,
                  launcher,
                  {.run_dir = dir.path() / "run",
                   .output_dir = dir.path() / "out",
                   .log_dir = dir.path() / "log"},
                  answers};
};

TEST_F(Pool, FailsWhatWaitsWhenNoWorkerCanBeStarted) {
  pool.run(task("a"));
  pool.run(task("b"));
  ASSERT_TRUE(eventually([&] { return answers.tasks.size() == 2; }));
  EXPECT_EQ(answers.tasks[0].code, "unavailable");
  EXPECT_NE(answers.tasks[0].message.find("its worker did not start: no such program"),
            std::string::npos);
  EXPECT_LE(launcher.starts, 10);
}

TEST_F(Pool, FailsWhatWaitsWhenWorkersEndBeforeTheySayHello) {
  launcher.dies = true;
  pool.run(task("a"));
  ASSERT_TRUE(eventually([&] { return answers.tasks.size() == 1; }));
  EXPECT_EQ(answers.tasks[0].code, "crashed");
  EXPECT_LE(launcher.starts, 10);
}

TEST_F(Pool, TellsWhenNobodyCanDecide) {
  launcher.dies = true;
  pool.decide({.job = "job"});
  ASSERT_TRUE(eventually([&] { return answers.decisions.size() == 1; }));
  EXPECT_FALSE(answers.decisions[0].ok);
}

TEST_F(Pool, TriesAgainForTheNextTaskAfterGivingUp) {
  pool.run(task("a"));
  ASSERT_TRUE(eventually([&] { return answers.tasks.size() == 1; }));
  const int before = launcher.starts;
  pool.run(task("b"));
  EXPECT_GT(launcher.starts, before);
  ASSERT_TRUE(eventually([&] { return answers.tasks.size() == 2; }));
}

// As on a full disk.
TEST_F(Pool, OutlivesAWorkerThatHasNoPlaceAndStartsItWhenThereIsOne) {
  launcher.lives = true;
  const auto place = dir.path() / "out";
  std::filesystem::remove_all(place);
  must(write_file_durably(place, "no directory"));
  pool.run(task("a"));
  pool.decide({.job = "job"});
  ASSERT_TRUE(eventually([&] { return !answers.tasks.empty() && !answers.decisions.empty(); }));
  EXPECT_EQ(launcher.starts, 0);
  EXPECT_EQ(answers.tasks[0].code, "unavailable");
  EXPECT_EQ(answers.decisions[0].code, "unavailable");
  EXPECT_NE(answers.decisions[0].message.find("its worker did not start: " + place.string()),
            std::string::npos)
      << answers.decisions[0].message;
  pool.run(task("b"));
  std::filesystem::remove(place);  // it is tried again by itself
  ASSERT_TRUE(eventually([&] { return launcher.starts == 1; }));
}

// What a plugin could have its worker say, since they share their memory.
TEST_F(Pool, MovesNoFileForAWorkerButItsOwn) {
  launcher.lives = true;
  const auto key = dir.path() / "cloud.key";
  must(write_file_durably(key, "a secret key"));
  pool.run(task("a"));
  zmq::socket_t worker(context, zmq::socket_type::dealer);
  worker.set(zmq::sockopt::linger, 0);
  worker.connect("ipc://" + (dir.path() / "run" / "workers.sock").string());
  const auto say = [&](const auto& message) {
    worker.send(zmq::buffer(wire::frame(0, 0, 0, message)), zmq::send_flags::none);
  };
  say(wire::WorkerHello{.id = "task-job-1", .pid = 4711});
  zmq::message_t order;
  bool told = false;
  ASSERT_TRUE(eventually([&] {
    told = told || worker.recv(order, zmq::recv_flags::dontwait);
    return told;
  }));
  wire::TaskDone done;
  done.key = {"job", "a"};
  done.ok = true;
  done.outputs = {{"model", digest_of(as_bytes("a secret key")), 12, key.string(), {}}};
  say(done);
  ASSERT_TRUE(eventually([&] { return answers.tasks.size() == 1; }));
  EXPECT_EQ(must(read_file(key)), "a secret key");
  EXPECT_FALSE(answers.tasks[0].ok);
  EXPECT_EQ(answers.tasks[0].code, "rejected.malformed");
  EXPECT_NE(answers.tasks[0].message.find("does not lie in its worker's folder"),
            std::string::npos);
  EXPECT_TRUE(answers.tasks[0].outputs.empty());
}

}  // namespace
}  // namespace skerry::engine
