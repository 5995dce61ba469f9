// Until the first round: nodes, the first model, membership.
#include "federated_support.hpp"

using federated_test::Job;
using federated_test::Json;

TEST(FederatedStart, MakesTheFirstModelOnTheCloudWhileNodesAreMissing) {
  Job job;
  job.start({}, {{"nodes", 2}});
  EXPECT_EQ(job.tasks.at("init")["node"], "cloud");
  EXPECT_EQ(job.tasks.at("init")["kind"], "federated.init");
  EXPECT_EQ(job.tasks.at("init")["params"]["seed"], 7);
  EXPECT_EQ(job.status, "Waiting: 0 of 2 nodes are here");
  job.aggregate("init", "m0");
  job.join("b");
  EXPECT_EQ(job.status, "Waiting: 1 of 2 nodes are here: b");
  job.join("a");
  EXPECT_TRUE(job.started("1/train/a"));
  EXPECT_TRUE(job.started("1/train/b"));
}

TEST(FederatedStart, WaitsForTheQuorumWhenNodesIsNotGiven) {
  Job job;
  job.begin({"a"}, {{"quorum", 2}});
  EXPECT_FALSE(job.started("1/train/a"));
  job.join("b");
  EXPECT_TRUE(job.started("1/train/a"));
}

TEST(FederatedStart, ANodeThatLeavesBeforeTheFirstRoundIsNotCounted) {
  Job job;
  job.begin({"a"}, {{"nodes", 2}});
  job.lose("a");
  job.join("b");
  EXPECT_FALSE(job.started("1/train/b"));
  job.join("c");
  EXPECT_TRUE(job.started("1/train/c"));
  EXPECT_EQ(job.tasks.at("1/train/b")["params"]["parts"], 2);
}

TEST(FederatedStart, MembersHaveTheIndexOfTheirNameAndTheirOwnSeed) {
  Job job;
  job.begin({"c", "a", "b"});
  const Json a = job.tasks.at("1/train/a")["params"];
  const Json c = job.tasks.at("1/train/c")["params"];
  EXPECT_EQ(a, Json({{"round", 1}, {"index", 0}, {"parts", 3}, {"seed", 7}}));
  EXPECT_EQ(c["index"], 2);
  EXPECT_EQ(c["seed"], 7ULL ^ (2 * 0x9E3779B97F4A7C15ULL));
  EXPECT_EQ(job.tasks.at("1/train/c")["inputs"], Json({{"model", "m0"}}));
  EXPECT_EQ(job.tasks.at("1/train/c")["expects"], Json({{"update", "m0"}}));
}

TEST(FederatedStart, ANodeThatJoinsLaterGetsTheNextIndexAndOneOfTheShares) {
  Job job;
  job.begin({"b", "c"}, {{"evaluation", {{"where", "none"}}},
                         {"rounds", 3},
                         {"initialModel", {{"$artifact", "m0"}}}});
  job.join("a");
  EXPECT_FALSE(job.started("1/train/a"));
  job.train("1/train/b");
  job.train("1/train/c");
  job.aggregate("1/aggregate", "m1");
  ASSERT_TRUE(job.started("2/train/a"));
  EXPECT_EQ(job.tasks.at("2/train/a")["params"]["index"], 0);
  EXPECT_EQ(job.tasks.at("2/train/a")["params"]["parts"], 2);
  EXPECT_EQ(job.tasks.at("2/train/a")["params"]["seed"], 7ULL ^ (2 * 0x9E3779B97F4A7C15ULL));
  EXPECT_EQ(job.tasks.at("2/train/b")["params"]["index"], 0);
}

TEST(FederatedStart, StartsFromAModelThatTheJobNames) {
  Job job;
  job.start({"a"}, {{"initialModel", {{"$artifact", "given"}, {"name", "m.safetensors"}}}});
  EXPECT_FALSE(job.started("init"));
  EXPECT_EQ(job.tasks.at("1/train/a")["inputs"]["model"], "given");
}

TEST(FederatedStart, TheFirstNodeMakesTheModelWhenTheCloudHasNoData) {
  Job job;
  job.start({"b", "a"}, {{"evaluation", {{"where", "edges"}}}});
  EXPECT_EQ(job.tasks.at("init/a")["node"], "a");
  job.aggregate("init/a", "m0");
  EXPECT_TRUE(job.started("1/train/b"));
}

TEST(FederatedStart, AnotherNodeMakesTheModelWhenTheFirstDoesNotAnswer) {
  Job job;
  job.start({"a", "b"}, {{"evaluation", {{"where", "none"}}}});
  job.fire("init/deadline");
  EXPECT_EQ(job.stopped, std::set<std::string>{"init/a"});
  ASSERT_TRUE(job.started("init.2/b"));
  job.fail_task("init.2/b", "crashed");
  ASSERT_TRUE(job.started("init.2/b/2"));
  job.aggregate("init/a", "late");
  EXPECT_FALSE(job.started("1/train/a"));
  job.aggregate("init.2/b/2", "m0");
  EXPECT_EQ(job.tasks.at("1/train/a")["inputs"]["model"], "m0");
}

TEST(FederatedStart, FailsWhenNoNodeMakesTheModel) {
  Job job;
  job.start({"a", "b"}, {{"evaluation", {{"where", "none"}}}, {"attempts", 2}});
  job.fire("init/deadline");
  job.fire("init.2/deadline");
  EXPECT_EQ(job.phase(), "Failed");
  EXPECT_EQ(job.message(),
            "no first model could be made in 2 attempts, the last on b: no answer within 60s");
}

TEST(FederatedStart, FailsWithTheReasonWhenTheModelCanNotBeMade) {
  Job job;
  job.start({"a"});
  job.fail_task("init", "invalid_argument", "the image is no multiple of the cell");
  EXPECT_EQ(job.phase(), "Failed");
  EXPECT_EQ(job.message(),
            "no first model could be made on cloud: invalid_argument: the image is no multiple of "
            "the cell");
}

TEST(FederatedStart, IgnoresWhatComesBeforeTheStart) {
  Job job;
  EXPECT_EQ(job.join("a"), Json::array());
  job.begin({"a"});
  EXPECT_TRUE(job.started("1/train/a"));
}

TEST(FederatedStart, IgnoresASecondStart) {
  Job job;
  job.begin({"a"});
  const std::string before = job.state();
  EXPECT_EQ(job.start({"a", "b"}), Json::array());
  EXPECT_EQ(job.state(), before);
}

TEST(FederatedStart, ADurationThatIsNoneFailsTheJobByName) {
  Job job;
  job.start({"a"}, {{"deadline", "soon"}});
  EXPECT_EQ(job.phase(), "Failed");
  EXPECT_EQ(job.message(), "deadline: `soon` is no duration; write 500ms, 60s, 5m or 2h");
}
