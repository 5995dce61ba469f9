#include "torch_support.hpp"

namespace torch_test {
namespace {

// Checks that the outcome is INVALID_ARGUMENT at `field`, and that its message has all of `parts`
// in one line.
void expect_refused(const Outcome& outcome, const std::string& field,
                    const std::vector<std::string>& parts) {
  EXPECT_EQ(outcome.status, SKERRY_INVALID_ARGUMENT) << outcome;
  EXPECT_EQ(outcome.field, field) << outcome;
  for (const std::string& part : parts)
    EXPECT_NE(outcome.message.find(part), std::string::npos) << part << ": " << outcome;
  EXPECT_EQ(outcome.message.find('\n'), std::string::npos) << outcome;
}

Outcome created(const Json& config) {
  return plugin().create_outcome("torch", "estimator/1", config);
}

TEST(TorchRefuses, AConfigurationThatContradictsItself) {
  expect_refused(created(Json::object()), "architecture", {"missing", "mlp", "cnn", "script"});
  expect_refused(created({{"architecture", "cnm"}}), "architecture",
                 {"cnm", "Did you mean \"cnn\"?"});
  expect_refused(created({{"architecture", "script"}}), "script", {"missing"});
  expect_refused(created({{"architecture", "mlp"}, {"script", "model.pt"}}), "script", {"mlp"});
  expect_refused(
      created({{"architecture", "mlp"}, {"optimizer", {{"name", "adam"}, {"momentum", 0.9}}}}),
      "optimizer.momentum", {"sgd"});
}

TEST(TorchRefuses, ALossThatDoesNotFitTheLabels) {
  const auto prepared = [](const char* loss, const Rows& rows) {
    return Estimator(Json{{"architecture", "mlp"}, {"loss", loss}}).try_prepare(rows, 1);
  };
  expect_refused(prepared("cross_entropy", a_plane(4, 1)), "loss", {"classes", "Use mse"});
  expect_refused(prepared("mse", three_clouds(4, 1)), "loss", {"3 classes", "Use cross_entropy"});
  expect_refused(prepared("bce", three_clouds(4, 1)), "loss", {"3 classes", "two classes"});
}

TEST(TorchRefuses, RowsThatAreNoImagesForTheConvolutionalNetwork) {
  expect_refused(Estimator(Json{{"architecture", "cnn"}}).try_prepare(three_clouds(4, 1), 1),
                 "architecture", {"[2]", "channels x height x width", "mlp"});
  expect_refused(Estimator(Json{{"architecture", "cnn"}, {"channels", {4, 4, 4, 4}}})
                     .try_prepare(stripes(4, 1), 1),
                 "channels", {"16 x 16", "[1, 9, 10]"});
}

TEST(TorchRefuses, DataOfAnotherShapeThanItWasPreparedFor) {
  Estimator estimator(Json{{"architecture", "mlp"}});
  estimator.prepare(three_clouds(4, 1), 1);
  expect_refused(estimator.try_train(stripes(4, 1), 0, 1), "", {"[2]", "[4, 1, 9, 10]"});
  expect_refused(estimator.try_evaluate(stripes(4, 1)), "", {"[2]", "[4, 1, 9, 10]"});
}

TEST(TorchRefuses, LabelsOutOfRangeAndTheirAbsence) {
  Estimator estimator(Json{{"architecture", "mlp"}});
  Rows rows = three_clouds(4, 1);
  estimator.prepare(rows, 1);
  rows.classes[2] = 3;
  expect_refused(estimator.try_train(rows, 0, 1), "", {"label 3", "row 2", "0 to 2"});
  rows.classes.pop_back();
  expect_refused(estimator.try_train(rows, 0, 1), "", {"4 rows", "[3]"});
  expect_refused(estimator.try_train({{2}, {}, {}, {}, 3}, 0, 1), "", {"empty"});

  Estimator yes_or_no(Json{{"architecture", "mlp"}, {"loss", "bce"}});
  yes_or_no.prepare(a_plane(4, 1), 1);
  expect_refused(yes_or_no.try_train(a_plane(4, 1), 0, 1), "loss", {"0 and 1", "row 0"});
}

TEST(TorchRefuses, UseBeforePreparation) {
  Estimator estimator(Json{{"architecture", "mlp"}});
  EXPECT_EQ(estimator.try_train(three_clouds(4, 1), 0, 1).status, SKERRY_INTERNAL);
  EXPECT_EQ(estimator.try_set_weights({}).status, SKERRY_INTERNAL);
}

}  // namespace
}  // namespace torch_test
