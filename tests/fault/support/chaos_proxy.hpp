// A bad network on the loopback: a TCP proxy between edges and their cloud that a test can make
// slow, silent, wrong or gone while hosts talk through it.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace skerry::fault {

enum class Way { up, down };  // to the target, and back from it

class ChaosProxy {
 public:
  struct Route {
    int port;         // where clients connect
    int target_port;  // at 127.0.0.1
  };

  // Listens at `address`, one of the loopback's, on each route's port. Throws
  // boost::system::system_error where one is taken.
  ChaosProxy(const std::string& address, std::vector<Route> routes);
  // From now on its thread gives way to all others: a line takes no processor from the hosts.
  void give_way();
  ~ChaosProxy();  // joins its thread; connections are reset
  ChaosProxy(const ChaosProxy&) = delete;
  ChaosProxy& operator=(const ChaosProxy&) = delete;

  // All of these: any thread; what they order holds when they return. All routes share the weather
  // of one way: they are one link.

  void delay(Way way, std::chrono::milliseconds each);
  // Bytes a second, of all connections together; 0: as fast as can be.
  void limit(Way way, std::uint64_t bytes_per_second);
  // Nothing passes one way: the sender's bytes pile up before the link, as with lost packets. What
  // was held goes on when this ends.
  void block(Way way, bool blocked = true);
  void partition();  // both ways
  void heal();
  // The connections of now never carry anything again, and neither side is told; new ones do.
  void forget_connections();
  void refuse(bool refused = true);  // new connections are reset; those of now stay
  void cut(int port = 0);  // all connections (or one route's) are reset, RST to both sides
  // Once so many more bytes went this way over one route.
  void cut_after(int port, Way way, std::uint64_t bytes);
  // One bit of the byte that comes after so many more.
  void flip_after(int port, Way way, std::uint64_t bytes);

  // Bytes that were handed over, of all connections since the start.
  std::uint64_t carried(int port, Way way) const;
  // When connections were made, ever.
  std::vector<std::chrono::steady_clock::time_point> arrivals(int port) const;
  std::uint64_t cuts() const;  // times that cut() or cut_after() reset something
  std::uint64_t flips() const;
  int open(int port) const;  // connections that carry

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace skerry::fault
