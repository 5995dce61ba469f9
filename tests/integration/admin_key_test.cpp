// Operators who are not on the cloud's machine.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>
#include <iterator>

#include "tests/integration/host_processes.hpp"
#include "tests/support/job.hpp"

namespace skerry::testing {
namespace {

using ::testing::HasSubstr;

class AdminKeys : public HostsTest {
 protected:
  Process start_reachable_cloud(const Environment& environment = {}) const {
    Process cloud = start("skerry-cloud",
                          {"--state", cloud_state().string(), "--listen", "tcp://127.0.0.1:*",
                           "--admin-listen", "tcp://127.0.0.1:*"},
                          environment);
    EXPECT_TRUE(eventually([&] { return cloud.ended() || ask({"node", "ls"}).ok(); }));
    return cloud;
  }
  std::string new_key(const std::string& name) const {
    const auto file = (scratch / (name + ".key")).string();
    const Output output = ask({"admin-key", "new", name, "--to", file});
    EXPECT_TRUE(output.ok()) << output.all();
    return file;
  }
  Output from_afar(const std::string& key, std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), {"--admin-key", key});
    arguments.push_back("--json");
    return skerry(std::move(arguments));
  }
};

TEST_F(AdminKeys, AnOperatorAsksFromAfar) {
  Process cloud = start_reachable_cloud();
  const std::string key = new_key("laptop");
  struct stat info;
  ASSERT_EQ(::stat(key.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777, 0600u);
  const Output nodes = from_afar(key, {"get", "nodes"});
  ASSERT_TRUE(nodes.ok()) << nodes.all();
  EXPECT_TRUE(nodes.json().at("items").empty());
  const Output token = from_afar(key, {"node", "token", "edge-1"});
  ASSERT_TRUE(token.ok()) << token.all();

  // The audit log names the key, over the network as well.
  const Output log = from_afar(key, {"audit", "ls"});
  ASSERT_TRUE(log.ok()) << log.all();
  EXPECT_EQ(log.json().at("items").back().at("actor"), "admin:laptop");
  EXPECT_TRUE(from_afar(key, {"audit", "verify"}).ok());
}

TEST_F(AdminKeys, EverySocketIsProvedToRefuseStrangersBeforeTheCloudServes) {
  Process cloud = start_reachable_cloud();
  std::ifstream file(cloud_state() / "log" / "host.log");
  const std::string log{std::istreambuf_iterator<char>(file), {}};
  const auto serves = log.find("listening at tcp://");
  ASSERT_NE(serves, std::string::npos) << log;
  for (const std::string socket : {"(control)", "(bulk)", "(admin)"}) {
    const auto line = log.find("unknown keys are refused at tcp://127.0.0.1:");
    ASSERT_NE(line, std::string::npos);
    const auto proof = log.find(socket, line);
    ASSERT_NE(proof, std::string::npos) << socket;
    EXPECT_LT(proof, serves) << socket;
  }
  EXPECT_EQ(log.find("refused a connection"), std::string::npos) << "the cloud's own tries";
}

TEST_F(AdminKeys, DoesNotWriteOnTheCloudsDisk) {
  Process cloud = start_reachable_cloud();
  const std::string key = new_key("laptop");
  const auto to = scratch / "m";
  const Output output = from_afar(key, {"model", "get", "daily", "--to", to.string()});
  EXPECT_FALSE(output.ok());
  EXPECT_THAT(output.err, HasSubstr("run the command on the cloud's machine"));
  const Output backup = from_afar(key, {"backup", (scratch / "copy").string()});
  EXPECT_FALSE(backup.ok());
  EXPECT_THAT(backup.err, HasSubstr("run the command on the cloud's machine"));
  EXPECT_FALSE(std::filesystem::exists(scratch / "copy"));
  EXPECT_FALSE(from_afar(key, {"admin-key", "new", "more", "--to", to.string()}).ok());
}

TEST_F(AdminKeys, DoNotMakeTheCloudReadItsOwnFiles) {
  Process cloud = start_reachable_cloud({{"SKERRY_PLUGIN_PATH", fixture_plugins("null").string()}});
  const std::string key = new_key("laptop");
  JobText job("daily");
  job.set("initialModel", (cloud_state() / "cloud.key").string());
  const auto apply = [&](const JobText& text) {
    return from_afar(key, {"apply", "-f", scratch.write("job.yaml", text.yaml()).string()});
  };
  const Output with_folder = apply(job);  // of plugins
  EXPECT_FALSE(with_folder.ok());
  EXPECT_THAT(with_folder.err, HasSubstr("--plugin-path"));
  const Output with_file = apply(job.without("pluginPath"));
  EXPECT_FALSE(with_file.ok());
  EXPECT_THAT(with_file.err, HasSubstr("run `skerry apply` there"));
  EXPECT_TRUE(ask({"get", "jobs"}).json().at("items").empty());
  EXPECT_TRUE(apply(job.without("initialModel")).ok());
}

TEST_F(AdminKeys, WhatOneMayNotDoIsAuditedOnceAMinute) {
  Process cloud = start_reachable_cloud();
  const std::string key = new_key("laptop");
  const auto to = (scratch / "m").string();
  for (int i = 0; i < 3; ++i)
    EXPECT_FALSE(from_afar(key, {"model", "get", "daily", "--to", to}).ok());
  int refusals = 0;
  const Json log = ask({"audit", "ls"}).json();
  for (const Json& entry : log.at("items")) {
    if (entry.at("action") != "admin.refused") continue;
    ++refusals;
    EXPECT_EQ(entry.at("actor"), "admin:laptop");
    EXPECT_THAT(entry.at("details").at("message").get<std::string>(), HasSubstr("model.export"));
  }
  EXPECT_EQ(refusals, 1);
  EXPECT_TRUE(ask({"audit", "verify"}).ok());
}

TEST_F(AdminKeys, ARevokedKeyIsToldSo) {
  Process cloud = start_reachable_cloud();
  const std::string key = new_key("laptop");
  ASSERT_TRUE(from_afar(key, {"get", "nodes"}).ok());
  ASSERT_TRUE(ask({"admin-key", "revoke", "laptop"}).ok());
  const Output output = from_afar(key, {"get", "nodes"});
  EXPECT_FALSE(output.ok());
  EXPECT_THAT(output.err, HasSubstr("does not know this admin key"));
  EXPECT_EQ(ask({"admin-key", "ls"}).json().at("items").at(0).at("state"), "revoked");
  EXPECT_FALSE(ask({"admin-key", "new", "laptop", "--to", (scratch / "again").string()}).ok());
}

TEST_F(AdminKeys, AreOfNoUseAtTheNodesAddress) {
  Process cloud = start_reachable_cloud();
  const std::string file = new_key("laptop");
  Json key = parse_json(read_text(file)).value();
  const Json log = ask({"audit", "ls"}).json();
  for (const Json& entry : log.at("items"))
    if (entry.at("action") == "host.started") key["endpoint"] = entry.at("details").at("endpoint");
  const auto wrong = scratch.write("wrong.key", dump_json(key));
  ::chmod(wrong.c_str(), 0600);
  const Output output = from_afar(wrong.string(), {"get", "nodes"});
  EXPECT_FALSE(output.ok()) << output.all();
  EXPECT_THAT(output.err, HasSubstr("is where edges connect"));
  const Json after = ask({"audit", "ls"}).json();
  EXPECT_EQ(after.at("items").back().at("action"), "message.refused");
}

TEST_F(AdminKeys, OfAnotherCloudAreToldSo) {
  Process cloud = start_reachable_cloud();
  const std::string file = new_key("laptop");
  Json key = parse_json(read_text(file)).value();
  key["serverKey"] = "rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7";
  const auto wrong = scratch.write("wrong.key", dump_json(key));
  ::chmod(wrong.c_str(), 0600);
  const Output output = from_afar(wrong.string(), {"get", "nodes"});
  EXPECT_FALSE(output.ok());
  EXPECT_THAT(output.err, HasSubstr("is not the cloud that this admin key was made for"));
}

TEST_F(AdminKeys, NeedACloudThatListensForThem) {
  Process cloud = start_cloud();
  const Output output = ask({"admin-key", "new", "laptop", "--to", (scratch / "k").string()});
  EXPECT_FALSE(output.ok());
  EXPECT_THAT(output.err, HasSubstr("--admin-listen"));
}

TEST_F(AdminKeys, AFileThatOthersMayReadIsRefused) {
  const auto file = scratch.write("open.key", "{}");
  ::chmod(file.c_str(), 0644);
  const Output output = from_afar(file.string(), {"get", "nodes"});
  EXPECT_FALSE(output.ok());
  EXPECT_THAT(output.err, HasSubstr("chmod 600"));
}

}  // namespace
}  // namespace skerry::testing
