// JointInferenceService: what it starts, what becomes of failures and of models that are swapped,
// and what it tells. What it adds up: joint_totals_test.cpp.
#include <random>

#include "joint_support.hpp"

using joint_test::digest;
using joint_test::Json;
using joint_test::Service;
using joint_test::spec_of;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

namespace {

Json model(char digit) {
  return {{"$artifact", digest(digit)}, {"name", "m.safetensors"}};
}

// With weights "a" on the edge and "c" on the cloud.
Json spec_with_models() {
  Json spec = spec_of();
  spec["edge"][0]["model"] = model('a');
  spec["cloud"]["model"] = model('c');
  return spec;
}

Json edge_models(char digit) {
  return {{"edge", {digest(digit)}}};
}

std::size_t starts_in(const Json& commands) {
  return static_cast<std::size_t>(
      std::count_if(commands.begin(), commands.end(),
                    [](const Json& command) { return command["do"] == "StartTask"; }));
}

}  // namespace

// ---- the beginning

TEST(JointService, ServesOnEveryEdgeAndAsOftenAsItSaysOnTheCloud) {
  Service job;
  Json spec = spec_of();
  spec["cloud"]["replicas"] = 2;
  job.start({"a", "b"}, spec);
  ASSERT_EQ(job.open.size(), 4u);
  const Json edge = job.open.at(job.at("edge/b")), cloud = job.open.at(job.at("cloud/1"));
  EXPECT_EQ(edge["kind"], "joint.edge");
  EXPECT_EQ(edge["node"], "b");
  EXPECT_EQ(edge["serves"], 1);
  EXPECT_EQ(edge["replica"], 0);
  EXPECT_EQ(edge["slots"], Json({"strategy", "edge[0].estimator", "edge[0].filter"}));
  EXPECT_EQ(edge["deadline_ms"], 0);
  EXPECT_EQ(cloud["kind"], "joint.cloud");
  EXPECT_EQ(cloud["node"], "cloud");
  EXPECT_EQ(cloud["replica"], 1);
  EXPECT_EQ(cloud["slots"], Json({"cloud.estimator"}));
}

TEST(JointService, TellsItsTasksWhatTheSpecSays) {
  Service job;
  job.start({"a"}, spec_of({{"deadline", "80ms"},
                            {"fallback", "reject"},
                            {"audit", 0.5},
                            {"edge",
                             {{{"estimator", {{"plugin", "small"}}},
                               {"filter", {{"plugin", "f"}}},
                               {"threshold", 0.25}},
                              {{"estimator", {{"plugin", "large"}}}, {"model", model('a')}}}},
                            {"cloud",
                             {{"estimator", {{"plugin", "c"}}},
                              {"model", model('c')},
                              {"batch", {{"max", 16}, {"delayUs", 50}}}}}}));
  const Json edge = job.open.at(job.at("edge/a")), cloud = job.open.at(job.at("cloud/0"));
  EXPECT_EQ(edge["params"], Json({{"role", "edge"},
                                  {"input", {{"shape", {1, 28, 28}}, {"classes", 10}}},
                                  {"strategy", "strategy"},
                                  {"cloud", true},
                                  {"deadlineUs", 80'000},
                                  {"fallback", "reject"},
                                  {"audit", 0.5},
                                  {"stages",
                                   {{{"estimator", "edge[0].estimator"},
                                     {"filter", "edge[0].filter"},
                                     {"threshold", 0.25}},
                                    {{"estimator", "edge[1].estimator"}, {"model", "model1"}}}}}));
  EXPECT_EQ(edge["inputs"], Json({{"model1", digest('a')}}));
  EXPECT_EQ(cloud["params"], Json({{"role", "cloud"},
                                   {"input", {{"shape", {1, 28, 28}}, {"classes", 10}}},
                                   {"estimator", "cloud.estimator"},
                                   {"model", "model0"},
                                   {"batch", {{"most", 16}, {"delayUs", 50}}}}));
  EXPECT_EQ(cloud["inputs"], Json({{"model0", digest('c')}}));
}

TEST(JointService, NeedsNoCloud) {
  Service job;
  Json spec = spec_of();
  spec.erase("cloud");
  job.start({"a"}, spec);
  EXPECT_EQ(job.open.size(), 1u);
  EXPECT_EQ(job.open.at(job.at("edge/a"))["params"]["cloud"], false);
  EXPECT_EQ(job.status, "Starting: 0 of 1 edges serve; 0 questions");
  job.serve_at({"edge/a"});
  EXPECT_EQ(job.status, "Serving: 1 of 1 edges serve; 1 question, 0.0 % hard, 0.0 % to the cloud");
}

TEST(JointService, RefusesWhatCannotBeginAndSaysWhatToChange) {
  const auto refusal = [](const Json& more) {
    Service job;
    job.start({"a"}, spec_of(more));
    EXPECT_TRUE(job.open.empty());
    EXPECT_EQ(job.finish["phase"], "Failed");
    return job.finish.value("message", std::string());
  };
  EXPECT_THAT(refusal({{"choose", {{"cloudBudget", 0.2}}}}),
              HasSubstr("find it with `skerry calibrate` and put it there"));
  EXPECT_THAT(refusal({{"deadline", "0ms"}}), HasSubstr("give it 1ms or more"));
  EXPECT_THAT(refusal({{"input", {{"shape", {4096, 4096}}}}}), StartsWith("input.shape: "));
}

TEST(JointService, IsStartingUntilAllServe) {
  Service job;
  job.start({"a", "b"});
  EXPECT_EQ(job.status, "Starting: 0 of 2 edges serve, 0 of 1 workers on the cloud; 0 questions");
  job.serve_at({"edge/a", "edge/b"});
  EXPECT_THAT(job.status, StartsWith("Starting: 2 of 2 edges serve, 0 of 1 workers"));
  job.serve_at({"cloud/0"});
  EXPECT_THAT(job.status, StartsWith("Serving: 2 of 2 edges serve, 1 of 1 workers"));
}

// ---- nodes

TEST(JointService, StartsOnceOnANodeThatJoinsHoweverOftenItSaysSo) {
  Service job;
  job.start({});
  EXPECT_EQ(starts_in(job.join("late")), 1u);
  EXPECT_EQ(starts_in(job.join("late")), 0u);
  job.serve_at({"edge/late"});
  job.lose("late");
  EXPECT_EQ(starts_in(job.join("late")), 0u) << "its task is still there";
  EXPECT_TRUE(job.timers.count("again/edge/late") == 0);
}

TEST(JointService, ANodeThatIsCutOffGoesOnServing) {
  Service job;
  job.start({"a", "b"});
  job.serve_at({"edge/a", "edge/b", "cloud/0"});
  job.lose("b");
  EXPECT_THAT(job.status, StartsWith("Serving: 2 of 2 edges serve (1 out of reach), "));
  EXPECT_TRUE(job.stopped.empty());
  job.join("b");
  EXPECT_THAT(job.status, StartsWith("Serving: 2 of 2 edges serve, "));
}

TEST(JointService, ANodeThatWasRevokedIsNotStartedAgain) {
  Service job;
  job.start({"a", "b"});
  job.serve_at({"edge/a", "cloud/0"});
  job.report(job.at("edge/b"), {{"requests", 30}});
  job.lose("b");
  job.fail(job.at("edge/b"), "lost", "the node was revoked");
  job.pass(3'600'000);
  EXPECT_EQ(job.at("edge/b"), "");
  EXPECT_THAT(job.status, StartsWith("Serving: 1 of 1 edges serve, "));
  EXPECT_EQ(job.record()["sum"]["requests"], 31) << "what it had answered stays answered";
  EXPECT_FALSE(job.record()["nodes"].contains("b"));
}

TEST(JointService, ANodeThatWasRevokedWhileItsTaskWaitedIsNotStartedAgain) {
  Service job;
  job.start({"a", "b"});
  job.fail(job.at("edge/b"), "unavailable");
  job.lose("b");
  job.fire("again/edge/b");
  job.fail(job.at("edge/b"), "lost", "there is no node `b`, or it was revoked");
  EXPECT_EQ(job.timers.count("again/edge/b"), 0u);
  EXPECT_THAT(job.status, StartsWith("Starting: 0 of 1 edges serve, "));
}

TEST(JointService, ANodeThatWasRevokedAfterASwapIsForgottenWithBothItsTasks) {
  Service job;
  job.start({"a", "b"});
  job.serve_at({"edge/a", "edge/b", "cloud/0"});
  const std::string old = job.at("edge/b");
  job.signal("models", edge_models('b'));
  job.lose("b");
  job.fail(old, "lost");
  EXPECT_EQ(job.version_at("edge/b"), 2u) << "nothing is known of the newest yet";
  job.fail(job.at("edge/b"), "lost");
  EXPECT_EQ(job.at("edge/b"), "");
  EXPECT_THAT(job.status, HasSubstr("1 of 1 edges serve"));
}

TEST(JointService, ANodeThatWasRevokedAfterASwapIsForgottenWhateverWasLostFirst) {
  Service job;
  job.start({"a", "b"});
  job.serve_at({"edge/a", "edge/b", "cloud/0"});
  const std::string old = job.at("edge/b");
  job.signal("models", edge_models('b'));
  job.lose("b");
  job.fail(job.at("edge/b"), "lost");
  EXPECT_EQ(job.open.count(old), 1u) << "this one may be there";
  job.fail(old, "lost");
  EXPECT_EQ(job.timers.count("again/edge/b"), 0u);
  EXPECT_THAT(job.status, HasSubstr("1 of 1 edges serve"));
}

TEST(JointService, ANodeThatHasLostItsStateIsGivenItsTaskAgain) {
  Service job;
  job.start({"a"});
  job.serve_at({"edge/a"});
  job.fail(job.at("edge/a"), "lost", "node a came back without it");
  job.fire("again/edge/a");
  EXPECT_NE(job.at("edge/a"), "");
  job.lose("a");
  job.fail(job.at("edge/a"), "lost", "node a came back without it");
  EXPECT_EQ(starts_in(job.join("a")), 1u);
}

TEST(JointService, ANodeThatWasRefusedIsTriedAgainWhenItIsBack) {
  Service job;
  job.start({"a", "b"});
  job.serve_at({"edge/a", "cloud/0"});
  job.fail(job.at("edge/b"), "quarantined", "start the edge with --allow-plugin");
  EXPECT_EQ(job.timers.count("again/edge/b"), 0u);
  EXPECT_THAT(job.status, HasSubstr(". edge b fails: start the edge with --allow-plugin"));
  job.join("b");  // it was so quick that nobody saw it go
  job.fire("again/edge/b");
  EXPECT_NE(job.at("edge/b"), "");
  job.serve_at({"edge/b"});
  EXPECT_THAT(job.status, StartsWith("Serving: 2 of 2 edges serve, "));
  EXPECT_THAT(job.status, Not(HasSubstr("fails")));
}

TEST(JointService, OfANodeThatDoesNothingAndIsGoneNothingIsSaid) {
  Service job;
  job.start({"a", "b"});
  job.serve_at({"edge/a", "cloud/0"});
  job.fail(job.at("edge/b"), "unsupported", "no such plugin");
  EXPECT_THAT(job.status, StartsWith("Degraded: 1 of 2 edges serve"));
  job.lose("b");
  EXPECT_THAT(job.status, StartsWith("Serving: 1 of 1 edges serve"));
  EXPECT_EQ(starts_in(job.join("b")), 1u);
}

TEST(JointService, ANodeThatIsBackIsNotKeptWaiting) {
  Service job;
  job.start({"a"});
  for (int i = 0; i < 8; ++i) {
    if (i > 0) job.fire("again/edge/a");
    job.fail(job.at("edge/a"), "unavailable");
  }
  EXPECT_EQ(job.timers.at("again/edge/a") - job.now_ms, 128'000);
  job.lose("a");
  job.join("a");
  EXPECT_EQ(job.timers.at("again/edge/a") - job.now_ms, 1'000);
}

// ---- failures

TEST(JointService, TriesAgainLaterAndLaterButAtLeastEveryFiveMinutes) {
  Service job;
  job.start({"a"});
  std::vector<std::int64_t> waits;
  for (int i = 0; i < 12; ++i) {
    job.fail(job.at("edge/a"), "unavailable", "no connection");
    waits.push_back(job.timers.at("again/edge/a") - job.now_ms);
    job.fire("again/edge/a");
  }
  EXPECT_EQ(waits, (std::vector<std::int64_t>{1'000, 2'000, 4'000, 8'000, 16'000, 32'000, 64'000,
                                              128'000, 256'000, 300'000, 300'000, 300'000}));
  EXPECT_EQ(job.reports.size(), 1u) << "one record of a row of failures";
  EXPECT_EQ(job.reports[0]["failed"][0]["node"], "a");
  EXPECT_EQ(job.reports[0]["failed"][0]["code"], "unavailable");
  EXPECT_EQ(job.reports[0]["samples"], 0) << "with the numbers that every record begins with";
  EXPECT_EQ(job.status,
            "Degraded: 0 of 1 edges serve, 0 of 1 workers on the cloud; 0 questions. edge a fails: "
            "no connection");
  job.serve_at({"edge/a"});
  EXPECT_THAT(job.status, StartsWith("Starting: 1 of 1 edges serve"));
  job.fail(job.at("edge/a"), "unavailable");
  EXPECT_EQ(job.timers.at("again/edge/a") - job.now_ms, 1'000);
}

TEST(JointService, EndsWhereTheCloudCannotServe) {
  Service job;
  job.start({"a"});
  job.serve_at({"edge/a"});
  job.fail(job.at("cloud/0"), "invalid_argument", "classes: 10 outputs, not 3");
  EXPECT_EQ(job.finish["phase"], "Failed");
  EXPECT_EQ(job.finish["message"], "worker 0 of the cloud: classes: 10 outputs, not 3");
  EXPECT_EQ(job.notes.at(0)["code"], "service.refused");
  EXPECT_EQ(job.reports.at(0)["rejected"][0]["version"], 1);
}

TEST(JointService, EndsWhereNoEdgeCanServe) {
  Service job;
  job.start({"a", "b"});
  job.fail(job.at("edge/a"), "unsupported", "no such plugin");
  EXPECT_TRUE(job.finish.is_null()) << "the other one may";
  job.fail(job.at("edge/b"), "unsupported", "no such plugin");
  EXPECT_EQ(job.finish["phase"], "Failed");
  EXPECT_EQ(job.finish["message"], "edge b: no such plugin");
}

TEST(JointService, EndsWhereTheFirstVersionFailsAgainAndAgain) {
  Service job;
  job.start({"a"});
  for (int i = 0; i < 3; ++i) {
    job.fail(job.at("cloud/0"), "out_of_memory");
    job.fire("again/cloud/0");
  }
  EXPECT_TRUE(job.finish.is_null());
  job.fail(job.at("cloud/0"), "out_of_memory", "its memory had run out");
  EXPECT_EQ(job.finish["message"], "worker 0 of the cloud: its memory had run out");
}

TEST(JointService, TriesOnWhereItHasServedWhateverIsTheMatter) {
  Service job;
  Json spec = spec_of();
  spec["cloud"]["replicas"] = 2;
  job.start({"a"}, spec);
  job.serve_at({"edge/a", "cloud/0"});
  for (const std::string place : {"edge/a", "cloud/0", "cloud/1"}) {
    for (int i = 0; i < 3; ++i) {
      job.fail(job.at(place), "quarantined", "it ended four workers");
      EXPECT_EQ(job.timers.at("again/" + place) - job.now_ms, 300'000);
      job.fire("again/" + place);
    }
  }
  EXPECT_TRUE(job.finish.is_null());
  EXPECT_EQ(job.notes.size(), 3u) << "each is told once";
  EXPECT_EQ(job.reports.size(), 3u);
  EXPECT_THAT(job.status,
              HasSubstr("worker 0 of the cloud fails: it ended four workers, and 2 more"));
}

TEST(JointService, ATaskThatEndsByItselfIsStartedAgain) {
  Service job;
  job.start({"a"});
  job.serve_at({"edge/a"});
  job.end(job.at("edge/a"));
  EXPECT_THAT(job.status, HasSubstr("edge a fails: it ended by itself"));
  job.fire("again/edge/a");
  EXPECT_NE(job.at("edge/a"), "");
}

TEST(JointService, ShortensWhatANodeComplainsAbout) {
  Service job;
  job.start({"a"});
  job.fail(job.at("edge/a"), "failed", std::string(100'000, 'x'));
  EXPECT_LT(job.status.size(), 500u);
  EXPECT_LT(job.state().size(), 4'000u);
  EXPECT_LT(job.reports.at(0).dump().size(), 700u);
}

// ---- models that are swapped

TEST(JointService, SwapsModelsWhileTheOldOnesServe) {
  Service job;
  job.start({"a", "b"}, spec_with_models());
  job.serve_at({"edge/a", "edge/b", "cloud/0"});
  const std::string old = job.at("edge/a");
  EXPECT_EQ(starts_in(job.signal("models", edge_models('b'))), 2u);
  EXPECT_EQ(job.version_at("edge/a"), 2u);
  EXPECT_EQ(job.inputs_at("edge/a"), Json({{"model0", digest('b')}}));
  EXPECT_EQ(job.version_at("cloud/0"), 1u);
  EXPECT_TRUE(job.stopped.empty());
  EXPECT_THAT(job.status, StartsWith("Serving: 2 of 2 edges serve"));
  job.serve_at({"edge/a", "edge/b"});
  EXPECT_EQ(starts_in(job.end(old)), 0u) << "it was retired";
  EXPECT_EQ(job.timers.size(), 1u) << "nothing waits but what is told now and then";
  EXPECT_THAT(job.status, StartsWith("Serving: 2 of 2 edges serve"));
}

TEST(JointService, GivesWeightsToAModelThatHadNone) {
  Service job;
  job.start({"a"});
  job.signal("models", {{"edge", {digest('b')}}, {"cloud", {digest('d')}}});
  EXPECT_EQ(job.inputs_at("edge/a"), Json({{"model0", digest('b')}}));
  EXPECT_EQ(job.open.at(job.at("edge/a"))["params"]["stages"][0]["model"], "model0");
  EXPECT_EQ(job.inputs_at("cloud/0"), Json({{"model0", digest('d')}}));
  EXPECT_EQ(job.open.at(job.at("cloud/0"))["params"]["model"], "model0");
  EXPECT_EQ(job.version_at("edge/a"), 2u);
  EXPECT_EQ(job.version_at("cloud/0"), 3u) << "versions are told apart by their number alone";
}

TEST(JointService, ANodeThatJoinsAfterASwapGetsTheNewModels) {
  Service job;
  job.start({"a"}, spec_with_models());
  job.signal("models", edge_models('b'));
  job.join("late");
  EXPECT_EQ(job.version_at("edge/late"), 2u);
  EXPECT_EQ(job.inputs_at("edge/late"), Json({{"model0", digest('b')}}));
}

TEST(JointService, DoesNothingForASignalThatIsWrongInPart) {
  const std::vector<std::pair<Json, std::string>> signals = {
      {nullptr, "needs {\"edge\": [DIGEST], \"cloud\": [DIGEST]}"},
      {Json::object(), "or one of them"},
      {{digest('b')}, "needs {\"edge\""},
      {"edge", "needs {\"edge\""},
      {{{"edges", {digest('b')}}}, "names `edges`"},
      {{{"edge", digest('b')}}, "needs 1 of 64 hexadecimal digits for edge"},
      {{{"edge", Json::array()}}, "needs 1 of 64"},
      {{{"edge", {digest('b'), digest('b')}}}, "needs 1 of 64"},
      {{{"edge", {"b"}}}, "needs 1 of 64"},
      {{{"edge", {std::string(64, 'B')}}}, "needs 1 of 64"},
      {{{"edge", {5}}}, "needs 1 of 64"},
      {{{"edge", {digest('b')}}, {"cloud", {"no digest"}}}, "digits for cloud"},
      {{{"edge", {digest('b')}}, {"more", 1}}, "names `more`"}};
  for (const auto& [value, why] : signals) {
    Service job;
    job.start({"a"});
    job.serve_at({"edge/a", "cloud/0"});
    EXPECT_EQ(starts_in(job.signal("models", value)), 0u) << value;
    EXPECT_THAT(job.status, StartsWith("Serving: ")) << "it serves as well as before";
    EXPECT_THAT(job.status, HasSubstr(why));
    EXPECT_EQ(job.notes.at(0)["code"], "service.signal");
    job.signal("models", edge_models('b'));
    EXPECT_EQ(job.version_at("edge/a"), 2u);
    EXPECT_THAT(job.status, Not(HasSubstr(why)));
  }
}

TEST(JointService, SaysWhichSignalsThereAre) {
  Service job;
  job.start({"a"});
  job.signal("model", edge_models('b'));
  EXPECT_THAT(job.status, HasSubstr("there is no signal `model`; there are models and stop"));
}

TEST(JointService, OfTwoSwapsInARowTheFirstIsNothingToGoBackTo) {
  Service job;
  job.start({"a"}, spec_with_models());
  job.serve_at({"edge/a"});
  job.signal("models", edge_models('b'));
  const std::string second = job.at("edge/a");
  job.signal("models", edge_models('e'));
  EXPECT_EQ(job.open.count(second), 1u) << "it may serve already";
  EXPECT_EQ(job.version_at("edge/a"), 3u);
  job.fail(job.at("edge/a"), "invalid_argument", "other tensors");
  EXPECT_EQ(job.inputs_at("edge/a"), Json({{"model0", digest('a')}}))
      << "back to what has served, not to what nobody tried";
}

TEST(JointService, GoesBackEverywhereWhereAVersionIsRefused) {
  Service job;
  job.start({"a", "b", "c"}, spec_with_models());
  job.serve_at({"edge/a", "edge/b", "edge/c", "cloud/0"});
  job.signal("models", edge_models('b'));
  job.serve_at({"edge/a"});
  const std::string switched = job.at("edge/a"), waiting = job.at("edge/c");
  job.fail(job.at("edge/b"), "invalid_argument", "fc1.weight: found [10, 3], expected [10, 4]");
  for (const std::string place : {"edge/a", "edge/b", "edge/c"}) {
    EXPECT_EQ(job.version_at(place), 3u);
    EXPECT_EQ(job.inputs_at(place), Json({{"model0", digest('a')}}));
  }
  EXPECT_EQ(job.open.count(switched), 1u) << "it serves until version 3 is ready";
  EXPECT_THAT(job.status, HasSubstr("Degraded: 3 of 3 edges serve, 1 of 1 workers on the cloud; "));
  EXPECT_THAT(job.status, HasSubstr("version 2 was refused, the models before it serve: edge b: "
                                    "fc1.weight: found [10, 3], expected [10, 4]"));
  EXPECT_EQ(job.notes.size(), 1u);
  EXPECT_EQ(starts_in(job.fail(waiting, "invalid_argument")), 0u) << "that comes too late";
  EXPECT_EQ(starts_in(job.end(switched)), 0u);
  job.serve_at({"edge/a", "edge/b", "edge/c"});
  job.signal("models", edge_models('e'));
  EXPECT_THAT(job.status, StartsWith("Serving: ")) << "a person has seen it";
}

TEST(JointService, GoesBackToAModelThatWasMadeFromTheSeed) {
  Service job;
  job.start({"a"});
  job.serve_at({"edge/a", "cloud/0"});
  job.signal("models", {{"edge", {digest('b')}}, {"cloud", {digest('d')}}});
  job.fail(job.at("edge/a"), "invalid_argument");
  job.fail(job.at("cloud/0"), "invalid_argument");
  EXPECT_EQ(job.inputs_at("edge/a"), Json::object());
  EXPECT_FALSE(job.open.at(job.at("edge/a"))["params"]["stages"][0].contains("model"));
  EXPECT_EQ(job.inputs_at("cloud/0"), Json::object());
  EXPECT_FALSE(job.open.at(job.at("cloud/0"))["params"].contains("model"));
}

TEST(JointService, GoesOnWithTheOldModelsWhereEvenTheyAreRefused) {
  Service job;
  job.start({"a"}, spec_with_models());
  job.serve_at({"edge/a", "cloud/0"});
  job.signal("models", {{"cloud", {digest('d')}}});
  job.fail(job.at("cloud/0"), "quarantined", "it ended four workers");
  EXPECT_EQ(job.version_at("cloud/0"), 3u);
  job.fail(job.at("cloud/0"), "quarantined", "it ended four workers");
  EXPECT_TRUE(job.finish.is_null());
  EXPECT_EQ(job.version_at("cloud/0"), 1u) << "this one is in no quarantine";
  job.fire("again/cloud/0");
  job.serve_at({"cloud/0"});
  EXPECT_EQ(job.version_at("cloud/0"), 3u);
}

TEST(JointService, AVersionThatFailsFourTimesIsRefusedHoweverWellTheOldOneServes) {
  Service job;
  job.start({"a"}, spec_with_models());
  job.serve_at({"edge/a", "cloud/0"});
  const std::string old = job.at("edge/a");
  job.signal("models", edge_models('b'));
  for (int i = 1; i < 4; ++i) {
    job.fail(job.at("edge/a"), "internal", "the model's answer is not finite");
    job.report(old, {{"requests", 10 * i}});
    job.fire("again/edge/a");
    EXPECT_EQ(job.version_at("edge/a"), 2u);
  }
  job.fail(job.at("edge/a"), "internal", "the model's answer is not finite");
  EXPECT_EQ(job.version_at("edge/a"), 3u);
  EXPECT_EQ(job.inputs_at("edge/a"), Json({{"model0", digest('a')}}));
}

TEST(JointService, ABadConnectionIsNotTheModelsFault) {
  Service job;
  job.start({"a"}, spec_with_models());
  job.serve_at({"edge/a"});
  job.signal("models", edge_models('b'));
  for (int i = 0; i < 20; ++i) {
    job.fail(job.at("edge/a"), "unavailable", "cannot fetch input `model0`");
    job.fire("again/edge/a");
  }
  EXPECT_EQ(job.version_at("edge/a"), 2u);
}

TEST(JointService, ANodeThatHasNeverServedDoesNotUndoASwap) {
  Service job;
  job.start({"a", "bare"}, spec_with_models());
  job.serve_at({"edge/a", "cloud/0"});
  job.fail(job.at("edge/bare"), "unsupported", "no such plugin");
  job.signal("models", edge_models('b'));
  job.fail(job.at("edge/bare"), "unsupported", "no such plugin");
  EXPECT_EQ(job.version_at("edge/a"), 2u);
  EXPECT_EQ(job.at("edge/bare"), "");
}

TEST(JointService, WhatHasServedIsNotTakenBackWhenItFailsLater) {
  Service job;
  job.start({"a", "b"}, spec_with_models());
  job.serve_at({"edge/a", "edge/b"});
  job.signal("models", edge_models('b'));
  job.serve_at({"edge/a", "edge/b"});
  job.fail(job.at("edge/b"), "quarantined", "a question ends it");
  EXPECT_EQ(job.version_at("edge/a"), 2u);
  EXPECT_EQ(job.timers.count("again/edge/b"), 1u);
}

TEST(JointService, TheEndOfAnOldVersionThatHadNoSuccessorIsAFailureToo) {
  Service job;
  job.start({"a"}, spec_with_models());
  job.serve_at({"edge/a", "cloud/0"});
  const std::string old = job.at("cloud/0");
  job.signal("models", {{"cloud", {digest('d')}}});
  job.fail(job.at("cloud/0"), "unavailable");
  job.fail(old, "crashed");
  EXPECT_EQ(job.at("cloud/0"), "");
  job.fire("again/cloud/0");
  EXPECT_EQ(job.version_at("cloud/0"), 2u);
}

TEST(JointService, TheEndOfAnOldVersionWhoseSuccessorWasRefusedIsAFailureToo) {
  Service job;
  job.start({"a", "b"}, spec_with_models());
  job.serve_at({"edge/a", "cloud/0"});
  job.lose("b");
  const std::string old = job.at("edge/b");
  job.signal("models", edge_models('b'));
  job.join("b");
  job.fail(job.at("edge/b"), "unsupported");
  EXPECT_EQ(job.timers.count("again/edge/b"), 0u);
  job.fail(old, "unsupported");
  job.fire("again/edge/b");
  EXPECT_EQ(job.version_at("edge/b"), 2u);
}

TEST(JointService, WhatANodeMayHaveBegunBeforeItWasCutOffIsNotStopped) {
  Service job;
  job.start({"a"}, spec_with_models());
  job.serve_at({"edge/a"});
  job.signal("models", edge_models('b'));
  const std::string begun = job.at("edge/a");
  job.lose("a");
  job.signal("models", edge_models('d'));
  const std::string queued = job.at("edge/a");
  job.signal("models", edge_models('e'));
  EXPECT_EQ(job.stopped, std::vector<std::string>{queued});
  EXPECT_EQ(job.open.count(begun), 1u);
  for (int i = 0; i < 20; ++i) job.signal("models", edge_models('d'));
  EXPECT_EQ(job.open.size(), 4u) << "of the edge: what serves, what may, and the newest";
}

TEST(JointService, ANewVersionHasAllItsTries) {
  Service job;
  job.start({"a"}, spec_with_models());
  job.serve_at({"edge/a", "cloud/0"});
  job.signal("models", edge_models('b'));
  for (int i = 0; i < 3; ++i) {
    job.fail(job.at("edge/a"), "internal");
    job.fire("again/edge/a");
  }
  job.signal("models", edge_models('d'));
  job.fail(job.at("edge/a"), "internal");
  job.fire("again/edge/a");
  EXPECT_EQ(job.inputs_at("edge/a"), Json({{"model0", digest('d')}}));
}

TEST(JointService, BeginsNoMoreVersionsAtATimeThanAHostCanBear) {
  Service job;
  job.start({"a"}, spec_with_models());
  job.serve_at({"edge/a", "cloud/0"});
  const std::string old = job.at("edge/a");
  for (int i = 0; i < 20; ++i) job.signal("models", edge_models(i % 2 == 0 ? 'b' : 'd'));
  EXPECT_EQ(job.open.size(), 4u) << "three of the edge, one of the cloud";
  EXPECT_EQ(job.version_at("edge/a"), 3u);
  job.pass(60'000);
  EXPECT_EQ(job.version_at("edge/a"), 3u);
  job.serve_at({"edge/a"});
  job.end(old);
  job.fire("again/edge/a");
  EXPECT_EQ(job.version_at("edge/a"), 21u) << "the newest, and none between";
}

TEST(JointService, SwapsLeaveNothingBehind) {
  Service job;
  job.start({"a"}, spec_with_models());
  std::size_t size = 0;
  for (int i = 0; i < 60; ++i) {
    const std::string old = job.at("edge/a");
    job.signal("models", edge_models(i % 2 == 0 ? 'b' : 'd'));
    job.report(old, {{"requests", 1}});
    job.serve_at({"edge/a"});
    job.end(old);
    if (i == 20) size = job.state().size();
  }
  EXPECT_LT(job.state().size(), size + 20);
}

// ---- any order of events

namespace {

// Whoever is known has its newest task, or waits for it, or was refused and has never served, or is
// a feed at its end, or one that waits for the cloud to serve.
void expect_nobody_is_forgotten(const Service& job) {
  const Json state = Json::parse(job.state());
  bool cloud_served = false;
  for (const Json& place : state["places"])
    cloud_served = cloud_served || (place["side"] == "cloud" && place["served"] != 0);
  for (const auto& [name, place] : state["places"].items()) {
    const std::string side = place["side"];
    const bool has_newest = job.version_at(name) == state[side]["version"];
    const auto open = std::count_if(job.open.begin(), job.open.end(), [&](const auto& task) {
      return task.first.rfind(name + "/", 0) == 0;
    });
    EXPECT_TRUE(has_newest || place["waits"] == true || place.contains("refused") ||
                place.contains("ended") || open == 3 || (side == "feed" && !cloud_served))
        << name;
    EXPECT_FALSE(side == "feed" && (open > 1 || (open == 1 && place.contains("ended")))) << name;
    EXPECT_LE(open, 3) << name;
    EXPECT_EQ(place["waits"] == true, job.timers.count("again/" + name) == 1) << name;
  }
  EXPECT_EQ(state["tasks"].size(), job.open.size());
}

class Chaos {
 public:
  explicit Chaos(unsigned seed) : random_(seed) {}

  void play(Service& job, const Json& spec) {
    job.start({"a", "b"}, spec);
    for (int i = 0; i < 150 && job.finish.is_null() && !testing::Test::HasFailure(); ++i) {
      step(job);
      if (job.finish.is_null()) expect_nobody_is_forgotten(job);
    }
  }

 private:
  int pick(int most) { return std::uniform_int_distribution<int>(0, most - 1)(random_); }
  std::string node() { return std::string(1, static_cast<char>('a' + pick(4))); }
  std::string any_task(const Service& job) {
    return std::next(job.open.begin(), pick(static_cast<int>(job.open.size())))->first;
  }
  void step(Service& job) {
    static const std::vector<std::string> kCodes = {"unavailable", "lost",     "internal",
                                                    "failed",      "crashed",  "quarantined",
                                                    "cancelled",   "data_loss"};
    job.now_ms += pick(2'000);
    const int what = pick(20);
    if (what < 2) {
      job.join(node());
    } else if (what < 4) {
      job.lose(node());
    } else if (what < 9 && !job.open.empty()) {
      job.report(any_task(job), {{"requests", ++counted_}});
    } else if (what < 12 && !job.open.empty()) {
      job.fail(any_task(job), kCodes[static_cast<std::size_t>(pick(8))]);
    } else if (what < 14 && !job.open.empty()) {
      job.end(any_task(job), {{"requests", ++counted_}});
    } else if (what < 16) {
      const char digit = static_cast<char>('a' + pick(6));
      job.signal("models", pick(2) == 0 ? edge_models(digit) : Json{{"cloud", {digest(digit)}}});
    } else if (!job.timers.empty()) {
      job.fire(std::next(job.timers.begin(), pick(static_cast<int>(job.timers.size())))->first);
    }
  }

  std::mt19937 random_;
  int counted_ = 0;
};

// All nodes are here, and nothing fails any more.
void settle(Service& job) {
  for (const char* node : {"a", "b", "c", "d"}) job.join(node);
  for (int i = 0; i < 5; ++i) {
    job.pass(300'000);
    const Json state = Json::parse(job.state());
    const auto open = job.open;
    for (const auto& [task, command] : open) {
      const std::string side = task.substr(0, task.find('/'));
      command["serves"] == state[side]["version"] ? job.report(task) : job.end(task);
    }
  }
}

}  // namespace

TEST(JointService, ComesToRestAfterAnyOrderOfEvents) {
  int settled = 0;
  for (unsigned seed = 1; seed <= 30; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Service job;
    Chaos(seed).play(job, spec_with_models());
    if (HasFailure()) return;
    if (!job.finish.is_null()) continue;  // nobody could serve
    ++settled;
    settle(job);
    EXPECT_THAT(job.status, HasSubstr(": 4 of 4 edges serve, 1 of 1 workers on the cloud; "));
    EXPECT_THAT(job.status, Not(HasSubstr("fails")));
    EXPECT_EQ(job.open.size(), 5u);
    if (HasFailure()) return;
  }
  EXPECT_GE(settled, 10) << "or the test shows nothing";
}

TEST(JointService, ComesToRestWithFeedsAfterAnyOrderOfEvents) {
  int settled = 0, ended = 0;
  for (unsigned seed = 1; seed <= 30; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Service job;
    Json spec = spec_with_models();
    spec["sources"] = {{{"plugin", "camera"}}};
    Chaos(seed).play(job, spec);
    if (HasFailure()) return;
    if (!job.finish.is_null()) continue;  // no edge could serve
    ++settled;
    settle(job);
    const auto at_work = job.open.size() - 5;
    ended += static_cast<int>(4 - at_work);
    EXPECT_THAT(job.status, HasSubstr(": 4 of 4 edges serve, 1 of 1 workers on the cloud, " +
                                      std::to_string(at_work) + " of 4 feeds at work"));
    EXPECT_THAT(job.status, Not(HasSubstr("fails")));
    EXPECT_THAT(job.status, Not(HasSubstr("the feed of")));
    if (HasFailure()) return;
  }
  EXPECT_GE(settled, 10) << "or the test shows nothing";
  EXPECT_GE(ended, 5) << "or nothing about ends";
}

// ---- what is told, and the end

TEST(JointService, SaysNothingTwice) {
  Service job;
  job.start({"a"});
  job.serve_at({"edge/a", "cloud/0"});
  EXPECT_EQ(job.report(job.at("edge/a"), {{"requests", 5}}), Json::array())
      << "numbers are told now and then, not with each report";
  EXPECT_EQ(job.fire("tell").size(), 2u) << "the timer and the status";
  EXPECT_EQ(job.fire("tell").size(), 2u) << "the timer and the first record";
  EXPECT_EQ(job.fire("tell").size(), 1u);
  job.report(job.at("edge/a"), {{"requests", 5}});
  EXPECT_EQ(job.fire("tell").size(), 1u) << "the same again is nothing new";
}

TEST(JointService, RecordsBecomeRarerWithItsAge) {
  Service job;
  job.start({"a"});
  int counted = 0;
  // How long it is from one record to the next at that age, where there is always something new.
  const auto gap_at = [&](std::int64_t age_ms) {
    std::vector<std::int64_t> times;
    job.timers["tell"] = job.now_ms = age_ms;
    while (times.size() < 2) {
      job.report(job.at("edge/a"), {{"requests", ++counted}});
      const std::size_t before = job.reports.size();
      job.fire("tell");
      if (job.reports.size() > before) times.push_back(job.now_ms);
    }
    return times[1] - times[0];
  };
  constexpr std::int64_t kHour = 3'600'000;
  EXPECT_EQ(gap_at(60'000), 10'000);
  EXPECT_EQ(gap_at(3 * kHour), 35'000) << "a 360th part is 30 s and grows";
  EXPECT_EQ(gap_at(1'000 * kHour), 600'000);
}

TEST(JointService, RecordsWhatEachEdgeAndAllHaveCounted) {
  Service job;
  job.start({"a", "b"});
  job.report(job.at("edge/a"),
             {{"requests", 60}, {"hard", 30}, {"breaker", 1}, {"total.le.191", 60}});
  job.report(job.at("edge/b"), {{"requests", 40}, {"hard", 0}, {"breaker", 0}});
  job.report(job.at("cloud/0"), {{"requests", 25}, {"batches", 9}});
  job.pass(10'000);
  const Json record = job.record();
  EXPECT_EQ(record["seconds"]["total"], 10.0);
  EXPECT_EQ(record["samples"], 100);
  EXPECT_EQ(record["hardShare"], 0.3);
  EXPECT_EQ(record["p99Ms"], 0.191);
  EXPECT_FALSE(record.contains("accuracy")) << "nobody knew the classes";
  EXPECT_EQ(record["sum"]["requests"], 100) << "the cloud's are the same questions again";
  EXPECT_EQ(record["sum"]["hardShare"], 0.3);
  EXPECT_EQ(record["nodes"]["a"]["hardShare"], 0.5);
  EXPECT_EQ(record["nodes"]["a"]["breaker"], "open");
  EXPECT_EQ(record["nodes"]["b"]["breaker"], "closed");
  EXPECT_EQ(record["cloud"]["batches"], 9);
}

TEST(JointService, CountsEachQuestionOfASwapOnce) {
  Service job;
  job.start({"a"}, spec_with_models());
  const std::string old = job.at("edge/a");
  job.report(old, {{"requests", 100}});
  job.signal("models", edge_models('b'));
  job.report(job.at("edge/a"), {{"requests", 1}});
  job.report(old, {{"requests", 105}});
  job.report(job.at("edge/a"), {{"requests", 7}});
  job.end(old, {{"requests", 108}});
  job.pass(10'000);
  EXPECT_EQ(job.record()["sum"]["requests"], 115);
}

TEST(JointService, StaysSmallWithTenThousandEdges) {
  Service job;
  std::vector<std::string> nodes;
  for (int i = 0; i < 10'000; ++i) nodes.push_back("edge-" + std::to_string(i));
  job.start(nodes);
  EXPECT_EQ(job.open.size(), 10'001u);
  EXPECT_LT(job.state().size(), 5'000'000u);
  EXPECT_LT(job.status.size(), 200u);
  job.signal("models", edge_models('b'));
  EXPECT_EQ(job.open.size(), 20'001u);
  EXPECT_LT(job.state().size(), 5'000'000u);
}

TEST(JointService, StaysSmallWhereNodesComeAndGoForEver) {
  Service job;
  job.start({"a"});
  job.serve_at({"edge/a", "cloud/0"});
  job.pass(10'000);
  const std::size_t size = job.state().size();
  for (int i = 0; i < 300; ++i) {
    const std::string node = "guest-" + std::to_string(i);
    job.join(node);
    job.report(job.at("edge/" + node), {{"requests", 1}, {"total.le.95", 1}});
    job.lose(node);
    job.fail(job.at("edge/" + node), "lost", "the node was revoked");
  }
  job.pass(10'000);
  EXPECT_LT(job.state().size(), size + 200);
  EXPECT_EQ(job.record()["sum"]["requests"], 301);
}

TEST(JointService, BelievesNoNodeThatSaysTooMuch) {
  Service job;
  job.start({"a"});
  Json metrics = {{"requests", 1e308}, {"hard", -5}, {"right", 3.0}, {"breaker", 1e300}};
  for (int i = 0; i < 20'000; ++i) {
    metrics["name" + std::to_string(i)] = i;
    metrics["total.le." + std::to_string(i)] = i;
    metrics["x.le." + std::to_string(i)] = i;
  }
  metrics["total.le.99999999999999999999"] = 7;
  metrics["total.le."] = 7;
  metrics["total.le.-1"] = 7;
  metrics[""] = 7;
  metrics["requests hard"] = 7;
  job.report(job.at("edge/a"), metrics);
  job.pass(10'000);
  EXPECT_LT(job.state().size(), 15'000u);
  EXPECT_LT(job.record().dump().size(), 3'000u);
  EXPECT_EQ(job.record()["sum"]["requests"], 9007199254740992);
  EXPECT_EQ(job.record()["sum"]["hard"], 0);
  EXPECT_EQ(job.record()["sum"]["right"], 3);
}

TEST(JointService, EndsAfterItsDurationWithWhatWasCounted) {
  Service job;
  job.start({"a"}, spec_of({{"duration", "8s"}}));
  job.report(job.at("edge/a"), {{"requests", 4}, {"hard", 4}, {"offloaded", 2}, {"fallbacks", 2}});
  job.pass(8'000);
  EXPECT_EQ(job.finish["phase"], "Succeeded");
  EXPECT_EQ(job.finish["message"],
            "its time is over; 4 questions, 100.0 % hard, 50.0 % to the cloud, 2 answered by the "
            "edge for want of it");
  EXPECT_EQ(job.record()["sum"]["requests"], 4);
}

TEST(JointService, EndsWhenSomebodySaysStopAndDoesNothingAfterwards) {
  Service job;
  job.start({"a", "b"});
  const std::string task = job.at("edge/a"), other = job.at("edge/b");
  job.signal("stop");
  EXPECT_EQ(job.finish["message"], "stopped; 0 questions");
  EXPECT_EQ(job.report(task), Json::array());
  EXPECT_EQ(job.fail(other, "cancelled"), Json::array());
  EXPECT_EQ(job.join("c"), Json::array());
  EXPECT_EQ(job.signal("stop"), Json::array());
}

TEST(JointService, IgnoresWhatFitsNothing) {
  Service job;
  job.start({"a"});
  const std::string state = job.state();
  for (const Json& event :
       {Json{{"type", "Restarted"}}, Json{{"type", "NodeLost"}, {"node", "nobody"}},
        Json{{"type", "TaskFailed"}, {"task", "edge/a/7"}, {"code", "failed"}},
        Json{{"type", "TaskReported"}, {"task", "x"}, {"metrics", {{"requests", 1}}}},
        Json{{"type", "TimerFired"}, {"timer", "again/edge/a"}},
        Json{{"type", "TimerFired"}, {"timer", "again/cloud/x"}},
        Json{{"type", "TimerFired"}, {"timer", "again/"}}, Json{{"type", "Started"}},
        Json{{"type", "Of a later version"}}}) {
    EXPECT_EQ(job.send(event), Json::array()) << event;
    EXPECT_EQ(job.state(), state) << event;
  }
}
