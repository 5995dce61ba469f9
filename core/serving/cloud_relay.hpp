// Questions at the cloud: from the edges to the workers that serve, each edge in its turn, each
// worker as many as it takes; answers back. A thread and sockets of its own.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "core/base/result.hpp"
#include "core/serving/access.hpp"
#include "core/serving/seats.hpp"
#include "core/wire/keys.hpp"
#include "core/wire/zap.hpp"

namespace zmq {
class context_t;
}

namespace skerry::serving {

class CloudRelay {
 public:
  struct Options {
    std::string local;     // "ipc://PATH", for the cloud's workers
    std::string endpoint;  // "tcp://ADDRESS:PORT", for edges
    wire::KeyPair key;
    // The node that a ZAP user id stands for; empty: none.
    std::function<std::string(const std::string& user)> node_of = [](const std::string& user) {
      return user;
    };
    std::function<void(const wire::Refusal&)> on_refused;  // see SocketThread::RouterOptions
  };
  struct Counters {
    std::uint64_t passed = 0;   // questions that went to a worker
    std::uint64_t refused = 0;  // that nobody may ask, or nobody could take
    std::uint64_t expired = 0;  // past their time before a worker was free
    std::uint64_t malformed = 0;
  };

  // A ZAP handler must be running in this context. `access` must outlive the relay.
  static Result<std::unique_ptr<CloudRelay>> start(zmq::context_t& context, Options options,
                                                   const Access& access);
  ~CloudRelay();  // joins

  const std::string& endpoint() const;  // as bound
  int port() const;
  std::uint64_t reserve(Place place);      // any thread; see EdgeRelay
  void release(std::uint64_t ticket);      // any thread
  void turn_out(const std::string& user);  // any thread; a ZAP user id: its connections are cut
  Counters counters() const;               // any thread

 private:
  class Impl;
  explicit CloudRelay(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace skerry::serving
