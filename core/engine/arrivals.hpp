// What sockets delivered, gathered until the event loop gets to it: all that came while the loop
// was busy, with a commit perhaps, is taken at once and shares the next commit. How much may be in
// hand is the socket thread's to say.
#pragma once

#include <boost/asio/io_context.hpp>
#include <functional>
#include <mutex>
#include <vector>

#include "core/wire/socket_thread.hpp"

namespace skerry::engine {

class Arrivals {
 public:
  using Take = std::function<void(const std::vector<wire::Incoming>& messages)>;

  // `take` is called on the loop. The loop must not run any more when this is gone.
  Arrivals(boost::asio::io_context& io, Take take) : io_(io), take_(std::move(take)) {}
  Arrivals(const Arrivals&) = delete;
  Arrivals& operator=(const Arrivals&) = delete;

  void add(wire::SocketThread::Batch&& batch);  // any thread

 private:
  void hand_over();

  boost::asio::io_context& io_;
  Take take_;
  std::mutex mutex_;
  std::vector<wire::SocketThread::Batch> waiting_;  // not empty: the loop has been told
};

}  // namespace skerry::engine
