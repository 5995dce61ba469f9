#include "network.hpp"

#include <algorithm>
#include <cmath>

namespace skerry::simulator {

class Network::Port : public wire::Transport {
 public:
  Port(Network& network, Host& host) : network_(network), host_(host) {}

  Result<int> connect_dealer(const DealerOptions& options) override {
    return network_.connect(host_, options);
  }
  void send(int socket, std::string peer, std::string data) override {
    peer.empty() ? network_.to_cloud(host_, socket, data) : network_.to_edge(peer, data);
  }
  void disconnect(int socket) override { network_.disconnect(host_, socket); }

 private:
  Network& network_;
  Host& host_;
};

std::unique_ptr<wire::Transport> Network::transport(Host& host) {
  return std::make_unique<Port>(*this, host);
}

int Network::connect(Host& edge, const wire::Transport::DealerOptions& options) {
  auto connection = std::make_shared<Connection>();
  connection->edge = &edge;
  connection->life = edge.life();
  connection->socket = ++sockets_;
  connection->key = options.curve->public_key;
  connection->on_reception = options.on_reception;
  connections_.push_back(connection);
  time_.after(time_.between(0, weather_.slowest), [this, connection] { attempt(connection); });
  return connection->socket;
}

void Network::disconnect(Host& edge, int socket) {
  std::erase_if(connections_, [&](const ConnectionPtr& each) {
    return each->edge == &edge && each->socket == socket;
  });
}

void Network::try_later(const ConnectionPtr& connection) {
  const double pause = std::min(30.0, 0.2 * std::pow(2, std::min(connection->tries++, 10)));
  time_.after(time_.between(pause, 2 * pause), [this, connection] { attempt(connection); });
}

void Network::attempt(const ConnectionPtr& connection) {
  if (std::find(connections_.begin(), connections_.end(), connection) == connections_.end()) return;
  if (connection->up) return;
  const auto user = keys_.find(connection->key);
  if (cut_.contains(connection->edge->name()) || !cloud_->up()) return try_later(connection);
  const auto tell = [&](wire::Reception reception) {
    if (connection->on_reception) connection->on_reception(reception);
  };
  if (user == keys_.end()) {
    tell(wire::Reception::key_refused);
    return try_later(connection);
  }
  tell(wire::Reception::welcome);
  connection->up = true;
  connection->tries = 0;
  connection->user = user->second;
  connection->route = "r" + std::to_string(++routes_);
}

void Network::set_keys(std::map<std::string, std::string> keys) {
  keys_ = std::move(keys);
  for (const auto& each : connections_)
    if (each->up && !keys_.contains(each->key)) lose(each);
}

void Network::lose(const ConnectionPtr& connection) {
  if (!std::exchange(connection->up, false)) return;
  try_later(connection);
}

void Network::cut(const Host& edge, bool noticed) {
  cut_[edge.name()] = noticed;
  if (!noticed) return;
  for (const auto& each : connections_)
    if (each->edge == &edge) lose(each);
}

void Network::mend(const Host& edge) {
  cut_.erase(edge.name());
}

void Network::gone(const Host& host) {
  if (&host == cloud_) {
    for (const auto& each : connections_) lose(each);
    return;
  }
  std::erase_if(connections_, [&](const ConnectionPtr& each) { return each->edge == &host; });
}

void Network::to_cloud(Host& edge, int socket, const std::string& frame) {
  for (const auto& each : connections_) {
    if (each->edge != &edge || each->socket != socket) continue;
    if (leaves_) leaves_(edge, edge.name(), frame);
    if (each->up) carry(each, true, frame);
    return;
  }
}

void Network::to_edge(const std::string& route, const std::string& frame) {
  for (const auto& each : connections_) {
    if (!each->up || each->route != route) continue;
    if (leaves_) leaves_(*cloud_, each->edge->name(), frame);
    return carry(each, false, frame);
  }
}

void Network::carry(const ConnectionPtr& connection, bool upwards, const std::string& frame) {
  if (cut_.contains(connection->edge->name()) || time_.chance(weather_.loss)) return;
  auto& last = upwards ? connection->last_up : connection->last_down;
  const int copies = time_.chance(weather_.repetition) ? 2 : 1;
  for (int i = 0; i < copies; ++i) {
    Clock::time_point at = time_.now() + time_.between(0.0001, weather_.slowest);
    if (!time_.chance(weather_.overtaking)) at = last = std::max(last, at);
    time_.after(at - time_.now(), [this, connection, upwards, route = connection->route, frame] {
      arrive(connection, upwards, route, frame);
    });
  }
}

void Network::arrive(const ConnectionPtr& connection, bool upwards, const std::string& route,
                     const std::string& frame) {
  if (!connection->up || connection->route != route) return;
  Host& to = upwards ? *cloud_ : *connection->edge;
  if (arrives_) arrives_(to, connection->edge->name(), frame);
  wire::Incoming incoming{upwards ? kRouter : connection->socket, upwards ? route : "",
                          upwards ? connection->user : "", frame};
  to.enter(to.life(), [&to, &incoming] { to.receive({std::move(incoming)}); });
}

}  // namespace skerry::simulator
