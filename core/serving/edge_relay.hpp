// Questions on an edge: from applications of this machine to the worker that serves, and from that
// worker to the cloud; answers the same way back. A thread and sockets of its own, so that neither
// a slow disk nor a large blob delays them.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "core/base/result.hpp"
#include "core/serving/seats.hpp"
#include "core/wire/keys.hpp"

namespace zmq {
class context_t;
}

namespace skerry::serving {

struct Service {
  std::string name;
  std::uint64_t version = 0;  // that answers now; 0: none is ready
};

class EdgeRelay {
 public:
  // `endpoint`: "ipc://PATH", for workers and applications of this host's user.
  static Result<std::unique_ptr<EdgeRelay>> start(zmq::context_t& context,
                                                  const std::string& endpoint);
  ~EdgeRelay();  // joins

  // Any thread. The cloud's socket for questions; again when its address or this node's key
  // changed.
  void connect(const std::string& endpoint, const wire::KeyPair& self,
               const std::string& server_key);
  // Any thread. What a worker shows to take its seat. Only that worker knows it.
  std::uint64_t reserve(Place place);
  // Any thread. The worker is gone.
  void release(std::uint64_t ticket);
  // Any thread.
  std::vector<Service> services() const;

 private:
  class Impl;
  explicit EdgeRelay(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace skerry::serving
