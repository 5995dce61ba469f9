#pragma once

#include <string>

#include "tests/support/skerry.hpp"

namespace skerry::testing {

// A test with a cloud and edges, started by hand as an operator would on real machines.
class HostsTest : public SkerryTest {
 protected:
  // Both wait until the host answers.
  using Environment = std::map<std::string, std::string>;
  Process start_cloud(const Environment& environment = {}) const;
  using Options = std::vector<std::string>;
  Process start_joined_edge(const std::string& name, const Environment& environment = {},
                            const Options& options = {}) const;

  // Waits for nothing. `token` empty: as for a later start.
  Process start_edge(const std::string& folder, const std::string& token = "",
                     const Environment& environment = {}, const Options& options = {}) const;

  // `skerry ARGUMENTS --state <the cloud's> --json`
  Output ask(std::vector<std::string> arguments) const;
  std::string token(const std::string& node) const;
  std::string state_of(const std::string& node) const;  // as `skerry node ls` tells it
  void await_state(const std::string& node, const std::string& state) const;

  // Ends a host as systemd would.
  static void stop(Process& host);

  std::filesystem::path cloud_state() const { return scratch / "cloud"; }
};

}  // namespace skerry::testing
