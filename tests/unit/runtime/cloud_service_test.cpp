// The cloud's side of a service, over a real socket.
#include "core/runtime/serving/cloud_service.hpp"

#include <cmath>
#include <future>
#include <limits>
#include <map>
#include <stdexcept>

#include "tests/unit/runtime/serving_support.hpp"

namespace skerry::runtime {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

// The model's answer is the example and its double; it fails at a poisoned one, and gives no number
// for one that is odd.
std::vector<float> doubling(Floats row) {
  if (row[0] == 666) throw std::runtime_error("poisoned");
  if (row[0] == 777) return {kNan, 1};
  return {row[0], 2 * row[0]};
}

// As many outputs as the example says; two where it is tried.
std::vector<float> as_many(Floats row) {
  return std::vector<float>(row[0] < 1 ? 2 : static_cast<std::size_t>(row[0]), 0.5F);
}

// A model that waits while it is held.
class Hold {
 public:
  explicit Hold(Tiny& model) {
    model.before_predict = [this](std::size_t) {
      while (held_) std::this_thread::yield();
    };
  }
  void on() { held_ = true; }
  void off() { held_ = false; }

 private:
  std::atomic<bool> held_ = false;
};

class CloudServiceTest : public testing::Test {
 protected:
  void begin(BatchLimits limits = {8, std::chrono::microseconds(200)}) {
    served.emplace(ServedModel::open(*estimator, form, 1, nullptr).value());
    model.batches.clear();
    service.emplace(relay.link(), *served, form, limits, 5, payload ? &*payload : nullptr);
    running.emplace(*service);
  }
  void TearDown() override { running.reset(); }

  // Answers by the number of their question.
  std::map<std::uint64_t, FakeRelay::Frame> replies(std::size_t count) {
    std::map<std::uint64_t, FakeRelay::Frame> got;
    for (std::size_t i = 0; i < count; ++i) {
      auto frame = relay.reply();
      EXPECT_EQ(frame.header.session, FakeRelay::kAsker);
      EXPECT_TRUE(got.emplace(frame.header.seq, std::move(frame)).second) << "answered twice";
    }
    return got;
  }

  InputForm form{.shape = {1}, .classes = 2};
  Tiny model{.model = doubling};
  const std::unique_ptr<Instance> estimator = instance("estimator/1", model);
  Tiny codec{.encode = picture_of, .decode = read_picture};
  const std::unique_ptr<Instance> coder = instance("payload/1", codec);
  std::optional<ServedPayload> payload;
  FakeRelay relay;
  std::optional<ServedModel> served;
  std::optional<CloudService> service;
  std::optional<Running<CloudService>> running;
};

TEST_F(CloudServiceTest, Answers) {
  begin();
  relay.ask(1, {3});
  const auto frame = relay.reply();
  EXPECT_EQ(frame.header.session, FakeRelay::kAsker);
  EXPECT_EQ(frame.header.seq, 1u);
  EXPECT_THAT(frame.outputs(), ElementsAre(3, 6));
  EXPECT_EQ(frame.reply().meta.code, "");
  EXPECT_TRUE(frame.reply().meta.by_cloud);
  EXPECT_EQ(frame.reply().meta.version, 5u);
  running->stop();
  EXPECT_EQ(service->statistics().requests, 1u);
  EXPECT_EQ(service->statistics().by_cloud, 1u);
  EXPECT_EQ(service->statistics().batches, 1u);
}

TEST_F(CloudServiceTest, TakesTwiceAsManyAsABatchHas) {
  begin({32, {}});
  EXPECT_EQ(service->credit(), 64u);
}

TEST_F(CloudServiceTest, EachGetsItsOwnAnswerOfABatch) {
  begin();
  for (std::uint64_t seq = 1; seq <= 50; ++seq) relay.ask(seq, {static_cast<float>(seq)});
  for (const auto& [seq, frame] : replies(50))
    EXPECT_THAT(frame.outputs(), ElementsAre(seq, 2 * seq));
}

TEST_F(CloudServiceTest, WhatWaitsIsAnsweredInOneBatch) {
  constexpr std::size_t kMany = 32;
  std::atomic<std::size_t> largest = 0;
  std::atomic<bool> wait = false;
  model.before_predict = [&](std::size_t rows) {
    largest = std::max(largest.load(), rows);
    while (wait) std::this_thread::yield();
  };
  begin({kMany, {}});
  // How many have arrived when the model is free again is the scheduler's to say.
  for (int i = 0; i < 100 && largest < kMany; ++i) {
    wait = true;
    relay.ask(1000, {1});
    for (std::uint64_t seq = 1; seq <= kMany; ++seq) relay.ask(seq, {static_cast<float>(seq)});
    wait = false;
    replies(kMany + 1);
  }
  EXPECT_EQ(largest, kMany);
  running->stop();
  EXPECT_LT(service->statistics().batches, service->statistics().requests);
}

TEST_F(CloudServiceTest, ABatchIsNoLargerThanItMayBe) {
  begin({4, std::chrono::microseconds(1000)});
  for (std::uint64_t seq = 1; seq <= 64; ++seq) relay.ask(seq, {1});
  replies(64);
  running->stop();
  EXPECT_LE(*std::max_element(model.batches.begin(), model.batches.end()), 4u);
}

TEST_F(CloudServiceTest, NobodyWaitsForCompanyThatDoesNotCome) {
  begin({8, std::chrono::seconds(20)});
  const auto begin = std::chrono::steady_clock::now();
  for (std::uint64_t seq = 1; seq <= 10; ++seq) {
    relay.ask(seq, {1});
    relay.reply();
  }
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(10));
}

// After a batch of several there is company to be waited for; a question's own time ends that.
TEST_F(CloudServiceTest, NobodyWaitsForCompanyUntilItIsTooLate) {
  std::atomic<std::size_t> largest = 0;
  std::atomic<bool> wait = false;
  model.before_predict = [&](std::size_t rows) {
    largest = std::max(largest.load(), rows);
    while (wait) std::this_thread::yield();
  };
  begin({8, std::chrono::seconds(2)});
  for (int i = 0; i < 100 && largest < 2; ++i) {
    wait = true;
    for (std::uint64_t seq = 1; seq <= 8; ++seq) relay.ask(seq, {1});
    wait = false;
    replies(8);
  }
  ASSERT_GE(largest, 2u);
  relay.ask(100, {1}, 200'000);
  EXPECT_EQ(relay.reply().reply().meta.code, "");
}

TEST_F(CloudServiceTest, WhatIsTooOldIsNotComputed) {
  begin();
  relay.ask(1, {1}, 0);
  relay.ask(2, {2});
  auto got = replies(2);
  EXPECT_EQ(got.at(1).reply().meta.code, "deadline.exceeded");
  EXPECT_EQ(got.at(2).reply().meta.code, "");
  running->stop();
  EXPECT_THAT(model.batches, ElementsAre(1));
  EXPECT_EQ(service->statistics().expired, 1u);
  EXPECT_EQ(service->statistics().refused, 1u);
}

TEST_F(CloudServiceTest, APoisonedExampleCostsTheOthersNothing) {
  begin({32, std::chrono::microseconds(1000)});
  for (int round = 0; round < 20; ++round) {
    for (std::uint64_t seq = 1; seq <= 16; ++seq)
      relay.ask(seq, {seq == 5 ? 666 : seq == 9 ? 777 : static_cast<float>(seq)});
    for (const auto& [seq, frame] : replies(16)) {
      if (seq == 5 || seq == 9) {
        EXPECT_EQ(frame.reply().meta.code, "model.failed");
        EXPECT_THAT(frame.reply().meta.message, HasSubstr(seq == 5 ? "poisoned" : "not finite"));
        EXPECT_TRUE(frame.reply().data.empty());
      } else {
        EXPECT_THAT(frame.outputs(), ElementsAre(seq, 2 * seq));
      }
    }
    if (HasFailure()) return;
  }
  running->stop();
  EXPECT_EQ(service->statistics().refused, 40u);
  EXPECT_EQ(service->statistics().by_cloud, 280u);
}

TEST_F(CloudServiceTest, WhatIsNoExampleOfItsDoesNotEnterTheBatch) {
  begin();
  relay.ask(1, {1, 2});
  relay.ask(2, {2});
  relay.ask_encoded(3, "png");
  relay.send(wire::frame({wire::Type::predict_request, FakeRelay::kAsker, 4}, "no table"));
  relay.send("no frame");
  relay.send(wire::frame({wire::Type::ping}));
  relay.ask(5, {5});
  auto got = replies(5);
  EXPECT_EQ(got.at(1).reply().meta.code, "shape.mismatch");
  EXPECT_THAT(got.at(2).outputs(), ElementsAre(2, 4));
  EXPECT_EQ(got.at(3).reply().meta.code, "type.mismatch");
  EXPECT_EQ(got.at(4).reply().meta.code, "request.malformed");
  EXPECT_THAT(got.at(5).outputs(), ElementsAre(5, 10));
}

TEST_F(CloudServiceTest, WhatComesEncodedIsDecoded) {
  payload.emplace(*coder, form.shape);
  begin();
  relay.ask_encoded(1, "p3");
  EXPECT_THAT(relay.reply().outputs(), ElementsAre(0.75F, 1.5F));
  relay.ask(2, {3});
  EXPECT_THAT(relay.reply().outputs(), ElementsAre(3, 6));
  running->stop();
  EXPECT_EQ(service->statistics().by_cloud, 2u);
}

TEST_F(CloudServiceTest, APoisonedPictureCostsTheOthersOfItsBatchNothing) {
  payload.emplace(*coder, form.shape);
  codec.decode = [](std::string_view encoded, std::span<float> example) {
    if (encoded == "p8") throw std::runtime_error("no memory");
    if (encoded == "p9") example[0] = kNan;
    if (encoded != "p9") read_picture(encoded, example);
  };
  Hold hold(model);
  begin({32, {}});
  for (int round = 0; round < 10; ++round) {
    hold.on();
    relay.ask(100, {1});  // while it is answered, the others come together
    for (std::uint64_t seq = 1; seq <= 16; ++seq) {
      const bool poisoned = seq == 5 || seq == 9 || seq == 16;
      if (poisoned)
        relay.ask_encoded(seq, seq == 5 ? "no picture" : seq == 9 ? "p8" : "p9");
      else if (seq % 2 == 0)
        relay.ask_encoded(seq, std::string("p") + std::to_string(seq % 8));
      else
        relay.ask(seq, {static_cast<float>(seq)});
    }
    hold.off();
    for (const auto& [seq, frame] : replies(17)) {
      const std::string code = frame.reply().meta.code;
      if (seq == 5) {
        EXPECT_EQ(code, "image.malformed");
      } else if (seq == 9 || seq == 16) {
        EXPECT_EQ(code, "model.failed");
      } else if (seq == 100) {
        EXPECT_THAT(frame.outputs(), ElementsAre(1, 2));
      } else {
        const float value =
            seq % 2 == 0 ? static_cast<float>(seq % 8) / 4 : static_cast<float>(seq);
        EXPECT_THAT(frame.outputs(), ElementsAre(value, 2 * value)) << seq;
      }
    }
    if (HasFailure()) return;
  }
  running->stop();
  EXPECT_EQ(service->statistics().refused, 30u);
  EXPECT_GT(*std::max_element(model.batches.begin(), model.batches.end()), 1u);
}

TEST_F(CloudServiceTest, AModelThatGivesMoreOrFewerOutputsThanClassesFailsTheQuestion) {
  model.model = as_many;
  begin();
  for (std::uint64_t seq = 1; seq <= 3; ++seq) {
    relay.ask(seq, {static_cast<float>(seq)});
    const auto frame = relay.reply();
    EXPECT_EQ(frame.reply().meta.code, seq == 2 ? "" : "model.failed") << seq;
    EXPECT_EQ(frame.outputs().size(), seq == 2 ? 2u : 0u) << seq;
  }
}

// As one that finds more in one image than in another.
TEST_F(CloudServiceTest, AModelOfRealNumbersGivesAsManyAsItLikes) {
  form.classes = 0;
  model.model = as_many;
  begin();
  for (std::uint64_t seq = 1; seq <= 5; ++seq) {
    relay.ask(seq, {static_cast<float>(seq)});
    EXPECT_EQ(relay.reply().outputs().size(), seq);
  }
}

TEST_F(CloudServiceTest, ARetiredOneAnswersWhatItHasAndEnds) {
  begin();
  for (std::uint64_t seq = 1; seq <= 20; ++seq) relay.ask(seq, {1});
  relay.retire();
  replies(20);
  running->join();
  EXPECT_TRUE(running->ended());
  EXPECT_EQ(service->statistics().by_cloud, 20u);
}

TEST_F(CloudServiceTest, ARetiredOneWithNothingInHandEndsAtOnce) {
  begin();
  relay.retire();
  running->join();
  EXPECT_TRUE(running->ended());
}

TEST_F(CloudServiceTest, TicksWhileNothingComesAndEndsWhenItIsTold) {
  begin();
  const auto limit = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  while (running->ticks() < 3 && std::chrono::steady_clock::now() < limit)
    std::this_thread::yield();
  EXPECT_GE(running->ticks(), 3);
  running->stop();
  EXPECT_TRUE(running->ended());
}

// ---- a model, before it serves

class ServedModelTest : public testing::Test {
 protected:
  Result<ServedModel> open(std::uint32_t classes = 2) {
    return ServedModel::open(*instance_, {.shape = {1}, .classes = classes}, 1,
                             weights.empty() ? nullptr : &tensors);
  }
  std::string refusal(std::uint32_t classes = 2) {
    const auto model = open(classes);
    return model ? "none" : model.error().text();
  }

  Tiny tiny{.model = doubling};
  std::unique_ptr<Instance> instance_ = instance("estimator/1", tiny);
  std::vector<float> weights;
  std::vector<std::int64_t> shape{1};
  std::vector<skerry_named_tensor> tensors;
  void give(std::vector<float> values) {
    weights = std::move(values);
    shape[0] = static_cast<std::int64_t>(weights.size());
    tensors = {{"layer.weight",
                {weights.data(), SKERRY_CPU, 0, 1, SKERRY_FLOAT, 32, 1, shape.data(), nullptr, 0}}};
  }
};

TEST_F(ServedModelTest, IsGivenItsWeightsAndTried) {
  give({1, 2, 3});
  const auto model = open();
  ASSERT_TRUE(model) << model.error().text();
  EXPECT_THAT(tiny.weights, ElementsAre(1, 2, 3));
  EXPECT_THAT(tiny.batches, ElementsAre(1, 1));
}

TEST_F(ServedModelTest, IsRefusedWithWeightsThatAreNotFinite) {
  for (const float bad : {kNan, std::numeric_limits<float>::infinity()}) {
    give({1, bad, 3});
    EXPECT_THAT(refusal(), HasSubstr("`layer.weight` has values that are not finite"));
    EXPECT_TRUE(tiny.weights.empty());
  }
}

TEST_F(ServedModelTest, IsRefusedWhereItsTrialAnswerIsNotFinite) {
  tiny.model = [](Floats) { return std::vector<float>{kNan, 0}; };
  EXPECT_THAT(refusal(), HasSubstr("not finite"));
}

TEST_F(ServedModelTest, HasAsManyOutputsAsTheServiceHasClasses) {
  EXPECT_THAT(refusal(3), HasSubstr("gives 2 outputs, and the service's input says 3 classes"));
  EXPECT_EQ(refusal(0), "none");
}

TEST_F(ServedModelTest, HasAsManyOutputsTheSecondTime) {
  tiny.model = [](Floats row) { return std::vector<float>(row[0] == 0 ? 2 : 3, 0.5F); };
  EXPECT_THAT(refusal(2), HasSubstr("gives 3 outputs"));
}

TEST_F(ServedModelTest, HasNoMoreOutputsThanAnAnswerHasRoomFor) {
  tiny.model = [](Floats) { return std::vector<float>(wire::kMaxPredictData / sizeof(float) + 1); };
  EXPECT_THAT(refusal(0), HasSubstr("8388608"));
  tiny.model = [](Floats) { return std::vector<float>(wire::kMaxPredictData / sizeof(float)); };
  EXPECT_EQ(refusal(0), "none");
}

TEST_F(ServedModelTest, IsRefusedWhereItCannotPredictOrFails) {
  tiny.has_predict = false;
  instance_ = instance("estimator/1", tiny);
  EXPECT_THAT(refusal(), HasSubstr("lacks prepare(), set_weights() or predict()"));
  tiny.has_predict = true;
  instance_ = instance("estimator/1", tiny);
  tiny.prepare_fails = "no such model";
  EXPECT_THAT(refusal(), HasSubstr("no such model"));
}

}  // namespace
}  // namespace skerry::runtime
