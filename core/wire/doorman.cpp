#include "core/wire/doorman.hpp"

#include <fmt/format.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <utility>

#include "core/base/log.hpp"
#include "core/base/try.hpp"

namespace skerry::wire {
namespace {

constexpr std::chrono::milliseconds kFarewell{300};
// A connection on the loopback carries some 25 MB in this time.
constexpr std::chrono::milliseconds kLook{20};
constexpr std::chrono::milliseconds kLookSoon{5};  // while the process grows
constexpr std::chrono::seconds kWeighAnyway{1};
constexpr std::uint64_t kGrowth = 4u << 20;
constexpr std::uint64_t kGrows = 1u << 20;
// Files, databases, workers and whatever else the process opens.
constexpr std::size_t kOtherDescriptors = 512;

std::uint64_t resident_bytes() {
  std::ifstream statm("/proc/self/statm");
  std::uint64_t pages = 0, resident = 0;
  statm >> pages >> resident;
  return resident * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

// Of one socket; there are two or three.
std::size_t room_for_connections() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return 1 << 20;
  const auto all = static_cast<std::size_t>(limit.rlim_cur);
  return (all > 2 * kOtherDescriptors ? all - kOtherDescriptors : all / 2) / 2;
}

}  // namespace

Result<Doorman> Doorman::open(zmq::context_t& context, zmq::socket_t& socket,
                              std::uint64_t most_unheard, OnRefused on_refused) {
  Doorman doorman;
  SKERRY_ASSIGN(doorman.monitor_, Monitor::open(context, socket, ZMQ_EVENT_ACCEPTED));
  doorman.on_refused_ = std::move(on_refused);
  doorman.most_ = room_for_connections();
  doorman.most_unheard_ = most_unheard;
  return doorman;
}

void Doorman::look(Clock::time_point now) {
  while (const auto event = monitor_.next()) {
    const int fd = static_cast<int>(event->value);
    switch (event->number) {
      case ZMQ_EVENT_ACCEPTED:
        accepted(fd);
        break;
      case ZMQ_EVENT_HANDSHAKE_FAILED_AUTH:
        ++told_;
        break;
      case ZMQ_EVENT_DISCONNECTED:
        ended(fd, now);
        break;
      default:
        break;
    }
  }
  for (const auto& refusal : log_.due(now))
    if (on_refused_) on_refused_(refusal);
  cut_turned_out(now);
  const bool grows = weigh(now);
  due_.reset();
  if (open_.empty()) told_ = 0;
  if (!open_.empty()) due_ = now + (grows ? kLookSoon : kLook);
}

void Doorman::cut_turned_out(Clock::time_point now) {
  for (auto at = to_cut_.begin(); at != to_cut_.end();) {
    if (now < at->second) {
      ++at;
      continue;
    }
    for (const auto& [fd, guest] : open_)
      if (guest.user == at->first) cut(fd, guest.address);
    at = to_cut_.erase(at);
  }
}

// Every connection is weighed when the process grew, and now and then in any case. True: it is
// growing.
bool Doorman::weigh(Clock::time_point now) {
  const std::uint64_t weight = resident_bytes();
  const bool grows = weight >= std::exchange(last_weight_, weight) + kGrows;
  weight_ = std::min(weight_, weight);
  if (weight < weight_ + kGrowth && now - weighed_ < kWeighAnyway) return grows;
  weight_ = weight;
  weighed_ = now;
  for (auto& [fd, guest] : open_) {
    const std::uint64_t received = bytes_received(fd);
    if (std::exchange(guest.heard, false)) {
      guest.explained = received;
    } else if (received > guest.explained + most_unheard_) {
      log_warn(fmt::format("{} at {} sent {} bytes that do not end; it is disconnected",
                           guest.user.empty() ? "somebody" : guest.user, guest.address,
                           received - guest.explained));
      guest.cut = true;
      cut(fd, guest.address);
    }
  }
  return grows;
}

void Doorman::cut(int fd, const std::string& address) {
  ++cuts_;
  cut_connection(fd, address);
}

void Doorman::accepted(int fd) {
  Guest guest{.address = connected_address(fd)};
  if (open_.size() >= most_) {
    cut(fd, guest.address);
    return;
  }
  open_[fd] = std::move(guest);
}

// Who finishes the handshake says something at once; who did not may be one whose key was refused.
void Doorman::ended(int fd, Clock::time_point now) {
  const auto at = open_.find(fd);
  if (at == open_.end()) return;
  const Guest guest = std::move(at->second);
  open_.erase(at);
  if (!guest.user.empty() || guest.cut) return;
  if (told_ > 0) {
    --told_;
  } else {
    report(guest.address, now);
  }
}

void Doorman::report(const std::string& address, Clock::time_point now) {
  if (auto refusal = log_.note(address.empty() ? "an unknown address" : address, "", now)) {
    refusal->reason =
        "it hung up before it said anything: it expects another cloud's key, or is no skerry-edge";
    if (on_refused_) on_refused_(*refusal);
  }
}

bool Doorman::admit(Arrived& arrived) {
  const int fd = zmq_msg_get(arrived.body.handle(), ZMQ_SRCFD);
  if (const auto at = open_.find(fd); at != open_.end()) {
    at->second.heard = true;
    if (at->second.user != arrived.user) at->second.user = arrived.user;
  }
  if (turned_out_.empty() || !turned_out_.contains(arrived.user)) return true;
  if (!to_cut_.contains(arrived.user)) kick(arrived.body);
  return false;
}

void Doorman::turn_out(const std::string& user, Clock::time_point now) {
  due_ = now;
  turned_out_.insert(user);
  to_cut_[user] = now + kFarewell;
}

}  // namespace skerry::wire
