// Clouds that are lost, and come back from a backup that was taken while they worked.
#include <signal.h>

#include "tests/fault/host_faults.hpp"

namespace skerry::fault {
namespace {

namespace fs = std::filesystem;
using testing::eventually;
using ::testing::HasSubstr;
using testing::Output;
using testing::Process;

class BackupFaults : public HostFaults {
 protected:
  int rounds() const { return job().value("rounds", 0); }
  void await_rounds(int count) const {
    ASSERT_TRUE(eventually([&] { return rounds() >= count; })) << job();
  }
  Process start_backup(const fs::path& to) const {
    return start("skerry", {"backup", to.string(), "--state", cloud_state().string(), "--json"});
  }
  Json back_up(const fs::path& to) const {
    const Output output = ask({"backup", to.string()});
    EXPECT_TRUE(output.ok()) << output.all();
    return output.ok() ? output.json() : Json::object();
  }
  // As when its machine is gone with all that is on it.
  void lose(Process& cloud) const {
    cloud.send(SIGKILL);
    EXPECT_EQ(cloud.wait().signal, SIGKILL);
    EXPECT_TRUE(eventually([&] {
      std::error_code error;
      fs::remove_all(cloud_state(), error);
      return !fs::exists(cloud_state());
    }));
  }
  void restore(const fs::path& from) const {
    const Output output = ask({"restore", from.string()});
    EXPECT_TRUE(output.ok()) << output.all();
  }
  int audit_entries(const std::string& action) const {
    const Output output = ask({"audit", "ls"});
    EXPECT_TRUE(output.ok()) << output.all();
    int count = 0;
    const Json log = output.json();
    for (const Json& entry : log.at("items")) count += entry.at("action") == action ? 1 : 0;
    return count;
  }
  std::string log_of_cloud() const {
    return testing::read_text(cloud_state() / "log" / "host.log");
  }
  int blob_files() const {
    int files = 0;
    for (const auto& entry : fs::recursive_directory_iterator(cloud_state() / "blobs")) {
      if (!entry.is_regular_file()) continue;
      if (entry.path().parent_path().filename() != "staging") ++files;
    }
    return files;
  }
  const fs::path copy = scratch / "copy";
};

TEST_F(BackupFaults, ACloudThatIsLostInTheMiddleOfAJobEndsItFromItsBackup) {
  Process first = start_cloud();
  Process edge = start_joined_edge("edge-1");
  apply(200);
  await_rounds(2);
  const Json made = back_up(copy);
  EXPECT_GT(made.at("blobs").at("files"), 0) << "the models of this job are files";
  EXPECT_LT(rounds(), 5) << "the job has ended before the cloud is lost";
  lose(first);
  restore(copy);
  Process second = start_cloud();
  await_success();
  EXPECT_EQ(rounds(), 5);
  EXPECT_EQ(audit_entries("backup.begun"), 1);
  EXPECT_EQ(audit_entries("state.restored"), 1);
  EXPECT_TRUE(ask({"audit", "verify"}).ok());
  stop(edge);
  stop(second);
  expect_whole({"edge-1"});
}

// The edge has forgotten results that the cloud has lost, and the cloud gives out numbers that the
// edge has had.
TEST_F(BackupFaults, AnOldBackupIsFencedAndCountsNothingTwice) {
  Process first = start_cloud();
  Process edge = start_joined_edge("edge-1");
  apply(100);
  await_rounds(1);
  back_up(copy);
  const int then = rounds();
  EXPECT_LT(then, 4);
  await_success();
  const Json honest = ask({"get", "models"}).json().at("items");
  lose(first);
  restore(copy);
  Process second = start_cloud();
  await_success();
  EXPECT_EQ(rounds(), 5);
  EXPECT_THAT(log_of_cloud(), HasSubstr("this cloud was restored from a backup"));
  EXPECT_EQ(ask({"get", "models"}).json().at("items").size(), honest.size());
  // One more job, with numbers that both agree on.
  apply(0, "next");
  await_success("next");
  stop(edge);
  stop(second);
  expect_whole({"edge-1"});
}

TEST_F(BackupFaults, RoundsGoOnWhileABackupIsMade) {
  Process cloud = start_cloud({{"SKERRY_FAILPOINTS", "store.backup.database=sleep(2500)"}});
  Process edge = start_joined_edge("edge-1");
  apply(100);
  await_rounds(1);
  Process making = start_backup(copy);
  ASSERT_TRUE(eventually([&] { return fs::exists(copy.string() + ".partial"); }));
  const int then = rounds();
  EXPECT_TRUE(eventually([&] { return rounds() > then; }));
  const Output second = ask({"backup", (scratch / "second").string()});
  EXPECT_EQ(second.ending.status, 1) << second.all();
  EXPECT_THAT(second.err, HasSubstr("is being made; wait for its end"));
  EXPECT_FALSE(making.ended()) << "the backup has not held up";
  await_success();
  const Output made = finish(making);
  EXPECT_TRUE(made.ok()) << made.all();
  EXPECT_TRUE(ask({"restore", "--check", copy.string()}).ok());
  EXPECT_EQ(audit_entries("backup.made"), 1);
  stop(edge);
  stop(cloud);
  expect_whole({"edge-1"});
}

TEST_F(BackupFaults, WhatIsDeletedWhileABackupIsMadeIsInItAndThenFreed) {
  Process cloud = start_cloud({{"SKERRY_FAILPOINTS", "store.backup.database=sleep(1500)"}});
  Process edge = start_joined_edge("edge-1");
  apply();
  await_success();
  const int files = blob_files();
  EXPECT_GT(files, 0);
  Process making = start_backup(copy);
  ASSERT_TRUE(eventually([&] { return audit_entries("backup.begun") == 1; }));
  ASSERT_TRUE(eventually([&] { return fs::exists(copy.string() + ".partial/cloud.db"); }));
  ASSERT_TRUE(ask({"delete", "job", "job"}).ok());
  EXPECT_EQ(blob_files(), files);
  EXPECT_FALSE(making.ended()) << "the backup has not held up";
  const Output made = finish(making);
  ASSERT_TRUE(made.ok()) << made.all();
  EXPECT_EQ(made.json().at("blobs").at("files"), files);
  EXPECT_TRUE(ask({"restore", "--check", copy.string()}).ok());
  EXPECT_TRUE(eventually([&] { return blob_files() == 0; }));
  stop(edge);
  stop(cloud);
}

TEST_F(BackupFaults, ACloudThatIsKilledInABackupLeavesNoneAndMakesTheNext) {
  Process first = start_cloud({{"SKERRY_FAILPOINTS", "store.backup.blob=kill@1"}});
  Process edge = start_joined_edge("edge-1");
  apply(50);
  await_rounds(1);
  Process making = start_backup(copy);
  EXPECT_EQ(first.wait().signal, SIGKILL) << first.err();
  const Output broken = finish(making);
  EXPECT_EQ(broken.ending.status, 1) << broken.all();
  EXPECT_FALSE(fs::exists(copy));
  Process second = start_cloud();
  back_up(copy);
  EXPECT_FALSE(fs::exists(copy.string() + ".partial"));
  EXPECT_TRUE(ask({"restore", "--check", copy.string()}).ok());
  await_success();
  stop(edge);
  stop(second);
  expect_whole({"edge-1"});
}

TEST_F(BackupFaults, ACloudThatStopsCancelsTheBackup) {
  Process cloud = start_cloud({{"SKERRY_FAILPOINTS", "store.backup.pages=sleep(1000)"}});
  Process making = start_backup(copy);
  ASSERT_TRUE(eventually([&] { return fs::exists(copy.string() + ".partial"); }));
  stop(cloud);
  EXPECT_EQ(finish(making).ending.status, 1);
  EXPECT_FALSE(fs::exists(copy));
  EXPECT_FALSE(fs::exists(copy.string() + ".partial"));
}

// Its disk fails, which is not the cloud's.
TEST_F(BackupFaults, ABackupWhoseDiskFailsEndsNoCloud) {
  Process cloud = start_cloud();
  stop(cloud);
  Process second = start_cloud({{"SKERRY_FAILPOINTS", "file.sync=error(fsync)@1"}});
  const Output failed = ask({"backup", copy.string()});
  EXPECT_EQ(failed.ending.status, 1) << failed.all();
  EXPECT_THAT(failed.err, HasSubstr("cannot sync"));
  EXPECT_FALSE(fs::exists(copy));
  back_up(copy);
  EXPECT_EQ(audit_entries("backup.failed"), 1);
  stop(second);
}

TEST_F(BackupFaults, ACloudIsNotStartedFromHalfARestore) {
  Process first = start_cloud();
  back_up(copy);
  lose(first);
  Process killed = start("skerry", {"restore", copy.string(), "--state", cloud_state().string()},
                         {{"SKERRY_FAILPOINTS", "store.restore.moved=kill@2"}});
  EXPECT_EQ(killed.wait().signal, SIGKILL);
  Process refused =
      start("skerry-cloud", {"--state", cloud_state().string(), "--listen", "tcp://127.0.0.1:*"});
  const Output output = finish(refused);
  EXPECT_EQ(output.ending.status, 1) << output.all();
  EXPECT_THAT(output.err, HasSubstr("was cut off; run `skerry restore"));
  restore(copy);
  Process second = start_cloud();
  EXPECT_EQ(audit_entries("state.restored"), 1);
  stop(second);
}

}  // namespace
}  // namespace skerry::fault
