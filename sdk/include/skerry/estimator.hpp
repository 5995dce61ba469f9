// estimator/1: a model. Weights in and out, train, evaluate, predict.
#pragma once

#include <skerry/dataset.hpp>
#include <skerry/metrics.hpp>
#include <skerry/plugin.hpp>

#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace skerry {

// Rows of a dataset in memory, borrowed for the call and read-only.
struct Data {
  DatasetInfo info;     // of the whole dataset: info.rows is not the number of rows here
  TensorView features;  // float32 [rows, shape...]
  TensorView labels;    // int64 [rows] for classes, float32 [rows] for real labels

  std::int64_t rows() const { return features.shape().at(0); }
};

struct TrainParams {
  std::uint32_t round =
      0;                   // from 0; `round * epochs` epochs were trained before, elsewhere or here
  std::uint64_t seed = 0;  // with the epoch's number it decides shuffling, dropout and the like
  std::uint64_t call_id = 0;  // for Host::cancelled
};

// What predict() answers.
struct Prediction {
  std::vector<std::int64_t> shape;  // [n, outputs]; of classes the probabilities
  std::vector<float> values;        // row after row
};

// The host calls prepare() first. Every function is [serial] and throws skerry::Error.
class Estimator {
 public:
  using KindBase = Estimator;
  virtual ~Estimator() = default;

  // Builds the model for such data (info.rows does not matter), with initial weights that depend on
  // the seed only.
  virtual void prepare(const DatasetInfo& info, std::uint64_t seed) = 0;

  // All parameters, then all buffers, each in a fixed order. The views must hold until the next
  // call.
  virtual std::vector<NamedTensor> weights() = 0;

  // Copies the values in. The layer has checked that names, types and shapes are those of weights()
  // and has put them into its order.
  virtual void set_weights(const std::vector<NamedTensor>& weights) = 0;

  // As many epochs as the configuration says. Metrics: at least "loss", the mean over the last
  // epoch. Asks Host::cancelled(params.call_id) between batches.
  virtual void train(const Data& data, const TrainParams& params, Metrics& metrics) = 0;

  // Metrics: at least "loss"; "accuracy" (0..1) for classes. Changes nothing.
  virtual void evaluate(const Data& data, Metrics& metrics) = 0;

  // features: float32 [n, shape...].
  virtual Prediction predict(const TensorView& features) = 0;

 private:
  friend struct Kind<Estimator>;
  std::vector<NamedTensor> lent_;  // what weights() last lent out, and its form for the ABI
  std::vector<skerry_named_tensor> lent_abi_;
};

template <>
struct InterfaceKind<skerry_estimator_v1> {
  static constexpr const char* id = "estimator/1";
};

template <>
struct Kind<Estimator> {
  static constexpr const char* id = InterfaceKind<skerry_estimator_v1>::id;

  template <class T>
  static const void* table() {
    static constexpr skerry_estimator_v1 functions = {
        sizeof(skerry_estimator_v1), 0, prepare, weights, set_weights, train, evaluate, predict};
    return &functions;
  }

 private:
  static skerry_status prepare(skerry_instance* instance, const skerry_dataset_info* info,
                               std::uint64_t seed, skerry_error* error) {
    return detail::guard(
        error, [&] { object_of<Estimator>(instance).prepare(detail::dataset_info(*info), seed); });
  }

  static skerry_status weights(skerry_instance* instance, const skerry_named_tensor** out,
                               std::uint64_t* count, skerry_error* error) {
    return detail::guard(error, [&] {
      Estimator& object = object_of<Estimator>(instance);
      object.lent_ = object.weights();
      object.lent_abi_ = detail::abi_tensors(object.lent_);
      *out = object.lent_abi_.data();
      *count = object.lent_abi_.size();
    });
  }

  static skerry_status set_weights(skerry_instance* instance, const skerry_named_tensor* tensors,
                                   std::uint64_t count, skerry_error* error) {
    return detail::guard(error, [&] {
      Estimator& object = object_of<Estimator>(instance);
      object.set_weights(in_order_of(object.weights(), detail::named_tensors(tensors, count)));
    });
  }

  static skerry_status train(skerry_instance* instance, const skerry_data* data,
                             const skerry_train_params* params, const skerry_metric_sink* sink,
                             skerry_error* error) {
    return detail::guard(error, [&] {
      Metrics metrics(sink);
      object_of<Estimator>(instance).train(data_of(*data),
                                           {params->round, params->seed, params->call_id}, metrics);
    });
  }

  static skerry_status evaluate(skerry_instance* instance, const skerry_data* data,
                                const skerry_metric_sink* sink, skerry_error* error) {
    return detail::guard(error, [&] {
      Metrics metrics(sink);
      object_of<Estimator>(instance).evaluate(data_of(*data), metrics);
    });
  }

  static skerry_status predict(skerry_instance* instance, const skerry_tensor* features,
                               skerry_owned_tensor* out, skerry_error* error) {
    return detail::guard(error, [&] {
      auto prediction = std::make_unique<Prediction>(
          object_of<Estimator>(instance).predict(TensorView(*features)));
      const TensorView view(prediction->values.data(), dtype_of<float>(), prediction->shape);
      if (view.size() != prediction->values.size()) {
        throw Error(SKERRY_INTERNAL, "",
                    std::to_string(prediction->values.size()) + " predicted values are no " +
                        shape_text(prediction->shape));
      }
      out->tensor = view.abi();
      out->tensor.shape = prediction->shape.data();
      out->ctx = prediction.release();
      out->release = [](skerry_owned_tensor* owned) {
        delete static_cast<Prediction*>(owned->ctx);
        owned->release = nullptr;
      };
    });
  }

  static Data data_of(const skerry_data& data) {
    return {detail::dataset_info(*data.info), TensorView(data.features), TensorView(data.labels)};
  }

  static std::vector<NamedTensor> in_order_of(const std::vector<NamedTensor>& own,
                                              const std::vector<NamedTensor>& given) {
    std::vector<NamedTensor> ordered;
    for (const NamedTensor& wanted : own) ordered.push_back(matching(wanted, given));
    if (given.size() > own.size()) {
      throw invalid("", "the model has " + std::to_string(own.size()) + " tensors, found " +
                            std::to_string(given.size()));
    }
    return ordered;
  }

  static const NamedTensor& matching(const NamedTensor& wanted,
                                     const std::vector<NamedTensor>& given) {
    for (const NamedTensor& each : given) {
      if (each.name != wanted.name) continue;
      if (each.tensor.dtype() == wanted.tensor.dtype() &&
          each.tensor.shape() == wanted.tensor.shape())
        return each;
      throw invalid("", "tensor \"" + each.name + "\" is " + each.tensor.dtype().name() +
                            shape_text(each.tensor.shape()) + ", the model's is " +
                            wanted.tensor.dtype().name() + shape_text(wanted.tensor.shape()));
    }
    throw invalid("", "tensor \"" + wanted.name + "\" of the model is missing");
  }
};

}  // namespace skerry
