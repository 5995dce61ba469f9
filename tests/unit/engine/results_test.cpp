// What becomes of results that nobody should count: in which order they are checked, and who is
// told.
#include <gmock/gmock.h>

#include "core/tensor/safetensors.hpp"
#include "tests/unit/engine/cloud_bench.hpp"

namespace skerry::engine::cloud {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;
using testing::StartsWith;

std::string tensors(const std::vector<float>& values) {
  std::vector<tensor::TensorSpec> specs{{"w", "F32", {static_cast<std::int64_t>(values.size())}}};
  std::string file = tensor::encode_header(specs);
  file.append(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(float));
  return file;
}

class Results : public CloudBench {
 protected:
  void SetUp() override {
    CloudBench::SetUp();
    add_node("harbour");
    add_node("quay");
    add_job();
    workflow_says({train("model", "quay")});
    wire::TaskFinished first = result("model");
    attach(first, model_);
    say("quay", first);
    Json task = train("t", "harbour", {{"model", digest(model_).hex()}});
    task["expects"] = {{"update", digest(model_).hex()}};
    task["limits"] = {{"update",
                       {{"bytes", model_.size() + 10},
                        {"norm", {{"max", 1.0}}},
                        {"samples", {{"min", 5}, {"max", 20}}}}}};
    workflow_says({task}, dump_json({{"model", digest(model_).hex()}}));
  }
  static void attach(wire::TaskFinished& finished, const std::string& bytes) {
    finished.outputs.push_back({"update", digest(bytes), bytes.size(), bytes});
  }
  wire::TaskFinished honest(const std::string& bytes) {
    wire::TaskFinished finished = result("t");
    finished.inputs["model"] = digest(model_);
    finished.result = R"({"samples":20})";
    attach(finished, bytes);
    return finished;
  }
  // The task's end after the node has sent this.
  std::string after(const wire::TaskFinished& finished) {
    say("harbour", finished);
    loop_->run();
    return state_of("t");
  }
  void expect_refused_once(const std::string& code) {
    EXPECT_THAT(state_of("t"), StartsWith("failed: " + code));
    EXPECT_THAT(refusals_for("harbour"), ElementsAre(code));
    ASSERT_THAT(audited("update.refused"), SizeIs(1));
    EXPECT_EQ(audited("update.refused")[0].at("code"), code);
  }
  const std::string model_ = tensors({1, 2, 3});
};

TEST_F(Results, ThatAreHonestCount) {
  EXPECT_THAT(after(honest(tensors({1, 2, 3.5}))), StartsWith("finished"));
  EXPECT_THAT(refusals_for("harbour"), IsEmpty());
  EXPECT_THAT(audited("update.refused"), IsEmpty());
}

// ---- in a codec's form

class EncodedResults : public Results {
 protected:
  void SetUp() override {
    Results::SetUp();
    Json task = train("e", "harbour", {{"model", digest(model_).hex()}});
    task["expects"] = {{"update", digest(model_).hex()}};
    task["limits"] = {{"update",
                       {{"encoded", true},
                        {"bytes", model_.size() + 10},
                        {"samples", {{"min", 5}, {"max", 20}}}}}};
    workflow_says({task}, dump_json({{"model", digest(model_).hex()}}));
  }
  std::string after(const std::string& bytes, int samples = 20) {
    wire::TaskFinished finished = result("e");
    finished.inputs["model"] = digest(model_);
    finished.result = dump_json({{"samples", samples}});
    attach(finished, bytes);
    say("harbour", finished);
    loop_->run();
    return state_of("e");
  }
};

TEST_F(EncodedResults, MayHaveOtherTensorsThanTheModel) {
  EXPECT_THAT(after(tensors({7})), StartsWith("finished"));
}

TEST_F(EncodedResults, AreFiniteToo) {
  EXPECT_THAT(after(tensors({7, NAN})), StartsWith("failed: rejected.nan"));
}

TEST_F(EncodedResults, AreNoLargerThanAllowed) {
  EXPECT_THAT(after(tensors(std::vector<float>(100))), StartsWith("failed: rejected.size"));
}

TEST_F(EncodedResults, AreTensors) {
  EXPECT_THAT(after("no tensors"), StartsWith("failed: rejected.malformed"));
}

TEST_F(EncodedResults, NameAsManySamplesAsAllowed) {
  EXPECT_THAT(after(tensors({7}), 21), StartsWith("failed: rejected.samples"));
}

// ---- the order of the checks

TEST_F(Results, OfAnotherPlanAreRefusedForThatWhateverElseIsWrong) {
  auto lie = honest(std::string(model_.size() + 100, 'x'));
  lie.plan = digest("another");
  lie.inputs.clear();
  lie.outputs[0].digest = digest("another");
  lie.result = "no json";
  after(lie);
  expect_refused_once("rejected.plan");
}

TEST_F(Results, OfAnotherBaseAreRefusedForThatBeforeTheirOutputsAreLookedAt) {
  auto lie = honest(std::string(model_.size() + 100, 'x'));
  lie.inputs["model"] = digest("another");
  lie.outputs[0].digest = digest("another");
  after(lie);
  expect_refused_once("rejected.base");
}

TEST_F(Results, WithoutAnOutputAreRefusedForThatBeforeTheOthersAreHashed) {
  auto lie = honest(model_);
  lie.outputs[0].name = "other";
  lie.outputs[0].digest = digest("another");
  after(lie);
  expect_refused_once("rejected.missing");
}

TEST_F(Results, WhoseUploadNeverCameAreRefusedBeforeTheOthersAreHashed) {
  auto lie = honest(model_);
  lie.outputs[0].digest = digest("another");
  lie.outputs.push_back({"extra", digest("never sent"), 100'000, {}});
  after(lie);
  expect_refused_once("rejected.missing");
}

TEST_F(Results, ThatAreTooLargeAreRefusedForThatBeforeTheyAreHashed) {
  auto lie = honest(std::string(model_.size() + 11, 'x'));
  lie.outputs[0].digest = digest("another");
  after(lie);
  expect_refused_once("rejected.size");
}

TEST_F(Results, WithAnotherDigestThanTheirBytesHaveAreRefused) {
  auto lie = honest(tensors({1, std::nanf(""), 3}));
  lie.outputs[0].digest = digest("another");
  after(lie);
  expect_refused_once("rejected.malformed");
}

TEST_F(Results, WithANaNAreRefusedForThatWhateverTheirNormAndSamples) {
  auto lie = honest(tensors({1000, std::nanf(""), 3}));
  lie.result = "";
  after(lie);
  expect_refused_once("rejected.nan");
}

TEST_F(Results, FromTooManySamplesAreRefusedForThatWhateverTheirNorm) {
  auto lie = honest(tensors({1000, 2, 3}));
  lie.result = R"({"samples":21})";
  after(lie);
  expect_refused_once("rejected.samples");
  EXPECT_EQ(audited("update.refused")[0].at("message"),
            "the answer names 21 samples; at least 5 and at most 20 are allowed");
}

TEST_F(Results, FromTooFewSamplesAreRefused) {
  auto lie = honest(model_);
  lie.result = R"({"samples":4})";
  after(lie);
  expect_refused_once("rejected.samples");
}

TEST_F(Results, ThatSayNothingOfSamplesAreRefusedWhereSomeAreAskedFor) {
  auto lie = honest(model_);
  lie.result = R"({"samples":"many"})";
  after(lie);
  expect_refused_once("rejected.samples");
}

TEST_F(Results, ThatAreFarFromTheirBaseAreRefusedLast) {
  after(honest(tensors({1000, 2, 3})));
  expect_refused_once("rejected.norm");
}

// ---- what cannot be read

TEST_F(Results, WhoseOwnWordsAreNoJsonAreRefused) {
  auto lie = honest(model_);
  lie.result = R"({"samples": )";
  after(lie);
  expect_refused_once("rejected.malformed");
}

TEST_F(Results, WhoseOwnWordsAreNoObjectAreRefused) {
  auto lie = honest(model_);
  lie.result = "[1]";
  after(lie);
  expect_refused_once("rejected.malformed");
}

TEST_F(Results, OfWhichOnlyTheTaskCanBeReadFailTheTask) {
  auto lie = honest(model_);
  lie.outputs[0].name = "";
  after(lie);
  expect_refused_once("rejected.malformed");
}

TEST_F(Results, OfWhichOnlyTheTaskCanBeReadChangeNoTaskOfAnotherNode) {
  auto lie = honest(model_);
  lie.outputs[0].name = "";
  say("quay", lie);
  loop_->run();
  EXPECT_THAT(state_of("t"), StartsWith("open"));
  EXPECT_THAT(refusals_for("quay"), ElementsAre("forbidden"));
}

TEST_F(Results, OfWhichOnlyTheTaskCanBeReadComeTooLateLikeOthers) {
  after(honest(model_));
  auto lie = honest(model_);
  lie.outputs[0].name = "";
  EXPECT_THAT(after(lie), StartsWith("finished"));
  EXPECT_THAT(refusals_for("harbour"), ElementsAre("duplicate"));
}

TEST_F(Results, OfWhichNothingCanBeReadAreOnRecordAndHoldNothingUp) {
  say_bytes("harbour", wire::Type::task_finished, "no message at all");
  loop_->run();
  EXPECT_THAT(state_of("t"), StartsWith("open"));
  ASSERT_THAT(audited("update.refused"), SizeIs(1));
  EXPECT_EQ(audited("update.refused")[0].at("code"), "rejected.malformed");
  EXPECT_THAT(after(honest(model_)), StartsWith("finished"));
}

TEST_F(Results, ThatTellOfAFailureAndCannotBeReadFailTheTaskAllTheSame) {
  wire::TaskFailed report{{job().key, "t"}, std::string(201, 'x'), "", ""};
  say("harbour", report);
  loop_->run();
  expect_refused_once("rejected.malformed");
}

}  // namespace
}  // namespace skerry::engine::cloud
