// What tests of a bad network share: hosts whose connections go through links that can be spoilt.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "tests/fault/host_faults.hpp"
#include "tests/fault/support/chaos_proxy.hpp"

namespace skerry::fault {

class NetworkFaults : public HostFaults {
 protected:
  using Spec = std::map<std::string, std::string>;

  // Of the cloud that runs: where its control and its bulk socket listen.
  struct Ports {
    int control = 0, bulk = 0;
  };
  Ports ports() const;
  // A link to the cloud that runs, at its ports and an address of the loopback of its own: edges
  // find the bulk port at the host of their token.
  std::unique_ptr<ChaosProxy> link(const std::string& address) const;
  testing::Process start_edge_over(const std::string& address, const std::string& name) const;
  // Waits until it is online.
  testing::Process join_over(const std::string& address, const std::string& name) const;

  // A job of 5 rounds with a model of `bytes`; `spec` goes over that.
  void begin(const std::string& name, int bytes, int train_millis, const Spec& spec = {}) const;
  std::uint64_t rounds(const std::string& name = "job") const;
  void await_rounds(std::uint64_t count, const std::string& name = "job") const;
  // Of the rounds that were published, as `skerry describe` tells them.
  std::vector<Json> records(const std::string& name = "job") const;
  // In its first attempt, with these nodes.
  static void expect_round(const Json& record, const std::vector<std::string>& participants);
};

}  // namespace skerry::fault
