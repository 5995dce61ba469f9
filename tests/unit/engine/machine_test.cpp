// A job's time, its events, and what a workflow may and may not say.
#include <gmock/gmock.h>

#include "core/tensor/safetensors.hpp"
#include "tests/unit/engine/cloud_bench.hpp"

namespace skerry::engine::cloud {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

std::string tensors(const std::vector<float>& values) {
  std::vector<tensor::TensorSpec> specs{{"w", "F32", {static_cast<std::int64_t>(values.size())}}};
  std::string file = tensor::encode_header(specs);
  file.append(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(float));
  return file;
}

class JobMachine : public CloudBench {
 protected:
  void SetUp() override {
    CloudBench::SetUp();
    add_node("harbour");
    add_job();
  }
  std::vector<Json> events() {
    std::vector<Json> list;
    auto select = unit_.sql("SELECT body FROM event ORDER BY seq");
    while (must(select.step())) list.push_back(must(parse_json(select.column_text(0))));
    return list;
  }
  std::vector<std::string> types() {
    std::vector<std::string> list;
    for (const Json& event : events()) list.push_back(event.at("type"));
    return list;
  }
  void make(const std::string& bytes) {
    workflow_says({train("t", "harbour")});
    if (bytes.size() > wire::kInlineBlobLimit) {
      ASSERT_TRUE(upload("harbour", bytes));
      return finish("harbour", "t", bytes);
    }
    wire::TaskFinished finished = result("t");
    finished.outputs.push_back({"update", digest(bytes), bytes.size(), bytes});
    say("harbour", finished);
    loop_->run();
  }
  static Json publish(const std::string& bytes) {
    return {{"do", "PublishModel"}, {"digest", digest(bytes).hex()}};
  }
  int models() {
    auto select = unit_.sql("SELECT count(*) FROM model");
    must(select.step());
    return static_cast<int>(select.column_int(0));
  }
};

// ---- time

TEST_F(JobMachine, NeverTellsAnEarlierTimeThanBefore) {
  workflow_says({});
  loop_->run_for(30ms);
  nudge();
  const std::int64_t before = events().back().at("at_ms");
  EXPECT_GE(before, 30);
  start();
  EXPECT_EQ(types().back(), "Restarted");
  EXPECT_GE(events().back().at("at_ms").get<std::int64_t>(), before);
}

TEST_F(JobMachine, ReachesADeadlineHoweverOftenTheHostDies) {
  workflow_says({{{"do", "SetTimer"}, {"timer", "deadline"}, {"after_ms", 20'000}}});
  int lives = 0;
  while (types().back() != "TimerFired" && lives < 60) {
    start();
    ++lives;
    loop_->run_for(1500ms);  // just before it would be stored for the fifth time
  }
  EXPECT_EQ(types().back(), "TimerFired");
  EXPECT_LE(lives, 27) << "half of the time that the host lives must count";
  EXPECT_GE(lives, 13);
}

TEST_F(JobMachine, LosesFiveSecondsOfALongLifeAtMost) {
  workflow_says({});
  loop_->run_for(1h);
  start();
  EXPECT_GE(job().now_ms(), 3'595'000);
  EXPECT_LE(job().now_ms(), 3'600'000);
}

// ---- events

TEST_F(JobMachine, ForgetsTheEventsThatAreDecidedButForTheEndsOfTasksAndTheLast) {
  make(tensors({1}));
  for (int i = 0; i < 3; ++i) nudge();
  EXPECT_THAT(types(),
              ElementsAre("Started", "NodeJoined", "TaskFinished", "Test", "Test", "Test"));
  workflow_says({});
  workflow_says({});
  EXPECT_THAT(types(), ElementsAre("TaskFinished", "Test"));
  nudge();
  start();
  EXPECT_THAT(types(), ElementsAre("TaskFinished", "Test", "Test", "Restarted"));
  EXPECT_EQ(job().next_event, job().decided + 3);
}

// ---- questions

TEST_F(JobMachine, AsksAboutAsManyEventsAsAQuestionHolds) {
  workflow_says({}, std::string(61u << 20, ' '));
  {
    const Unit::Scope scope(unit_);
    for (int i = 0; i < 4; ++i)
      engine_->machine().post_to_all(
          {{"type", "Test"}, {"number", i}, {"text", std::string(900'000, 'x')}});
  }
  ASSERT_TRUE(question_);
  EXPECT_THAT(question_->events, SizeIs(2));
  EXPECT_LE(wire::frame(0, 0, 0, *question_).size(), wire::kLocalLimit);
  workflow_says({});
  EXPECT_THAT(question_->events, SizeIs(2));
  EXPECT_THAT(question_->events[0], HasSubstr("\"number\":2"));
}

TEST_F(JobMachine, FailsAJobWhoseStateNoQuestionHoldsAndSaysWhy) {
  workflow_says({}, std::string(wire::kLocalLimit, ' '));
  nudge();
  EXPECT_EQ(job().phase, "Failed");
  EXPECT_THAT(job().message, HasSubstr("must keep its state smaller"));
}

// ---- commands

TEST_F(JobMachine, PublishesAModelThatATaskMade) {
  const std::string model = tensors({1, 2});
  make(model);
  workflow_says({publish(model)});
  EXPECT_EQ(models(), 1);
  EXPECT_EQ(job().phase, "Pending") << job().message;
  EXPECT_THAT(audited("model.published"), SizeIs(1));
}

TEST_F(JobMachine, PublishesALargeModelOnceItIsRead) {
  const std::string model = tensors(std::vector<float>(20'000, 0.5F));
  make(model);
  workflow_says({publish(model)});
  EXPECT_EQ(models(), 1);
  EXPECT_EQ(job().phase, "Pending") << job().message;
}

TEST_F(JobMachine, PublishesNoModelThatTheJobDoesNotHold) {
  make(tensors({1, 2}));
  workflow_says({publish(tensors({3, 4}))});
  EXPECT_EQ(models(), 0);
  EXPECT_EQ(job().phase, "Failed");
  EXPECT_THAT(job().message, HasSubstr("it is no artifact of this job"));
}

TEST_F(JobMachine, PublishesNoModelThatIsNotFinite) {
  const std::string model = tensors({1, std::nanf("")});
  make(model);
  workflow_says({publish(model)});
  EXPECT_EQ(models(), 0);
  EXPECT_EQ(job().phase, "Failed");
  EXPECT_THAT(job().message, HasSubstr("published a bad model"));
}

TEST_F(JobMachine, PublishesNoLargeModelThatIsNotFinite) {
  std::vector<float> values(20'000, 0.5F);
  values.back() = std::numeric_limits<float>::infinity();
  make(tensors(values));
  workflow_says({publish(tensors(values))});
  EXPECT_EQ(models(), 0);
  EXPECT_EQ(job().phase, "Failed");
}

TEST_F(JobMachine, PublishesNothingThatIsNoTensorFile) {
  make("no tensors");
  workflow_says({publish("no tensors")});
  EXPECT_EQ(models(), 0);
  EXPECT_EQ(job().phase, "Failed");
}

TEST_F(JobMachine, KeepsNotesOfAWorkflowInTheAuditLog) {
  workflow_says({{{"do", "Note"},
                  {"code", "limited.share"},
                  {"message", "it weighs 4 of 10"},
                  {"node", "harbour"},
                  {"digest", ""}}});
  EXPECT_THAT(audited("job.noted"), ElementsAre(Json{{"job", job().key},
                                                     {"code", "limited.share"},
                                                     {"message", "it weighs 4 of 10"},
                                                     {"node", "harbour"}}));
}

TEST_F(JobMachine, FailsAJobWhoseWorkflowGivesACommandThatNobodyKnows) {
  workflow_says({{{"do", "Dance"}}});
  EXPECT_EQ(job().phase, "Failed");
  EXPECT_THAT(job().message,
              HasSubstr("Known: CancelTimer, Finish, Note, PublishModel, Report, SetStatus, "
                        "SetTimer, StartTask, StopTask"));
}

}  // namespace
}  // namespace skerry::engine::cloud
