// The C++ layer itself, compiled as C++17, as third parties may.
#include <gtest/gtest.h>
#include <skerry/aggregation.hpp>
#include <skerry/dataset.hpp>
#include <skerry/estimator.hpp>
#include <skerry/selection.hpp>
#include <skerry/source.hpp>

#include <numeric>

static_assert(__cplusplus < 202002L, "this test shows that the SDK needs no more than C++17");

namespace {

using nlohmann::json;
using skerry::Config;
using skerry::Error;

// "field: message" of what a call throws.
template <class Call>
std::string refusal(Call&& call) {
  try {
    call();
  } catch (const Error& e) {
    return e.field() + ": " + e.what();
  }
  return "nothing was thrown";
}

TEST(Config, ReadsTypedValuesAndFallsBack) {
  const Config config(json{
      {"lr", 0.5}, {"n", 3}, {"on", true}, {"name", "x"}, {"list", {1, 2}}, {"none", nullptr}});
  EXPECT_EQ(config.number("lr"), 0.5);
  EXPECT_EQ(config.number("n"), 3.0);
  EXPECT_EQ(config.integer("n"), 3);
  EXPECT_TRUE(config.boolean("on"));
  EXPECT_EQ(config.string("name"), "x");
  EXPECT_EQ(config.integers("list"), (std::vector<std::int64_t>{1, 2}));
  EXPECT_EQ(config.integer("none", 7), 7);
  EXPECT_FALSE(config.has("none"));
  EXPECT_TRUE(config.strings("absent").empty());
  EXPECT_FALSE(config.object("absent").has("anything"));
}

TEST(Config, NamesTheDottedPathOfWhatIsWrong) {
  const Config config(
      json{{"optimizer", {{"lr", "fast"}}}, {"cell", {1, 2.5}}, {"big", UINT64_MAX}});
  EXPECT_EQ(refusal([&] { config.object("optimizer").number("lr"); }),
            "optimizer.lr: must be a number, found \"fast\"");
  EXPECT_EQ(refusal([&] { config.object("optimizer").string("name"); }),
            "optimizer.name: is missing");
  EXPECT_EQ(refusal([&] { config.integers("cell"); }),
            "cell[1]: must be a whole number, found 2.5");
  EXPECT_EQ(refusal([&] { config.integer("big"); }).substr(0, 26), "big: must be at most 92233");
  EXPECT_EQ(refusal([&] { config.object("cell"); }), "cell: must be an object, found [1,2.5]");
}

TEST(Config, SuggestsOneOfTheAllowedNames) {
  const Config config(json{{"loss", "cross-entropy"}});
  EXPECT_EQ(refusal([&] {
              config.one_of("loss", {"cross_entropy", "mse"});
            }),
            "loss: \"cross-entropy\" is not known. Allowed: cross_entropy, mse. Did you mean "
            "\"cross_entropy\"?");
}

TEST(Guard, TurnsExceptionsIntoErrors) {
  skerry_error error = {};
  EXPECT_EQ(skerry::detail::guard(&error, [] { throw Error(SKERRY_RETRY, "lr", "later"); }),
            SKERRY_RETRY);
  EXPECT_STREQ(error.field, "lr");
  EXPECT_STREQ(error.message, "later");
  EXPECT_EQ(skerry::detail::guard(&error, [] { throw std::bad_alloc(); }), SKERRY_FAILED);
  EXPECT_EQ(skerry::detail::guard(&error, [] { throw std::logic_error("oops"); }), SKERRY_INTERNAL);
  EXPECT_STREQ(error.message, "oops");
  EXPECT_EQ(skerry::detail::guard(nullptr, [] { throw 1; }), SKERRY_INTERNAL);
}

TEST(Guard, CutsLongMessagesBetweenCharacters) {
  skerry_error error = {};
  std::string text;
  for (int i = 0; i < 500; ++i) text += "\u00e9";  // two bytes each; 439 and 63 are odd
  skerry::detail::guard(&error, [&] { throw Error(SKERRY_FAILED, text, text); });
  EXPECT_EQ(std::string(error.message), text.substr(0, 438));
  EXPECT_EQ(std::string(error.field), text.substr(0, 62));
}

TEST(CheckCall, ThrowsWhatAFunctionReports) {
  EXPECT_EQ(refusal([] {
              skerry::check_call([](skerry_error* error) {
                return skerry::detail::write_error(error, SKERRY_FAILED, "slot", "broken");
              });
            }),
            "slot: broken");
}

TEST(TensorView, ChecksTypeAndLayout) {
  float values[6] = {1, 2, 3, 4, 5, 6};
  const std::int64_t shape[] = {2, 3}, transposed[] = {1, 2};
  skerry_tensor tensor = {values, SKERRY_CPU, 0, 2, SKERRY_FLOAT, 32, 1, shape, nullptr, 4};
  const skerry::TensorView view(tensor);
  EXPECT_EQ(view.size(), 6U);
  EXPECT_EQ(view.data<float>()[0], 2) << "the byte offset counts";
  EXPECT_EQ(refusal([&] { view.data<std::int64_t>(); }),
            ": a tensor of int64 is needed, found float32");
  tensor.strides = transposed;
  EXPECT_EQ(refusal([&] { skerry::TensorView{tensor}; }),
            ": a tensor that is not dense and row-major");
}

// Sums, in float only, so that double tiles go through the conversion; observes.
class Sum : public skerry::Aggregation {
 public:
  void begin(const std::vector<skerry::NamedTensor>&, const std::vector<skerry::Update>&) override {
    seen = 0;
  }
  using Aggregation::observe;
  void observe(const skerry::Tile<float>& tile) override { seen += tile.count; }
  using Aggregation::combine;
  void combine(const skerry::Tile<float>& tile) const override {
    for (std::size_t i = 0; i < tile.count; ++i) {
      tile.output[i] = tile.base[i];
      for (const float* input : tile.inputs) tile.output[i] += input[i];
    }
  }
  std::size_t seen = 0;
};
class OfTheFirst : public Sum {};

template <class T>
const skerry_aggregation_v1& aggregation_table() {
  return *static_cast<const skerry_aggregation_v1*>(skerry::Kind<skerry::Aggregation>::table<T>());
}

TEST(Aggregation, ConvertsDoubleTilesForARuleThatKnowsFloats) {
  Sum sum;
  const double a[] = {1, 2}, b[] = {10, 20}, base[] = {100, 200};
  const double* inputs[] = {a, b};
  double output[2] = {};
  const skerry::Tile<double> tile = {0, 0, 2, {inputs, 2}, base, output};
  static_cast<skerry::Aggregation&>(sum).combine(tile);
  EXPECT_EQ(output[0], 111);
  EXPECT_EQ(output[1], 222);
  static_cast<skerry::Aggregation&>(sum).observe(
      skerry::Tile<double>{0, 0, 2, {inputs, 2}, base, nullptr});
  EXPECT_EQ(sum.seen, 2U);
}

class Silent : public skerry::Aggregation {
 public:
  void begin(const std::vector<skerry::NamedTensor>&, const std::vector<skerry::Update>&) override {
  }
  void combine(const skerry::Tile<float>&) const override {}
};

TEST(Aggregation, OffersAFirstPassOnlyWhereObserveIsOverridden) {
  EXPECT_NE(aggregation_table<Sum>().observe, nullptr);
  EXPECT_NE(aggregation_table<OfTheFirst>().observe, nullptr);
  EXPECT_EQ(aggregation_table<Silent>().observe, nullptr);
}

// A model of two weights, to see what the layer checks.
class TwoWeights : public skerry::Estimator {
 public:
  void prepare(const skerry::DatasetInfo&, std::uint64_t) override {}
  std::vector<skerry::NamedTensor> weights() override { return {{"a", view(a)}, {"b", view(b)}}; }
  void set_weights(const std::vector<skerry::NamedTensor>& given) override {
    a = given.at(0).tensor.data<float>()[0];
    b = given.at(1).tensor.data<float>()[0];
  }
  void train(const skerry::Data& data, const skerry::TrainParams&,
             skerry::Metrics& metrics) override {
    metrics.add("loss", static_cast<double>(data.rows()));
  }
  void evaluate(const skerry::Data&, skerry::Metrics&) override {}
  skerry::Prediction predict(const skerry::TensorView& features) override {
    return {{features.shape()[0], 1}, {1, 2}};
  }

  static skerry::TensorView view(float& value) { return {&value, skerry::dtype_of<float>(), {1}}; }
  float a = 1, b = 2;
};

class EstimatorLayer : public testing::Test {
 protected:
  EstimatorLayer() {
    skerry::detail::make_instance<TwoWeights>(instance_, Config());
    table = static_cast<const skerry_estimator_v1*>(instance_.table);
    raw = reinterpret_cast<skerry_instance*>(&instance_);
  }
  std::string set(const std::vector<skerry::NamedTensor>& tensors) {
    const std::vector<skerry_named_tensor> plain = skerry::detail::abi_tensors(tensors);
    error = {};
    table->set_weights(raw, plain.data(), plain.size(), &error);
    return error.message;
  }

  skerry_host host_ = {};
  skerry::detail::Instance instance_{&host_};
  const skerry_estimator_v1* table;
  skerry_instance* raw;
  skerry_error error = {};
  float x = 5, y = 6;
};

TEST_F(EstimatorLayer, LendsWeightsAndSetsThemInAnyOrder) {
  EXPECT_EQ(set({{"b", TwoWeights::view(y)}, {"a", TwoWeights::view(x)}}), "");
  const skerry_named_tensor* lent = nullptr;
  std::uint64_t count = 0;
  ASSERT_EQ(table->weights(raw, &lent, &count, &error), SKERRY_OK);
  ASSERT_EQ(count, 2U);
  EXPECT_STREQ(lent[1].name, "b");
  EXPECT_EQ(*static_cast<float*>(lent[0].tensor.data), 5);
  EXPECT_EQ(*static_cast<float*>(lent[1].tensor.data), 6);
}

TEST_F(EstimatorLayer, RefusesWeightsOfAnotherModel) {
  EXPECT_EQ(set({{"a", TwoWeights::view(x)}}), "tensor \"b\" of the model is missing");
  EXPECT_EQ(
      set({{"a", TwoWeights::view(x)}, {"b", TwoWeights::view(y)}, {"c", TwoWeights::view(y)}}),
      "the model has 2 tensors, found 3");
  EXPECT_EQ(set({{"a", {&x, skerry::dtype_of<float>(), {1, 1}}}, {"b", TwoWeights::view(y)}}),
            "tensor \"a\" is float32[1, 1], the model's is float32[1]");
}

TEST_F(EstimatorLayer, HandsAPredictionOverOnce) {
  float features[2] = {};
  const skerry::TensorView view(features, skerry::dtype_of<float>(), {2, 1});
  const skerry_tensor input = view.abi();
  skerry_owned_tensor out = {};
  ASSERT_EQ(table->predict(raw, &input, &out, &error), SKERRY_OK);
  EXPECT_EQ(out.tensor.shape[0], 2);
  EXPECT_EQ(static_cast<float*>(out.tensor.data)[1], 2);
  out.release(&out);
  EXPECT_EQ(out.release, nullptr);
}

// Chooses what the test wants it to.
class Chooser : public skerry::Selection {
 public:
  std::vector<std::uint32_t> select(const std::vector<skerry::Candidate>&, std::uint32_t round,
                                    std::uint64_t) override {
    return round == 1 ? std::vector<std::uint32_t>{2} : std::vector<std::uint32_t>{0, 0};
  }
};

TEST(SelectionLayer, RefusesIndicesOutOfRangeAndTwice) {
  skerry_host host = {};
  skerry::detail::Instance instance(&host);
  skerry::detail::make_instance<Chooser>(instance, Config());
  const auto* table = static_cast<const skerry_selection_v1*>(instance.table);
  const skerry_candidate nodes[2] = {{"a", 0, 0, 0, 0, 0}, {"b", 0, 0, 0, 0, 0}};
  std::uint32_t chosen[2] = {}, count = 0;
  skerry_error error = {};
  auto* raw = reinterpret_cast<skerry_instance*>(&instance);
  EXPECT_EQ(table->select(raw, nodes, 2, 1, 0, chosen, &count, &error), SKERRY_INTERNAL);
  EXPECT_STREQ(error.message, "chose candidate 2 of 2, counting from 0");
  EXPECT_EQ(table->select(raw, nodes, 2, 2, 0, chosen, &count, &error), SKERRY_INTERNAL);
  EXPECT_STREQ(error.message, "chose candidate 0 twice");
}

// Forgets to fill its example in.
class Forgetful : public skerry::Source {
 public:
  void open(const skerry::ServiceForm&) override {}
  const skerry::Item* next(std::chrono::microseconds) override { return &item_; }
  bool ended() const override { return false; }

 private:
  skerry::Item item_;
};

TEST(SourceLayer, TakesAnExampleWithoutElementsForAFaultAndNotForTheEnd) {
  skerry_host host = {};
  skerry::detail::Instance instance(&host);
  skerry::detail::make_instance<Forgetful>(instance, Config());
  const auto* table = static_cast<const skerry_source_v1*>(instance.table);
  skerry_item item = {};
  skerry_error error = {};
  EXPECT_EQ(table->next(reinterpret_cast<skerry_instance*>(&instance), 0, &item, &error),
            SKERRY_INTERNAL);
  EXPECT_STREQ(error.message, "next() gave an example whose tensor has no elements");
}

}  // namespace
