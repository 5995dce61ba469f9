// inference/1: made-up questions, with all that filters can find.
#include <algorithm>

#include "core/conformance/subject.hpp"

namespace skerry::conformance {
namespace {

constexpr std::uint32_t kMostStages = 4;
constexpr std::uint32_t kQuestions = 2 << kMostStages;  // twice all that the filters can find

struct Question {
  std::vector<skerry_stage> stages;
  std::uint64_t remaining_us = 0;
};

// A question, and what the strategy says of it.
struct Asked {
  Question question;
  skerry_step step;

  std::uint32_t stages() const { return static_cast<std::uint32_t>(question.stages.size()); }
  bool known() const { return step.action <= SKERRY_STEP_ANSWER && step.stage < stages(); }
  bool last() const { return step.action == SKERRY_STEP_ASK || step.action == SKERRY_STEP_ANSWER; }
  bool predicted() const { return question.stages[step.stage].predicted == 1; }
  bool judged() const { return question.stages[step.stage].judged == 1; }
  // Is it for what has been done?
  bool again() const {
    return (step.action == SKERRY_STEP_PREDICT && predicted()) ||
           (step.action == SKERRY_STEP_JUDGE && judged());
  }
};

bool same(const skerry_step& a, const skerry_step& b) {
  return a.action == b.action && a.stage == b.stage;
}

class Strategy {
 public:
  explicit Strategy(Subject& subject) : subject_(subject), instance_(subject.create()) {}

  skerry_step next(const Question& question) {
    const skerry_question plain{sizeof plain, static_cast<std::uint32_t>(question.stages.size()),
                                question.stages.data(), question.remaining_us};
    Fenced<skerry_step> step(1);
    expect_ok(subject_.call(*instance_, &skerry_inference_v1::next, "next", &plain, step.data()),
              "next");
    expect(step.whole(), "next() writes beside the step that it is given");
    return *step.data();
  }

  // As an edge asks, from a question of which nothing is known to the last step; or to the first
  // one that no edge can take, or has taken before. hard: a bit for each stage.
  std::vector<Asked> answer(std::uint32_t stages, std::uint32_t hard) {
    auto& random = subject_.random();
    Question question{std::vector<skerry_stage>(stages),
                      random() % 4 == 0 ? 0 : random() % 200'000};
    std::vector<Asked> course;
    for (;;) {
      course.push_back({question, next(question)});
      const Asked& asked = course.back();
      if (!asked.known() || asked.last() || asked.again()) return course;
      skerry_stage& stage = question.stages[asked.step.stage];
      if (asked.step.action == SKERRY_STEP_PREDICT) {
        stage.predicted = 1;
      } else {
        stage.judged = 1;
        stage.hard = hard >> asked.step.stage & 1;
        stage.score = static_cast<double>(random() % 1000) / 999;
      }
      question.remaining_us -= std::min<std::uint64_t>(question.remaining_us, random() % 50'000);
    }
  }

  // What happens to many questions.
  std::vector<Asked> answer_many() {
    std::vector<Asked> all;
    for (std::uint32_t stages = 1; stages <= kMostStages; ++stages) {
      for (std::uint32_t i = 0; i < kQuestions; ++i) {
        const auto course = answer(stages, i);
        all.insert(all.end(), course.begin(), course.end());
      }
    }
    return all;
  }

 private:
  Subject& subject_;
  std::unique_ptr<runtime::Instance> instance_;
};

void steps_are_known(Subject& subject) {
  for (const Asked& asked : Strategy(subject).answer_many()) {
    expect(asked.step.action <= SKERRY_STEP_ANSWER,
           "next() gives action " + std::to_string(asked.step.action) +
               "; there are SKERRY_STEP_PREDICT, _JUDGE, _ASK and _ANSWER, 0 to 3");
    if (asked.step.action == SKERRY_STEP_ASK) {
      expect(asked.step.stage == 0, "asks the cloud with stage " +
                                        std::to_string(asked.step.stage) +
                                        "; the stage of SKERRY_STEP_ASK is 0");
      continue;
    }
    const std::string stage = "stage " + std::to_string(asked.step.stage);
    expect(asked.step.stage < asked.stages(), "gives a step for " + stage + " of " +
                                                  std::to_string(asked.stages()) +
                                                  ", counting from 0");
    expect(asked.step.action != SKERRY_STEP_ANSWER || asked.predicted(),
           "lets " + stage + " answer, which has not predicted");
  }
}

// Each model and each filter once is the most that there is to do.
void comes_to_an_end(Subject& subject) {
  for (const Asked& asked : Strategy(subject).answer_many()) {
    expect(!asked.known() || !asked.again(),
           "stage " + std::to_string(asked.step.stage) +
               (asked.step.action == SKERRY_STEP_PREDICT ? " predicts" : " judges") +
               " a second time; a question ends when the cloud is asked or a stage answers");
  }
}

void same_step(Subject& subject) {
  Strategy used(subject), fresh(subject);
  std::vector<Asked> all = used.answer_many();
  std::shuffle(all.begin(), all.end(), subject.random());
  for (const Asked& asked : all) {
    expect(
        same(asked.step, fresh.next(asked.question)) && same(asked.step, used.next(asked.question)),
        "the same question gets another step after other questions; keep nothing between calls, "
        "and use no clock but the question's");
  }
}

}  // namespace

std::vector<Check> inference_checks() {
  constexpr const char* kKind = "inference";
  return {
      {"steps-are-known", kKind, Level::required,
       "Each step is one that there is, of a stage that there is; only a stage that has predicted "
       "answers.",
       steps_are_known},
      {"comes-to-an-end", kKind, Level::required,
       "Whatever filters find, no stage predicts or judges twice, so that each question ends.",
       comes_to_an_end},
      {"same-step", kKind, Level::required,
       "The same question gets the same step, whatever was asked before.", same_step},
  };
}

}  // namespace skerry::conformance
