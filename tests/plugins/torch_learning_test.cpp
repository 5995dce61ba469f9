#include <cmath>

#include "torch_support.hpp"

namespace torch_test {
namespace {

TEST(TorchLearning, PerceptronSeparatesThreeClouds) {
  const Rows rows = three_clouds(300, 1);
  Estimator estimator(Json{{"architecture", "mlp"},
                           {"hidden", {16}},
                           {"optimizer", {{"lr", 0.1}}},
                           {"batch", 10},
                           {"epochs", 5}});
  estimator.prepare(rows, 7);
  const MetricValues training = estimator.train(rows, 0, 7);
  const MetricValues result = estimator.evaluate(three_clouds(99, 2));
  EXPECT_LT(training.at("loss"), 0.2);
  EXPECT_GT(training.at("accuracy"), 0.95);
  EXPECT_LT(result.at("loss"), 0.1);
  EXPECT_GE(result.at("accuracy"), 0.98);
}

TEST(TorchLearning, ConvolutionalNetworkLearnsStripesByHeart) {
  const Rows rows = stripes(41, 1);  // with batches of 10, the last row joins the fourth batch
  Estimator estimator(Json{{"architecture", "cnn"},
                           {"channels", {4, 8}},
                           {"dense", 16},
                           {"optimizer", {{"name", "sgd"}, {"lr", 0.05}, {"momentum", 0.9}}},
                           {"batch", 10},
                           {"epochs", 60}});
  estimator.prepare(rows, 3).train(rows, 0, 3);
  EXPECT_EQ(estimator.evaluate(rows).at("accuracy"), 1.0);
}

TEST(TorchLearning, DefaultConvolutionalNetworkHasTheSizesOfThePaper) {
  Rows rows = {{1, 28, 28}, {}, {}, {}, 10};
  Estimator estimator(Json{{"architecture", "cnn"}});
  std::size_t values = 0;
  for (const Weight& each : estimator.prepare(rows, 1).weights())
    values += each.bytes.size() / sizeof(float);
  EXPECT_EQ(values, 1'663'370u);
}

TEST(TorchLearning, AdamFitsAPlaneByItsSquaredError) {
  const Rows rows = a_plane(200, 1);
  Estimator estimator(Json{{"architecture", "mlp"},
                           {"hidden", Json::array()},
                           {"loss", "mse"},
                           {"optimizer", {{"name", "adam"}, {"lr", 0.05}}},
                           {"epochs", 40}});
  estimator.prepare(rows, 5).train(rows, 0, 5);
  const MetricValues result = estimator.evaluate(a_plane(50, 2));
  EXPECT_LT(result.at("loss"), 1e-4);
  EXPECT_LT(result.at("mae"), 1e-2);
  EXPECT_EQ(result.count("accuracy"), 0u);
}

TEST(TorchLearning, YesOrNoIsLearntFromTwoClassesAndFromLabelsZeroAndOne) {
  Rows two_classes = a_plane(200, 1);
  Rows zero_and_one = two_classes;
  two_classes.class_count = 2;
  for (float& label : zero_and_one.reals) label = label > 1 ? 1.0f : 0.0f;
  for (float label : zero_and_one.reals) two_classes.classes.push_back(label > 0.5f ? 1 : 0);
  two_classes.reals.clear();
  const Json config = {{"architecture", "mlp"},
                       {"hidden", {8}},
                       {"loss", "bce"},
                       {"optimizer", {{"lr", 0.5}}},
                       {"epochs", 20}};
  Estimator from_classes(config), from_reals(config);
  from_classes.prepare(two_classes, 5).train(two_classes, 0, 5);
  from_reals.prepare(zero_and_one, 5).train(zero_and_one, 0, 5);
  EXPECT_GT(from_classes.evaluate(two_classes).at("accuracy"), 0.97);
  EXPECT_EQ(from_classes.weights(), from_reals.weights());
  // Of two classes the probability of each, of a number the one of yes.
  std::vector<std::int64_t> of_classes, of_reals;
  const std::vector<float> both = from_classes.predict(two_classes, &of_classes);
  const std::vector<float> yes = from_reals.predict(zero_and_one, &of_reals);
  ASSERT_EQ(of_classes[1], 2);
  ASSERT_EQ(of_reals[1], 1);
  EXPECT_EQ(both[1], yes[0]);
  EXPECT_NEAR(both[0] + both[1], 1, 1e-6);
}

TEST(TorchLearning, LossOfEvaluationIsThatOfThePredictions) {
  Rows rows = three_clouds(600, 4);  // more than one batch of evaluation
  Estimator estimator(Json{{"architecture", "mlp"}});
  estimator.prepare(rows, 9);
  std::vector<std::int64_t> shape;
  const std::vector<float> probabilities = estimator.predict(rows, &shape);
  ASSERT_EQ(shape, (std::vector<std::int64_t>{600, 3}));
  double loss = 0;
  for (std::size_t row = 0; row < 600; ++row) {
    double sum = 0;
    for (std::size_t i = 0; i < 3; ++i) sum += static_cast<double>(probabilities[row * 3 + i]);
    EXPECT_NEAR(sum, 1, 1e-5);
    loss -= std::log(probabilities[row * 3 + static_cast<std::size_t>(rows.classes[row])]);
  }
  EXPECT_NEAR(estimator.evaluate(rows).at("loss"), loss / 600, 1e-5);
}

TEST(TorchLearning, ClippedGradientsMakeSmallSteps) {
  const Rows rows = a_plane(20, 1);
  Estimator estimator(Json{{"architecture", "mlp"},
                           {"hidden", Json::array()},
                           {"loss", "mse"},
                           {"optimizer", {{"lr", 1.0}}},
                           {"clipNorm", 0.001}});
  const std::vector<Weight> before = estimator.prepare(rows, 5).weights();
  estimator.train(rows, 0, 5);
  const std::vector<Weight> after = estimator.weights();
  double squared = 0;
  for (std::size_t tensor = 0; tensor < before.size(); ++tensor) {
    for (std::size_t i = 0; i < before[tensor].bytes.size(); i += sizeof(float)) {
      float from = 0, to = 0;
      std::memcpy(&from, &before[tensor].bytes[i], sizeof(float));
      std::memcpy(&to, &after[tensor].bytes[i], sizeof(float));
      squared += (to - from) * (to - from);
    }
  }
  EXPECT_NEAR(std::sqrt(squared), 0.001, 1e-5);
}

TEST(TorchLearning, NaNInTheDataIsLeftForTheHostToSee) {
  Rows rows = three_clouds(30, 1);
  rows.features[3] = NAN;
  Estimator estimator(Json{{"architecture", "mlp"}});
  EXPECT_TRUE(std::isnan(estimator.prepare(rows, 1).train(rows, 0, 1).at("loss")));
}

TEST(TorchLearning, CancelledTrainingStops) {
  const Rows rows = three_clouds(30, 1);
  Estimator estimator(Json{{"architecture", "mlp"}, {"epochs", 100000}});
  estimator.prepare(rows, 1);
  plugin().host.cancel = true;
  const Outcome outcome = estimator.try_train(rows, 0, 1);
  plugin().host.cancel = false;
  EXPECT_EQ(outcome.status, SKERRY_CANCELLED) << outcome;
}

}  // namespace
}  // namespace torch_test
