// JointInferenceService with sources, sinks, labels and a payload: what its tasks are told, and
// what becomes of feeds.
#include "joint_support.hpp"

using joint_test::digest;
using joint_test::Json;
using joint_test::Service;
using joint_test::spec_of;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

namespace {

Json plugin(const char* name) {
  return {{"plugin", name}};
}

Json with_sources(const Json& more = Json::object()) {
  Json spec = spec_of({{"sources", {plugin("camera"), plugin("folder")}}});
  spec.update(more);
  return spec;
}

// One that ends with them.
Json finite(const Json& more = Json::object()) {
  Json spec = with_sources({{"endWithSources", true}});
  spec.update(more);
  return spec;
}

std::size_t starts_in(const Json& commands, const std::string& kind) {
  return static_cast<std::size_t>(
      std::count_if(commands.begin(), commands.end(), [&](const Json& command) {
        return command["do"] == "StartTask" && command["kind"] == kind;
      }));
}

const char* const kServing = "Serving: 2 of 2 edges serve, 1 of 1 workers on the cloud";

// Two edges at work, with their feeds.
void begin(Service& job, const Json& spec = with_sources()) {
  job.start({"a", "b"}, spec);
  job.serve_at({"cloud/0", "edge/a", "edge/b", "feed/a", "feed/b"});
}

}  // namespace

// ---- what tasks are told

TEST(JointFeed, AsksOnEveryEdgeAboutWhatTheSourcesGive) {
  Service job;
  job.start({"a", "b"}, with_sources({{"sinks", {plugin("log")}}}));
  job.serve_at({"cloud/0"});
  ASSERT_EQ(job.open.size(), 5u);
  const Json feed = job.open.at(job.at("feed/b"));
  EXPECT_EQ(feed["kind"], "joint.feed");
  EXPECT_EQ(feed["node"], "b");
  EXPECT_EQ(feed["serves"], 1) << "a worker of its own, with a way to ask";
  EXPECT_EQ(feed["replica"], 0);
  EXPECT_EQ(feed["deadline_ms"], 0);
  EXPECT_EQ(feed["inputs"], Json::object());
  EXPECT_EQ(feed["params"], Json({{"role", "feed"},
                                  {"input", {{"shape", {1, 28, 28}}, {"classes", 10}}},
                                  {"sources", {"sources[0]", "sources[1]"}},
                                  {"sinks", {"sinks[0]"}}}));
  EXPECT_EQ(feed["slots"], Json({"sources[0]", "sources[1]", "sinks[0]"}));
}

TEST(JointFeed, WaitsForTheCloudToHaveServedOnce) {
  Service job;
  job.start({"a"}, with_sources());
  job.serve_at({"edge/a"});
  job.lose("a");
  job.join("a");
  job.pass(5'000);
  EXPECT_EQ(job.at("feed/a"), "") << "the first examples would have nobody to help with them";
  job.serve_at({"cloud/0"});
  const std::string feed = job.at("feed/a");
  EXPECT_NE(feed, "");
  job.fail(job.at("cloud/0"), "crashed");
  job.join("late");
  EXPECT_NE(job.at("feed/late"), "") << "the cloud is known to work";
  job.fire("again/cloud/0");
  job.serve_at({"cloud/0"});
  EXPECT_EQ(job.at("feed/a"), feed);
}

TEST(JointFeed, NeedsNoSinksAndNoCloud) {
  Service job;
  Json spec = with_sources();
  spec.erase("cloud");
  job.start({"a"}, spec);
  EXPECT_EQ(job.open.at(job.at("feed/a"))["params"]["sinks"], Json::array());
  EXPECT_EQ(job.status, "Starting: 0 of 1 edges serve, 0 of 1 feeds at work; 0 questions");
}

TEST(JointFeed, TheEdgeEncodesAndTheCloudDecodesAndTheEdgeKeepsTheLabels) {
  Service job;
  job.start({"a"}, spec_of({{"payload", plugin("image")},
                            {"payloadWhen", "always"},
                            {"labels", plugin("pictures")}}));
  const Json edge = job.open.at(job.at("edge/a")), cloud = job.open.at(job.at("cloud/0"));
  EXPECT_EQ(edge["params"]["payload"], "payload");
  EXPECT_EQ(edge["params"]["payloadWhen"], "always");
  EXPECT_EQ(edge["params"]["labels"], "labels");
  EXPECT_EQ(edge["slots"],
            Json({"strategy", "edge[0].estimator", "edge[0].filter", "payload", "labels"}));
  EXPECT_EQ(cloud["params"]["payload"], "payload");
  EXPECT_FALSE(cloud["params"].contains("labels"));
  EXPECT_EQ(cloud["slots"], Json({"cloud.estimator", "payload"}));
  EXPECT_EQ(job.at("feed/a"), "") << "nothing gives examples by itself";
}

TEST(JointFeed, APayloadServesApplicationsWithoutACloudToo) {
  Service job;
  Json spec = spec_of({{"payload", plugin("image")}});
  spec.erase("cloud");
  job.start({"a"}, spec);
  const Json edge = job.open.at(job.at("edge/a"));
  EXPECT_EQ(edge["params"]["payload"], "payload");
  EXPECT_FALSE(edge["params"].contains("payloadWhen")) << "it was left out";
}

TEST(JointFeed, RefusesWhatIsOfNoUseWithoutSomethingElse) {
  const auto refusal = [](const Json& more, bool cloud = true) {
    Service job;
    Json spec = spec_of(more);
    if (!cloud) spec.erase("cloud");
    job.start({"a"}, spec);
    EXPECT_TRUE(job.open.empty());
    EXPECT_EQ(job.finish["phase"], "Failed");
    return job.finish.value("message", std::string());
  };
  EXPECT_EQ(refusal({{"sinks", {plugin("log")}}}),
            "sinks: there are no sources whose examples they could get; add sources, or take sinks "
            "away");
  EXPECT_THAT(refusal({{"sinks", {plugin("log")}}, {"sources", Json::array()}}),
              StartsWith("sinks: "));
  EXPECT_THAT(refusal({{"endWithSources", true}}), StartsWith("endWithSources: "));
  EXPECT_THAT(refusal({{"payloadWhen", "slow"}}), StartsWith("payloadWhen: there is no payload"));
  EXPECT_THAT(refusal({{"payload", plugin("image")}, {"payloadWhen", "always"}}, false),
              StartsWith("payloadWhen: there is no cloud"));
  EXPECT_THAT(refusal({{"labels", plugin("pictures")}}, false),
              StartsWith("labels: there is no cloud"));
}

// The commands are those of the version before there were sources.
TEST(JointFeed, AJobWithoutSourcesIsCommandedAsItAlwaysWas) {
  const Json start = Json::parse(R"([
    {"do": "StartTask", "task": "cloud/0/1.1", "kind": "joint.cloud", "node": "cloud",
     "params": {"role": "cloud", "input": {"classes": 10, "shape": [1, 28, 28]},
                "estimator": "cloud.estimator", "batch": {"delayUs": 200, "most": 8}},
     "inputs": {}, "expects": {}, "limits": {}, "deadline_ms": 0, "serves": 1, "replica": 0,
     "slots": ["cloud.estimator"]},
    {"do": "StartTask", "task": "edge/a/1.2", "kind": "joint.edge", "node": "a",
     "params": {"role": "edge", "input": {"classes": 10, "shape": [1, 28, 28]},
                "strategy": "strategy", "cloud": true, "deadlineUs": 100000, "fallback": "edge",
                "audit": 0.01,
                "stages": [{"estimator": "edge[0].estimator", "filter": "edge[0].filter"}]},
     "inputs": {}, "expects": {}, "limits": {}, "deadline_ms": 0, "serves": 1, "replica": 0,
     "slots": ["strategy", "edge[0].estimator", "edge[0].filter"]},
    {"do": "SetTimer", "timer": "tell", "after_ms": 5000},
    {"do": "SetStatus", "phase": "Starting",
     "message": "0 of 1 edges serve, 0 of 1 workers on the cloud; 0 questions"}])");
  const Json sum = Json::parse(R"({
    "requests": 5, "hard": 1, "hardShare": 0.2, "offloaded": 0, "offloadShare": 0.0, "byEdge": 0,
    "byCloud": 0, "fallbacks": 0, "refused": 0, "missed": 0, "late": 0, "spared": 0, "audited": 0,
    "auditDisagreed": 0, "compared": 0, "disagreed": 0, "labelled": 0, "right": 0, "edgeKnown": 0,
    "edgeRight": 0, "batches": 0, "expired": 0})");
  const Json failure = Json::parse(R"([
    {"do": "Report", "record": {
      "samples": 5, "hardShare": 0.2, "offloadShare": 0.0, "p50Ms": 0.0, "p99Ms": 0.0,
      "seconds": {"total": 10.0},
      "failed": [{"node": "a", "version": 1, "task": "edge/a/1.2", "code": "crashed",
                  "message": "it broke"}]}},
    {"do": "SetTimer", "timer": "again/edge/a", "after_ms": 1000},
    {"do": "SetStatus", "phase": "Degraded",
     "message": "0 of 1 edges serve, 1 of 1 workers on the cloud; 5 questions, 20.0 % hard, 0.0 % to the cloud. edge a fails: it broke"}])");
  for (const Json& more :
       {Json::object(), Json{{"endWithSources", false}},
        Json{{"sources", Json::array()}, {"sinks", Json::array()}, {"endWithSources", false}}}) {
    Service job;
    EXPECT_EQ(job.start({"a"}, spec_of(more)), start);
    job.serve_at({"cloud/0"});
    job.report(job.at("edge/a"), {{"requests", 5}, {"hard", 1}, {"breaker", 0}});
    job.pass(10'000);
    EXPECT_EQ(job.record()["sum"], sum);
    EXPECT_EQ(job.fail(job.at("edge/a"), "crashed"), failure);
    EXPECT_EQ(job.signal("stop").size(), 1u);
  }
}

// ---- versions

TEST(JointFeed, GoesOnWhileModelsAreSwapped) {
  Service job;
  begin(job);
  const std::string feed = job.at("feed/a");
  const Json commands = job.signal("models", {{"edge", {digest('b')}}, {"cloud", {digest('d')}}});
  EXPECT_EQ(starts_in(commands, "joint.feed"), 0u);
  EXPECT_EQ(job.at("feed/a"), feed);
  EXPECT_TRUE(job.stopped.empty());
  job.join("late");
  EXPECT_EQ(job.version_at("edge/late"), 2u);
  EXPECT_EQ(job.version_at("feed/late"), 1u);
}

TEST(JointFeed, HasNoModelsThatASignalCouldName) {
  Service job;
  begin(job);
  EXPECT_EQ(starts_in(job.signal("models", {{"feed", {digest('b')}}}), "joint.feed"), 0u);
  EXPECT_THAT(job.status, HasSubstr("names `feed`, and this service has edge and cloud"));
}

// ---- feeds that come to their end

TEST(JointFeed, TellsHowManyAreAtWorkAndAtTheirEnd) {
  Service job;
  begin(job);
  EXPECT_THAT(job.status, StartsWith(std::string(kServing) + ", 2 of 2 feeds at work; "));
  job.join("c");
  EXPECT_THAT(job.status, HasSubstr(", 2 of 3 feeds at work; "));
  job.end(job.at("feed/a"));
  EXPECT_THAT(job.status, HasSubstr(", 1 of 3 feeds at work, 1 at its end; "));
  job.end(job.at("feed/b"));
  EXPECT_THAT(job.status, HasSubstr(", 0 of 3 feeds at work, 2 at their end; "));
}

TEST(JointFeed, AtItsEndIsNotStartedAgainWhateverTheNodeDoes) {
  Service job;
  begin(job);
  const std::string feed = job.at("feed/a");
  job.end(feed);
  EXPECT_THAT(job.status, StartsWith("Serving: "));
  EXPECT_EQ(job.end(feed), Json::array()) << "an answer may come twice";
  job.lose("a");
  job.join("a");
  job.fail(job.at("edge/a"), "crashed");
  job.pass(3'600'000);
  EXPECT_NE(job.at("edge/a"), "");
  EXPECT_EQ(job.at("feed/a"), "");
  EXPECT_TRUE(job.finish.is_null()) << "applications may still ask";
}

TEST(JointFeed, BeginsAnewOnANodeThatHasLostAllItHad) {
  Service job;
  begin(job);
  job.end(job.at("feed/a"));
  job.lose("a");
  job.fail(job.at("edge/a"), "lost", "node a came back without it");
  EXPECT_EQ(starts_in(job.join("a"), "joint.feed"), 1u);
  EXPECT_THAT(job.status, HasSubstr(", 1 of 2 feeds at work; "));
}

// ---- nodes

TEST(JointFeed, ANodeThatWasRevokedIsForgottenWhicheverOfItsTasksWasLostFirst) {
  for (const std::string first : {"edge/b", "feed/b"}) {
    Service job;
    begin(job);
    job.report(job.at("feed/b"), {{"fed", 30}, {"unanswered", 4}});
    job.lose("b");
    job.fail(job.at(first), "lost", "the node was revoked");
    job.fail(job.at(first == "edge/b" ? "feed/b" : "edge/b"), "lost", "the node was revoked");
    EXPECT_EQ(job.timers.size(), 1u) << "nothing waits for it";
    job.pass(3'600'000);
    EXPECT_EQ(job.at("edge/b"), "");
    EXPECT_EQ(job.at("feed/b"), "");
    EXPECT_THAT(job.status, StartsWith("Serving: 1 of 1 edges serve"));
    EXPECT_THAT(job.status, HasSubstr(", 1 of 1 feeds at work; "));
    EXPECT_EQ(job.record()["sum"]["fed"], 30) << "what it had asked about stays";
  }
}

TEST(JointFeed, ANodeThatIsCutOffGoesOnFeeding) {
  Service job;
  begin(job);
  job.fail(job.at("edge/b"), "quarantined");
  job.lose("b");
  job.fire("again/edge/b");
  job.fail(job.at("edge/b"), "unavailable");
  EXPECT_THAT(job.status, HasSubstr("1 of 2 edges serve (1 out of reach)"));
  EXPECT_THAT(job.status, HasSubstr(", 2 of 2 feeds at work"));
  EXPECT_EQ(starts_in(job.join("b"), "joint.feed"), 0u);
}

TEST(JointFeed, ANodeWhereOnlyTheFeedIsAtWorkIsStillKnownWhenItIsCutOff) {
  Service job;
  job.start({"a", "b"}, with_sources());
  job.serve_at({"cloud/0", "edge/a", "feed/a", "feed/b"});
  job.fail(job.at("edge/b"), "unsupported", "no such plugin");
  job.lose("b");
  EXPECT_THAT(job.status, HasSubstr("1 of 2 edges serve (1 out of reach)"));
  job.end(job.at("feed/b"));
  job.lose("b");
  EXPECT_THAT(job.status, HasSubstr("1 of 1 edges serve")) << "it does nothing any more";
}

// ---- failures

TEST(JointFeed, IsTriedAgainLaterAndLater) {
  Service job;
  begin(job);
  std::vector<std::int64_t> waits;
  for (int i = 0; i < 10; ++i) {
    job.fail(job.at("feed/a"), "unavailable", "no connection");
    EXPECT_THAT(job.status, StartsWith(std::string(kServing) + ", 1 of 2 feeds at work; "));
    EXPECT_THAT(job.status, EndsWith(". the feed of a: no connection"));
    waits.push_back(job.timers.at("again/feed/a") - job.now_ms);
    job.fire("again/feed/a");
  }
  EXPECT_EQ(waits, (std::vector<std::int64_t>{1'000, 2'000, 4'000, 8'000, 16'000, 32'000, 64'000,
                                              128'000, 256'000, 300'000}));
  EXPECT_EQ(job.reports.at(0)["failed"][0]["node"], "a");
  EXPECT_EQ(job.reports.at(0)["failed"][0]["version"], 1);
  job.serve_at({"feed/a"});
  EXPECT_THAT(job.status, Not(HasSubstr("the feed of")));
}

TEST(JointFeed, ThatFailsAtItsFirstExampleIsTriedAgainLaterAndLaterAndToldOfOnce) {
  Service job;
  begin(job);
  job.pass(600'000);
  std::vector<std::int64_t> waits;
  for (int i = 0; i < 8; ++i) {
    job.fail(job.at("feed/a"), "failed", "the disk is full");
    EXPECT_THAT(job.status, EndsWith(". the feed of a: the disk is full"));
    waits.push_back(job.timers.at("again/feed/a") - job.now_ms);
    job.fire("again/feed/a");
    job.report(job.at("feed/a"), {});
    EXPECT_THAT(job.status, Not(HasSubstr("the feed of")));
    job.pass(61'000);
    job.report(job.at("feed/a"), {{"fed", i}});
  }
  EXPECT_EQ(waits, (std::vector<std::int64_t>{1'000, 2'000, 4'000, 60'000, 60'000, 60'000, 60'000,
                                              60'000}));
  EXPECT_EQ(std::count_if(job.reports.begin(), job.reports.end(),
                          [](const Json& each) { return each.contains("failed"); }),
            1);
  job.pass(120'000);
  job.report(job.at("feed/a"), {{"fed", 100}});
  job.fail(job.at("feed/a"), "failed", "the disk is full");
  EXPECT_EQ(job.timers.at("again/feed/a") - job.now_ms, 1'000) << "it was well for long";
}

TEST(JointFeed, ThatIsRefusedNeedsAPersonAndTheServiceGoesOn) {
  Service job;
  job.start({"a", "b"}, with_sources());
  job.serve_at({"cloud/0", "edge/a", "edge/b"});
  job.fail(job.at("feed/a"), "invalid_argument", "sinks[0]: cannot write to /data");
  EXPECT_TRUE(job.finish.is_null());
  EXPECT_THAT(
      job.status,
      StartsWith("Degraded: 2 of 2 edges serve, 1 of 1 workers on the cloud, 0 of 2 feeds"));
  EXPECT_THAT(job.status, EndsWith(". the feed of a: sinks[0]: cannot write to /data"));
  EXPECT_EQ(job.notes.at(0)["code"], "service.refused");
  EXPECT_EQ(job.notes.at(0)["node"], "a");
  EXPECT_EQ(job.reports.at(0)["rejected"][0]["code"], "invalid_argument");
  EXPECT_EQ(job.timers.at("again/feed/a") - job.now_ms, 60'000) << "a person may mend it";
  job.fail(job.at("feed/b"), "unsupported", "no such plugin");
  EXPECT_TRUE(job.finish.is_null()) << "applications are answered without any feed";
  EXPECT_THAT(job.status, EndsWith("cannot write to /data, and 1 more"));
}

TEST(JointFeed, NeverEndsAServiceThatWaitsForAnotherEdge) {
  Service job;
  job.start({"a", "b"}, with_sources());
  job.serve_at({"cloud/0"});
  job.fail(job.at("edge/a"), "unsupported", "no such plugin");
  job.lose("b");
  job.fail(job.at("feed/b"), "lost");
  job.fail(job.at("edge/b"), "lost");
  job.fail(job.at("feed/a"), "invalid_argument", "no such camera");
  EXPECT_TRUE(job.finish.is_null());
  EXPECT_EQ(starts_in(job.join("c"), "joint.edge"), 1u);
}

TEST(JointFeed, ThatWasRefusedIsTriedAgainWhenItsNodeIsBack) {
  Service job;
  job.start({"a", "b"}, with_sources());
  job.serve_at({"cloud/0", "edge/a", "edge/b", "feed/b"});
  job.fail(job.at("feed/a"), "invalid_argument", "cannot write");
  job.lose("a");
  job.join("a");
  job.fire("again/feed/a");
  job.serve_at({"feed/a"});
  EXPECT_THAT(job.status, StartsWith(std::string(kServing) + ", 2 of 2 feeds at work; "));
}

TEST(JointFeed, ThatIsRefusedIsTriedAgainEveryMinute) {
  Service job;
  begin(job);
  for (int i = 0; i < 3; ++i) {
    job.fail(job.at("feed/a"), "quarantined", "it ended four workers");
    EXPECT_EQ(job.timers.at("again/feed/a") - job.now_ms, 60'000);
    EXPECT_THAT(job.status, StartsWith("Degraded: "));
    job.fire("again/feed/a");
  }
  EXPECT_EQ(job.notes.size(), 1u) << "it is told once";
}

TEST(JointFeed, IsRefusedWhenItFailsFourTimesInARow) {
  Service job;
  job.start({"a"}, with_sources());
  job.serve_at({"cloud/0", "edge/a"});
  for (int i = 0; i < 3; ++i) {
    job.fail(job.at("feed/a"), "internal", "it gave nonsense");
    EXPECT_THAT(job.status, StartsWith("Serving: "));
    job.fire("again/feed/a");
  }
  job.fail(job.at("feed/a"), "internal", "it gave nonsense");
  EXPECT_THAT(job.status, StartsWith("Degraded: "));
  EXPECT_TRUE(job.finish.is_null());
}

TEST(JointFeed, IsNoReasonToTakeModelsBack) {
  Service job;
  begin(job);
  job.signal("models", {{"edge", {digest('b')}}});
  job.serve_at({"edge/a"});
  for (const std::string place : {"feed/a", "feed/b"})
    job.fail(job.at(place), "invalid_argument", "no such camera");
  EXPECT_EQ(job.version_at("edge/a"), 2u);
  EXPECT_EQ(job.version_at("edge/b"), 2u);
  EXPECT_THAT(job.status, Not(HasSubstr("was refused, the models before it serve")));
}

TEST(JointFeed, IsNamedAfterTheEdgesThatFail) {
  Service job;
  begin(job);
  job.fail(job.at("feed/a"), "unavailable", "no connection");
  job.fail(job.at("edge/b"), "unavailable", "no memory");
  EXPECT_THAT(job.status, EndsWith(". edge b fails: no memory. the feed of a: no connection"));
}

// ---- counts

TEST(JointFeed, CountsWhatItAskedAboutWithItsEdge) {
  Service job;
  begin(job);
  job.report(job.at("edge/a"), {{"requests", 50}, {"breaker", 1}});
  job.report(job.at("feed/a"), {{"fed", 20}, {"unanswered", 3}, {"requests", 20}});
  job.report(job.at("feed/b"), {{"fed", 4}});
  job.end(job.at("feed/b"), {{"fed", 9}, {"unanswered", 0}});
  job.pass(10'000);
  const Json record = job.record();
  EXPECT_EQ(record["sum"]["fed"], 29);
  EXPECT_EQ(record["sum"]["unanswered"], 3);
  EXPECT_EQ(record["samples"], 51) << "of the edges alone: 50 and 1";
  EXPECT_EQ(record["nodes"]["a"]["fed"], 20);
  EXPECT_EQ(record["nodes"]["a"]["breaker"], "open") << "of which a feed knows nothing";
  EXPECT_EQ(record["nodes"]["b"]["fed"], 9);
}

// ---- a service that ends with its sources

TEST(JointFeed, EndsTheServiceWhenAllSourcesAreAtTheirEnd) {
  Service job;
  begin(job, finite());
  job.end(job.at("feed/a"));
  job.pass(60'000);
  EXPECT_TRUE(job.finish.is_null()) << "b has more";
  job.end(job.at("feed/b"));
  EXPECT_TRUE(job.finish.is_null()) << "what the edges have counted is on its way";
  job.report(job.at("edge/a"), {{"requests", 7}});
  job.pass(10'000);
  EXPECT_EQ(job.finish["phase"], "Succeeded");
  EXPECT_THAT(job.finish["message"].get<std::string>(),
              StartsWith("its sources have come to their end; 8 questions, "));
  EXPECT_EQ(job.record()["sum"]["requests"], 8);
}

TEST(JointFeed, WaitsForTheSourcesOfANodeThatJoinsAtTheLastMoment) {
  Service job;
  job.start({"a"}, finite());
  job.serve_at({"cloud/0"});
  job.end(job.at("feed/a"));
  job.pass(9'000);
  job.join("late");
  job.pass(60'000);
  EXPECT_TRUE(job.finish.is_null());
  job.end(job.at("feed/late"));
  job.pass(10'000);
  EXPECT_EQ(job.finish["phase"], "Succeeded");
}

TEST(JointFeed, WaitsForSourcesThatFailOrAreOutOfReach) {
  Service job;
  begin(job, finite());
  job.end(job.at("feed/a"));
  job.fail(job.at("feed/b"), "invalid_argument", "no such folder");
  job.lose("b");
  job.pass(280'000);
  EXPECT_TRUE(job.finish.is_null());
  job.join("b");
  job.end(job.at("feed/b"));
  job.pass(10'000);
  EXPECT_EQ(job.finish["phase"], "Succeeded");
}

TEST(JointFeed, DoesNotWaitForTheSourcesOfANodeThatWasRevoked) {
  Service job;
  begin(job, finite());
  job.end(job.at("feed/a"));
  job.lose("b");
  job.fail(job.at("edge/b"), "lost");
  job.fail(job.at("feed/b"), "lost");
  job.pass(10'000);
  EXPECT_EQ(job.finish["phase"], "Succeeded");
}

TEST(JointFeed, AServiceThatHasSeenNoSourcesDoesNotEnd) {
  Service job;
  job.start({}, finite());
  job.pass(3'600'000);
  EXPECT_TRUE(job.finish.is_null());
  job.join("a");
  job.lose("a");
  job.fail(job.at("edge/a"), "lost");
  job.fail(job.at("feed/a"), "lost");
  job.pass(3'600'000);
  EXPECT_TRUE(job.finish.is_null());
}
