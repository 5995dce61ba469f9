// Which blobs stay, and that the others go.
#include <gmock/gmock.h>

#include "core/engine/collector.hpp"
#include "tests/unit/engine/cloud_bench.hpp"

namespace skerry::engine::cloud {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::StartsWith;

class Garbage : public CloudBench {
 protected:
  void SetUp() override {
    CloudBench::SetUp();
    add_node("harbour");
    add_node("quay");
    add_job();
  }
  static std::string naming(const std::string& bytes) {
    return dump_json({{"model", digest(bytes).hex()}});
  }
  const std::string update_ = update('u');
};

TEST_F(Garbage, AnUploadStaysUntilItsResultIsCounted) {
  workflow_says({train("t", "harbour")});
  ASSERT_TRUE(upload("harbour", update_));
  pass_time();
  EXPECT_TRUE(has_file(update_));
  finish("harbour", "t", update_);
  EXPECT_THAT(state_of("t"), StartsWith("finished"));
  workflow_says({}, naming(update_));
  pass_time();
  EXPECT_TRUE(has_file(update_));
  nudge();
  workflow_says({});  // its state does not name it any more
  EXPECT_FALSE(has(update_));
  EXPECT_FALSE(has_file(update_));
}

TEST_F(Garbage, AnUploadStaysOverARestartOfTheCloud) {
  workflow_says({train("t", "harbour")});
  ASSERT_TRUE(upload("harbour", update_));
  start();
  pass_time();
  EXPECT_TRUE(has_file(update_));
}

TEST_F(Garbage, AnUploadGoesWhenItsTaskIsStopped) {
  workflow_says({train("t", "harbour")});
  ASSERT_TRUE(upload("harbour", update_));
  nudge();
  workflow_says({stop("t")});
  EXPECT_FALSE(has(update_));
  EXPECT_FALSE(has_file(update_));
}

TEST_F(Garbage, AnUploadGoesWhenItsResultIsRefused) {
  Json task = train("t", "harbour");
  workflow_says({train("model", "harbour")});
  ASSERT_TRUE(upload("harbour", update('m')));
  finish("harbour", "model", update('m'));
  task["expects"] = {{"weights", digest(update('m')).hex()}};
  workflow_says({task});
  ASSERT_TRUE(upload("harbour", update_));
  finish("harbour", "t", update_);
  EXPECT_THAT(state_of("t"), StartsWith("failed: rejected.missing"));
  EXPECT_FALSE(has_file(update_));
}

TEST_F(Garbage, AnUploadGoesWithItsJob) {
  workflow_says({train("t", "harbour")});
  ASSERT_TRUE(upload("harbour", update_));
  const Unit::Scope scope(unit_);
  engine_->machine().stop(job(), "the operator stopped it");
  EXPECT_FALSE(has(update_));
}

TEST_F(Garbage, BytesOfTwoTasksStayUntilBothAreDone) {
  workflow_says({train("t1", "harbour"), train("t2", "quay")});
  ASSERT_TRUE(upload("harbour", update_));
  ASSERT_TRUE(upload("quay", update_));
  nudge();
  workflow_says({stop("t1")});
  EXPECT_TRUE(has_file(update_));
  finish("quay", "t2", update_);
  EXPECT_THAT(state_of("t2"), StartsWith("finished"));
}

// "It is here already" is a promise.
TEST_F(Garbage, BytesThatWereHereAlreadyStayWhenTheirHolderGivesThemUp) {
  workflow_says({train("t1", "harbour")});
  ASSERT_TRUE(upload("harbour", update_));
  finish("harbour", "t1", update_);
  workflow_says({train("t2", "quay")}, naming(update_));
  const auto target = admit("quay", update_);
  ASSERT_TRUE(target);
  ASSERT_TRUE(target->have);
  nudge();
  workflow_says({});
  pass_time();
  finish("quay", "t2", update_);
  EXPECT_THAT(state_of("t2"), StartsWith("finished"));
  EXPECT_TRUE(has_file(update_));
}

TEST_F(Garbage, AnUploadThatOutlivesItsTaskIsRefusedAndLeavesNothing) {
  workflow_says({train("t", "harbour")});
  const auto target = admit("harbour", update_);
  ASSERT_TRUE(target);
  nudge();
  workflow_says({stop("t")});
  std::ofstream(target->staging_file) << update_;
  Status stored;
  engine_->blob_access().received(user("harbour"), digest(update_), update_.size(),
                                  target->staging_file, [&](Status status) { stored = status; });
  loop_->run();
  ASSERT_FALSE(stored);
  EXPECT_EQ(stored.error().code, Code::failed_precondition);
  EXPECT_FALSE(has(update_));
  EXPECT_FALSE(has_file(update_));
  EXPECT_TRUE(std::filesystem::is_empty(uploads()));
}

TEST_F(Garbage, PartialUploadsGoWithTheirTasks) {
  workflow_says({train("t1", "harbour"), train("t2", "quay")});
  const auto mine = admit("harbour", update_)->staging_file;
  const auto other = admit("quay", update_)->staging_file;
  for (const auto& file : {mine, other, uploads() / "junk"}) std::ofstream(file) << "half of it";
  pass_time();
  EXPECT_TRUE(std::filesystem::exists(mine));
  EXPECT_FALSE(std::filesystem::exists(uploads() / "junk"));
  nudge();
  workflow_says({stop("t1")});
  pass_time();
  EXPECT_FALSE(std::filesystem::exists(mine));
  EXPECT_TRUE(std::filesystem::exists(other));
  EXPECT_EQ(engine_->collector().freed().partials, 2u);
}

TEST_F(Garbage, BlobsThatNothingNamesGoALittleAtATime) {
  constexpr int kBlobs = 10'000;
  {
    const Unit::Scope scope(unit_);
    for (int i = 0; i < kBlobs; ++i) {
      const std::string bytes = "garbage " + std::to_string(i);
      must(blobs_->put(as_bytes(bytes), digest(bytes)));
    }
    must(blobs_->put(as_bytes(update_), digest(update_)));
  }
  loop_->run_for(61s);
  const auto first = engine_->collector().freed().blobs;
  EXPECT_GT(first, 0u);
  EXPECT_LT(first, static_cast<unsigned>(kBlobs));
  pass_time();
  EXPECT_EQ(engine_->collector().freed().blobs, kBlobs + 1u);
  EXPECT_FALSE(has_file(update_));
  EXPECT_EQ(must(unit_.database().prepare("SELECT 1 FROM blob")).step().value(), false);
}

TEST_F(Garbage, FilesWithoutARowGoWhenTheyAreOldEnough) {
  const auto lose_row = [&] {
    const Unit::Scope scope(unit_);
    must(blobs_->put(as_bytes(update_), digest(update_)));
    must(blobs_->forget(digest(update_)));
  };
  lose_row();
  const auto collect = [&](std::chrono::seconds grace) {
    Collector collector(*loop_, unit_, *blobs_,
                        {"1", uploads(), [](auto&) { return true; }, grace});
    collector.start();
    loop_->run_for(30min);
    return collector.freed().files;
  };
  EXPECT_EQ(collect(10min), 0u);
  EXPECT_TRUE(has_file(update_));
  EXPECT_EQ(collect(0s), 1u);
  EXPECT_FALSE(has_file(update_));
  EXPECT_TRUE(std::filesystem::is_empty(blobs_->staging_dir()));
}

TEST_F(Garbage, ADamagedFileIsNamedByTheTaskThatReadIt) {
  workflow_says({train("t1", "harbour")});
  ASSERT_TRUE(upload("harbour", update_));
  finish("harbour", "t1", update_);
  workflow_says({train("t2", "quay", {{"model", digest(update_).hex()}})});
  const auto file = blobs_->file_path(digest(update_));
  std::filesystem::permissions(file, std::filesystem::perms::owner_all);
  std::fstream(file, std::ios::in | std::ios::out) << "X";
  say("quay", wire::TaskFailed{{job().key, "t2"}, "data_loss", "", "digest mismatch"});
  loop_->run();
  EXPECT_THAT(state_of("t2"), StartsWith("failed: data_loss: digest mismatch"));
  EXPECT_THAT(state_of("t2"), HasSubstr(file.string()));
}

class ShippedFile : public CloudBench {
 protected:
  void SetUp() override {
    CloudBench::SetUp();
    add_node("harbour");
    {
      const Unit::Scope scope(unit_);
      must(blobs_->put(as_bytes(file_), digest(file_)));
    }
    add_job({digest(file_)});
  }
  bool is_shipped() { return job().shipped.contains(digest(file_)); }
  const std::string file_ = update('f');
};

TEST_F(ShippedFile, StaysWhenANodeBringsTheSameBytes) {
  workflow_says({train("t", "harbour")});
  ASSERT_TRUE(upload("harbour", file_));
  finish("harbour", "t", file_);
  EXPECT_THAT(state_of("t"), StartsWith("finished"));
  workflow_says({});
  nudge();
  workflow_says({});  // nothing names it any more
  pass_time();
  EXPECT_TRUE(has_file(file_));
  start();
  EXPECT_TRUE(is_shipped());
}

}  // namespace
}  // namespace skerry::engine::cloud
