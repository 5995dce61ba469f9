// Outputs that are not what a worker says, or not where it may put them.
#include "core/engine/worker_outputs.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/stat.h>

#include "core/base/file.hpp"
#include "core/engine/edge/tables.hpp"
#include "core/engine/edge/tasks.hpp"
#include "tests/unit/engine/cloud_bench.hpp"

namespace skerry::engine {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::HasSubstr;

class WorkerOutputs : public testing::Test {
 protected:
  void SetUp() override {
    must(make_directories(own_));
    must(make_directories(taken_));
    must(write_file_durably(key_, "a secret key"));
  }
  fs::path make(const std::string& name, const std::string& bytes = "tensors") {
    must(write_file_durably(own_ / name, bytes));
    return own_ / name;
  }
  static wire::TaskOutput output(const fs::path& path, const std::string& bytes = "tensors") {
    return {"update", digest_of(as_bytes(bytes)), bytes.size(), path.string(), {}};
  }
  std::string refusal(std::vector<wire::TaskOutput> outputs) {
    done_.outputs = std::move(outputs);
    const Status taken = take_outputs(done_, own_, taken_);
    return taken ? "none" : taken.error().text();
  }

  TempDir dir_ = must(TempDir::create());
  const fs::path own_ = dir_.path() / "worker", taken_ = dir_.path() / "worker.taken";
  const fs::path key_ = dir_.path() / "cloud.key";
  wire::TaskDone done_;
};

TEST_F(WorkerOutputs, AreTakenOutOfTheWorkersReach) {
  const fs::path file = make("a"), other = make("b");
  ASSERT_EQ(refusal({output(file), output(other)}), "none");
  EXPECT_TRUE(fs::is_empty(own_));
  for (const auto& taken : done_.outputs) {
    EXPECT_EQ(fs::path(taken.path).parent_path(), taken_);
    EXPECT_EQ(must(read_file(taken.path)), "tensors");
    EXPECT_TRUE(check_file_of(taken));
  }
}

TEST_F(WorkerOutputs, AreRefusedWhenTheyLieElsewhere) {
  const auto secret = [&](const std::string& path) { return output(path, "a secret key"); };
  for (const std::string& path :
       {key_.string(), (own_ / "../cloud.key").string(), (own_ / "tmp/../../cloud.key").string(),
        std::string("cloud.key"), own_.string() + "/", own_.string() + "/..", own_.string()}) {
    EXPECT_THAT(refusal({secret(path)}), HasSubstr("does not lie in its worker's folder")) << path;
  }
  EXPECT_EQ(must(read_file(key_)), "a secret key");
}

TEST_F(WorkerOutputs, AreRefusedWhenTheyAreLinks) {
  fs::create_symlink(key_, own_ / "link");
  EXPECT_THAT(refusal({output(own_ / "link", "a secret key")}), HasSubstr("it is a link"));
  fs::create_hard_link(key_, own_ / "twin");
  EXPECT_THAT(refusal({output(own_ / "twin", "a secret key")}), HasSubstr("a second name"));
  EXPECT_EQ(must(read_file(key_)), "a secret key");
  EXPECT_TRUE(fs::is_empty(taken_));
}

TEST_F(WorkerOutputs, AreRefusedWhenTheyAreNoFiles) {
  fs::create_directories(own_ / "folder" / "in");
  EXPECT_THAT(refusal({output(own_ / "folder")}), HasSubstr("no regular file"));
  ASSERT_EQ(::mkfifo((own_ / "pipe").c_str(), 0600), 0);
  EXPECT_THAT(refusal({output(own_ / "pipe")}), HasSubstr("no regular file"));
  EXPECT_THAT(refusal({output(own_ / "nothing")}), HasSubstr("No such file"));
  const fs::path file = make("a");
  EXPECT_THAT(refusal({output(file), output(file)}), HasSubstr("No such file"));
}

TEST_F(WorkerOutputs, AreRefusedWhenTheWorkerCanStillWriteThem) {
  const fs::path file = make("a");
  const auto descriptor = must(open_file(file, O_RDWR));
  const std::string why = refusal({output(file)});
  if (why == "none") GTEST_SKIP() << "this file system has no leases";
  EXPECT_THAT(why, HasSubstr("still open for writing"));
  EXPECT_TRUE(fs::is_empty(taken_));
}

TEST_F(WorkerOutputs, AreRefusedWhenTheyAreNotWhatTheWorkerSays) {
  EXPECT_THAT(refusal({output(make("a", "tensors and more"))}),
              HasSubstr("has 16 bytes, the worker said 7"));
  const wire::TaskOutput small{"update", digest_of(as_bytes("other")), 7, {}, "tensors"};
  EXPECT_THAT(refusal({small}), HasSubstr("do not match the size and the digest"));
  const std::string much(wire::kInlineBlobLimit + 1, 'x');
  EXPECT_THAT(refusal({{"update", digest_of(as_bytes(much)), much.size(), {}, much}}),
              HasSubstr("larger ones are files"));
}

std::string big(char letter) {
  return std::string(40'000, letter);
}

// As a worker of another mind would: a file of good form under the digest of another.
wire::TaskDone lie(const wire::TaskKey& key, const fs::path& file) {
  must(write_file_durably(file, big('a')));
  wire::TaskDone done;
  done.key = key;
  done.ok = true;
  done.outputs = {{"update", digest_of(as_bytes(big('b'))), big('a').size(), file.string(), {}}};
  return done;
}

class CloudWorker : public cloud::CloudBench {};

TEST_F(CloudWorker, CannotPutAFileUnderAnotherName) {
  add_job();
  workflow_says({train("t", "cloud")});
  ASSERT_EQ(run_here_.size(), 1u);
  engine_->task_done(lie({job().key, "t"}, blobs_->staging_dir() / "file"));
  loop_->run();
  EXPECT_THAT(state_of("t"), AllOf(HasSubstr("failed: data_loss"),
                                   HasSubstr("has other bytes than its worker said")));
  EXPECT_FALSE(has(big('b')));
  EXPECT_FALSE(has_file(big('b')));
}

class EdgeWorker : public testing::Test,
                   public wire::Transport,
                   public Workers,
                   public edge::Link::Listener {
 protected:
  void SetUp() override {
    must(init_sodium());
    must(database_.migrate(edge::kMigrations));
    blobs_.emplace(must(store::BlobStore::open(database_, dir_.path() / "blobs")));
    tasks_.emplace(loop_, unit_, *blobs_, examiner_, *this, link_, dir_.path() / "downloads");
  }
  Result<int> connect_dealer(const DealerOptions&) override { return 1; }
  void send(int, std::string, std::string) override {}
  void disconnect(int) override {}
  void run(wire::RunTask task) override { ran_.push_back(std::move(task)); }
  void cancel(const wire::TaskKey&) override {}
  void decide(wire::DecideRequest) override {}
  void forget(const std::string&) override {}
  void keep_only(const std::set<std::string>&) override {}
  void welcomed(const wire::Welcome&) override {}
  std::vector<wire::TaskKey> tasks() override { return {}; }
  void awaited(const std::vector<wire::TaskKey>&) override {}
  void message(const wire::Received&) override {}
  void delivered(const wire::TaskKey&) override {}
  void refused(const std::string&) override {}

  TempDir dir_ = must(TempDir::create());
  store::Database database_ = must(store::Database::open(dir_.path() / "edge.db"));
  Unit unit_{database_};
  ManualLoop loop_;
  Examiner examiner_{loop_};
  edge::Link link_{loop_, unit_, *this, must(wire::KeyPair::generate()), *this};
  std::optional<store::BlobStore> blobs_;
  std::optional<edge::Tasks> tasks_;
  std::vector<wire::RunTask> ran_;
};

TEST_F(EdgeWorker, CannotPutAFileUnderAnotherName) {
  const wire::TaskKey key{"job.1", "t"};
  {
    const Unit::Scope scope(unit_);
    tasks_->start({.key = key, .kind = "train"});
  }
  loop_.run();
  ASSERT_EQ(ran_.size(), 1u);
  tasks_->done(lie(key, blobs_->staging_dir() / "file"));
  loop_.run();
  const Digest claimed = digest_of(as_bytes(big('b')));
  EXPECT_FALSE(must(blobs_->contains(claimed)));
  EXPECT_FALSE(fs::exists(blobs_->file_path(claimed)));
  auto sent = unit_.sql("SELECT payload FROM outbox");
  ASSERT_TRUE(must(sent.step()));
  const auto failed = must(wire::decode<wire::TaskFailed>(as_bytes(sent.column_blob(0))));
  EXPECT_EQ(failed.code, "data_loss");
  EXPECT_THAT(failed.message, HasSubstr("has other bytes than its worker said"));
}

}  // namespace
}  // namespace skerry::engine
