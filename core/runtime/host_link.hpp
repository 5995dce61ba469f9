#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <vector>
#include <zmq.hpp>

#include "core/base/file.hpp"
#include "core/base/result.hpp"

namespace skerry::runtime {

// A worker's connection to its host, over ipc. All calls from one thread, but for post() and
// wake().
class HostLink {
 public:
  static Result<std::unique_ptr<HostLink>> connect(const std::string& endpoint);

  // Waits until a message came, wake() or post() was called, or the host is gone. Sends what was
  // posted. Fails when the host is gone or never was there.
  Result<std::vector<std::string>> wait();

  void post(std::string frame);  // any thread
  void wake();                   // any thread

 private:
  HostLink();
  Status watch_connection();
  void send_posted();
  std::vector<std::string> receive();

  zmq::context_t context_{1};
  zmq::socket_t socket_;
  zmq::socket_t monitor_;  // tells of connections made and lost
  UniqueFd wake_;
  bool connected_ = false;
  std::mutex mutex_;  // of what follows
  std::deque<std::string> posted_;
};

}  // namespace skerry::runtime
