// The checker itself: it finds nothing wrong with a state that is right, and each kind of damage.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "core/base/file.hpp"
#include "tests/fault/support/footprint.hpp"
#include "tests/fault/support/good_state.hpp"
#include "tests/fault/support/invariants.hpp"
#include "tests/fault/support/memory_folder.hpp"

namespace skerry::fault {
namespace {

using ::testing::HasSubstr;

class Invariants : public ::testing::Test {
 protected:
  // The state was damaged in one way: nothing but `rule` is violated.
  void expect_violation(const std::string& rule, const std::string& text) {
    const Report report = check(state.states(), demands);
    EXPECT_GT(report.count(rule), 0) << report.text();
    EXPECT_EQ(report.count(rule), static_cast<int>(report.violations.size())) << report.text();
    EXPECT_THAT(report.text(), HasSubstr(text));
  }
  void overwrite_blob(const Digest& digest, const std::string& bytes) const {
    const auto file = state.blob_file(digest);
    std::filesystem::permissions(file, std::filesystem::perms::owner_all);
    std::ofstream(file, std::ios::binary) << bytes;
  }

  TempDir folder = memory_folder().value();
  GoodState state{folder.path()};
  Demands demands{.jobs_have_ended = true, .all_recompute = true};
};

TEST_F(Invariants, FindNothingWrongWithAGoodState) {
  const Report report = check(state.states(), demands);
  EXPECT_TRUE(report.ok()) << report.text();
  EXPECT_EQ(report.rounds, 2);
  EXPECT_EQ(report.recomputed, 2);
}

TEST_F(Invariants, LeaveTheStateAsItIs) {
  check(state.states(), demands);
  EXPECT_FALSE(std::filesystem::exists(folder.path() / "cloud" / "cloud.db-shm"));
}

TEST_F(Invariants, NameAStateThatCannotBeRead) {
  std::filesystem::remove(folder.path() / "cloud" / "cloud.db");
  expect_violation("readable", "holds no cloud.db");
}

// ---- acknowledged

TEST_F(Invariants, SeeAnEdgeThatLostItsRecord) {
  std::filesystem::remove(folder.path() / "a" / "edge.db");
  expect_violation("acknowledged", "node a joined, and its edge has no record");
}

TEST_F(Invariants, AllowAnEdgeThatNeverJoinedToHaveNoRecord) {
  std::filesystem::remove(folder.path() / "a" / "edge.db");
  state.change("cloud", "DELETE FROM node WHERE name = 'a'");
  const Report report = check(state.states(), demands);
  EXPECT_TRUE(report.ok()) << report.text();
}

TEST_F(Invariants, AllowTheMessagesToARevokedNodeToBeForgotten) {
  state.change("cloud",
               "UPDATE node SET revoked = 1, downlink_seq = downlink_seq + 1 WHERE name = 'a';"
               "DELETE FROM downlink WHERE node = 'a'");
  const Report report = check(state.states(), demands);
  EXPECT_TRUE(report.ok()) << report.text();
}

TEST_F(Invariants, SeeAnEdgeThatForgotMoreThanTheCloudCommitted) {
  state.change("cloud", "UPDATE node SET uplink_seq = 1 WHERE name = 'a'");
  expect_violation("acknowledged",
                   "node a: it forgot its messages up to 2, the cloud has committed up to 1");
}

TEST_F(Invariants, SeeACloudThatCommittedMoreThanWasEverSent) {
  state.change("cloud", "UPDATE node SET uplink_seq = 4 WHERE name = 'a'");
  expect_violation("acknowledged", "the cloud has committed message 4, it gave out 3");
}

TEST_F(Invariants, SeeAGapInAnOutbox) {
  state.change("b", "INSERT INTO outbox VALUES(1, 16, x'00', 'gone.7', 'x')");
  state.change("cloud", "UPDATE node SET uplink_seq = 0 WHERE name = 'b'");
  expect_violation("acknowledged", "node b: its outbox has a gap");
}

TEST_F(Invariants, SeeAnOutboxThatLostItsEnd) {
  state.change("b", "UPDATE meta SET value = '6' WHERE key = 'next_seq'");
  expect_violation("acknowledged", "it gave out 5 numbers, but its outbox ends with 3");
}

TEST_F(Invariants, SeeACloudThatForgotMoreThanTheEdgeCommitted) {
  state.change("a", "UPDATE meta SET value = '1' WHERE key = 'inbox_seq'");
  expect_violation("acknowledged",
                   "the cloud forgot its messages to it up to 2, it has committed up to 1");
}

TEST_F(Invariants, SeeAnEdgeThatCommittedMoreThanWasEverSent) {
  state.change("a", "UPDATE meta SET value = '5' WHERE key = 'inbox_seq'");
  expect_violation("acknowledged", "it has committed message 5, the cloud gave out 3");
}

TEST_F(Invariants, SeeAGapInTheMessagesToANode) {
  state.change("cloud", "INSERT INTO downlink VALUES('a', 1, 35, x'00')");
  expect_violation("acknowledged", "the cloud's messages to it have a gap");
}

TEST_F(Invariants, SeeATaskThatNobodyHas) {
  demands = {};
  state.change(
      "cloud",
      "UPDATE job SET phase = 'Running';"
      "INSERT INTO task(job, id, node, kind, state, message, params, inputs, expects, "
      "downlink_seq) VALUES(1, '3/train/a', 'a', 'test', 'open', '', '{}', '{}', '{}', 2)");
  expect_violation("acknowledged", "the cloud waits for task 3/train/a of job test.1");
}

TEST_F(Invariants, SeeAResultThatWasCommittedWithoutEffect) {
  demands = {};
  state.change(
      "cloud",
      "UPDATE job SET phase = 'Running'; UPDATE node SET uplink_seq = 3;"
      "INSERT INTO task(job, id, node, kind, state, message, params, inputs, expects, "
      "downlink_seq) VALUES(1, '3/train/a', 'a', 'test', 'open', '', '{}', '{}', '{}', 2)");
  state.change("a",
               "UPDATE outbox SET job = 'test.1', task = '3/train/a';"
               "UPDATE task SET job = 'test.1', id = '3/train/a'");
  expect_violation("acknowledged", "where the task is still open");
}

// ---- once

TEST_F(Invariants, SeeATaskThatEndedTwice) {
  state.change("cloud", "INSERT INTO event SELECT 1, 7, body FROM event WHERE seq = 1");
  expect_violation("once", "task 1/train/a ended 2 times");
}

TEST_F(Invariants, SeeATaskWhoseEndTheJobWasNeverTold) {
  state.change("cloud", "UPDATE task SET state = 'stopped' WHERE id = '2/aggregate'");
  expect_violation("once", "task 2/aggregate is stopped");
}

TEST_F(Invariants, SeeTwoUpdatesOfOneNodeInARound) {
  state.change(
      "cloud",
      "INSERT INTO task(job, id, node, kind, state, message, params, inputs, expects) "
      "SELECT job, id || '/2', node, kind, state, message, params, inputs, expects FROM task "
      "WHERE id = '1/train/b';"
      "INSERT INTO event SELECT 1, 7, replace(body, '1/train/b', '1/train/b/2') FROM event "
      "WHERE seq = 2");
  expect_violation("once", "2 updates of node b count in round 1");
}

TEST_F(Invariants, SeeANodeThatARoundCountsTwice) {
  state.change(
      "cloud",
      "UPDATE task SET params = replace(params, '\"b\"', '\"a\"') WHERE id = '1/aggregate'");
  const Report report = check(state.states(), demands);
  EXPECT_EQ(report.count("once"), 1) << report.text();
  EXPECT_THAT(report.text(), HasSubstr("round 1 counts node a twice"));
}

// ---- recomputes

TEST_F(Invariants, SeeASetThatIsNotTheOneThatWasFrozen) {
  state.change("cloud", "UPDATE task SET inputs = replace(inputs, '" + state.update(2, 0).hex() +
                            "', '" + state.update(1, 0).hex() + "') WHERE id = '2/aggregate'");
  expect_violation("recomputes", "round 2 counts update");
}

TEST_F(Invariants, SeeAModelThatItsSetDoesNotGive) {
  const std::string right = state.model(2).hex(), wrong = state.update(2, 0).hex();
  const std::string changed = " SET body = replace(body, '" + right + "', '" + wrong + "') ";
  state.change("cloud", "UPDATE event" + changed + "WHERE seq = 6; UPDATE record" + changed +
                            "WHERE seq = 2; UPDATE model SET digest = x'" + wrong +
                            "' WHERE version = 2");
  expect_violation("recomputes", "round 2 published");
}

TEST_F(Invariants, SeeARoundThatDoesNotGoOnFromTheLastModel) {
  state.change("cloud", "UPDATE task SET inputs = replace(inputs, '" + state.model(1).hex() +
                            "', '" + state.model(0).hex() + "') WHERE id = '2/aggregate'");
  expect_violation("recomputes", "round 2 goes on from model");
}

TEST_F(Invariants, SeeWeightsThatTheNodesDidNotSend) {
  state.change("cloud",
               "UPDATE event SET body = replace(body, '\"samples\":8', '\"samples\":9') "
               "WHERE seq = 1");
  expect_violation("recomputes", "round 1 weighs node a with 8 samples, it sent 9");
}

TEST_F(Invariants, SeeUpdatesThatAreGoneWhereTheyWereToBeKept) {
  state.change("cloud", "DELETE FROM blob WHERE digest = x'" + state.update(1, 1).hex() + "'");
  expect_violation("recomputes", "the updates of round 1 are gone");
  demands.all_recompute = false;
  const Report report = check(state.states(), demands);
  EXPECT_TRUE(report.ok()) << report.text();
  EXPECT_EQ(report.recomputed, 1);
}

// ---- contiguous

TEST_F(Invariants, SeeARoundThatIsMissing) {
  state.change("cloud", "DELETE FROM record WHERE seq = 1; DELETE FROM model WHERE version = 1");
  expect_violation("contiguous", "the record of round 2 stands where that of round 1 belongs");
}

TEST_F(Invariants, SeeAnEventThatIsMissing) {
  state.change("cloud", "UPDATE event SET seq = 8 WHERE seq = 6");
  expect_violation("contiguous", "1 rows in `event` from number 6 on, the last has 8");
}

TEST_F(Invariants, SeeADecisionAboutEventsThatNeverWere) {
  state.change("cloud", "UPDATE job SET decided = 9");
  expect_violation("contiguous", "decided 9 events, there are 6");
}

// ---- blobs

TEST_F(Invariants, SeeABlobWhoseBytesChanged) {
  overwrite_blob(state.model(0), "something else");
  demands.all_recompute = false;
  const Report report = check(state.states(), demands);
  EXPECT_GT(report.count("blobs"), 0) << report.text();
  EXPECT_THAT(report.text(), HasSubstr("do not match its name"));
}

TEST_F(Invariants, SeeABlobWhoseFileIsGone) {
  std::filesystem::remove(state.blob_file(state.update(1, 0)));
  demands.all_recompute = false;
  expect_violation("blobs", "is gone");
}

TEST_F(Invariants, SeeAJobsBlobThatIsNotThere) {
  state.change("cloud", "INSERT INTO artifact VALUES(1, zeroblob(32), 0)");
  expect_violation("blobs", "job test.1 needs blob");
}

TEST_F(Invariants, SeeAnEdgesBlobThatIsNotThere) {
  state.change("b", "INSERT INTO held VALUES('test.1', zeroblob(32))");
  expect_violation("blobs", "b: a job needs blob");
}

// ---- the others

TEST_F(Invariants, SeeAnAuditLogThatWasChanged) {
  state.change("cloud",
               "DROP TRIGGER audit_changes_nothing; UPDATE audit SET subject = 'c' WHERE seq = 1");
  expect_violation("audit", "row 1");
}

TEST_F(Invariants, SeeAnAuditLogThatLostARow) {
  state.change("cloud", "DROP TRIGGER audit_drops_nothing; DELETE FROM audit WHERE seq = 1");
  expect_violation("audit", "row");
}

TEST_F(Invariants, SeeAModelThatIsNotFinite) {
  std::string bytes = read_file(state.blob_file(state.model(1))).value();
  bytes.replace(bytes.size() - 4, 4, std::string("\0\0\x80\x7f", 4));  // infinity
  overwrite_blob(state.model(1), bytes);
  const Report report = check(state.states(), demands);
  EXPECT_EQ(report.count("finite"), 1) << report.text();
}

TEST_F(Invariants, SeeAJobThatDoesNotEnd) {
  state.change("cloud", "UPDATE job SET phase = 'Running'");
  expect_violation("ends", "job test.1 is Running");
}

TEST(AFootprint, TellsWhatGrew) {
  const Footprint before = footprint_of(::getpid()).value();
  EXPECT_EQ(growth(before, before), "");
  TempDir folder = memory_folder().value();
  std::ofstream file(folder.path() / "file");
  const Footprint after = footprint_of(::getpid()).value();
  EXPECT_THAT(growth(before, after), HasSubstr("descriptors grew"));
}

TEST(AFootprint, ListsWhatATaskOrATransferLeft) {
  TempDir folder = memory_folder().value();
  EXPECT_TRUE(temporary_files(folder.path()).empty());
  ASSERT_TRUE(make_directories(folder.path() / "blobs" / "staging" / "task-1"));
  std::ofstream(folder.path() / "blobs" / "staging" / "task-1" / "left") << "x";
  EXPECT_EQ(temporary_files(folder.path()).size(), 1u);
}

}  // namespace
}  // namespace skerry::fault
