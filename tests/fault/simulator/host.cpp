#include "host.hpp"

#include "core/base/failpoint.hpp"

namespace skerry::simulator {

void Host::start() {
  if (up_) return;
  up_ = true;
  ++life_;
  enter(life_, [this] { open(); });
}

void Host::crash() {
  if (!up_) return;
  up_ = false;
  ++life_;
  ++crashes_;
  doom_ = 0;
  close();
}

void Host::enter(int life, const std::function<void()>& work) {
  if (!up_ || life != life_) return;
  try {
    failpoint::set_handler([this](std::string_view name) -> Status {
      if (doom_ > 0 && --doom_ == 0) throw failpoint::Crash{std::string(name)};
      return {};
    });
    work();
    failpoint::set_handler({});
  } catch (const failpoint::Crash&) {
    failpoint::set_handler({});
    crash();
  }
}

void Host::set_space(std::uint64_t available) {
  space_ = available;
  enter(life_, [this] { look_at_disk(); });
}

engine::DiskGuard::Options Host::disk_options() const {
  return {.directory = state_, .low = 64 << 10, .probe = [this](const auto&) {
            return engine::DiskSpace{2 * kPlenty, space_};
          }};
}

namespace {

struct VirtualAlarm : engine::Loop::Alarm {
  std::shared_ptr<const bool> alive = std::make_shared<const bool>(true);
};

}  // namespace

void HostLoop::plan(Duration delay, Work work) {
  time_.after(delay,
              [&host = host_, life = life_, work = std::move(work)] { host.enter(life, work); });
}

std::unique_ptr<engine::Loop::Alarm> HostLoop::after(Duration delay, Work work) {
  auto alarm = std::make_unique<VirtualAlarm>();
  plan(delay, [work = std::move(work), alive = std::weak_ptr(alarm->alive)] {
    if (!alive.expired()) work();
  });
  return alarm;
}

void HostLoop::aside(Work work, Work done) {
  aside_free_ = std::max(aside_free_, time_.now()) + time_.between(0, 0.05);
  plan(aside_free_ - time_.now(), [this, work = std::move(work), done = std::move(done)] {
    work();
    post(done);
  });
}

}  // namespace skerry::simulator
