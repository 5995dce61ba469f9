// A real cloud with real edges on this machine, to be killed: skerry-cloud and skerry-edge beside
// each other, each with a state directory of its own below one folder.
#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "core/base/json.hpp"
#include "hosts/cli/admin/admin_client.hpp"
#include "tests/fault/support/child.hpp"
#include "tests/fault/support/invariants.hpp"

namespace skerry::fault {

// One thread at a time, and that thread must outlive the cluster: hosts end with the thread that
// started them. Functions throw std::runtime_error where a host does what it should not.
class Cluster {
 public:
  static constexpr std::chrono::seconds kPatience{30};

  // Starts nothing yet. `folder` has a short path: sockets are in it. Edges keep their state below
  // it, or below `edges_folder` where that is given, as on disks of their own.
  Cluster(std::filesystem::path folder, int edges, std::filesystem::path edges_folder = {});
  Cluster(const Cluster&) = delete;
  Cluster& operator=(const Cluster&) = delete;

  // Of an edge, before the start: it connects to this address instead of 127.0.0.1, at the cloud's
  // ports.
  void reach_cloud_at(int edge, const std::string& address) {
    hosts_[index(edge)].cloud_address = address;
  }
  int control_port() const { return port_; }
  int bulk_port() const { return port_ + 1; }
  int request_port() const { return port_ + 2; }

  // Starts the cloud, invites the edges, starts them. Does not wait for them.
  void start();

  // Hosts: 0 is the cloud, 1 and up are the edges.
  int hosts() const { return static_cast<int>(hosts_.size()); }
  const std::string& name(int host) const { return hosts_[index(host)].name; }
  const Child& process(int host) const { return hosts_[index(host)].process; }
  std::filesystem::path state(int host) const {
    return (host == 0 ? folder_ : edges_folder_) / name(host);
  }
  States states() const;

  void kill(int host) { hosts_[index(host)].process.kill(); }
  void launch(int host);
  // A host that ended by itself is a fault: throws.
  void expect_alive();
  // SIGTERM to all, and waits.
  void stop();
  void kill_all();

  // Asks the cloud; none where it does not answer in time, as while it is down.
  std::optional<Json> ask(const std::string& verb, const Json& body,
                          std::chrono::milliseconds patience = std::chrono::seconds(5));
  // Asks until there is an answer.
  Json insist(const std::string& verb, const Json& body);

 private:
  struct Host {
    std::string name;
    std::string token;
    std::string cloud_address = "127.0.0.1";
    Child process;
  };
  static std::size_t index(int host) { return static_cast<std::size_t>(host); }

  std::filesystem::path folder_;
  std::filesystem::path edges_folder_;
  int port_;
  std::vector<Host> hosts_;
  std::optional<cli::AdminClient> client_;
};

// Asks again until the answer is yes. False: it was no until the end.
bool eventually(const std::function<bool()>& condition,
                std::chrono::milliseconds patience = Cluster::kPatience);

// `count` ports in a row that nobody has, outside of those that the kernel gives to connections.
int free_ports(int count);

}  // namespace skerry::fault
