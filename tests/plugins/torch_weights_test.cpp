#include "torch_support.hpp"

namespace torch_test {
namespace {

const Json kPerceptron = {{"architecture", "mlp"}, {"hidden", {4}}, {"optimizer", {{"lr", 0.1}}}};
const Json kConvolutional = {{"architecture", "cnn"},
                             {"channels", {3, 4}},
                             {"dense", 8},
                             {"optimizer", {{"lr", 0.1}}},
                             {"batch", 6}};

Json with(Json config, const char* key, const Json& value) {
  config[key] = value;
  return config;
}

TEST(TorchWeights, HaveTheNamesAndShapesOfTheLayers) {
  Estimator estimator(kPerceptron);
  std::vector<std::string> found;
  for (const Weight& each : estimator.prepare(three_clouds(3, 1), 1).weights()) {
    found.push_back(each.name + Json(each.shape).dump());
  }
  EXPECT_EQ(found, (std::vector<std::string>{"hidden1.weight[4,2]", "hidden1.bias[4]",
                                             "output.weight[3,4]", "output.bias[3]"}));
}

TEST(TorchWeights, GoInInAnyOrderAndComeOutTheSame) {
  const Rows rows = three_clouds(30, 1);
  Estimator from(kPerceptron), to(kPerceptron);
  from.prepare(rows, 1).train(rows, 0, 1);
  const std::vector<Weight> trained = from.weights();
  to.prepare(rows, 2).set_weights({trained.rbegin(), trained.rend()});
  EXPECT_EQ(to.weights(), trained);
  EXPECT_EQ(to.evaluate(rows), from.evaluate(rows));
}

TEST(TorchWeights, OfAnotherShapeNameTypeOrNumberAreRefused) {
  Estimator estimator(kPerceptron);
  const std::vector<Weight> good = estimator.prepare(three_clouds(3, 1), 1).weights();
  std::vector<Weight> shape = good, name = good, type = good, missing = good, more = good;
  shape[0].shape = {2, 4};
  name[1].name = "hidden9.bias";
  type[2].dtype_bits = 64;
  missing.pop_back();
  more.push_back({"extra", SKERRY_FLOAT, 32, {1}, "1234"});
  for (const auto& [wrong, expected] :
       std::vector<std::pair<std::vector<Weight>, std::string>>{{shape, "hidden1.weight"},
                                                                {name, "hidden1.bias"},
                                                                {type, "output.weight"},
                                                                {missing, "output.bias"},
                                                                {more, "5"}}) {
    const Outcome outcome = estimator.try_set_weights(wrong);
    EXPECT_EQ(outcome.status, SKERRY_INVALID_ARGUMENT);
    EXPECT_NE(outcome.message.find(expected), std::string::npos) << outcome;
  }
  EXPECT_EQ(estimator.weights(), good) << "a refused set changes nothing";
}

TEST(TorchWeights, DependOnTheSeedOnlyAtFirst) {
  const Rows rows = stripes(20, 1);
  Estimator first(kConvolutional), same(kConvolutional), other(kConvolutional);
  const std::vector<Weight> initial = first.prepare(rows, 42).weights();
  first.train(rows, 0, 1);
  EXPECT_EQ(same.prepare(stripes(8, 2), 42).weights(), initial);
  EXPECT_NE(other.prepare(rows, 43).weights(), initial);
  EXPECT_EQ(first.prepare(rows, 42).weights(), initial) << "preparing again starts again";
}

TEST(TorchWeights, TrainedTwiceFromOneSeedHaveTheSameBits) {
  const Rows rows = stripes(50, 1);
  Estimator first(kConvolutional), same(kConvolutional), other(kConvolutional);
  first.prepare(rows, 42).train(rows, 0, 1);
  same.prepare(rows, 42).train(rows, 0, 1);
  other.prepare(rows, 42).train(rows, 0, 2);
  EXPECT_EQ(first.weights(), same.weights());
  EXPECT_NE(first.weights(), other.weights()) << "another seed shuffles otherwise";
}

TEST(TorchWeights, OfRoundsAreThoseOfAsManyEpochsInOneGo) {
  const Rows rows = stripes(50, 1);
  Estimator whole(with(kConvolutional, "epochs", 6));
  whole.prepare(rows, 42).train(rows, 0, 11);
  std::vector<Weight> carried = Estimator(kConvolutional).prepare(rows, 42).weights();
  for (std::uint32_t round = 0; round < 3; ++round) {
    Estimator part(with(kConvolutional, "epochs", 2));
    part.prepare(rows, 42 + round).set_weights(carried);
    part.train(rows, round, 11);
    part.evaluate(rows);
    carried = part.weights();
  }
  EXPECT_EQ(carried, whole.weights());
}

TEST(TorchWeights, AreTheSameEachTimeWithTwoThreads) {
  const Rows rows = stripes(50, 1);
  plugin().host.threads = 2;
  Estimator first(kConvolutional), same(kConvolutional);
  first.prepare(rows, 42).train(rows, 0, 1);
  same.prepare(rows, 42).train(rows, 0, 1);
  plugin().host.threads = 1;
  EXPECT_EQ(first.weights(), same.weights());
}

}  // namespace
}  // namespace torch_test
