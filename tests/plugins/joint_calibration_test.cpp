// JointCalibration: the workflow, and its task with a host and models that do what they are told.
// The arithmetic of curves and choices: calibration_test.cpp.
#include <cmath>
#include <cstring>
#include <limits>
#include <set>

#include "joint_support.hpp"

using joint_test::bytes_of;
using joint_test::digest;
using joint_test::Instance;
using joint_test::Json;
using joint_test::Outcome;
using joint_test::PluginUnderTest;
using joint_test::Service;
using joint_test::TextSink;
using ::testing::HasSubstr;
using ::testing::StartsWith;

namespace {

Json spec_of(const Json& more = Json::object()) {
  Json spec = {{"dataset", {{"plugin", "d"}}},
               {"edge", {{{"estimator", {{"plugin", "e"}}}, {"filter", {{"plugin", "f"}}}}}},
               {"cloud", {{"estimator", {{"plugin", "c"}}}}},
               {"choose", {{"cloudBudget", 0.25}}}};
  spec.update(more);
  return spec;
}

// Drives the other workflow of the plugin.
class Calibration : public Service {
 public:
  Calibration() : Service("joint-calibration") {}
  Json answer(const std::string& task, const Json& result) {
    open.erase(task);
    return send({{"type", "TaskFinished"}, {"task", task}, {"node", "a"}, {"result", result}});
  }
};

const Json kResult = {{"choice", {{"threshold", 0.5}, {"share", 0.2}, {"accuracy", 0.975}}}};

}  // namespace

TEST(JointCalibration, AsksTheFirstNodeThatIsThere) {
  Calibration job;
  Json spec = spec_of({{"split", "train"}});
  spec["edge"][0]["model"] = {{"$artifact", digest('a')}, {"name", "m"}};
  job.start({}, spec);
  EXPECT_EQ(job.status, "Waiting: for a node");
  job.join("b");
  job.join("a");
  ASSERT_EQ(job.open.size(), 1u);
  const Json task = job.open.at("calibrate/b");
  EXPECT_EQ(task["kind"], "joint.calibrate");
  EXPECT_EQ(task["node"], "b");
  EXPECT_EQ(task["inputs"], Json({{"edge", digest('a')}}));
  EXPECT_EQ(task["params"], Json({{"split", "train"},
                                  {"seed", 7},
                                  {"edgeModel", true},
                                  {"cloudModel", false},
                                  {"choose", {{"cloudBudget", 0.25}}}}));
  EXPECT_EQ(job.status, "Running: b lets both models answer");
}

TEST(JointCalibration, RecordsTheAnswerAndSaysItInASentence) {
  Calibration job;
  job.start({"a", "b"}, spec_of());
  job.answer("calibrate/a", kResult);
  EXPECT_EQ(job.reports.at(0), Json({{"calibration", kResult}}));
  EXPECT_EQ(job.finish["phase"], "Succeeded");
  EXPECT_EQ(job.finish["message"], "threshold 0.5: 20.00 % to the cloud, 97.50 % right");
}

TEST(JointCalibration, SaysWhenWhatWasWantedCannotBeReached) {
  Calibration job;
  job.start({"a"}, spec_of());
  Json result = kResult;
  result["choice"]["reached"] = false;
  job.answer("calibrate/a", result);
  EXPECT_THAT(job.finish["message"].get<std::string>(), HasSubstr("cannot be reached"));
}

TEST(JointCalibration, BelievesNoAnswerThatIsNone) {
  for (const Json& result :
       {Json::object(), Json{{"choice", 5}}, Json{{"choice", Json::object()}},
        Json{{"choice", {{"threshold", "x"}, {"share", 0.2}, {"accuracy", 0.9}}}},
        Json{{"choice", {{"threshold", nullptr}, {"share", 0.2}, {"accuracy", 0.9}}}}}) {
    Calibration job;
    job.start({"a"}, spec_of());
    job.answer("calibrate/a", result);
    EXPECT_EQ(job.finish["phase"], "Failed") << result;
    EXPECT_EQ(job.finish["message"], "what node a answered is no calibration");
  }
}

TEST(JointCalibration, FailsWithWhatTheNodeSays) {
  Calibration job;
  job.start({"a"}, spec_of());
  job.fail("calibrate/a", "invalid_argument", "dataset: there are no rows");
  EXPECT_EQ(job.finish["phase"], "Failed");
  EXPECT_EQ(job.finish["message"], "dataset: there are no rows");
  EXPECT_EQ(job.answer("calibrate/a", kResult), Json::array()) << "too late";
}

TEST(JointCalibration, RefusesAWishThatIsNone) {
  Calibration job;
  job.start({"a"}, spec_of({{"choose", {{"cloudBudget", 0.2}, {"targetAccuracy", 0.9}}}}));
  EXPECT_TRUE(job.open.empty());
  EXPECT_THAT(job.finish["message"].get<std::string>(),
              StartsWith("choose: must have exactly one"));
}

TEST(JointCalibration, EndsWhenSomebodySaysStop) {
  Calibration waiting, calibrating;
  waiting.start({}, spec_of());
  calibrating.start({"a"}, spec_of());
  for (Calibration* job : {&waiting, &calibrating}) {
    job->signal("stop");
    EXPECT_EQ(job->finish["phase"], "Failed");
    EXPECT_EQ(job->finish["message"], "stopped");
    EXPECT_EQ(job->join("b"), Json::array());
  }
}

TEST(JointCalibration, IgnoresWhatFitsNothing) {
  Calibration job;
  job.start({"a"}, spec_of());
  const std::string state = job.state();
  for (const Json& event : {Json{{"type", "Restarted"}}, Json{{"type", "NodeLost"}, {"node", "a"}},
                            Json{{"type", "TaskFinished"}, {"task", "calibrate/b"}},
                            Json{{"type", "Signal"}, {"name", "models"}}}) {
    EXPECT_EQ(job.send(event), Json::array()) << event;
    EXPECT_EQ(job.state(), state);
  }
}

// ---- the tasks

namespace {

// Of two classes, right about the examples from `first` up to before `last`. An example is its
// number.
std::int64_t class_of(int number) {
  return number % 3 == 0 ? 1 : 0;  // batches do not begin with the same one
}
struct FakeModel {
  int first = 0, last = 0;
  std::uint64_t seed = 0;
  float weight = -1;                // -1: none were set
  float answer = 1;                 // of the class that it is for
  std::vector<std::int64_t> asked;  // rows of each question
  std::vector<float> outputs;
  std::int64_t shape[2] = {0, 2};

  static FakeModel& of(skerry_instance* instance) {
    return *reinterpret_cast<FakeModel*>(instance);
  }
  static skerry_status prepare(skerry_instance* self, const skerry_dataset_info*,
                               std::uint64_t with, skerry_error*) {
    of(self).seed = with;
    return SKERRY_OK;
  }
  static skerry_status set_weights(skerry_instance* self, const skerry_named_tensor* tensors,
                                   std::uint64_t, skerry_error*) {
    of(self).weight = *static_cast<const float*>(tensors->tensor.data);
    return SKERRY_OK;
  }
  static skerry_status predict(skerry_instance* self, const skerry_tensor* features,
                               skerry_owned_tensor* out, skerry_error*) {
    FakeModel& me = of(self);
    const std::int64_t rows = me.shape[0] = features->shape[0];
    me.asked.push_back(rows);
    me.outputs.assign(static_cast<std::size_t>(2 * rows), 0);
    const auto* numbers = reinterpret_cast<const float*>(static_cast<const char*>(features->data) +
                                                         features->byte_offset);
    for (std::int64_t row = 0; row < rows; ++row) {
      const int number = static_cast<int>(numbers[row]);
      const bool right = number >= me.first && number < me.last;
      const std::int64_t said = right ? class_of(number) : 1 - class_of(number);
      me.outputs[static_cast<std::size_t>(2 * row + said)] = me.answer;
    }
    *out = {{me.outputs.data(), SKERRY_CPU, 0, 2, SKERRY_FLOAT, 32, 1, me.shape, nullptr, 0},
            nullptr,
            nullptr};
    return SKERRY_OK;
  }
};

// Hosts one task of the plugin, with `rows` examples: the number is the score too.
class TaskHost {
 public:
  explicit TaskHost(const std::string& id) : instance_(open_plugin().create<skerry_task_v1>(id)) {}
  TaskHost(const TaskHost&) = delete;
  TaskHost& operator=(const TaskHost&) = delete;

  FakeModel edge, cloud;
  int rows = 8;
  bool has_classes = true;
  std::string split, served;
  std::set<std::string> slots;
  PluginUnderTest plugin{"joint"};
  Outcome outcome;  // of the last run

  Json run(const Json& params) {
    const std::string text = params.dump();
    TextSink result;
    outcome = instance_.call(&skerry_task_v1::run, std::uint64_t{5}, bytes_of(text), result.abi());
    return result.text().empty() ? Json() : Json::parse(result.text());
  }
  Json calibrate(const Json& more = Json::object()) {
    Json params = {{"split", "holdout"},
                   {"seed", 7},
                   {"edgeModel", false},
                   {"cloudModel", false},
                   {"choose", {{"cloudBudget", 0.25}}}};
    params.update(more);
    return run(params);
  }
  void forget_how_to_serve() { task_.table.struct_size = offsetof(skerry_ext_task, serve); }

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
  static TaskHost& self(const skerry_host* host) {
    return *static_cast<const Service<skerry_ext_task>*>(host->get_extension(host, SKERRY_EXT_TASK))
                ->owner;
  }
  static skerry_status open(const skerry_host* host, const char* slot, skerry_feature* out,
                            skerry_error*) {
    TaskHost& me = self(host);
    me.slots.insert(slot);
    if (std::strcmp(slot, "edge[0].filter") == 0) {
      *out = {reinterpret_cast<skerry_instance*>(&me), &me.filter_functions_, "f", "sampling/1"};
      return SKERRY_OK;
    }
    FakeModel& model = std::strcmp(slot, "edge[0].estimator") == 0 ? me.edge : me.cloud;
    *out = {reinterpret_cast<skerry_instance*>(&model), &me.model_functions_, "m", "estimator/1"};
    return SKERRY_OK;
  }
  static skerry_status needs(skerry_instance*, std::uint32_t* out, skerry_error*) {
    *out = SKERRY_NEEDS_FEATURES;
    return SKERRY_OK;
  }
  static skerry_status judge(skerry_instance*, const skerry_examples* examples, double* scores,
                             std::uint8_t* hard, skerry_error*) {
    const auto* numbers = reinterpret_cast<const float*>(
        static_cast<const char*>(examples->features.data) + examples->features.byte_offset);
    EXPECT_EQ(examples->predictions.shape[0], static_cast<std::int64_t>(examples->rows));
    for (std::uint64_t row = 0; row < examples->rows; ++row) {
      scores[row] = static_cast<double>(numbers[row]);
      hard[row] = 0;
    }
    return SKERRY_OK;
  }
  static skerry_status input_tensors(const skerry_host* host, const char* name,
                                     const skerry_named_tensor** out, std::uint64_t* count,
                                     skerry_error*) {
    TaskHost& me = self(host);
    me.weight_ = std::strcmp(name, "edge") == 0 ? 3 : 4;
    me.input_ = {"w", {&me.weight_, SKERRY_CPU, 0, 1, SKERRY_FLOAT, 32, 1, &me.one_, nullptr, 0}};
    *out = &me.input_;
    *count = 1;
    return SKERRY_OK;
  }
  static skerry_status load_data(const skerry_host* host, const char* slot, const char* split,
                                 std::uint32_t index, std::uint32_t parts, const skerry_data** out,
                                 skerry_error*) {
    TaskHost& me = self(host);
    EXPECT_STREQ(slot, "dataset");
    EXPECT_EQ(index, 0u);
    EXPECT_EQ(parts, 1u);
    me.split = split;
    for (int i = 0; i < me.rows; ++i) {
      me.numbers_.push_back(static_cast<float>(i));
      me.labels_.push_back(class_of(i));
    }
    me.info_.label_kind = me.has_classes ? SKERRY_LABEL_CLASS : SKERRY_LABEL_REAL;
    me.shape_[0] = me.rows;
    me.data_ = {sizeof(me.data_), 0, &me.info_, {}, {}};
    me.data_.features = {me.numbers_.data(), SKERRY_CPU, 0, 2, SKERRY_FLOAT, 32, 1,
                         me.shape_,          nullptr,    0};
    me.data_.labels = {me.labels_.data(), SKERRY_CPU, 0, 1, SKERRY_INT, 64, 1,
                       me.shape_,         nullptr,    0};
    *out = &me.data_;
    return SKERRY_OK;
  }
  static void metric(const skerry_host*, const char*, double) {}
  static void progress(const skerry_host*, double fraction) { EXPECT_LE(fraction, 1.0); }
  static skerry_status serve(const skerry_host* host, skerry_bytes settings, skerry_error*) {
    self(host).served.assign(reinterpret_cast<const char*>(settings.data), settings.size);
    return SKERRY_OK;
  }

  std::vector<float> numbers_;
  std::vector<std::int64_t> labels_;
  std::int64_t shape_[2] = {0, 1}, one_ = 1;
  float weight_ = 0;
  skerry_named_tensor input_ = {};
  skerry_data data_ = {};
  skerry_dataset_info info_ = {sizeof(info_), 1, {1}, 100, SKERRY_LABEL_CLASS, 2};
  skerry_estimator_v1 model_functions_ = {sizeof(model_functions_),
                                          0,
                                          FakeModel::prepare,
                                          nullptr,
                                          FakeModel::set_weights,
                                          nullptr,
                                          nullptr,
                                          FakeModel::predict};
  skerry_sampling_v1 filter_functions_ = {sizeof(filter_functions_), 0, needs, judge};
  skerry_ext_features features_ = {sizeof(features_), 0, open};
  Service<skerry_ext_task> task_ = {{sizeof(skerry_ext_task), 0, nullptr, input_tensors, nullptr,
                                     load_data, nullptr, metric, progress, serve},
                                    this};
  Instance<skerry_task_v1> instance_;
};

}  // namespace

TEST(JointCalibrateTask, FindsTheThresholdFromWhatBothModelsSay) {
  TaskHost host("joint.calibrate");
  host.rows = 600;  // more than two batches: rows, labels and answers keep together
  host.edge.last = 450;
  host.cloud.first = 100;
  host.cloud.last = 600;
  const Json found = host.calibrate();
  ASSERT_TRUE(host.outcome.ok()) << host.outcome;
  EXPECT_EQ(found["examples"], 600);
  EXPECT_EQ(found["edgeAccuracy"], 0.75);
  EXPECT_EQ(found["cloudAccuracy"], 500 / 600.0);
  EXPECT_EQ(found["choice"]["threshold"], 450.0);
  EXPECT_EQ(found["choice"]["share"], 0.25);
  EXPECT_EQ(found["choice"]["accuracy"], 1.0);
  EXPECT_EQ(found["choice"]["reached"], true);
  EXPECT_EQ(host.edge.asked, (std::vector<std::int64_t>{256, 256, 88}));
  EXPECT_EQ(host.cloud.asked, host.edge.asked);
  EXPECT_EQ(host.split, "holdout");
  EXPECT_EQ(host.slots,
            (std::set<std::string>{"cloud.estimator", "edge[0].estimator", "edge[0].filter"}));
}

TEST(JointCalibrateTask, GivesEachModelItsOwnWeightsOrTheSeed) {
  TaskHost host("joint.calibrate");
  host.calibrate({{"edgeModel", true}, {"seed", 0xFFFFFFFFFFFFFFFFULL}});
  ASSERT_TRUE(host.outcome.ok()) << host.outcome;
  EXPECT_EQ(host.edge.weight, 3);
  EXPECT_EQ(host.cloud.weight, -1);
  EXPECT_EQ(host.cloud.seed, 0xFFFFFFFFFFFFFFFFULL);
  TaskHost other("joint.calibrate");
  other.calibrate({{"cloudModel", true}});
  EXPECT_EQ(other.cloud.weight, 4);
  EXPECT_EQ(other.edge.weight, -1);
}

TEST(JointCalibrateTask, NeedsRows) {
  TaskHost host("joint.calibrate");
  host.rows = 0;
  host.calibrate();
  EXPECT_EQ(host.outcome.status, SKERRY_INVALID_ARGUMENT);
  EXPECT_EQ(host.outcome.field, "dataset");
  EXPECT_THAT(host.outcome.message, HasSubstr("raise the dataset's holdout"));
}

TEST(JointCalibrateTask, NeedsClasses) {
  TaskHost host("joint.calibrate");
  host.has_classes = false;
  host.calibrate();
  EXPECT_EQ(host.outcome.status, SKERRY_INVALID_ARGUMENT);
  EXPECT_THAT(host.outcome.message, HasSubstr("its labels are no classes"));
}

TEST(JointCalibrateTask, RefusesAnswersThatAreNone) {
  for (const float answer : {std::nanf(""), std::numeric_limits<float>::infinity()}) {
    TaskHost host("joint.calibrate");
    host.cloud.answer = answer;
    host.calibrate();
    EXPECT_EQ(host.outcome.status, SKERRY_INVALID_ARGUMENT);
    EXPECT_EQ(host.outcome.field, "cloud.estimator");
  }
}

TEST(JointCalibrateTask, RefusesAWishThatIsNone) {
  TaskHost host("joint.calibrate");
  host.calibrate({{"choose", {{"cloudBudget", 7}}}});
  EXPECT_EQ(host.outcome.status, SKERRY_INVALID_ARGUMENT);
  EXPECT_EQ(host.outcome.field, "choose.cloudBudget");
}

TEST(JointCalibrateTask, EndsWhenItIsCancelled) {
  TaskHost host("joint.calibrate");
  host.plugin.host.cancel = true;
  host.calibrate();
  EXPECT_EQ(host.outcome.status, SKERRY_CANCELLED);
  EXPECT_TRUE(host.edge.asked.empty());
}

TEST(JointServeTask, HandsItsParametersToTheHost) {
  for (const char* id : {"joint.edge", "joint.cloud", "joint.feed"}) {
    TaskHost host(id);
    const Json params = {{"role", "edge"}, {"input", {{"shape", {1, 28, 28}}}}};
    host.run(params);
    EXPECT_TRUE(host.outcome.ok()) << host.outcome;
    EXPECT_EQ(Json::parse(host.served), params);
  }
}

TEST(JointServeTask, AHostThatIsTooOldIsToldSo) {
  TaskHost host("joint.edge");
  host.forget_how_to_serve();
  host.run(Json::object());
  EXPECT_EQ(host.outcome.status, SKERRY_UNSUPPORTED);
  EXPECT_EQ(host.outcome.message, "this host is too old to serve");
}
