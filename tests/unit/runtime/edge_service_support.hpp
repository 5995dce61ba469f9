// An edge's side of a service over a real socket, with a model, a filter and a strategy of the
// test's; the test is the asker and the cloud.
#pragma once

#include <atomic>
#include <chrono>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "core/runtime/serving/edge_service.hpp"
#include "tests/unit/runtime/serving_support.hpp"

namespace skerry::runtime {

using std::chrono::milliseconds;

inline constexpr skerry_step kPredict{SKERRY_STEP_PREDICT, 0}, kJudge{SKERRY_STEP_JUDGE, 0},
    kAsk{SKERRY_STEP_ASK, 0}, kAnswer{SKERRY_STEP_ANSWER, 0};

inline skerry_step infer_then_mine(const skerry_question& question) {
  const skerry_stage& stage = question.stage[0];
  if (stage.predicted == 0) return kPredict;
  if (stage.judged == 0) return kJudge;
  return stage.hard != 0 ? kAsk : kAnswer;
}

inline skerry_step mine_then_infer(const skerry_question& question) {
  const skerry_stage& stage = question.stage[0];
  if (stage.judged == 0) return kJudge;
  if (stage.hard != 0) return kAsk;
  return stage.predicted == 0 ? kPredict : kAnswer;
}

inline skerry_step cloud_only(const skerry_question&) {
  return kAsk;
}

// Of two stages: the second where the first finds it hard.
inline skerry_step cascade(const skerry_question& question) {
  for (std::uint32_t i = 0; i < question.stages; ++i) {
    const skerry_stage& stage = question.stage[i];
    if (stage.predicted == 0) return {SKERRY_STEP_PREDICT, i};
    if (stage.judged == 0) return {SKERRY_STEP_JUDGE, i};
    if (stage.hard == 0) return {SKERRY_STEP_ANSWER, i};
  }
  return kAsk;
}

// An example is what class it is (0 or 1), and how hard. Two models: the second knows better.
inline std::vector<float> class_of(float value) {
  return value > 0.5F ? std::vector<float>{0.25F, 0.75F} : std::vector<float>{0.75F, 0.25F};
}
inline const std::vector<float> kEasy{1, 0}, kHard{1, 1};
inline constexpr const char* kEasyPicture = "p40";
inline constexpr const char* kHardPicture = "p44";

// A picture that takes so many bytes.
inline std::string padded(std::string picture, std::size_t size) {
  picture.resize(size, ' ');
  return picture;
}

// A filter whose score is the second number of an example.
inline Judgement second_number(Floats features, Floats) {
  return {features[1], features[1] >= 0.5F};
}

// A model that waits to be let on with each prediction.
class Gate {
 public:
  void stop_at(Tiny& model) {
    model.before_predict = [this](std::size_t) {
      const int mine = ++entered_;
      while (mine > allowed_) std::this_thread::sleep_for(milliseconds(1));
    };
  }
  // Waits until the model is at its n-th prediction.
  void wait_for(int n) const {
    const auto limit = std::chrono::steady_clock::now() + std::chrono::seconds(30);
    while (entered_ < n && std::chrono::steady_clock::now() < limit)
      std::this_thread::sleep_for(milliseconds(1));
    ASSERT_EQ(entered_, n);
  }
  void let(int n) { allowed_ = n; }
  void open() { allowed_ = std::numeric_limits<int>::max(); }

 private:
  std::atomic<int> entered_ = 0, allowed_ = 0;
};

class EdgeServiceTest : public testing::Test {
 protected:
  EdgeServiceTest() {
    model.model = [](Floats row) { return class_of(row[0]); };
    filter.filter = second_number;
    filter.needs = 0;
    strategy.strategy = infer_then_mine;
  }
  void TearDown() override {
    gate.open();
    running.reset();
  }

  EdgeStage stage(const Instance& of, bool with_filter) {
    EdgeStage opened{ServedModel::open(of, form, 1, nullptr).value(), std::nullopt};
    if (with_filter) opened.filter = ServedFilter::open(*judge, form.shape, threshold).value();
    return opened;
  }
  EdgeService& made() {
    std::vector<EdgeStage> stages;
    stages.push_back(stage(*estimator, filtered));
    if (second) stages.push_back(stage(*second, true));
    service.emplace(relay.link(), *inference, std::move(stages), form, settings,
                    payload ? &*payload : nullptr, labels ? &*labels : nullptr);
    model.batches.clear();
    return *service;
  }
  void begin() { running.emplace(made()); }
  void begin_with_gate() {
    made();
    gate.stop_at(model);
    running.emplace(*service);
  }
  const Statistics& stop() {
    running->stop();
    return service->statistics();
  }
  // The question that the edge asks the cloud for one of ours.
  FakeRelay::Frame goes_up() {
    auto frame = relay.question();
    EXPECT_EQ(frame.header.session, settings.session);
    return frame;
  }
  void refuse(const FakeRelay::Frame& question, const std::string& code) {
    wire::PredictReply reply;
    reply.code = code;
    relay.answer(question, {}, reply);
  }

  InputForm form{.shape = {2}, .classes = 2};
  EdgeSettings settings{.service = "digits", .version = 3, .session = 99};
  std::optional<double> threshold;
  bool filtered = true;
  Tiny model, filter, strategy, second_model;
  std::unique_ptr<Instance> estimator = instance("estimator/1", model), second,
                            judge = instance("sampling/1", filter),
                            inference = instance("inference/1", strategy);
  Tiny codec{.encode = picture_of, .decode = read_picture};
  std::unique_ptr<Instance> coder = instance("payload/1", codec);
  std::optional<ServedPayload> payload;
  KeepingSink sink;
  std::optional<KeptLabels> labels;
  Gate gate;
  FakeRelay relay;
  std::optional<EdgeService> service;
  std::optional<Running<EdgeService>> running;
};

}  // namespace skerry::runtime
