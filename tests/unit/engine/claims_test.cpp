#include "core/engine/cloud/claims.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace skerry::engine::cloud {
namespace {

using testing::HasSubstr;

const Digest kModel = digest_of(as_bytes("model"));
const Json kInputs{{"model", kModel.hex()}};

wire::TaskFinished honest() {
  wire::TaskFinished what;
  what.plan = digest_of(as_bytes("plan"));
  what.inputs = {{"model", kModel}};
  return what;
}

TEST(Claims, OfAnHonestNodeAreBelieved) {
  EXPECT_TRUE(check_claims("plan", kInputs, honest()).ok);
}

TEST(Claims, OfAnotherPlanAreRefused) {
  EXPECT_EQ(check_claims("another plan", kInputs, honest()).code, "rejected.plan");
}

TEST(Claims, OfAnotherBaseAreRefusedWithBothDigests) {
  auto what = honest();
  what.inputs["model"] = digest_of(as_bytes("an older model"));
  const Verdict verdict = check_claims("plan", kInputs, what);
  EXPECT_EQ(verdict.code, "rejected.base");
  EXPECT_THAT(verdict.message, HasSubstr(kModel.hex()));
  EXPECT_THAT(verdict.message, HasSubstr(what.inputs["model"].hex()));
}

TEST(Claims, ThatLeaveAnInputOutAreRefused) {
  auto what = honest();
  what.inputs.clear();
  EXPECT_EQ(check_claims("plan", kInputs, what).code, "rejected.base");
}

std::string wrong(const char* limits) {
  const auto status = check_limits("1/train/a", parse_json(limits).value());
  return status ? "none" : status.error().message;
}

TEST(Limits, OfAWorkflowAreCheckedBeforeTheyAreStored) {
  EXPECT_EQ(wrong(R"({})"), "none");
  EXPECT_EQ(wrong(R"({"update": {"bytes": 10, "norm": {"max": 1.5, "policy": "clip"}}})"), "none");
  EXPECT_EQ(wrong(R"({"update": {"samples": {"min": 1, "max": 5}}})"), "none");
  EXPECT_THAT(wrong(R"({"update": {"samples": {"min": -1, "max": 5}}})"), HasSubstr("0 or more"));
  EXPECT_THAT(wrong(R"({"update": {"samples": {"min": 6, "max": 5}}})"), HasSubstr("no less"));
  EXPECT_THAT(wrong(R"({"update": {"samples": {"min": 6}}})"), HasSubstr("needs a `min`"));
  EXPECT_THAT(wrong(R"({"update": {"samples": {"most": 6}}})"), HasSubstr("known here: min, max"));
  EXPECT_EQ(wrong(R"({"update": {"encoded": true, "bytes": 10}})"), "none");
  EXPECT_THAT(wrong(R"({"update": {"encoded": 1}})"), HasSubstr("true or false"));
  EXPECT_THAT(wrong(R"({"update": {"encoded": true, "norm": {"max": 1}}})"),
              HasSubstr("known when it is decoded"));
  EXPECT_THAT(wrong(R"([])"), HasSubstr("it must be an object"));
  EXPECT_THAT(wrong(R"({"update": {"bytes": -1}})"), HasSubstr("`limits.update.bytes` is -1"));
  EXPECT_THAT(wrong(R"({"update": {"norm": {"max": 0}}})"), HasSubstr("above 0"));
  EXPECT_THAT(wrong(R"({"update": {"norm": {}}})"), HasSubstr("needs a `max`"));
  EXPECT_THAT(wrong(R"({"update": {"norm": {"max": 1, "policy": "beg"}}})"), HasSubstr("\"clip\""));
  EXPECT_THAT(wrong(R"({"update": {"norm": {"max": 1, "base": "x"}}})"), HasSubstr("digest"));
  EXPECT_THAT(wrong(R"({"update": {"size": 1}})"),
              HasSubstr("known here: bytes, encoded, norm, samples"));
}

}  // namespace
}  // namespace skerry::engine::cloud
