// estimator/1: a model that is trained on made-up data.
#include <skerry/metrics.hpp>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>
#include <map>

#include "core/conformance/subject.hpp"

namespace skerry::conformance {
namespace {

constexpr std::uint64_t kSeed = 42;

// Rows of one class lie around a point of their own, so that there is something to learn.
class MadeUpData {
 public:
  MadeUpData(std::mt19937_64& random, std::vector<std::int64_t> shape, std::uint32_t classes,
             std::int64_t rows)
      : rows_(rows) {
    info_.struct_size = sizeof info_;
    info_.ndim = static_cast<std::uint32_t>(shape.size());
    std::copy(shape.begin(), shape.end(), info_.shape);
    info_.rows = static_cast<std::uint64_t>(rows);
    info_.label_kind = classes > 0 ? SKERRY_LABEL_CLASS : SKERRY_LABEL_REAL;
    info_.classes = classes;
    std::size_t size = 1;
    for (const std::int64_t extent : shape) size *= static_cast<std::size_t>(extent);
    features_ = random_floats(random, size * static_cast<std::size_t>(rows));
    for (std::int64_t row = 0; row < rows; ++row) {
      const auto label = row % std::max<std::int64_t>(1, classes);
      classes_of_.push_back(label);
      reals_.push_back(features_[static_cast<std::size_t>(row) * size]);
      for (std::size_t i = 0; classes > 0 && i < size; ++i)
        features_[static_cast<std::size_t>(row) * size + i] +=
            i % classes == static_cast<std::size_t>(label) ? 2.0F : 0.0F;
    }
    shape_ = std::move(shape);
    shape_.insert(shape_.begin(), rows);
    point();
  }
  MadeUpData(const MadeUpData&) = delete;
  MadeUpData& operator=(const MadeUpData&) = delete;

  const skerry_dataset_info* info() const { return &info_; }
  const skerry_data* get() const { return &data_; }
  const skerry_tensor* features() const { return &data_.features; }
  std::int64_t rows() const { return rows_; }
  std::vector<float>& values() { return features_; }
  bool has_classes() const { return info_.classes > 0; }

 private:
  static skerry_tensor tensor(void* data, std::uint8_t code, std::uint8_t bits,
                              const std::int64_t* shape, std::size_t dims) {
    return {data, SKERRY_CPU, 0, static_cast<std::int32_t>(dims), code, bits, 1, shape, nullptr, 0};
  }
  void point() {
    data_.struct_size = sizeof data_;
    data_.info = &info_;
    data_.features = tensor(features_.data(), SKERRY_FLOAT, 32, shape_.data(), shape_.size());
    data_.labels = has_classes() ? tensor(classes_of_.data(), SKERRY_INT, 64, &rows_, 1)
                                 : tensor(reals_.data(), SKERRY_FLOAT, 32, &rows_, 1);
  }

  std::int64_t rows_;
  skerry_dataset_info info_{};
  std::vector<float> features_, reals_;
  std::vector<std::int64_t> classes_of_;
  std::vector<std::int64_t> shape_;
  skerry_data data_{};
};

struct Form {
  std::vector<std::int64_t> shape;
  std::uint32_t classes;
};
const std::vector<Form>& forms() {
  static const std::vector<Form> all = {{{8}, 3}, {{1, 28, 28}, 10}, {{3, 32, 32}, 10}, {{8}, 0}};
  return all;
}

// The weights, copied.
struct Weights {
  struct One {
    std::string name;
    std::uint8_t code, bits;
    std::vector<std::int64_t> shape;
    std::vector<std::uint8_t> bytes;
    bool operator==(const One& o) const {
      return name == o.name && code == o.code && bits == o.bits && shape == o.shape &&
             bytes == o.bytes;
    }
  };
  std::vector<One> all;

  bool operator==(const Weights& other) const { return all == other.all; }
  bool finite() const {
    for (const One& one : all) {
      if (one.code != SKERRY_FLOAT || one.bits != 32) continue;
      for (std::size_t at = 0; at < one.bytes.size(); at += 4) {
        float value = 0;
        std::memcpy(&value, one.bytes.data() + at, 4);
        if (!std::isfinite(value)) return false;
      }
    }
    return true;
  }
  std::vector<skerry_named_tensor> abi() const {
    std::vector<skerry_named_tensor> list;
    for (const One& one : all) {
      list.push_back({one.name.c_str(),
                      {const_cast<std::uint8_t*>(one.bytes.data()), SKERRY_CPU, 0,
                       static_cast<std::int32_t>(one.shape.size()), one.code, one.bits, 1,
                       one.shape.data(), nullptr, 0}});
    }
    return list;
  }
};

class Model {
 public:
  explicit Model(Subject& subject) : subject_(subject), instance_(subject.create()) {}

  Status prepare(const MadeUpData& data, std::uint64_t seed = kSeed) {
    return subject_.call(*instance_, &skerry_estimator_v1::prepare, "prepare", data.info(), seed);
  }
  Weights weights() {
    const skerry_named_tensor* tensors = nullptr;
    std::uint64_t count = 0;
    expect_ok(subject_.call(*instance_, &skerry_estimator_v1::weights, "weights", &tensors, &count),
              "weights");
    Weights weights;
    for (std::uint64_t i = 0; i < count; ++i) {
      const skerry_tensor& from = tensors[i].tensor;
      expect(tensors[i].name != nullptr && tensors[i].name[0] != '\0',
             "weight " + std::to_string(i) + " has no name");
      const std::string name = tensors[i].name;
      const std::uint8_t* bytes = data_of(from, "weight \"" + name + "\"");
      Weights::One one{
          name, from.dtype_code, from.dtype_bits, {from.shape, from.shape + from.ndim}, {}};
      std::size_t size = from.dtype_bits / 8U;
      for (const std::int64_t extent : one.shape) size *= static_cast<std::size_t>(extent);
      one.bytes.assign(bytes, bytes + size);
      weights.all.push_back(std::move(one));
    }
    return weights;
  }
  Status set_weights(const std::vector<skerry_named_tensor>& tensors) {
    return subject_.call(*instance_, &skerry_estimator_v1::set_weights, "set_weights",
                         tensors.data(), static_cast<std::uint64_t>(tensors.size()));
  }
  Status train(const MadeUpData& data, std::map<std::string, double>* told = nullptr) {
    const skerry_train_params params{sizeof params, 0, kSeed, 1};
    MetricMap metrics;
    const Status status =
        subject_.call(*instance_, &skerry_estimator_v1::train, "train", data.get(),
                      static_cast<const skerry_train_params*>(&params), metrics.sink());
    if (told != nullptr) *told = metrics.values();
    return status;
  }
  Status evaluate(const MadeUpData& data, std::map<std::string, double>* told = nullptr) {
    MetricMap metrics;
    const Status status = subject_.call(*instance_, &skerry_estimator_v1::evaluate, "evaluate",
                                        data.get(), metrics.sink());
    if (told != nullptr) *told = metrics.values();
    return status;
  }
  std::vector<float> predict(const MadeUpData& data) {
    skerry_owned_tensor out{};
    expect_ok(
        subject_.call(*instance_, &skerry_estimator_v1::predict, "predict", data.features(), &out),
        "predict");
    expect(out.release != nullptr, "predict() gave a tensor without release");
    const skerry_tensor& tensor = out.tensor;
    const std::uint8_t* bytes = data_of(tensor, "what predict() gives");
    expect(tensor.dtype_code == SKERRY_FLOAT && tensor.dtype_bits == 32 && tensor.ndim == 2 &&
               tensor.shape[0] == data.rows(),
           "predict() must give float32 [" + std::to_string(data.rows()) + ", outputs]");
    const auto* values = reinterpret_cast<const float*>(bytes);
    std::vector<float> copy(values, values + tensor.shape[0] * tensor.shape[1]);
    out.release(&out);
    expect(out.release == nullptr, "the tensor's release did not set itself to NULL");
    return copy;
  }

 private:
  Subject& subject_;
  std::unique_ptr<runtime::Instance> instance_;
};

// A model, and data of a form that it takes.
struct Prepared {
  explicit Prepared(Subject& subject, std::int64_t rows = 60) : model(subject) {
    std::string refusals;
    for (const Form& form : forms()) {
      data = std::make_unique<MadeUpData>(subject.random(), form.shape, form.classes, rows);
      const Status status = model.prepare(*data);
      if (status) return;
      refusals += (refusals.empty() ? "" : "; ") + status.error().text();
    }
    throw Skipped{
        "it is made for other data than is tried here (8 numbers, and images of 1x28x28 and "
        "3x32x32): " +
        refusals};
  }
  Model model;
  std::unique_ptr<MadeUpData> data;
};

void prepare_repeats(Subject& subject) {
  Prepared first(subject);
  Model second(subject);
  expect_ok(second.prepare(*first.data), "prepare");
  expect(first.model.weights() == second.weights(),
         "the same seed gives other initial weights; draw them from the seed alone");
}

void weights_well_formed(Subject& subject) {
  Prepared prepared(subject);
  const Weights weights = prepared.model.weights();
  expect(!weights.all.empty(), "has no weights");
  std::vector<std::string> names;
  for (const auto& one : weights.all) names.push_back(one.name);
  std::sort(names.begin(), names.end());
  const auto twice = std::adjacent_find(names.begin(), names.end());
  expect(twice == names.end(),
         "two weights have the name \"" + (twice == names.end() ? "" : *twice) + "\"");
  expect(weights.finite(), "some initial weights are NaN or infinite");
}

void save_load(Subject& subject) {
  Prepared trained(subject);
  expect_ok(trained.model.train(*trained.data), "train");
  const Weights weights = trained.model.weights();
  Model other(subject);
  expect_ok(other.prepare(*trained.data, kSeed + 1), "prepare");
  auto tensors = weights.abi();
  std::reverse(tensors.begin(), tensors.end());
  expect_ok(other.set_weights(tensors), "set_weights");
  expect(other.weights() == weights, "weights() after set_weights() are not those that were set");
  expect(same_bits(other.predict(*trained.data), trained.model.predict(*trained.data)),
         "a model with the same weights predicts something else");
}

void save_load_garbage(Subject& subject) {
  Prepared prepared(subject);
  const Weights weights = prepared.model.weights();
  const auto refuse = [&](const char* what, std::vector<skerry_named_tensor> tensors) {
    expect(!prepared.model.set_weights(tensors).has_value(),
           std::string("set_weights() takes weights ") + what);
    expect(prepared.model.weights() == weights,
           std::string("weights ") + what + " were refused, and changed the model");
  };
  refuse("of which all are missing", {});
  auto tensors = weights.abi();
  tensors.front().name = "no such weight";
  refuse("with a name that is not the model's", tensors);
  tensors = weights.abi();
  const std::vector<std::int64_t> longer(SKERRY_MAX_DIMS, 1);
  tensors.front().tensor.ndim = SKERRY_MAX_DIMS;
  tensors.front().tensor.shape = longer.data();
  refuse("of another shape", tensors);
  tensors = weights.abi();
  tensors.front().tensor.dtype_code = SKERRY_UINT;
  tensors.front().tensor.dtype_bits = 8;
  refuse("of another type", tensors);
  tensors = weights.abi();
  tensors.push_back(tensors.front());
  tensors.back().name = "one more";
  refuse("of which one is too many", tensors);
}

void training_learns(Subject& subject) {
  Prepared prepared(subject);
  const Weights before = prepared.model.weights();
  std::map<std::string, double> told;
  expect_ok(prepared.model.train(*prepared.data, &told), "train");
  expect(told.count("loss") == 1 && std::isfinite(told["loss"]),
         "train() must tell a finite metric \"loss\"");
  const Weights after = prepared.model.weights();
  expect(after.finite(), "after training on ordinary data some weights are NaN or infinite");
  expect(!(after == before), "training changes no weight");
}

void training_repeats(Subject& subject) {
  Prepared first(subject);
  Model second(subject);
  expect_ok(second.prepare(*first.data), "prepare");
  expect_ok(first.model.train(*first.data), "train");
  expect_ok(second.train(*first.data), "train");
  expect(first.model.weights() == second.weights(),
         "the same seed and data give other weights; shuffle by the seed, and sum in one order");
}

void evaluation_changes_nothing(Subject& subject) {
  Prepared prepared(subject);
  const Weights before = prepared.model.weights();
  std::map<std::string, double> once, twice;
  expect_ok(prepared.model.evaluate(*prepared.data, &once), "evaluate");
  expect_ok(prepared.model.evaluate(*prepared.data, &twice), "evaluate");
  expect(once == twice, "evaluate() tells other metrics the second time");
  expect(before == prepared.model.weights(), "evaluate() changes the weights");
  expect(once.count("loss") == 1, "evaluate() must tell a metric \"loss\"");
  if (!prepared.data->has_classes()) return;
  expect(once.count("accuracy") == 1 && once["accuracy"] >= 0 && once["accuracy"] <= 1,
         "evaluate() must tell \"accuracy\", in 0..1, for data with classes");
}

void prediction_finite(Subject& subject) {
  Prepared prepared(subject);
  const auto values = prepared.model.predict(*prepared.data);
  expect(std::all_of(values.begin(), values.end(), [](float x) { return std::isfinite(x); }),
         "predictions for ordinary data are NaN or infinite");
}

// What filters of hard examples go by.
void prediction_probabilities(Subject& subject) {
  Prepared prepared(subject);
  if (!prepared.data->has_classes()) throw Skipped{"it does not learn classes"};
  const auto values = prepared.model.predict(*prepared.data);
  const std::size_t rows = static_cast<std::size_t>(prepared.data->rows());
  const std::size_t classes = values.size() / rows;
  for (std::size_t row = 0; row < rows; ++row) {
    double sum = 0;
    for (std::size_t i = 0; i < classes; ++i) {
      const double value = values[row * classes + i];
      expect(value >= 0, "predict() gives " + std::to_string(value) +
                             " for a class; give probabilities, as softmax makes them");
      sum += value;
    }
    expect(std::abs(sum - 1) < 1e-3, "what predict() gives for the classes of a row adds up to " +
                                         std::to_string(sum) + "; give probabilities");
  }
}

// Who is done at once need not ask.
void cancel_honoured(Subject& subject) {
  constexpr std::chrono::milliseconds kAtOnce{300};
  Prepared prepared(subject, 600);
  subject.host().cancel = true;
  const auto begun = std::chrono::steady_clock::now();
  const Status status = prepared.model.train(*prepared.data);
  if (status && std::chrono::steady_clock::now() - begun < kAtOnce) return;
  expect(!status.has_value() && status.error().code == Code::cancelled,
         "train() was told to stop from the start, and " +
             (status ? std::string("ended as if nothing were") : "said: " + status.error().text()) +
             "; call Host::throw_if_cancelled(params.call_id) between batches");
}

void nan_inf_inputs(Subject& subject) {
  Prepared prepared(subject);
  auto& values = prepared.data->values();
  for (std::size_t i = 0; i < values.size(); i += 5)
    values[i] = i % 2 == 0 ? std::numeric_limits<float>::quiet_NaN()
                           : std::numeric_limits<float>::infinity();
  static_cast<void>(prepared.model.evaluate(*prepared.data));
  static_cast<void>(prepared.model.train(*prepared.data));
}

void zero_rows(Subject& subject) {
  Prepared prepared(subject);
  const auto* info = prepared.data->info();
  const MadeUpData nothing(subject.random(), {info->shape, info->shape + info->ndim}, info->classes,
                           0);
  static_cast<void>(prepared.model.evaluate(nothing));
  static_cast<void>(prepared.model.train(nothing));
}

}  // namespace

std::vector<Check> estimator_checks() {
  constexpr const char* kKind = "estimator";
  return {
      {"prepare-repeats", kKind, Level::required, "The same seed gives the same initial weights.",
       prepare_repeats},
      {"weights-well-formed", kKind, Level::required,
       "Its weights are dense and finite, with names of their own.", weights_well_formed},
      {"save-load", kKind, Level::required,
       "A model that is given the weights of another one is the same.", save_load},
      {"save-load-garbage", kKind, Level::required,
       "Weights that do not fit are refused and change nothing.", save_load_garbage},
      {"training-learns", kKind, Level::required,
       "Training changes the weights, keeps them finite and tells its loss.", training_learns},
      {"evaluation-changes-nothing", kKind, Level::required,
       "evaluate() tells loss and accuracy and changes nothing.", evaluation_changes_nothing},
      {"prediction-finite", kKind, Level::required,
       "predict() gives a row of finite numbers for each row.", prediction_finite},
      {"prediction-probabilities", kKind, Level::expected,
       "For classes predict() gives their probabilities.", prediction_probabilities},
      {"cancel-honoured", kKind, Level::required, "train() stops when the host says so.",
       cancel_honoured},
      {"nan-inf-inputs", kKind, Level::required, "Features with NaN and infinities do no harm.",
       nan_inf_inputs},
      {"zero-rows", kKind, Level::required, "Data without rows does no harm.", zero_rows},
      {"training-repeats", kKind, Level::expected,
       "The same seed and data give the same weights, bit for bit.", training_repeats},
  };
}

}  // namespace skerry::conformance
