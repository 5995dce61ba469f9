#include "tests/fault/network_faults.hpp"

#include "hosts/cli/admin/admin_client.hpp"

namespace skerry::fault {

using testing::Process;

NetworkFaults::Ports NetworkFaults::ports() const {
  auto client = cli::AdminClient::connect(cloud_state()).value();
  const Json pong = client.call("ping", Json::object()).value();
  const auto endpoint = pong.at("endpoint").get<std::string>();
  return {std::stoi(endpoint.substr(endpoint.rfind(':') + 1)), pong.at("bulkPort").get<int>()};
}

std::unique_ptr<ChaosProxy> NetworkFaults::link(const std::string& address) const {
  const Ports at = ports();
  return std::make_unique<ChaosProxy>(
      address, std::vector<ChaosProxy::Route>{{at.control, at.control}, {at.bulk, at.bulk}});
}

Process NetworkFaults::start_edge_over(const std::string& address, const std::string& name) const {
  const std::string endpoint = "tcp://" + address + ":" + std::to_string(ports().control);
  const auto output = ask({"node", "token", name, "--endpoint", endpoint});
  EXPECT_TRUE(output.ok()) << output.all();
  return start_edge(name, output.json().value("token", ""));
}

Process NetworkFaults::join_over(const std::string& address, const std::string& name) const {
  Process edge = start_edge_over(address, name);
  await_state(name, "online");
  return edge;
}

void NetworkFaults::begin(const std::string& name, int bytes, int train_millis,
                          const Spec& spec) const {
  testing::JobText job(name);
  job.set("rounds", "5").set("deadline", "5m").set("evaluation", "{where: none}");
  job.set("estimator", "{plugin: fixture-null, config: {bytes: " + std::to_string(bytes) +
                           ", trainMillis: " + std::to_string(train_millis) + "}}");
  for (const auto& [key, value] : spec) job.set(key, value);
  const auto file = scratch.write(name + ".yaml", job.yaml());
  const auto output = ask({"apply", "-f", file.string()});
  EXPECT_TRUE(output.ok()) << output.all();
}

std::uint64_t NetworkFaults::rounds(const std::string& name) const {
  return job(name).value("rounds", std::uint64_t{0});
}

void NetworkFaults::await_rounds(std::uint64_t count, const std::string& name) const {
  EXPECT_TRUE(testing::eventually([&] { return rounds(name) >= count; })) << job(name);
}

std::vector<Json> NetworkFaults::records(const std::string& name) const {
  const auto output = ask({"describe", "job", name});
  EXPECT_TRUE(output.ok()) << output.all();
  return output.json().at("records").get<std::vector<Json>>();
}

void NetworkFaults::expect_round(const Json& record, const std::vector<std::string>& participants) {
  EXPECT_EQ(record.at("attempts"), 1) << record;
  EXPECT_EQ(record.at("participants"), Json(participants)) << record;
}

}  // namespace skerry::fault
