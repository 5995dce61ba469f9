#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/base/file.hpp"
#include "core/base/result.hpp"
#include "hosts/cli/admin/admin_client.hpp"
#include "hosts/cli/run/child_process.hpp"

namespace skerry::cli {

struct ClusterOptions {
  int edges = 1;
  int threads_per_edge = 1;
  int cloud_threads = 1;
  std::vector<std::filesystem::path> writable;  // for plugins on edges, as sinks
  std::function<void(const std::string&)> note;  // events that a person should see
};

// A cloud and edges as processes of this machine, with fresh keys and free ports, in a private
// directory that goes away with this object. A host that is killed is started again, up to
// kMostRestarts times each: hosts are built to go on from what they have stored.
class Cluster {
 public:
  static constexpr int kMostRestarts = 3;

  // Done when the cloud answers and every edge is connected; what fails, fails with the end of a
  // log. `cluster` is there in any case once a directory is, so that the logs can be kept.
  static Status start(ClusterOptions options, std::unique_ptr<Cluster>& cluster);
  ~Cluster() { stop(); }

  // Only while answers(): the cloud is up, as far as is known.
  AdminClient& cloud() { return *client_; }
  bool answers() const { return client_.has_value(); }
  // Looks after the processes; call it a few times a second. A problem means that the cluster is
  // beyond help.
  Status keep_alive();
  void stop();  // in order where possible, by force after a grace, at once on a second Ctrl-C

  const std::filesystem::path& directory() const { return directory_.path(); }
  std::vector<std::string> names() const;  // the cloud's first
  int restarts() const { return restarts_; }

 private:
  struct Member {
    std::string name;
    std::optional<ChildProcess> process;
    std::string token;  // an edge's invitation
    int restarts = 0;
  };

  explicit Cluster(ClusterOptions options) : options_(std::move(options)) {}
  Status start_cloud();
  Status await_cloud();
  Status invite_edges();
  Status await_edges();
  Status launch(Member& member);
  Status restart(Member& member, int status);
  std::vector<std::string> arguments(const Member& member);
  bool has_joined(const std::string& edge);
  Problem with_log(const Member& member, const std::string& message) const;

  ClusterOptions options_;
  TempDir directory_;
  std::vector<Member> members_;  // the cloud first
  std::optional<AdminClient> client_;
  std::string
      endpoint_;  // of the cloud once it is known: a restarted cloud must be found where it was
  std::string bulk_endpoint_;
  int restarts_ = 0;
};

// The folder of this program, where its sisters are.
std::filesystem::path program_folder();

}  // namespace skerry::cli
