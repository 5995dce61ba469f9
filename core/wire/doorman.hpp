// Watches who comes to a bound CURVE socket. Internal to core/wire; the socket's own thread only.
//
// It reports handshakes that fail before the ZAP handler is asked (another cloud's key, no Skerry
// at all, nothing said in time), closes connections that are more than the process can hold, and
// knows which TCP connection a message came over, so that one can be cut.
//
// libzmq hands a message of many frames over only when its last one is there, and no limit of its
// own bounds what it keeps until then. So a connection over which much came since its last message
// is cut: an honest one cannot have more than its queue on the way.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>

#include "core/wire/monitor.hpp"
#include "core/wire/refusal_log.hpp"
#include "core/wire/sockets.hpp"

namespace skerry::wire {

class Doorman {
 public:
  using Clock = std::chrono::steady_clock;
  using OnRefused = std::function<void(const Refusal&)>;

  // `on_refused` is called at most once a minute an address.
  // `most_unheard`: bytes that may come over a connection without a message of it being taken.
  static Result<Doorman> open(zmq::context_t& context, zmq::socket_t& socket,
                              std::uint64_t most_unheard, OnRefused on_refused);

  zmq::socket_t& events() { return monitor_.socket(); }
  // Call when events() is readable, and when due() has come.
  void look(Clock::time_point now);
  std::optional<Clock::time_point> due() const { return due_; }

  // A message came. False: its sender has been turned out, and its connection is cut.
  bool admit(Arrived& arrived);
  // Cuts the connections of this user, and those that it makes from now on, after a short while
  // in which what was sent to it can leave.
  void turn_out(const std::string& user, Clock::time_point now);

  std::size_t connections() const { return open_.size(); }
  // Connections that it has cut since the last call.
  std::uint64_t take_cuts() { return std::exchange(cuts_, 0); }

 private:
  struct Guest {
    std::string address;
    std::string user;             // empty until a message came
    bool heard = false;           // since the last weighing
    std::uint64_t explained = 0;  // bytes received, up to which all became messages
    bool cut = false;             // by us, and told
  };

  void accepted(int fd);
  void ended(int fd, Clock::time_point now);
  void cut(int fd, const std::string& address);
  void cut_turned_out(Clock::time_point now);
  bool weigh(Clock::time_point now);
  void report(const std::string& address, Clock::time_point now);

  Monitor monitor_;
  OnRefused on_refused_;
  RefusalLog log_;
  std::size_t most_ = 0;  // connections
  std::uint64_t most_unheard_ = 0;
  std::unordered_map<int, Guest>
      open_;      // by descriptor; libzmq's own, only to be asked and shut down
  int told_ = 0;  // handshakes that failed for their key, of which the ZAP handler tells
  std::set<std::string> turned_out_;
  std::map<std::string, Clock::time_point> to_cut_;
  std::optional<Clock::time_point> due_;
  Clock::time_point weighed_{};
  std::uint64_t cuts_ = 0;
  std::uint64_t weight_ = 0;       // of the process at the last weighing, or less since; bytes
  std::uint64_t last_weight_ = 0;  // at the last look
};

}  // namespace skerry::wire
