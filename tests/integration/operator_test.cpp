// The daemon's way: a job is handed to a cloud that runs, followed, and taken away.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/base/digest.hpp"
#include "tests/integration/host_processes.hpp"
#include "tests/support/job.hpp"

namespace skerry::testing {
namespace {

using ::testing::HasSubstr;

class Daemons : public HostsTest {
 protected:
  Output apply(const JobText& job) const {
    return ask({"apply", "-f", scratch.write("job.yaml", job.yaml()).string()});
  }
  Json answer(std::vector<std::string> arguments) const {
    const Output output = ask(std::move(arguments));
    EXPECT_TRUE(output.ok()) << output.all();
    return output.json();
  }
};

TEST_F(Daemons, AJobGoesFromApplyToDelete) {
  Process cloud = start_cloud();
  Process one = start_joined_edge("edge-1");
  Process two = start_joined_edge("edge-2");

  const Output applied = apply(JobText("daily").set("quorum", "2"));
  ASSERT_TRUE(applied.ok()) << applied.all();
  EXPECT_EQ(applied.json()["applied"][0]["action"], "created");

  const Output watched = ask({"watch", "daily"});
  ASSERT_TRUE(watched.ok()) << watched.all();
  const auto lines = json_lines(watched.out);
  ASSERT_EQ(lines.size(), 4u) << watched.out;  // three records and what it came to
  for (int round = 1; round <= 3; ++round) EXPECT_EQ(lines[round - 1].at("round"), round);
  EXPECT_EQ(lines.back().at("phase"), "Succeeded");
  EXPECT_EQ(lines.back().at("rounds"), 3);

  const Json row = answer({"get", "jobs", "daily"}).at("items").at(0);
  EXPECT_EQ(row.at("phase"), "Succeeded");
  EXPECT_EQ(row.at("metrics").at("accuracy"), 0.5);

  const Json details = answer({"describe", "job", "daily"});
  EXPECT_EQ(details.at("records").size(), 3u);
  EXPECT_EQ(details.at("plan").at("spec").at("quorum"), 2);
  EXPECT_GE(details.at("plugins").size(), 4u) << details.at("plugins");

  const Json logs = answer({"logs", "daily"});
  ASSERT_GE(logs.at("files").size(), 2u) << logs;
  EXPECT_THAT(logs.at("files").at(0).at("text").get<std::string>(), HasSubstr("job daily"));

  const auto model = scratch / "daily.safetensors";
  const Json saved = answer({"model", "get", "daily", "--to", model.string()});
  EXPECT_EQ(digest_of_file(model).value().hex(), saved.at("digest"));
  EXPECT_EQ(row.at("model"), saved.at("digest"));
  const Json models = answer({"get", "models"}).at("items");
  EXPECT_EQ(models.back().at("digest"), saved.at("digest"));

  answer({"delete", "job", "daily"});
  EXPECT_EQ(answer({"get", "jobs"}).at("items").size(), 0u);
  stop(one);
  stop(two);
  stop(cloud);
}

TEST_F(Daemons, TheSameFileTwiceChangesNothing) {
  Process cloud = start_cloud();
  Process edge = start_joined_edge("edge-1");
  const JobText job("daily");
  ASSERT_TRUE(apply(job).ok());
  const Output again = apply(job);
  ASSERT_TRUE(again.ok()) << again.all();
  EXPECT_EQ(again.json()["applied"][0]["action"], "unchanged");
  EXPECT_EQ(ask({"watch", "daily"}).json().value("phase", ""), "Succeeded");
}

TEST_F(Daemons, ARunningJobIsStoppedByDelete) {
  Process cloud = start_cloud();
  Process edge = start_joined_edge("edge-1");
  const Output applied =
      apply(JobText("endless")
                .set("rounds", "100000")
                .set("estimator", "{plugin: fixture-null, config: {trainMillis: 50}}"));
  ASSERT_TRUE(applied.ok()) << applied.all();
  EXPECT_TRUE(eventually([&] {
    return answer({"get", "jobs", "endless"})["items"][0].value("rounds", 0) >= 1;
  }));
  answer({"delete", "job", "endless"});
  EXPECT_EQ(answer({"get", "jobs"}).at("items").size(), 0u);
  EXPECT_TRUE(eventually([&] { return skerry_processes(scratch.path(), "skerry-worker").empty(); }))
      << text_of(running());
}

TEST_F(Daemons, AJobDoesNotMeetTheTasksOfADeletedOneOfItsName) {
  Process cloud = start_cloud();
  Process edge = start_joined_edge("edge-1");
  const std::string slow = "{plugin: fixture-null, config: {trainMillis: 300}}";
  for (int time = 0; time < 3; ++time) {
    ASSERT_TRUE(apply(JobText("again").set("rounds", "100").set("estimator", slow)).ok());
    ASSERT_TRUE(eventually([&] {
      return !answer({"describe", "job", "again"}).at("tasks").empty();
    }));
    const Output deleted = ask({"delete", "job", "again"});
    ASSERT_TRUE(deleted.ok()) << deleted.all();
  }
  ASSERT_TRUE(apply(JobText("again").set("rounds", "2")).ok());
  const Output watched = ask({"watch", "again"});
  ASSERT_TRUE(watched.ok()) << watched.all();
  EXPECT_EQ(json_lines(watched.out).back().at("rounds"), 2);
}

TEST_F(Daemons, AJobWithAMistakeIsRefusedWithItsPlace) {
  Process cloud = start_cloud();
  JobText job("daily");
  job.set("rounds", "many");
  const Output refused = apply(job);
  EXPECT_EQ(refused.ending.status, 2) << refused.all();
  const Json problem = refused.json().at("problems").at(0);
  EXPECT_EQ(problem.at("where"),
            (scratch / "job.yaml").string() + ":" + std::to_string(job.line_of("rounds")));
  EXPECT_EQ(problem.at("field"), "spec.rounds");
  EXPECT_EQ(answer({"get", "jobs"}).at("items").size(), 0u);
}

TEST_F(Daemons, StatusTellsHowTheCloudIsAndWhatItCounted) {
  Process cloud = start_cloud();
  const Json fresh = answer({"status"});
  EXPECT_EQ(fresh.at("nodes"), (Json{{"online", 0}, {"total", 0}}));
  EXPECT_EQ(fresh.at("counters").at("refused").at("keys"), 0);
  EXPECT_TRUE(fresh.at("conditions").empty());

  Process edge = start_joined_edge("edge-1");
  ASSERT_TRUE(apply(JobText("daily")).ok());
  ASSERT_TRUE(ask({"watch", "daily"}).ok());
  Json status = answer({"status"});
  EXPECT_EQ(status.at("nodes"), (Json{{"online", 1}, {"total", 1}}));
  EXPECT_EQ(status.at("jobs"), (Json{{"running", 0}, {"total", 1}}));
  const Json& messages = status.at("counters").at("messages");
  for (const char* name : {"in", "out", "bytesIn", "bytesOut"})
    EXPECT_GT(messages.at(name), fresh.at("counters").at("messages").at(name)) << name;

  // A key that is not let in any more.
  ASSERT_TRUE(ask({"node", "revoke", "edge-1"}).ok());
  finish(edge);
  Process again = start_edge("edge-1");
  EXPECT_TRUE(eventually([&] {
    status = answer({"status"});
    return status.at("counters").at("refused").at("keys").get<int>() > 0;
  })) << status;

  const Output text = skerry({"status", "--state", cloud_state().string()});
  EXPECT_TRUE(text.ok()) << text.all();
  EXPECT_THAT(text.out, HasSubstr("1 nodes online, 0 of 1 jobs running"));
  EXPECT_THAT(text.out, HasSubstr("bytesIn"));
}

TEST_F(Daemons, AJobThatIsNotThereGetsAGuess) {
  Process cloud = start_cloud();
  Process edge = start_joined_edge("edge-1");
  ASSERT_TRUE(apply(JobText("daily")).ok());
  const Output output = ask({"describe", "job", "dayly"});
  EXPECT_NE(output.ending.status, 0) << output.all();
  EXPECT_THAT(output.err, HasSubstr("Did you mean `daily`?"));
}

}  // namespace
}  // namespace skerry::testing
