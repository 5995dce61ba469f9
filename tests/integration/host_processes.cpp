#include "tests/integration/host_processes.hpp"

#include <signal.h>

namespace skerry::testing {

Process HostsTest::start_cloud(const Environment& environment) const {
  Process cloud =
      start("skerry-cloud", {"--state", cloud_state().string(), "--listen", "tcp://127.0.0.1:*"},
            environment);
  const bool answers = eventually([&] { return cloud.ended() || ask({"node", "ls"}).ok(); });
  EXPECT_TRUE(answers && !cloud.ended()) << cloud.err();
  return cloud;
}

Process HostsTest::start_edge(const std::string& folder, const std::string& token,
                              const Environment& environment, const Options& options) const {
  std::vector<std::string> arguments{"--state", (scratch / folder).string()};
  arguments.insert(arguments.end(), options.begin(), options.end());
  if (!token.empty()) arguments.insert(arguments.end(), {"--join", token});
  return start("skerry-edge", arguments, environment);
}

Process HostsTest::start_joined_edge(const std::string& name, const Environment& environment,
                                     const Options& options) const {
  Process edge = start_edge(name, token(name), environment, options);
  await_state(name, "online");
  return edge;
}

Output HostsTest::ask(std::vector<std::string> arguments) const {
  arguments.insert(arguments.end(), {"--state", cloud_state().string(), "--json"});
  return skerry(std::move(arguments));
}

std::string HostsTest::token(const std::string& node) const {
  const Output output = ask({"node", "token", node});
  EXPECT_TRUE(output.ok()) << output.all();
  return output.json().value("token", "");
}

std::string HostsTest::state_of(const std::string& node) const {
  const Output output = ask({"get", "nodes"});
  if (!output.ok()) return "no cloud";
  const Json reply = output.json();
  for (const Json& item : reply.at("items")) {
    if (item.at("name") == node) return item.at("state");
  }
  return "unknown";
}

void HostsTest::await_state(const std::string& node, const std::string& state) const {
  EXPECT_TRUE(eventually([&] { return state_of(node) == state; }))
      << node << " is " << state_of(node) << ", not " << state;
}

void HostsTest::stop(Process& host) {
  host.send(SIGTERM);
  const Output output = finish(host);
  EXPECT_TRUE(output.ok()) << output.all();
}

}  // namespace skerry::testing
