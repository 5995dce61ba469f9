// With one edge, federated training is plain local training: the same bits, through processes,
// sockets and files.
#include <gtest/gtest.h>
#include <stdlib.h>

#include "tests/e2e/run.hpp"
#include "tests/e2e/tensors.hpp"
#include "tests/plugins/dataset_under_test.hpp"
#include "tests/plugins/torch_support.hpp"
#include "tests/support/data.hpp"

namespace skerry::testing {
namespace {

constexpr int kRounds = 4;
constexpr int kEpochs = 3;  // a round
constexpr int kRows = 150;
constexpr std::uint64_t kSeed = 7;

class OneEdge : public RunTest {
 protected:
  static Json estimator_config(int epochs) {
    return {{"architecture", "mlp"},
            {"hidden", {16, 8}},
            {"loss", "cross_entropy"},
            {"optimizer", {{"name", "sgd"}, {"lr", 0.1}}},
            {"batch", 16},
            {"epochs", epochs}};
  }
  Json data_config() const {
    return {{"uri", (scratch / "points.csv").string()}, {"label", "class"}};
  }

  // All rows in the order of the file, as an edge has them that is alone and for which nothing is
  // held out.
  torch_test::Rows rows() const {
    skerry_test::PluginUnderTest plugin("csv");
    skerry_test::DatasetUnderTest dataset(plugin, "csv", data_config());
    torch_test::Rows rows;
    rows.shape = dataset.shape();
    rows.features = dataset.read_all();
    rows.classes = dataset.classes();
    rows.class_count = dataset.info.classes;
    return rows;
  }

  std::vector<torch_test::Weight> trained_here() const {
    // One thread, as the edge's worker is given.
    setenv("OMP_NUM_THREADS", "1", 1);
    setenv("OPENBLAS_NUM_THREADS", "1", 1);
    torch_test::Estimator estimator(estimator_config(kRounds * kEpochs));
    const auto data = rows();
    estimator.prepare(data, kSeed).train(data, 0, kSeed);
    return estimator.weights();
  }

  JobText job() const {
    Json dataset = data_config();
    dataset["holdout"] = 0;
    JobText text("alone");
    text.without("pluginPath")
        .set("estimator", Json{{"plugin", "torch"}, {"config", estimator_config(kEpochs)}}.dump())
        .set("dataset", Json{{"plugin", "csv"}, {"config", dataset}}.dump())
        .set("evaluation", "{where: none}")
        .set("seed", std::to_string(kSeed))
        .set("rounds", std::to_string(kRounds));
    return text;
  }
};

TEST_F(OneEdge, TrainsToTheSameBitsAsPlainLocalTraining) {
  scratch.write("points.csv", points_csv(kRows, 3));
  auto command = arguments(job(), 1);
  command.insert(command.end(), {"--threads-per-edge", "1"});
  const Output output = skerry(command);
  ASSERT_TRUE(output.ok()) << output.all();
  expect_rounds(kRounds);

  const auto federated = read_tensors(results() / "model.safetensors");
  const auto local = trained_here();
  ASSERT_EQ(federated.size(), local.size());
  for (const auto& weight : local) {
    ASSERT_TRUE(federated.count(weight.name)) << weight.name;
    EXPECT_EQ(federated.at(weight.name).shape, weight.shape) << weight.name;
    EXPECT_TRUE(federated.at(weight.name).bytes == weight.bytes) << weight.name << " differs";
  }
  EXPECT_LT(records().back().at("trainLoss").get<double>(), 0.5) << "nothing was learnt";
}

}  // namespace
}  // namespace skerry::testing
