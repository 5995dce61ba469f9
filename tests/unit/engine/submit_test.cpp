// Jobs that come with files: read beside the loop, recorded as a whole, and nothing left otherwise.
#include "core/engine/cloud/submit.hpp"

#include <gmock/gmock.h>

#include <cstdlib>
#include <deque>

#include "tests/unit/engine/cloud_bench.hpp"

namespace skerry::engine::cloud {
namespace {

using ::testing::HasSubstr;

// Work aside is done when a test says so.
class SteppedLoop : public ManualLoop {
 public:
  void aside(Work work, Work done) override { waiting_.emplace_back(work, done); }
  bool step() {
    if (waiting_.empty()) return false;
    const auto [work, done] = std::move(waiting_.front());
    waiting_.pop_front();
    work();
    done();
    return true;
  }

 private:
  std::deque<std::pair<Work, Work>> waiting_;
};

class SubmitTest : public CloudBench {
 protected:
  void SetUp() override {
    CloudBench::SetUp();
    ::setenv("SKERRY_PLUGIN_PATH", SKERRY_BIN_DIR "/plugins:" SKERRY_NULL_FIXTURES, 1);
    write("m", 'm');
    submit_.emplace(aside_, unit_, *blobs_, engine_->machine(), engine_->peers(), quarantine_);
  }
  ~SubmitTest() override { ::unsetenv("SKERRY_PLUGIN_PATH"); }

  static std::string job_text(const std::string& name, const std::string& model,
                              const std::string& more = "") {
    return "apiVersion: skerry.dev/v1alpha1\nkind: FederatedLearningJob\nmetadata: {name: " + name +
           "}\nspec:\n  estimator: {plugin: fixture-null}\n  dataset: {plugin: fixture-null}\n" +
           "  aggregation: {plugin: fedavg}\n  rounds: 1\n" +
           (model.empty() ? "" : "  initialModel: " + model + "\n") + more;
  }
  static std::string model_text(const std::string& name, const std::string& file) {
    return "apiVersion: skerry.dev/v1alpha1\nkind: Model\nmetadata: {name: " + name +
           "}\nspec: {file: " + file + "}\n";
  }

  void write(const std::string& name, char letter) {
    std::ofstream(dir_.path() / name, std::ios::binary) << update(letter);
  }
  void begin(const std::string& text, bool from_afar = false) {
    answer_.reset();
    submit_->apply({.text = text,
                    .file = (dir_.path() / "job.yaml").string(),
                    .nodes = std::nullopt,
                    .actor = from_afar ? "admin:laptop" : "operator",
                    .from_afar = from_afar},
                   [this](const Submit::Answer& answer) {
                     EXPECT_FALSE(answer_) << "answered twice";
                     EXPECT_EQ(database_.in_transaction(), answer.has_value());
                     answer_ = answer;
                   });
  }
  Submit::Answer end() {
    while (aside_.step()) loop_->run();
    EXPECT_TRUE(answer_) << "no answer";
    return answer_.value_or(tl::unexpected(std::vector<Problem>{}));
  }
  Submit::Answer apply(const std::string& text, bool from_afar = false) {
    begin(text, from_afar);
    return end();
  }
  bool exists(const std::string& job) { return engine_->machine().find(job) != nullptr; }
  void expect_nothing_left() {
    EXPECT_TRUE(engine_->machine().jobs().empty());
    EXPECT_FALSE(has_file(update('m')));
    EXPECT_TRUE(std::filesystem::is_empty(blobs_->staging_dir()));
    auto rows = unit_.sql("SELECT (SELECT count(*) FROM resource) + (SELECT count(*) FROM blob)");
    ASSERT_TRUE(must(rows.step()));
    EXPECT_EQ(rows.column_int(0), 0);
  }

  SteppedLoop aside_;
  Quarantine quarantine_{unit_, "lift {}"};
  std::optional<Submit> submit_;
  std::optional<Submit::Answer> answer_;
};

TEST_F(SubmitTest, AFileGoesWithItsJob) {
  const auto applied = apply(job_text("daily", "./m"));
  ASSERT_TRUE(applied) << applied.error().front().text();
  EXPECT_EQ(applied->at("applied").at(0).at("action"), "created");
  ASSERT_TRUE(exists("daily"));
  EXPECT_TRUE(has(update('m')));
  EXPECT_TRUE(has_file(update('m')));
  EXPECT_TRUE(engine_->machine().find("daily")->shipped.contains(digest(update('m'))));
  EXPECT_TRUE(std::filesystem::is_empty(blobs_->staging_dir()));
}

TEST_F(SubmitTest, ASmallFileGoesIntoTheDatabase) {
  std::ofstream(dir_.path() / "small") << "weights";
  ASSERT_TRUE(apply(job_text("daily", "./small")));
  EXPECT_TRUE(has("weights"));
  EXPECT_FALSE(has_file("weights"));
}

TEST_F(SubmitTest, NothingIsReadOnTheLoop) {
  begin(job_text("daily", "./m"));
  write("m", 'n');  // before the thread aside has come to it
  ASSERT_TRUE(end());
  EXPECT_FALSE(has(update('m')));
  EXPECT_TRUE(has(update('n')));
}

TEST_F(SubmitTest, AFileThatChangesMeanwhileLeavesNothing) {
  write("n", 'n');
  begin(model_text("start", "./m") + "---\n" + job_text("one", "./m") + "---\n" +
        job_text("two", "./n"));
  ASSERT_TRUE(aside_.step());  // all are hashed
  write("n", 'x');
  const auto answer = end();
  ASSERT_FALSE(answer);
  EXPECT_THAT(answer.error().front().message, HasSubstr("apply again"));
  expect_nothing_left();
}

TEST_F(SubmitTest, AFileThatGoesMeanwhileLeavesNothing) {
  begin(job_text("daily", "./m"));
  ASSERT_TRUE(aside_.step());
  std::filesystem::remove(dir_.path() / "m");
  EXPECT_FALSE(end());
  expect_nothing_left();
}

TEST_F(SubmitTest, ANameThatIsTakenMeanwhileLeavesTheOtherJobAlone) {
  begin(job_text("digits", "./m"));
  ASSERT_TRUE(aside_.step());
  add_job();  // of that name, with another plan
  const auto answer = end();
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().front().code, Code::already_exists);
  EXPECT_EQ(job().kind, "TestJob");
  EXPECT_FALSE(has_file(update('m')));
}

TEST_F(SubmitTest, TheSameJobTwiceAtATimeIsCreatedOnce) {
  int created = 0, unchanged = 0;
  for (int i = 0; i < 2; ++i) {
    submit_->apply({job_text("daily", "./m"), (dir_.path() / "job.yaml").string(), {}, "operator"},
                   [&](const Submit::Answer& answer) {
                     ASSERT_TRUE(answer);
                     const auto action = answer->at("applied").at(0).at("action");
                     ++(action == "created" ? created : unchanged);
                   });
  }
  while (aside_.step()) loop_->run();
  EXPECT_EQ(created, 1);
  EXPECT_EQ(unchanged, 1);
  EXPECT_TRUE(has_file(update('m')));
}

// ---- from afar

class FromAfar : public SubmitTest {
 protected:
  Problem refused(const std::string& text) {
    const auto answer = apply(text, true);
    if (answer) return {Code::internal, "it was taken", "", ""};
    return answer.error().front();
  }
};

TEST_F(FromAfar, AJobWithoutFilesIsTaken) {
  const auto answer = apply(job_text("daily", ""), true);
  EXPECT_TRUE(answer) << answer.error().front().text();
}

TEST_F(FromAfar, AFileOfTheCloudsMachineIsNotRead) {
  const Problem problem = refused(job_text("daily", (dir_.path() / "m").string()));
  EXPECT_EQ(problem.code, Code::permission_denied);
  EXPECT_EQ(problem.field, "spec.initialModel");
  EXPECT_EQ(problem.where, (dir_.path() / "job.yaml").string() + ":9");
  EXPECT_THAT(problem.message, HasSubstr("run `skerry apply` there"));
  // Whether it exists is not told either.
  EXPECT_EQ(refused(job_text("daily", "/no/such/file")).message, problem.message);
  expect_nothing_left();
}

TEST_F(FromAfar, AModelThatNamesAFileIsNotTaken) {
  const Problem problem = refused(model_text("start", "./m"));
  EXPECT_EQ(problem.code, Code::permission_denied);
  EXPECT_EQ(problem.field, "spec.file");
  expect_nothing_left();
}

TEST_F(FromAfar, AFolderOfPluginsIsNotLookedInto) {
  const Problem problem =
      refused(job_text("daily", "", "  pluginPath: [" SKERRY_NULL_FIXTURES "]\n"));
  EXPECT_EQ(problem.code, Code::permission_denied);
  EXPECT_EQ(problem.field, "spec.pluginPath");
  expect_nothing_left();
}

TEST_F(FromAfar, AModelThatWasAppliedOnTheCloudsMachineCanBeNamed) {
  ASSERT_TRUE(apply(model_text("start", "./m")));
  const auto answer = apply(job_text("daily", "start"), true);
  ASSERT_TRUE(answer) << answer.error().front().text();
  EXPECT_TRUE(has(update('m')));
}

TEST_F(FromAfar, WhatIsNoResourceIsRefusedAsEver) {
  EXPECT_EQ(refused("[1, 2]").code, Code::invalid_argument);
  EXPECT_EQ(refused("spec: 3").code, Code::invalid_argument);
  EXPECT_EQ(refused("kind: [Model]\nspec: {pluginPath: x}").code, Code::permission_denied);
}

}  // namespace
}  // namespace skerry::engine::cloud
