// Rounds whose updates travel encoded: each is decoded on the cloud, and held to the limits there.
#include "federated_support.hpp"

using federated_test::Job;
using federated_test::Json;

namespace {

Json with_codec(Json more = Json::object()) {
  more["codec"] = {{"plugin", "c"}};
  return more;
}

Json decoded(Job& job, const std::string& node, const Json& members = Json::object()) {
  const std::string task = "1/decode/" + node;
  Json answer = {{"artifacts", {{"update", Job::artifact("d:" + node)}}}};
  answer.update(members);
  return job.finish_task(task, answer);
}

}  // namespace

TEST(FederatedCodec, IsUsedOnNodesOnlyWhereTheJobHasOne) {
  Job plain, encoding;
  plain.begin({"a"});
  encoding.begin({"a"}, with_codec());
  EXPECT_FALSE(plain.tasks.at("1/train/a")["params"].contains("encode"));
  EXPECT_FALSE(plain.tasks.at("1/train/a")["limits"]["update"].contains("encoded"));
  EXPECT_EQ(encoding.tasks.at("1/train/a")["params"]["encode"], true);
  EXPECT_EQ(encoding.tasks.at("1/train/a")["limits"]["update"]["encoded"], true);
}

TEST(FederatedCodec, DecodesEachAnswerOnTheCloudAsSoonAsItComes) {
  Job job;
  job.begin({"a", "b"}, with_codec());
  job.train("1/train/b", 20, 0.2);
  const Json task = job.tasks.at("1/decode/b");
  EXPECT_EQ(task["node"], "cloud");
  EXPECT_EQ(task["kind"], "federated.decode");
  EXPECT_EQ(task["inputs"], Json({{"encoded", "u:1/train/b"}, {"base", "m0"}}));
  EXPECT_EQ(task["expects"], Json({{"update", "m0"}}));
  decoded(job, "b");
  EXPECT_FALSE(job.started("1/aggregate"));
  job.train("1/train/a", 10, 0.1);
  EXPECT_FALSE(job.started("1/aggregate")) << "what is not decoded does not count yet";
  decoded(job, "a");
  const Json aggregation = job.tasks.at("1/aggregate");
  EXPECT_EQ(aggregation["inputs"], Json({{"u0", "d:a"}, {"u1", "d:b"}, {"base", "m0"}}));
  EXPECT_EQ(aggregation["params"]["updates"][1],
            Json({{"node", "b"}, {"samples", 20}, {"loss", 0.2}}))
      << "what the node said of its training";
}

TEST(FederatedCodec, HoldsWhatWasDecodedToTheNormAndWhatWasSentToTheSamples) {
  Job job;
  job.begin({"a"}, with_codec({{"limits",
                                {{"norm", {{"max", 2.5}, {"policy", "clip"}}},
                                 {"bytes", 1000},
                                 {"samples", {{"max", 50}}}}}}));
  EXPECT_EQ(job.tasks.at("1/train/a")["limits"]["update"],
            Json({{"bytes", 1000}, {"encoded", true}, {"samples", {{"min", 1}, {"max", 50}}}}));
  job.train("1/train/a");
  EXPECT_EQ(job.tasks.at("1/decode/a")["limits"]["update"],
            Json({{"norm", {{"max", 2.5}, {"policy", "clip"}}}}));
  decoded(job, "a", {{"clipped", {{"update", {{"norm", 7.5}}}}}});
  job.aggregate("1/aggregate", "m1");
  job.evaluate("1/evaluate", 0.5);
  EXPECT_EQ(job.reports[0]["nodes"][0]["clippedNorm"], 7.5);
}

TEST(FederatedCodec, BlamesTheNodeForWhatCannotBeDecoded) {
  Job job;
  job.begin({"a", "b"}, with_codec());
  job.train("1/train/a");
  job.fail_task("1/decode/a", "invalid_argument", "no tensor `w`");
  job.train("1/train/b");
  decoded(job, "b");
  ASSERT_EQ(job.notes.size(), 1U);
  EXPECT_EQ(job.notes[0]["code"], "rejected.encoding");
  EXPECT_EQ(job.notes[0]["node"], "a");
  EXPECT_EQ(job.notes[0]["digest"], "u:1/train/a");
  job.aggregate("1/aggregate", "m1");
  job.evaluate("1/evaluate", 0.5);
  EXPECT_EQ(job.reports[0]["rejected"][0]["code"], "rejected.encoding");
  EXPECT_EQ(job.reports[0]["participants"], Json({"b"}));
}

TEST(FederatedCodec, BlamesTheNodeForADecodedUpdateThatTheEngineRefuses) {
  Job job;
  job.begin({"a", "b"}, with_codec());
  job.train("1/train/a");
  job.fail_task("1/decode/a", "rejected.norm", "too far away");
  ASSERT_EQ(job.notes.size(), 1U);
  EXPECT_EQ(job.notes[0]["code"], "rejected.norm");
}

TEST(FederatedCodec, TriesADecodingAgainThatFailedAndBlamesNobody) {
  Job job;
  job.begin({"a"}, with_codec({{"retries", 1}}));
  job.train("1/train/a");
  job.fail_task("1/decode/a", "data_loss");
  EXPECT_EQ(job.tasks.at("1/decode/a/2")["inputs"]["encoded"], "u:1/train/a");
  job.finish_task("1/decode/a/2", {{"artifacts", {{"update", Job::artifact("d:a")}}}});
  EXPECT_EQ(job.tasks.at("1/aggregate")["inputs"]["u0"], "d:a");
  EXPECT_TRUE(job.notes.empty());
}

// It would end it again, and each time costs the worker of all others.
TEST(FederatedCodec, BlamesTheNodeForWhatEndsTheDecodersWorkerAndDoesNotTryItAgain) {
  Job job;
  job.begin({"a", "b"}, with_codec({{"retries", 3}}));
  job.train("1/train/a");
  job.fail_task("1/decode/a", "crashed", "killed by SIGSEGV");
  EXPECT_FALSE(job.started("1/decode/a/2"));
  ASSERT_EQ(job.notes.size(), 1U);
  EXPECT_EQ(job.notes[0]["code"], "rejected.encoding");
  EXPECT_EQ(job.notes[0]["node"], "a");
  EXPECT_THAT(job.notes[0]["message"].get<std::string>(),
              testing::HasSubstr("crashed: killed by SIGSEGV"));
}

TEST(FederatedCodec, WaitsForWhatCameInTimeToBeDecodedAndForNothingElse) {
  Job job;
  job.begin({"a", "b", "c"}, with_codec());
  job.train("1/train/a");
  decoded(job, "a");
  job.train("1/train/b");
  job.fire("1/deadline");
  EXPECT_EQ(job.stopped, std::set<std::string>{"1/train/c"});
  EXPECT_FALSE(job.started("1/aggregate"));
  decoded(job, "b");
  EXPECT_EQ(job.tasks.at("1/aggregate")["inputs"],
            Json({{"u0", "d:a"}, {"u1", "d:b"}, {"base", "m0"}}));
  job.aggregate("1/aggregate", "m1");
  job.evaluate("1/evaluate", 0.5);
  EXPECT_EQ(job.reports[0]["late"], Json({"c"}));
}

TEST(FederatedCodec, MissesTheQuorumWhenWhatCameInTimeCannotBeDecoded) {
  Job job;
  job.begin({"a", "b"}, with_codec({{"quorum", 2}, {"attempts", 1}}));
  job.train("1/train/a");
  job.fire("1/deadline");
  job.fail_task("1/decode/a", "invalid_argument", "no tensor `w`");
  EXPECT_EQ(job.phase(), "Failed");
  EXPECT_THAT(job.message(), testing::HasSubstr("a: rejected.encoding: invalid_argument: no tensor "
                                                "`w`; b: late: no answer within 60s"));
}
