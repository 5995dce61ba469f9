// task/1: the work that a workflow starts. Runs in a worker, on the cloud or on a node.
#pragma once

#include <skerry/aggregation.hpp>
#include <skerry/codec.hpp>
#include <skerry/estimator.hpp>
#include <skerry/plugin.hpp>
#include <skerry/sampling.hpp>

#include <cstdint>
#include <cstring>
#include <deque>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

namespace skerry {

using Json = nlohmann::json;

// The tensors of an input artifact, mapped read-only while the task runs.
using Tensors = Span<const skerry_named_tensor>;

// The job's model, as a task uses it: what Estimator says, seen from the other side. [serial]
class EstimatorRef {
 public:
  explicit EstimatorRef(FeatureRef<skerry_estimator_v1> feature) : feature_(std::move(feature)) {}

  void prepare(const skerry_dataset_info& info, std::uint64_t seed) {
    feature_.call(&skerry_estimator_v1::prepare, &info, seed);
  }
  // Borrowed until the next call.
  Tensors weights() {
    const skerry_named_tensor* tensors = nullptr;
    std::uint64_t count = 0;
    feature_.call(&skerry_estimator_v1::weights, &tensors, &count);
    return {tensors, count};
  }
  void set_weights(Tensors tensors) {
    feature_.call(&skerry_estimator_v1::set_weights, tensors.data(), tensors.size());
  }
  std::map<std::string, double> train(const skerry_data& data, const TrainParams& params) {
    const skerry_train_params plain = {sizeof(plain), params.round, params.seed, params.call_id};
    MetricMap metrics;
    feature_.call(&skerry_estimator_v1::train, &data, &plain, metrics.sink());
    return metrics.values();
  }
  std::map<std::string, double> evaluate(const skerry_data& data) {
    MetricMap metrics;
    feature_.call(&skerry_estimator_v1::evaluate, &data, metrics.sink());
    return metrics.values();
  }
  // features: float32 [n, shape...].
  Prediction predict(const skerry_tensor& features);

 private:
  FeatureRef<skerry_estimator_v1> feature_;
};

// Tensors with memory of their own.
class OwnedTensors {
 public:
  OwnedTensors() = default;
  OwnedTensors(OwnedTensors&&) = default;
  OwnedTensors& operator=(OwnedTensors&&) = default;

  void add(const skerry_named_tensor& tensor);        // a copy
  void add_zeros(const skerry_named_tensor& tensor);  // of its name, type and shape
  // Borrows from this.
  Tensors views() const { return {views_.data(), views_.size()}; }

 private:
  struct One {
    std::string name;
    std::vector<std::int64_t> shape;
    std::vector<char> bytes;
  };
  std::deque<One> all_;  // its elements stay where they are
  std::vector<skerry_named_tensor> views_;
};

// The job's codec, as a task uses it. [serial]
class CodecRef {
 public:
  explicit CodecRef(FeatureRef<skerry_codec_v1> feature) : feature_(std::move(feature)) {}

  // base: of the update's names, types and shapes, in any order.
  OwnedTensors encode(Tensors update, Tensors base);
  // Names, types and shapes are the base's.
  OwnedTensors decode(Tensors encoded, Tensors base);

 private:
  FeatureRef<skerry_codec_v1> feature_;
};

// The job's filter of hard examples, as a task uses it. [serial]
class SamplingRef {
 public:
  explicit SamplingRef(FeatureRef<skerry_sampling_v1> feature) : feature_(std::move(feature)) {}

  // SKERRY_NEEDS_..., or'd together.
  std::uint32_t needs() {
    std::uint32_t flags = 0;
    feature_.call(&skerry_sampling_v1::needs, &flags);
    return flags;
  }
  // A row each of both; a tensor without data is not at hand.
  std::vector<Judgement> judge(std::uint64_t rows, const skerry_tensor& features,
                               const skerry_tensor& predictions);

 private:
  FeatureRef<skerry_sampling_v1> feature_;
};

// What a running task has: its parameters, its inputs and outputs, and the job's other features.
// Valid for one run(). Every function throws Error as the host reports it; [serial] unless it says
// otherwise.
class TaskContext {
 public:
  TaskContext(const Host& host, std::uint64_t call_id, Json params);

  // What the workflow gave. The typed ones throw SKERRY_INVALID_ARGUMENT with the parameter's name.
  const Config& params() const { return params_; }
  // For TrainParams::call_id.
  std::uint64_t call_id() const { return call_id_; }
  // [any-thread]
  const Host& host() const { return host_; }
  // Must the task stop soon? [any-thread]
  bool cancelled() const { return host_.cancelled(call_id_); }
  void throw_if_cancelled() const { host_.throw_if_cancelled(call_id_); }

  // The artifact that the workflow named `name` among the task's inputs, as a file.
  std::string input_path(const std::string& name) const;
  Tensors input_tensors(const std::string& name) const;
  void write_tensors(const std::string& name, Tensors tensors) const;

  // This node's rows of the dataset in `slot`. split: "train", "holdout", or "info" for no rows but
  // the description. Share `index` of `parts`, unless the job's partition says otherwise; 0 of 1 is
  // all. Lives as long as the worker.
  const skerry_data& load_data(const std::string& slot, const std::string& split,
                               std::uint32_t index, std::uint32_t parts) const;

  // The estimator in `slot`; created on first use and kept for the life of the worker, with its
  // weights.
  EstimatorRef estimator(const std::string& slot) const {
    return EstimatorRef(host_.feature<skerry_estimator_v1>(slot));
  }
  // Likewise.
  CodecRef codec(const std::string& slot) const {
    return CodecRef(host_.feature<skerry_codec_v1>(slot));
  }
  SamplingRef sampling(const std::string& slot) const {
    return SamplingRef(host_.feature<skerry_sampling_v1>(slot));
  }

  // Runs the aggregation in `slot` over the input artifacts (updates[i] tells who sent inputs[i]),
  // tile by tile, and writes the output artifact. base: the input that the updates started from.
  void aggregate(const std::string& slot, const std::vector<std::string>& inputs,
                 const std::vector<Update>& updates, const std::string& base,
                 const std::string& output) const;

  // Answers questions with the job's features until the task is to stop or another version has its
  // place. For tasks that were started to serve; settings: see docs/workflows.md.
  void serve(const Json& settings) const;

  void metric(const std::string& name, double value) const;
  void metrics(const std::map<std::string, double>& values) const {
    for (const auto& [name, value] : values) metric(name, value);
  }
  // 0..1. [any-thread]
  void progress(double fraction) const;

  // What the workflow gets as TaskFinished.result.
  Json& result() { return result_; }

 private:
  const skerry_ext_task& task() const;

  const Host& host_;
  std::uint64_t call_id_;
  Config params_;
  Json result_ = Json::object();
};

// A feature class is constructed as every other is, once a worker, and sees many runs.
class Task {
 public:
  using KindBase = Task;
  virtual ~Task() = default;

  // Does the work. A task may be run again with the same arguments after a crash. [serial]
  virtual void run(TaskContext&) = 0;
};

// ------------------------------------------------------------------------------- implementation

inline Prediction EstimatorRef::predict(const skerry_tensor& features) {
  skerry_owned_tensor answer = {};
  feature_.call(&skerry_estimator_v1::predict, &features, &answer);
  Prediction prediction;
  try {
    const TensorView view(answer.tensor);
    if (view.shape().size() != 2 || features.ndim < 1 || view.shape()[0] != features.shape[0])
      throw Error(SKERRY_INTERNAL, "",
                  "the estimator predicted " + shape_text(view.shape()) +
                      ", which is no row of outputs for each row of features");
    const auto values = view.elements<const float>();
    prediction = {view.shape(), {values.begin(), values.end()}};
  } catch (...) {
    if (answer.release != nullptr) answer.release(&answer);
    throw;
  }
  if (answer.release != nullptr) answer.release(&answer);
  return prediction;
}

inline void OwnedTensors::add_zeros(const skerry_named_tensor& tensor) {
  if (tensor.name == nullptr) throw Error(SKERRY_INTERNAL, "", "a tensor without a name");
  const TensorView form(tensor.tensor);
  One& one = all_.emplace_back(One{tensor.name, form.shape(), std::vector<char>(form.bytes())});
  views_.push_back({one.name.c_str(), tensor.tensor});
  skerry_tensor& view = views_.back().tensor;
  view.data = one.bytes.data();
  view.shape = one.shape.data();
  view.strides = nullptr;
  view.byte_offset = 0;
}
inline void OwnedTensors::add(const skerry_named_tensor& tensor) {
  add_zeros(tensor);
  std::vector<char>& bytes = all_.back().bytes;
  if (!bytes.empty()) std::memcpy(bytes.data(), TensorView(tensor.tensor).raw(), bytes.size());
}

inline OwnedTensors CodecRef::encode(Tensors update, Tensors base) {
  std::vector<skerry_named_tensor> in_order;
  for (const skerry_named_tensor& each : update) {
    for (const skerry_named_tensor& other : base)
      if (std::strcmp(each.name, other.name) == 0) in_order.push_back(other);
  }
  if (in_order.size() != update.size())
    throw Error(SKERRY_INTERNAL, "", "the update does not have the model's tensors");
  OwnedTensors encoded;
  const skerry_tensor_sink sink = {
      sizeof(sink), 0, &encoded,
      [](const skerry_tensor_sink* self, const skerry_named_tensor* tensor) -> skerry_status {
        return detail::guard(nullptr, [&] { static_cast<OwnedTensors*>(self->ctx)->add(*tensor); });
      }};
  feature_.call(&skerry_codec_v1::encode, update.data(), in_order.data(), update.size(), &sink);
  return encoded;
}
inline OwnedTensors CodecRef::decode(Tensors encoded, Tensors base) {
  OwnedTensors update;
  for (const skerry_named_tensor& each : base) update.add_zeros(each);
  feature_.call(&skerry_codec_v1::decode, encoded.data(), encoded.size(), base.data(),
                update.views().data(), base.size());
  return update;
}

inline std::vector<Judgement> SamplingRef::judge(std::uint64_t rows, const skerry_tensor& features,
                                                 const skerry_tensor& predictions) {
  std::vector<double> scores(rows);
  std::vector<std::uint8_t> hard(rows);
  const skerry_examples examples = {sizeof(examples), 0, rows, features, predictions};
  feature_.call(&skerry_sampling_v1::judge, &examples, scores.data(), hard.data());
  std::vector<Judgement> judgements;
  for (std::size_t row = 0; row < rows; ++row) judgements.push_back({scores[row], hard[row] != 0});
  return judgements;
}

inline TaskContext::TaskContext(const Host& host, std::uint64_t call_id, Json params)
    : host_(host), call_id_(call_id), params_(std::move(params)) {}

inline const skerry_ext_task& TaskContext::task() const {
  const auto* service = host_.extension<skerry_ext_task>(SKERRY_EXT_TASK);
  if (service == nullptr) throw Error(SKERRY_UNSUPPORTED, "", "this host runs no tasks");
  return *service;
}

inline std::string TaskContext::input_path(const std::string& name) const {
  const char* path = nullptr;
  check_call([&](skerry_error* error) {
    return task().input_path(host_.abi(), name.c_str(), &path, error);
  });
  return path;
}

inline Tensors TaskContext::input_tensors(const std::string& name) const {
  const skerry_named_tensor* tensors = nullptr;
  std::uint64_t count = 0;
  check_call([&](skerry_error* error) {
    return task().input_tensors(host_.abi(), name.c_str(), &tensors, &count, error);
  });
  return {tensors, count};
}

inline void TaskContext::write_tensors(const std::string& name, Tensors tensors) const {
  check_call([&](skerry_error* error) {
    return task().write_tensors(host_.abi(), name.c_str(), tensors.data(), tensors.size(), error);
  });
}

inline const skerry_data& TaskContext::load_data(const std::string& slot, const std::string& split,
                                                 std::uint32_t index, std::uint32_t parts) const {
  const skerry_data* data = nullptr;
  check_call([&](skerry_error* error) {
    return task().load_data(host_.abi(), slot.c_str(), split.c_str(), index, parts, &data, error);
  });
  return *data;
}

inline void TaskContext::aggregate(const std::string& slot, const std::vector<std::string>& inputs,
                                   const std::vector<Update>& updates, const std::string& base,
                                   const std::string& output) const {
  if (inputs.size() != updates.size()) {
    throw Error(SKERRY_INTERNAL, "",
                std::to_string(inputs.size()) + " inputs to aggregate, but " +
                    std::to_string(updates.size()) + " updates described");
  }
  std::vector<const char*> names;
  std::vector<skerry_update> senders;
  for (const std::string& each : inputs) names.push_back(each.c_str());
  for (const Update& each : updates)
    senders.push_back({each.node.c_str(), each.samples, each.loss});
  check_call([&](skerry_error* error) {
    return task().aggregate(host_.abi(), slot.c_str(), names.data(), senders.data(), senders.size(),
                            base.c_str(), output.c_str(), error);
  });
}

inline void TaskContext::metric(const std::string& name, double value) const {
  task().metric(host_.abi(), name.c_str(), value);
}

inline void TaskContext::serve(const Json& settings) const {
  if (!SKERRY_HAS(skerry_ext_task, &task(), serve) || task().serve == nullptr)
    throw Error(SKERRY_UNSUPPORTED, "", "this host is too old to serve");
  const std::string text = settings.dump();
  check_call([&](skerry_error* error) {
    return task().serve(host_.abi(),
                        {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()}, error);
  });
}

inline void TaskContext::progress(double fraction) const {
  task().progress(host_.abi(), fraction);
}

// Rows, of data that a host gave.
inline std::uint64_t rows_of(const skerry_data& data) {
  return data.features.ndim > 0 ? static_cast<std::uint64_t>(data.features.shape[0]) : 0;
}

template <>
struct InterfaceKind<skerry_task_v1> {
  static constexpr const char* id = "task/1";
};

template <>
struct Kind<Task> {
  static constexpr const char* id = InterfaceKind<skerry_task_v1>::id;

  template <class T>
  static const void* table() {
    static constexpr skerry_task_v1 functions = {sizeof(skerry_task_v1), 0, run};
    return &functions;
  }

 private:
  static skerry_status run(skerry_instance* instance, std::uint64_t call_id, skerry_bytes params,
                           const skerry_sink* result, skerry_error* error) {
    return detail::guard(error, [&] {
      auto json = Json::parse(params.data, params.data + params.size, nullptr, false);
      if (json.is_discarded())
        throw Error(SKERRY_INTERNAL, "", "the parameters are not valid JSON");
      const Host& host = reinterpret_cast<detail::Instance*>(instance)->host;
      TaskContext context(host, call_id, std::move(json));
      object_of<Task>(instance).run(context);
      const std::string text =
          context.result().dump(-1, ' ', false, Json::error_handler_t::replace);
      const skerry_status status =
          result->write(result, {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
      if (status != SKERRY_OK) throw Error(status, "", "the host refused the result");
    });
  }
};

}  // namespace skerry
