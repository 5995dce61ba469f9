// One of three edges trains to NaN: its update is refused and the round goes on with the other two.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/base/file.hpp"
#include "core/tensor/safetensors.hpp"
#include "core/tensor/validate.hpp"
#include "tests/e2e/run.hpp"

namespace skerry::testing {
namespace {

using ::testing::ContainsRegex;
using ::testing::Not;

class NanUpdates : public RunTest {
 protected:
  // Row 0 is one edge's, since nothing is held out.
  static JobText job() {
    JobText text;
    text.set("estimator", "{plugin: fixture-nan, config: {nanRow: 0}}")
        .set("dataset", "{plugin: fixture-null, config: {holdout: 0}}")
        .set("evaluation", "{where: none}")
        .set("quorum", "2");
    return text;
  }
};

TEST_F(NanUpdates, AreRefusedAndTheQuorumGoesOn) {
  const Output output = run(job(), 3);
  ASSERT_TRUE(output.ok()) << output.all();
  expect_rounds(3);
  const std::string bad = records().front().at("rejected").at(0).at("node");
  for (const Json& record : records()) {
    EXPECT_EQ(record.at("participants").size(), 2u) << record;
    EXPECT_THAT(record.at("participants").get<std::vector<std::string>>(),
                Not(::testing::Contains(bad)));
    ASSERT_EQ(record.at("rejected").size(), 1u) << record;
    EXPECT_EQ(record["rejected"][0].at("node"), bad);
    EXPECT_EQ(record["rejected"][0].at("code"), "rejected.nan");
  }
}

TEST_F(NanUpdates, AreToldToTheSenderAndToNobodyElse) {
  const Output output = run(job(), 3);
  ASSERT_TRUE(output.ok()) << output.all();
  const std::string bad = records().front().at("rejected").at(0).at("node");
  for (const std::string node : {"edge-1", "edge-2", "edge-3"}) {
    const std::string log = result("logs/" + node + ".log");
    const std::string told = "the cloud refused task [^\n]*train[^\n]*rejected.nan";
    if (node == bad) {
      EXPECT_THAT(log, ContainsRegex(told));
    } else {
      EXPECT_THAT(log, Not(ContainsRegex(told))) << node;
    }
  }
}

TEST_F(NanUpdates, NeverReachTheModel) {
  const Output output = run(job(), 3);
  ASSERT_TRUE(output.ok()) << output.all();
  const auto file = MappedFile::open(results() / "model.safetensors");
  ASSERT_TRUE(file) << file.error().text();
  const auto layout = tensor::parse_layout(file->bytes(), file->bytes().size());
  ASSERT_TRUE(layout) << layout.error().text();
  const auto finite = tensor::check_finite(*layout, file->bytes());
  EXPECT_TRUE(finite) << finite.error().text();
}

}  // namespace
}  // namespace skerry::testing
