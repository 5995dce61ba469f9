// A task that serves, with plugins as they are built: what its settings ask for is opened, tried
// and run.
#include <gmock/gmock.h>

#include <sstream>

#include "core/base/digest.hpp"
#include "core/base/json.hpp"
#include "core/runtime/calls.hpp"
#include "core/runtime/job.hpp"
#include "core/runtime/task_context.hpp"
#include "tests/unit/runtime/serving_support.hpp"
#include "tests/unit/runtime/tensor_file.hpp"

namespace skerry::runtime {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class ServeTest : public testing::Test {
 protected:
  static Json plan() {
    return {{"apiVersion", "skerry.dev/v1alpha1"},
            {"kind", "JointInferenceService"},
            {"metadata", {{"name", "digits"}}},
            {"workflow", "joint"},
            {"seed", 1},
            {"pluginPath", {SKERRY_BIN_DIR "/plugins"}},
            {"spec",
             {{"strategy", {{"plugin", "infer-then-mine"}}},
              {"edge",
               {{{"estimator", {{"plugin", "linear"}}},
                 {"filter", {{"plugin", "margin"}, {"config", {{"threshold", 0.5}}}}}}}},
              {"cloud", {{"estimator", {{"plugin", "linear"}}}}}}}};
  }
  static Json settings(const std::string& role) {
    Json made = {{"role", role}, {"input", {{"shape", {2}}, {"classes", 2}}}};
    if (role == "feed") return made;
    if (role == "cloud") {
      made["estimator"] = "cloud.estimator";
      made["batch"] = {{"most", 4}, {"delayUs", 100}};
    } else {
      made["strategy"] = "strategy";
      made["stages"] = {{{"estimator", "edge[0].estimator"}, {"filter", "edge[0].filter"}}};
      made["deadlineUs"] = 50'000;
    }
    return made;
  }
  // Weights that tell class 1 by the first feature: probabilities go from 0.5 to almost 1.
  static std::string weights(float scale = 10) {
    return tensor_file({{"weight", "F32", {2, 2}, raw(std::vector<float>{0, 0, scale, 0})},
                        {"bias", "F32", {2}, raw(std::vector<float>{0, 0})}});
  }

  // A job that keeps labels, and has sinks for what its sources give.
  static Json plan_with_sinks(const std::filesystem::path& dir) {
    Json made = plan();
    const auto log = [&](const char* name) {
      return Json{{"plugin", "jsonl"},
                  {"config", {{"path", (dir / name).string()}, {"example", true}}}};
    };
    made["spec"]["labels"] = log("labels");
    made["spec"]["sinks"] = {log("first"), log("second")};
    return made;
  }
  static std::vector<Json> lines_of(const std::filesystem::path& file) {
    std::vector<Json> lines;
    std::istringstream text(read_file(file).value());
    for (std::string line; std::getline(text, line);) lines.push_back(Json::parse(line));
    return lines;
  }

  void give(const std::string& bytes) {
    task.inputs = {{.name = "model", .digest = digest_of(as_bytes(bytes)).hex(), .data = bytes}};
  }
  // On a file, whose digest is another where `damaged`.
  void give_file(const std::string& bytes, bool damaged) {
    const auto file = (dir.path() / "model").string();
    ASSERT_TRUE(write_file_durably(file, std::string_view(bytes)));
    task.inputs = {{.name = "model",
                    .digest = digest_of(as_bytes(damaged ? bytes + "x" : bytes)).hex(),
                    .path = file}};
  }
  void TearDown() override {
    if (!thread.joinable()) return;
    calls.cancel_current();
    thread.join();
  }
  Status serve(const Json& with) {
    auto parsed = Plan::from_json(of_job);
    if (!parsed) return fail(parsed.error());
    Job job(std::move(*parsed), "edge-1", 1, calls);
    TaskContext context(
        job, task, calls.begin(),
        [this](const wire::TaskProgress& progress) { reports.push_back(progress); },
        linked ? &relay.link() : nullptr);
    return context.serve(dump_json(with));
  }
  void begin(const Json& with) {
    thread = std::thread([this, with] { end = serve(with); });
    const auto seat = relay.expect(wire::Type::take_seat);
    const auto wanted = wire::decode<wire::TakeSeat>(as_bytes(seat.payload));
    ASSERT_TRUE(wanted);
    taken = *wanted;
  }
  void retire() {
    relay.retire();
    thread.join();
    EXPECT_TRUE(end) << end.error().text();
  }
  std::string refusal(const Json& with) {
    const Status ended = serve(with);
    return ended ? "none" : ended.error().field + ": " + ended.error().text();
  }

  TempDir dir = TempDir::create().value();
  Json of_job = plan();
  FakeRelay relay;
  Calls calls;
  bool linked = true;
  wire::RunTask task{.key = {"digits.7", "1/serve/edge-1"},
                     .node = "edge-1",
                     .kind = "joint.edge",
                     .output_dir = dir.path().string(),
                     .serves = {.version = 3},
                     .ticket = 77};
  std::vector<wire::TaskProgress> reports;
  wire::TakeSeat taken;
  Status end;
  std::thread thread;
};

TEST_F(ServeTest, TheEdgesSideTakesItsSeatAndAnswers) {
  give(weights());
  Json with = settings("edge");
  with["stages"][0]["model"] = "model";
  begin(with);
  EXPECT_EQ(taken.ticket, 77u);
  EXPECT_GE(taken.credit, 256u);
  relay.ask(1, {1, 0});
  const auto easy = relay.reply();
  EXPECT_EQ(easy.reply().meta.code, "") << easy.reply().meta.message;
  EXPECT_EQ(easy.reply().meta.version, 3u);
  EXPECT_GT(easy.outputs().at(1), 0.99F);
  relay.ask(2, {0, 0});  // both are alike
  const auto asked = relay.question();
  EXPECT_EQ(asked.header.session, taken.session);
  EXPECT_EQ(asked.request().meta.service, "digits");
  relay.answer(asked, {0.25F, 0.75F});
  EXPECT_TRUE(relay.reply().reply().meta.by_cloud);
  retire();
  ASSERT_FALSE(reports.empty());
  EXPECT_EQ(reports.back().key, task.key);
  EXPECT_EQ(reports.back().metrics.at("requests"), 2);
  EXPECT_EQ(reports.back().metrics.at("byCloud"), 1);
}

TEST_F(ServeTest, TheCloudsSideTakesItsSeatAndAnswers) {
  give(weights());
  Json with = settings("cloud");
  with["model"] = "model";
  begin(with);
  EXPECT_EQ(taken.credit, 8u);
  relay.ask(1, {1, 0});
  EXPECT_GT(relay.reply().outputs().at(1), 0.99F);
  retire();
}

TEST_F(ServeTest, WithoutWeightsThoseOfTheSeedServe) {
  begin(settings("cloud"));
  relay.ask(1, {1, 0});
  EXPECT_THAT(relay.reply().outputs(), ElementsAre(0.5F, 0.5F));
  retire();
}

TEST_F(ServeTest, AThresholdOfTheJobsStandsInPlaceOfTheFilters) {
  Json with = settings("edge");
  with["stages"][0]["threshold"] = 2;  // no score is so high
  begin(with);
  relay.ask(1, {0, 0});
  const auto meta = relay.reply().reply().meta;
  EXPECT_FALSE(meta.hard || meta.by_cloud);
  EXPECT_EQ(meta.score, 1);
  retire();
}

TEST_F(ServeTest, WhatTheCloudSaysIsKeptForALaterTraining) {
  of_job = plan_with_sinks(dir.path());
  Json with = settings("edge");
  with["labels"] = "labels";
  begin(with);
  relay.ask(1, {0.5F, 0}, 20'000'000, 1);  // both are alike without weights
  wire::PredictReply cloud;
  cloud.version = 8;
  relay.answer(relay.question(), {0.25F, 0.75F}, cloud);
  EXPECT_TRUE(relay.reply().reply().meta.by_cloud);
  retire();
  const auto lines = lines_of(dir.path() / "labels");
  ASSERT_EQ(lines.size(), 1u);
  EXPECT_EQ(lines[0].at("service"), "digits");
  EXPECT_EQ(lines[0].at("output"), Json({0.25, 0.75}));
  EXPECT_EQ(lines[0].at("label"), 1);
  EXPECT_EQ(lines[0].at("source"), "cloud");
  EXPECT_EQ(lines[0].at("version"), 8);
  EXPECT_EQ(lines[0].at("tensor").at("data"), Json({0.5, 0.0}));
  ASSERT_FALSE(reports.empty());
  EXPECT_EQ(reports.back().metrics.at("labelsKept"), 1);
}

TEST_F(ServeTest, ALabelsSinkThatCannotWriteIsToldOfBeforeItServes) {
  of_job = plan_with_sinks(dir.path());
  of_job["spec"]["labels"]["config"]["path"] = (dir.path() / "no such folder" / "labels").string();
  Json with = settings("edge");
  with["labels"] = "labels";
  EXPECT_THAT(refusal(with), HasSubstr("no such folder"));
  with["labels"] = "strategy";
  EXPECT_NE(refusal(with), "none");
  with = settings("edge");
  with["payload"] = "labels";
  EXPECT_NE(refusal(with), "none");
  with = settings("cloud");
  with["payload"] = "payload";  // the job names none
  EXPECT_NE(refusal(with), "none");
}

// ---- the feed

TEST_F(ServeTest, AFeedWithoutSourcesIsAtItsEnd) {
  of_job = plan_with_sinks(dir.path());
  Json with = settings("feed");
  with["sources"] = Json::array();
  with["sinks"] = {"sinks[0]", "sinks[1]"};
  const Status ended = serve(with);
  EXPECT_TRUE(ended) << ended.error().text();
  EXPECT_TRUE(std::filesystem::exists(dir.path() / "first"));
  EXPECT_TRUE(std::filesystem::exists(dir.path() / "second"));
  ASSERT_FALSE(reports.empty());
  EXPECT_EQ(reports.back().metrics.at("fed"), 0);
  EXPECT_EQ(reports.back().metrics.at("unanswered"), 0);
}

TEST_F(ServeTest, AFeedWhoseSourcesOrSinksAreNoneIsRefused) {
  of_job = plan_with_sinks(dir.path());
  Json with = settings("feed");
  EXPECT_THAT(refusal(with), HasSubstr("malformed"));
  with["sources"] = Json::array();
  EXPECT_THAT(refusal(with), HasSubstr("malformed"));
  with["sinks"] = {"sinks[2]"};
  EXPECT_THAT(refusal(with), HasSubstr("sinks[2]"));
  with["sinks"] = {"strategy"};
  EXPECT_NE(refusal(with), "none");
  with["sinks"] = {"sinks[0]"};
  with["sources"] = {"sources[0]"};
  EXPECT_THAT(refusal(with), HasSubstr("sources[0]"));
  with["sources"] = {"sinks[0]"};
  EXPECT_NE(refusal(with), "none");
  with["sources"] = Json::array();
  of_job["spec"]["sinks"][0]["config"]["path"] = (dir.path() / "nowhere" / "first").string();
  EXPECT_THAT(refusal(with), HasSubstr("nowhere"));
}

// ---- the end

TEST_F(ServeTest, EndsWhenItIsCancelled) {
  thread = std::thread([this] { end = serve(settings("edge")); });
  relay.expect(wire::Type::take_seat);
  calls.cancel_current();
  thread.join();
  EXPECT_TRUE(end) << end.error().text();
}

TEST_F(ServeTest, ATaskThatWasNotStartedToServeMayNot) {
  linked = false;
  EXPECT_THAT(refusal(settings("edge")), HasSubstr("was not started to serve"));
  linked = true;
  task.serves = {};
  EXPECT_THAT(refusal(settings("edge")), HasSubstr("was not started to serve"));
}

TEST_F(ServeTest, AModelThatIsNoLongerWhatItsDigestSaysDoesNotServe) {
  Json with = settings("cloud");
  with["model"] = "model";
  give_file(weights(), true);
  EXPECT_NE(refusal(with), "none");
  give_file(weights(std::numeric_limits<float>::quiet_NaN()), false);
  EXPECT_THAT(refusal(with), HasSubstr("`weight` has values that are not finite"));
  give("no tensors");
  EXPECT_NE(refusal(with), "none");
  task.inputs.clear();
  EXPECT_THAT(refusal(with), HasSubstr("no input \"model\""));
}

TEST_F(ServeTest, ASettingThatIsMissingOrWrongIsToldOf) {
  const auto without = [](Json from, const char* member) {
    from.erase(member);
    return from;
  };
  EXPECT_THAT(refusal(Json::object()), HasSubstr("malformed"));
  EXPECT_THAT(refusal(without(settings("edge"), "input")), HasSubstr("malformed"));
  EXPECT_THAT(refusal(without(settings("edge"), "stages")), HasSubstr("malformed"));
  EXPECT_NE(refusal(without(settings("edge"), "strategy")), "none");
  EXPECT_NE(refusal(without(settings("cloud"), "estimator")), "none");
  Json with = settings("edge");
  with["stages"][0]["filter"] = "edge[1].filter";
  EXPECT_THAT(refusal(with), HasSubstr("edge[1].filter"));
  with = settings("edge");
  with["stages"][0]["estimator"] = "edge[0].filter";
  EXPECT_NE(refusal(with), "none");
  with = settings("edge");
  with["stages"][0].erase("filter");
  EXPECT_THAT(refusal(with), HasSubstr("give edge[0] one"));
  with = settings("cloud");
  with["input"]["classes"] = 3;
  give(weights());
  with["model"] = "model";
  EXPECT_NE(refusal(with), "none");
}

TEST_F(ServeTest, AnExampleOfAShapeThatNoQuestionHasIsRefused) {
  const std::vector<Json> shapes = {Json::array(),
                                    {0},
                                    {-1},
                                    {8388608, 8388608, 8388608},
                                    {8388609},
                                    {1, 1, 1, 1, 1, 1, 1, 1},
                                    {1, 1, 1, 1, 1, 1, 1, 1, 1}};
  for (const Json& shape : shapes) {
    Json with = settings("cloud");
    with["input"]["shape"] = shape;
    EXPECT_THAT(refusal(with), HasSubstr("input.shape")) << shape.dump();
  }
}

TEST_F(ServeTest, ABatchOfNoneIsOneOfOne) {
  Json with = settings("cloud");
  with["batch"]["most"] = 0;
  begin(with);
  relay.ask(1, {1, 0});
  EXPECT_EQ(relay.reply().outputs().size(), 2u);
  retire();
}

}  // namespace
}  // namespace skerry::runtime
