// The network between one cloud and its edges: connections that need a known key, frames that are
// late, lost, doubled or overtaken, links that break or fall silent.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "host.hpp"

namespace skerry::simulator {

class Network {
 public:
  struct Weather {
    double loss = 0;        // of a frame
    double repetition = 0;  // of a frame
    double overtaking = 0;  // by a later frame
    double slowest = 0.02;  // seconds that a frame takes at most
  };
  static constexpr int kRouter = 1;  // the cloud's socket

  explicit Network(VirtualTime& time) : time_(time) {}

  void set_cloud(Host* cloud) { cloud_ = cloud; }
  void set_weather(const Weather& weather) { weather_ = weather; }
  // Connections of keys that are let in no more break.
  void set_keys(std::map<std::string, std::string> keys);
  using Observer =
      std::function<void(const Host& host, const std::string& node, const std::string& frame)>;
  // Sees every frame before it leaves (with its sender) and when it arrives (with its receiver).
  void watch(Observer leaves, Observer arrives) {
    leaves_ = std::move(leaves);
    arrives_ = std::move(arrives);
  }

  // Nothing passes between the cloud and this edge. noticed: both see the connection break.
  void cut(const Host& edge, bool noticed);
  void mend(const Host& edge);
  bool passable(const Host& edge) const { return !cut_.contains(edge.name()); }
  // A host died or ended: its connections break.
  void gone(const Host& host);

  // The transport of one life of a host.
  std::unique_ptr<wire::Transport> transport(Host& host);

 private:
  class Port;
  struct Connection {
    Host* edge = nullptr;
    int life = 0;  // the edge's
    int socket = 0;
    std::string key;
    std::function<void(wire::Reception)> on_reception;
    bool up = false;
    std::string route;  // the name that the cloud has for it; new each time
    std::string user;
    int tries = 0;
    Clock::time_point last_up{}, last_down{};  // when the last frame each way arrives
  };
  using ConnectionPtr = std::shared_ptr<Connection>;

  int connect(Host& edge, const wire::Transport::DealerOptions& options);
  void disconnect(Host& edge, int socket);
  void try_later(const ConnectionPtr& connection);
  void attempt(const ConnectionPtr& connection);
  void to_cloud(Host& edge, int socket, const std::string& frame);
  void to_edge(const std::string& route, const std::string& frame);
  void carry(const ConnectionPtr& connection, bool upwards, const std::string& frame);
  void arrive(const ConnectionPtr& connection, bool upwards, const std::string& route,
              const std::string& frame);
  void lose(const ConnectionPtr& connection);

  VirtualTime& time_;
  Host* cloud_ = nullptr;
  Weather weather_;
  std::map<std::string, std::string> keys_;  // public key, user
  std::map<std::string, bool> cut_;          // by edge
  std::vector<ConnectionPtr> connections_;
  Observer leaves_, arrives_;
  int sockets_ = kRouter;
  int routes_ = 0;
};

}  // namespace skerry::simulator
