// The cloud host: its parts, put together. Everything runs on one event loop; sockets, bulk
// transfers and the reading of large files have threads of their own, which hand over to it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/base/result.hpp"
#include "core/engine/worker_options.hpp"

namespace skerry::engine::cloud {

struct CloudOptions {
  std::filesystem::path state;  // its durable state; one host at a time
  std::string listen;  // "tcp://0.0.0.0:7443"; port * takes any free one, and the same again after
                       // a restart
  std::string bulk_listen;     // empty: the same address, any free port
  std::string request_listen;  // for questions to services; empty: as bulk_listen
  std::string admin_listen;    // for admin keys; empty: operators on this machine only
  std::string advertise;       // host name that goes into tokens; empty: that of `listen`
  std::vector<std::filesystem::path> plugin_paths;
  // Bytes of disk below which no new work is taken; none: chosen by the size of the disk.
  std::optional<std::uint64_t> min_free;
  int threads = 1;  // for plugins that run on the cloud
  WorkerSettings workers;
};

class Cloud {
 public:
  static Result<std::unique_ptr<Cloud>> open(const CloudOptions& options);
  ~Cloud();

  // Until SIGINT, SIGTERM or an operator's shutdown.
  void run();

 private:
  class Impl;
  explicit Cloud(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace skerry::engine::cloud
