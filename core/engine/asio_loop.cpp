#include "core/engine/asio_loop.hpp"

#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

namespace skerry::engine {
namespace {

struct AsioAlarm : Loop::Alarm {
  explicit AsioAlarm(boost::asio::io_context& io) : timer(io) {}
  boost::asio::steady_timer timer;
  // An expired timer's handler may be queued already when the alarm goes.
  std::shared_ptr<const bool> alive = std::make_shared<const bool>(true);
};

}  // namespace

void AsioLoop::join() {
  aside_.stop();
  aside_.join();
}

void AsioLoop::post(Work work) {
  boost::asio::post(io_, std::move(work));
}

std::unique_ptr<Loop::Alarm> AsioLoop::after(Clock::duration delay, Work work) {
  auto alarm = std::make_unique<AsioAlarm>(io_);
  alarm->timer.expires_after(delay);
  alarm->timer.async_wait([work = std::move(work), alive = std::weak_ptr(alarm->alive)](
                              const boost::system::error_code& error) {
    if (!error && !alive.expired()) work();
  });
  return alarm;
}

void AsioLoop::aside(Work work, Work done) {
  boost::asio::post(aside_, [this, work = std::move(work), done = std::move(done)]() mutable {
    work();
    boost::asio::post(io_, std::move(done));
  });
}

double AsioLoop::random() {
  return std::uniform_real_distribution<double>()(random_);
}

}  // namespace skerry::engine
