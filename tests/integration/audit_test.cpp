// The audit log of a cloud, as its operator sees it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "tests/integration/host_processes.hpp"
#include "tests/support/job.hpp"

namespace skerry::testing {
namespace {

using ::testing::HasSubstr;

class AuditOfHosts : public HostsTest {
 protected:
  std::vector<Json> entries() const {
    const Output output = ask({"audit", "ls"});
    EXPECT_TRUE(output.ok()) << output.all();
    return output.json().at("items").get<std::vector<Json>>();
  }
  std::optional<Json> find(const std::string& action) const {
    for (const Json& entry : entries())
      if (entry.at("action") == action) return entry;
    return std::nullopt;
  }
};

TEST_F(AuditOfHosts, TellsWhatWasDoneByWhom) {
  Process cloud = start_cloud();
  Process edge = start_joined_edge("edge-1");
  scratch.write("job.yaml", JobText("daily").yaml());
  ASSERT_TRUE(ask({"apply", "-f", (scratch / "job.yaml").string()}).ok());
  ASSERT_TRUE(ask({"watch", "daily"}).ok());
  ASSERT_TRUE(ask({"model", "get", "daily", "--to", (scratch / "m").string()}).ok());
  ASSERT_TRUE(ask({"delete", "job", "daily"}).ok());
  ASSERT_TRUE(ask({"node", "revoke", "edge-1"}).ok());

  for (const auto& [action, actor, subject] :
       std::vector<std::tuple<std::string, std::string, std::string>>{
           {"host.started", "cloud", "cloud"},
           {"node.token", "operator", "edge-1"},
           {"node.joined", "invite:edge-1", "edge-1"},
           {"job.applied", "operator", "daily"},
           {"model.published", "cloud", "daily"},
           {"job.finished", "cloud", "daily"},
           {"model.exported", "operator", "daily"},
           {"job.deleted", "operator", "daily"},
           {"node.revoked", "operator", "edge-1"}}) {
    const auto entry = find(action);
    ASSERT_TRUE(entry) << action;
    EXPECT_EQ(entry->at("actor"), actor) << action;
    EXPECT_EQ(entry->at("subject"), subject) << action;
  }
  const Json finished = find("job.finished")->at("details");
  EXPECT_EQ(finished.at("phase"), "Succeeded");
  EXPECT_EQ(finished.at("plan"), find("job.applied")->at("details").at("plan"));
  ASSERT_FALSE(finished.at("plugins").empty());
  static_cast<void>(finish(edge));

  const Output whole = ask({"audit", "verify"});
  EXPECT_TRUE(whole.ok()) << whole.all();
  EXPECT_EQ(whole.json().at("entries"), entries().size());
}

TEST_F(AuditOfHosts, RecordsATokenThatIsUsedTwice) {
  Process cloud = start_cloud();
  const std::string invitation = token("edge-1");
  Process edge = start_edge("edge-1", invitation);
  await_state("edge-1", "online");
  Process thief = start_edge("thief", invitation);
  EXPECT_FALSE(finish(thief).ok());
  const auto refused = find("node.join_refused");
  ASSERT_TRUE(refused);
  EXPECT_EQ(refused->at("actor"), "invite:edge-1");
  EXPECT_THAT(refused->at("details").at("message").get<std::string>(), HasSubstr("used already"));
}

TEST_F(AuditOfHosts, IsCheckedWithoutTheCloudAndFindsWhatWasChanged) {
  {
    Process cloud = start_cloud();
    token("edge-1");
    token("edge-2");
    stop(cloud);
  }
  const Output whole = ask({"audit", "verify"});
  ASSERT_TRUE(whole.ok()) << whole.all();
  const Output head = skerry({"audit", "head", "--state", cloud_state().string()});
  ASSERT_TRUE(head.ok()) << head.all();
  const std::string kept = head.out.substr(0, head.out.find('\n'));
  EXPECT_EQ(whole.json().at("head"), kept);
  EXPECT_TRUE(ask({"audit", "verify", "--head", kept}).ok());

  // The row's text in the file itself; both have the same length.
  const auto file = cloud_state() / "cloud.db";
  std::string bytes = read_text(file);
  const std::string honest = "node.tokenedge-1", changed = "node.tokenedge-9";
  ASSERT_NE(bytes.find(honest), std::string::npos);
  for (auto at = bytes.find(honest); at != std::string::npos; at = bytes.find(honest))
    bytes.replace(at, honest.size(), changed);
  std::ofstream(file, std::ios::binary) << bytes;
  const Output broken = ask({"audit", "verify"});
  EXPECT_EQ(broken.ending.status, 1) << broken.all();
  EXPECT_FALSE(broken.json().at("whole"));
  EXPECT_THAT(broken.json().at("found").get<std::string>(), HasSubstr("was changed"));
}

TEST_F(AuditOfHosts, CannotCheckWhatIsNotThere) {
  EXPECT_EQ(ask({"audit", "verify"}).ending.status, 2);
  Process cloud = start_cloud();
  EXPECT_EQ(ask({"audit", "verify", "--head", "nonsense"}).ending.status, 2);
}

}  // namespace
}  // namespace skerry::testing
