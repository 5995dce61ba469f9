// `skerry backup` and `skerry restore`, as operators use and misuse them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>

#include "tests/integration/host_processes.hpp"

namespace skerry::testing {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::HasSubstr;

class BackupCommands : public HostsTest {
 protected:
  std::string copy() const { return (scratch / "copy").string(); }
  Output restore_to(const fs::path& state) const {
    return skerry({"restore", copy(), "--state", state.string()});
  }
  void expect_refused(const Output& output, int status, const std::string& message) const {
    EXPECT_EQ(output.ending.status, status) << output.all();
    EXPECT_THAT(output.err, HasSubstr(message));
  }
};

TEST_F(BackupCommands, SayWhatThereIsAndWhatToKeepInMind) {
  Process cloud = start_cloud();
  const Output made = skerry({"backup", copy(), "--state", cloud_state().string()});
  ASSERT_TRUE(made.ok()) << made.all();
  EXPECT_THAT(made.out, AllOf(HasSubstr(copy()), HasSubstr("audit log up to entry")));
  EXPECT_THAT(made.err, HasSubstr("holds the cloud's private key"));
  const Output checked = skerry({"restore", "--check", copy()});
  ASSERT_TRUE(checked.ok()) << checked.all();
  EXPECT_THAT(checked.out, HasSubstr("the backup is whole"));
  const Output restored = restore_to(scratch / "new");
  ASSERT_TRUE(restored.ok()) << restored.all();
  EXPECT_THAT(restored.out, HasSubstr((scratch / "new").string()));
  EXPECT_THAT(restored.err,
              AllOf(HasSubstr("Edges come back by themselves"), HasSubstr("Revoke again")));
}

TEST_F(BackupCommands, WorkForACloudThatIsDown) {
  {
    Process cloud = start_cloud();
    token("edge-1");
    stop(cloud);
  }
  const Output made = ask({"backup", copy()});
  ASSERT_TRUE(made.ok()) << made.all();
  EXPECT_EQ(made.json().at("path"), copy());
  EXPECT_TRUE(ask({"audit", "verify"}).ok());
  fs::remove_all(cloud_state());
  const Output restored = ask({"restore", copy()});
  ASSERT_TRUE(restored.ok()) << restored.all();
  EXPECT_EQ(restored.json().at("state"), cloud_state().string());
  Process cloud = start_cloud();
  EXPECT_TRUE(ask({"audit", "verify"}).ok());
  const Json log = ask({"audit", "ls"}).json();
  std::vector<std::string> actions;
  for (const Json& entry : log.at("items")) actions.push_back(entry.at("action"));
  EXPECT_THAT(actions, ::testing::IsSupersetOf({"node.token", "backup.begun", "state.restored"}));
}

TEST_F(BackupCommands, MakeNoUsedTokenGoodAgain) {
  std::string invitation;
  {
    Process cloud = start_cloud();
    invitation = token("edge-1");
    ASSERT_TRUE(ask({"backup", copy()}).ok());
    Process edge = start_edge("edge-1", invitation);
    await_state("edge-1", "online");
    stop(edge);
    stop(cloud);
  }
  fs::remove_all(cloud_state());
  ASSERT_TRUE(ask({"restore", copy()}).ok());
  Process cloud = start_cloud();
  Process thief = start_edge("thief", invitation);
  EXPECT_FALSE(finish(thief).ok());
  EXPECT_EQ(state_of("edge-1"), "unknown");
}

TEST_F(BackupCommands, RefuseWrongInputs) {
  expect_refused(ask({"backup", copy()}), 1, "no skerry-cloud answers");
  Process cloud = start_cloud();
  fs::create_directory(scratch / "there");
  expect_refused(ask({"backup", (scratch / "there").string()}), 2, "name another one");
  expect_refused(ask({"backup", (scratch / "no" / "copy").string()}), 2, "make it first");
  expect_refused(ask({"backup", (cloud_state() / "copy").string()}), 2, "inside of the state");

  ASSERT_TRUE(ask({"backup", copy() + "/"}).ok());
  expect_refused(restore_to(cloud_state()), 1, "in use by process");
  stop(cloud);
  expect_refused(restore_to(cloud_state()), 1, "is not empty: it has");
  expect_refused(restore_to(scratch / "copy"), 2, "this is the backup itself");
  expect_refused(skerry({"restore", (scratch / "there").string(), "--check"}), 2,
                 "this is no backup");
  expect_refused(skerry({"restore", (scratch / "nowhere").string(), "--check"}), 2,
                 "there is no backup here");
}

TEST_F(BackupCommands, RefuseADamagedBackupAndWriteNothing) {
  Process cloud = start_cloud();
  ASSERT_TRUE(ask({"backup", copy()}).ok());
  std::ofstream(scratch / "copy" / "cloud.db", std::ios::app) << "x";
  fs::remove(scratch / "copy" / "cloud.key");
  const Output output = restore_to(scratch / "new");
  expect_refused(output, 1, "the database is damaged: its digest is");
  EXPECT_THAT(output.err, HasSubstr("the cloud's key is missing"));
  EXPECT_FALSE(fs::exists(scratch / "new"));
}

}  // namespace
}  // namespace skerry::testing
