// The edge host: its parts, put together, on one event loop.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/base/result.hpp"
#include "core/engine/edge/http_front.hpp"
#include "core/engine/worker_options.hpp"

namespace skerry::engine::edge {

struct EdgeOptions {
  std::filesystem::path state;  // its durable state; one host at a time
  std::string token;            // needed at the first start only
  std::vector<std::filesystem::path> plugin_paths;
  // Bytes of disk below which no new work is taken; none: chosen by the size of the disk.
  std::optional<std::uint64_t> min_free;
  int threads = 1;  // for plugins
  WorkerSettings workers;
  std::chrono::seconds give_up_after{30};  // with a key that the cloud does not know; 0: never
  bool rotate_key = false;                 // change to a new key, once connected
  std::vector<std::string> allowed;        // digests of plugins to be let out of quarantine
  HttpOptions http;
};

class Edge {
 public:
  static Result<std::unique_ptr<Edge>> open(const EdgeOptions& given);
  ~Edge();

  // Until SIGINT or SIGTERM (ok), or until the cloud refuses this node for good
  // (permission_denied).
  Status run();

 private:
  class Impl;
  explicit Edge(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace skerry::engine::edge
