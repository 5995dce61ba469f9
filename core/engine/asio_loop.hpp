// The hosts' event loop.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/thread_pool.hpp>
#include <random>

#include "core/engine/loop.hpp"

namespace skerry::engine {

class AsioLoop : public Loop {
 public:
  explicit AsioLoop(boost::asio::io_context& io) : io_(io), aside_(1) {}
  ~AsioLoop() override { join(); }
  // Ends the thread aside: what it has not begun is dropped. Before the parts that its work uses
  // end.
  void join();

  Clock::time_point now() const override { return Clock::now(); }
  void post(Work work) override;
  std::unique_ptr<Alarm> after(Clock::duration delay, Work work) override;
  void aside(Work work, Work done) override;
  double random() override;

 private:
  boost::asio::io_context& io_;
  boost::asio::thread_pool aside_;
  std::minstd_rand random_{std::random_device{}()};
};

}  // namespace skerry::engine
