// The tasks, with a host and an estimator that note what they are asked.
#include <algorithm>
#include <cmath>

#include "federated_support.hpp"

using federated_test::bytes_of;
using federated_test::Instance;
using federated_test::Json;
using federated_test::Outcome;
using federated_test::PluginUnderTest;
using federated_test::TextSink;

namespace {

// A model of one number, to which each training adds 1.
struct FakeEstimator {
  std::vector<std::string>& log;
  float weight = 0;
  std::int64_t shape = 1;
  skerry_named_tensor tensor = {};

  explicit FakeEstimator(std::vector<std::string>& calls) : log(calls) {
    tensor.name = "w";
    tensor.tensor = {&weight, SKERRY_CPU, 0, 1, SKERRY_FLOAT, 32, 1, &shape, nullptr, 0};
  }
  static FakeEstimator& of(skerry_instance* instance) {
    return *reinterpret_cast<FakeEstimator*>(instance);
  }

  static skerry_status prepare(skerry_instance* self, const skerry_dataset_info* info,
                               std::uint64_t seed, skerry_error*) {
    of(self).log.push_back("prepare " + std::to_string(info->classes) + " classes, seed " +
                           std::to_string(seed));
    of(self).weight = static_cast<float>(seed);
    return SKERRY_OK;
  }
  static skerry_status weights(skerry_instance* self, const skerry_named_tensor** out,
                               std::uint64_t* count, skerry_error*) {
    *out = &of(self).tensor;
    *count = 1;
    return SKERRY_OK;
  }
  static skerry_status set_weights(skerry_instance* self, const skerry_named_tensor* tensors,
                                   std::uint64_t, skerry_error*) {
    of(self).weight = *static_cast<const float*>(tensors->tensor.data);
    of(self).log.push_back("set " + std::to_string(of(self).weight));
    return SKERRY_OK;
  }
  static skerry_status train(skerry_instance* self, const skerry_data* data,
                             const skerry_train_params* params, const skerry_metric_sink* metrics,
                             skerry_error*) {
    of(self).log.push_back("train " + std::to_string(data->features.shape[0]) + " rows, round " +
                           std::to_string(params->round) + ", seed " +
                           std::to_string(params->seed) + ", call " +
                           std::to_string(params->call_id));
    of(self).weight += 1;
    metrics->add(metrics, "loss", 0.25);
    return SKERRY_OK;
  }
  static skerry_status evaluate(skerry_instance* self, const skerry_data* data,
                                const skerry_metric_sink* metrics, skerry_error*) {
    of(self).log.push_back("evaluate " + std::to_string(data->features.shape[0]) + " rows");
    metrics->add(metrics, "loss", 0.5);
    metrics->add(metrics, "accuracy", 0.75);
    return SKERRY_OK;
  }
};

// Hosts one task of the plugin.
class TaskHost {
 public:
  explicit TaskHost(const std::string& id)
      : task_instance_(open_plugin().create<skerry_task_v1>(id)) {}
  TaskHost(const TaskHost&) = delete;
  TaskHost& operator=(const TaskHost&) = delete;

  std::vector<std::string> log;
  std::map<std::string, float> inputs = {{"model", 3.0F}};
  std::map<std::string, float> written;
  std::map<std::string, double> metrics;
  std::int64_t rows = 8;
  PluginUnderTest plugin{"federated"};
  Outcome outcome;  // of the last run

  // Returns the result, null when there is none.
  Json run(const Json& params, std::uint64_t call_id = 5) {
    const std::string text = params.dump();
    TextSink result;
    outcome = task_instance_.call(&skerry_task_v1::run, call_id, bytes_of(text), result.abi());
    return result.text().empty() ? Json() : Json::parse(result.text());
  }

 private:
  // What the host gives to the plugin; found again by its address.
  template <class Table>
  struct Service {
    Table table;
    TaskHost* owner;
  };

  PluginUnderTest& open_plugin() {
    plugin.host.extensions[SKERRY_EXT_FEATURES] = &features_;
    plugin.host.extensions[SKERRY_EXT_TASK] = &task_;
    return plugin;
  }
  static TaskHost* self(const skerry_host* host) {
    return static_cast<const Service<skerry_ext_task>*>(host->get_extension(host, SKERRY_EXT_TASK))
        ->owner;
  }
  static skerry_status open(const skerry_host* host, const char* slot, skerry_feature* out,
                            skerry_error*) {
    EXPECT_STREQ(slot, "estimator");
    *out = {reinterpret_cast<skerry_instance*>(&self(host)->estimator_),
            &self(host)->estimator_functions_, "fake", "estimator/1"};
    return SKERRY_OK;
  }
  static skerry_status input_tensors(const skerry_host* host, const char* name,
                                     const skerry_named_tensor** out, std::uint64_t* count,
                                     skerry_error*) {
    TaskHost& me = *self(host);
    me.input_ = me.estimator_.tensor;
    me.input_.tensor.data = &me.inputs.at(name);
    *out = &me.input_;
    *count = 1;
    return SKERRY_OK;
  }
  static skerry_status write_tensors(const skerry_host* host, const char* name,
                                     const skerry_named_tensor* tensors, std::uint64_t count,
                                     skerry_error*) {
    EXPECT_EQ(count, 1U);
    self(host)->written[name] = *static_cast<const float*>(tensors->tensor.data);
    return SKERRY_OK;
  }
  static skerry_status load_data(const skerry_host* host, const char* slot, const char* split,
                                 std::uint32_t index, std::uint32_t parts, const skerry_data** out,
                                 skerry_error*) {
    TaskHost& me = *self(host);
    me.log.push_back(std::string("load ") + slot + " " + split + " " + std::to_string(index) + "/" +
                     std::to_string(parts));
    const bool info = std::string(split) == "info";
    Rows& rows = info ? me.no_rows_ : me.rows_;
    rows.shape[0] = info ? 0 : me.rows;
    rows.data = {sizeof(rows.data), 0, &me.info_, {}, {}};
    rows.data.features = {rows.values, SKERRY_CPU, 0,          2,       SKERRY_FLOAT,
                          32,          1,          rows.shape, nullptr, 0};
    *out = &rows.data;
    return SKERRY_OK;
  }
  static skerry_status aggregate(const skerry_host* host, const char* slot,
                                 const char* const* inputs, const skerry_update* updates,
                                 std::uint64_t count, const char* base, const char* output,
                                 skerry_error*) {
    std::string line = std::string("aggregate ") + slot + ":";
    for (std::uint64_t i = 0; i < count; ++i) {
      line += std::string(" ") + inputs[i] + "=" + updates[i].node + "/" +
              std::to_string(updates[i].samples) + (std::isnan(updates[i].loss) ? "/nan" : "");
    }
    self(host)->log.push_back(line + " from " + base + " to " + output);
    return SKERRY_OK;
  }

  static void metric(const skerry_host* host, const char* name, double value) {
    self(host)->metrics[name] = value;
  }
  static void progress(const skerry_host*, double) {}

  struct Rows {
    skerry_data data = {};
    std::int64_t shape[2] = {0, 4};
    float values[64] = {};
  };
  Rows rows_, no_rows_;
  skerry_dataset_info info_ = {sizeof(info_), 1, {4}, 100, SKERRY_LABEL_CLASS, 10};
  skerry_named_tensor input_ = {};
  FakeEstimator estimator_{log};
  skerry_estimator_v1 estimator_functions_ = {sizeof(estimator_functions_), 0,
                                              FakeEstimator::prepare,       FakeEstimator::weights,
                                              FakeEstimator::set_weights,   FakeEstimator::train,
                                              FakeEstimator::evaluate,      nullptr};
  skerry_ext_features features_ = {sizeof(features_), 0, open};
  Service<skerry_ext_task> task_ = {
      {sizeof(skerry_ext_task), 0, nullptr, input_tensors, write_tensors, load_data, aggregate,
       metric, progress, nullptr},
      this};
  Instance<skerry_task_v1> task_instance_;
};

using Log = std::vector<std::string>;

}  // namespace

TEST(FederatedTask, InitReadsOnlyTheDescriptionOfTheData) {
  TaskHost host("federated.init");
  host.run({{"seed", 7}});
  EXPECT_TRUE(host.outcome.ok()) << host.outcome;
  EXPECT_EQ(host.log, (Log{"load dataset info 0/1", "prepare 10 classes, seed 7"}));
  EXPECT_EQ(host.written, (std::map<std::string, float>{{"model", 7.0F}}));
}

TEST(FederatedTask, TrainStartsFromTheModelGivenAndPreparesOnce) {
  TaskHost host("federated.train");
  const Json params = {{"round", 3}, {"index", 1}, {"parts", 4}, {"seed", 0xFFFFFFFFFFFFFFFFULL}};
  EXPECT_EQ(host.run(params), Json({{"samples", 8}})) << host.outcome;
  EXPECT_EQ(host.log, (Log{"load dataset train 1/4", "load dataset info 0/1",
                           "prepare 10 classes, seed 18446744073709551615", "set 3.000000",
                           "train 8 rows, round 2, seed 18446744073709551615, call 5"}));
  EXPECT_EQ(host.written["update"], 4.0F);
  EXPECT_EQ(host.metrics, (std::map<std::string, double>{{"loss", 0.25}}));
  host.log.clear();
  host.inputs["model"] = 10;
  host.run(params);
  EXPECT_EQ(host.log.size(), 3U) << "no second prepare";
  EXPECT_EQ(host.written["update"], 11.0F);
}

TEST(FederatedTask, AnEmptyShareIsNamed) {
  TaskHost training("federated.train");
  training.rows = 0;
  training.run({{"round", 1}, {"index", 1}, {"parts", 4}, {"seed", 1}});
  EXPECT_EQ(training.outcome.status, SKERRY_INVALID_ARGUMENT);
  EXPECT_EQ(training.outcome.field, "dataset");
  EXPECT_EQ(
      training.outcome.message,
      "share 2 of 4 of the train rows is empty; use fewer nodes, more rows, or another partition");
  TaskHost evaluation("federated.evaluate");
  evaluation.rows = 0;
  evaluation.run({{"index", 0}, {"parts", 1}, {"seed", 1}});
  EXPECT_EQ(evaluation.outcome.message,
            "share 1 of 1 of the holdout rows is empty; raise the dataset's holdout, or set "
            "evaluation.where to none");
}

TEST(FederatedTask, ACancelledTrainingWritesNothing) {
  TaskHost host("federated.train");
  host.plugin.host.cancel = true;
  host.run({{"round", 1}, {"index", 0}, {"parts", 1}, {"seed", 1}});
  EXPECT_EQ(host.outcome.status, SKERRY_CANCELLED);
  EXPECT_TRUE(host.written.empty());
}

TEST(FederatedTask, EvaluateMeasuresTheModelOnTheHeldOutRows) {
  TaskHost host("federated.evaluate");
  EXPECT_EQ(host.run({{"index", 0}, {"parts", 1}, {"seed", 1}}), Json({{"samples", 8}}))
      << host.outcome;
  EXPECT_EQ(host.log.front(), "load dataset holdout 0/1");
  EXPECT_EQ(host.log.back(), "evaluate 8 rows");
  EXPECT_EQ(host.metrics, (std::map<std::string, double>{{"loss", 0.5}, {"accuracy", 0.75}}));
  EXPECT_TRUE(host.written.empty());
}

TEST(FederatedTask, AggregatePassesTheUpdatesOnInTheirOrder) {
  TaskHost host("federated.aggregate");
  const Json updates = {{{"node", "b"}, {"samples", 20}, {"loss", 0.5}},
                        {{"node", "a"}, {"samples", 10}}};
  host.run({{"updates", updates}});
  EXPECT_TRUE(host.outcome.ok()) << host.outcome;
  EXPECT_EQ(host.log, (Log{"aggregate aggregation: u0=b/20 u1=a/10/nan from base to model"}));
}

TEST(FederatedTask, AHostThatRunsNoTasksIsToldSo) {
  TaskHost host("federated.aggregate");
  host.plugin.host.extensions.erase(SKERRY_EXT_TASK);
  host.run({{"updates", Json::array()}});
  EXPECT_EQ(host.outcome.status, SKERRY_UNSUPPORTED);
  EXPECT_EQ(host.outcome.message, "this host runs no tasks");
}

TEST(FederatedTask, MissingParametersAreNamed) {
  TaskHost host("federated.train");
  host.run(Json::object());
  EXPECT_EQ(host.outcome.status, SKERRY_INVALID_ARGUMENT);
  EXPECT_EQ(host.outcome.field, "index");
}
