#include "tests/fault/support/chaos_proxy.hpp"

#include <algorithm>
#include <array>
#include <boost/asio.hpp>
#include <deque>
#include <future>
#include <list>
#include <map>
#include <optional>
#include <thread>

#include "core/wire/give_way.hpp"

namespace skerry::fault {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;
using Clock = std::chrono::steady_clock;

constexpr std::size_t kPiece = 64 * 1024;
// Bytes under way in one direction of one connection: what a long line holds.
constexpr std::size_t kOnTheLine = 4u << 20;
// With a limit, about as long as a line's queue is in practice.
constexpr std::chrono::milliseconds kQueue{100};

constexpr std::size_t index(Way way) {
  return way == Way::up ? 0 : 1;
}

// One direction of the link.
struct Weather {
  std::chrono::milliseconds delay{0};
  std::uint64_t rate = 0;
  bool blocked = false;
  Clock::time_point free{};  // when the line has sent what it was given

  std::size_t most_queued() const {
    if (rate == 0) return kOnTheLine;
    const auto held = rate * static_cast<std::uint64_t>((kQueue + delay).count()) / 1000;
    return std::clamp<std::size_t>(held, 1024, kOnTheLine);
  }
  std::size_t piece() const {
    return rate == 0 ? kPiece : std::clamp<std::size_t>(rate / 50, 256, kPiece);
  }
  Clock::time_point due(std::size_t bytes, Clock::time_point now) {
    if (rate > 0) {
      free = std::max(free, now) +
             std::chrono::nanoseconds(1'000'000'000ULL * bytes / std::max<std::uint64_t>(1, rate));
    }
    return (rate > 0 ? free : now) + delay;
  }
};

// What one route carried one way, and what is to happen to it.
struct Track {
  std::uint64_t carried = 0;
  std::optional<std::uint64_t> cut_at, flip_at;  // of `carried`
};

struct RouteState {
  RouteState(asio::io_context& io, const ChaosProxy::Route& ports, const tcp::endpoint& at)
      : acceptor(io, at), route(ports) {}
  tcp::acceptor acceptor;
  ChaosProxy::Route route;
  std::array<Track, 2> tracks;
  std::vector<Clock::time_point> arrivals;
};

struct World {
  std::array<Weather, 2> weather;
  std::uint64_t cuts = 0, flips = 0;
};

class Connection;

// Reads from one socket, holds each piece for as long as the weather says, writes to the other.
class Pipe {
 public:
  Pipe(Connection& connection, tcp::socket& from, tcp::socket& to, Weather& weather, Track& track);

  void read();
  void write();
  void weather_changed() {
    read();
    write();
    pass_end_on();
  }

 private:
  enum class End { none, orderly, reset };
  struct Piece {
    Clock::time_point due;
    std::string bytes;
  };

  bool may_go() const;
  void took(std::size_t bytes);
  void sent(std::size_t bytes);
  void ended(const error_code& error);
  std::size_t next_size() const;
  void pass_end_on();

  Connection& connection_;
  tcp::socket& from_;
  tcp::socket& to_;
  Weather& weather_;
  Track& track_;
  asio::steady_timer timer_;
  std::string buffer_;
  std::deque<Piece> queue_;
  std::size_t queued_ = 0;
  bool reading_ = false, writing_ = false, passed_on_ = false;
  End end_ = End::none;
};

class Connection : public std::enable_shared_from_this<Connection> {
 public:
  Connection(World& all, RouteState& over, tcp::socket client)
      : world(all),
        route(over),
        client_(std::move(client)),
        server_(client_.get_executor()),
        up_(*this, client_, server_, world.weather[0], route.tracks[0]),
        down_(*this, server_, client_, world.weather[1], route.tracks[1]) {}

  // What would be lost on its way does not get to the target either.
  void start() {
    if (started_ || world.weather[0].blocked || world.weather[1].blocked) return;
    started_ = true;
    error_code ignored;
    client_.set_option(tcp::no_delay(true), ignored);
    const tcp::endpoint target(asio::ip::address_v4::loopback(),
                               static_cast<std::uint16_t>(route.route.target_port));
    server_.async_connect(target, [self = shared_from_this()](const error_code& error) {
      if (error) return self->reset();
      error_code no_matter;
      self->server_.set_option(tcp::no_delay(true), no_matter);
      self->connected_ = true;
      self->up_.read();
      self->down_.read();
    });
  }

  // RST to both sides.
  void reset() {
    if (gone_) return;
    gone_ = true;
    for (tcp::socket* socket : {&client_, &server_}) {
      error_code ignored;
      socket->set_option(asio::socket_base::linger(true, 0), ignored);
      socket->close(ignored);
    }
  }
  void cut() {
    if (gone_) return;
    ++world.cuts;
    reset();
  }
  void forget() { forgotten_ = true; }
  void weather_changed() {
    if (!carries()) return;
    start();
    if (!connected_) return;
    up_.weather_changed();
    down_.weather_changed();
  }
  // Both ways have ended in good order.
  void way_ended() {
    if (++ended_ == 2) reset();
  }

  bool gone() const { return gone_; }
  bool carries() const { return !gone_ && !forgotten_; }

  World& world;
  RouteState& route;

 private:
  tcp::socket client_, server_;
  Pipe up_, down_;
  int ended_ = 0;
  bool started_ = false, connected_ = false, gone_ = false, forgotten_ = false;
};

Pipe::Pipe(Connection& connection, tcp::socket& from, tcp::socket& to, Weather& weather,
           Track& track)
    : connection_(connection),
      from_(from),
      to_(to),
      weather_(weather),
      track_(track),
      timer_(from.get_executor()),
      buffer_(kPiece, '\0') {}

bool Pipe::may_go() const {
  return connection_.carries() && !weather_.blocked;
}

void Pipe::read() {
  if (reading_ || end_ != End::none || !may_go() || queued_ >= weather_.most_queued()) return;
  reading_ = true;
  from_.async_read_some(
      asio::buffer(buffer_.data(), weather_.piece()),
      [this, self = connection_.shared_from_this()](const error_code& error, std::size_t bytes) {
        reading_ = false;
        if (connection_.gone()) return;
        if (error) return ended(error);
        took(bytes);
      });
}

void Pipe::ended(const error_code& error) {
  end_ = error == asio::error::eof ? End::orderly : End::reset;
  pass_end_on();
}

void Pipe::took(std::size_t bytes) {
  queue_.push_back({weather_.due(bytes, Clock::now()), buffer_.substr(0, bytes)});
  queued_ += bytes;
  write();
  read();
}

// How much of the first piece may go before something happens to the connection.
std::size_t Pipe::next_size() const {
  const std::size_t size = queue_.front().bytes.size();
  if (!track_.cut_at) return size;
  return static_cast<std::size_t>(std::min<std::uint64_t>(size, *track_.cut_at - track_.carried));
}

void Pipe::write() {
  if (writing_ || queue_.empty() || !may_go()) return;
  writing_ = true;
  timer_.expires_at(queue_.front().due);
  timer_.async_wait([this, self = connection_.shared_from_this()](const error_code&) {
    writing_ = false;
    if (connection_.gone() || !may_go()) return;
    const std::size_t size = next_size();
    std::string& bytes = queue_.front().bytes;
    if (track_.flip_at && *track_.flip_at < track_.carried + size) {
      bytes[static_cast<std::size_t>(*track_.flip_at - track_.carried)] ^= 0x10;
      track_.flip_at.reset();
      ++connection_.world.flips;
    }
    // Counted before it is there: a connection that shares the route must not pass the mark as
    // well.
    track_.carried += size;
    const bool cut = track_.cut_at && track_.carried >= *track_.cut_at;
    if (cut) track_.cut_at.reset();
    writing_ = true;
    asio::async_write(to_, asio::buffer(bytes.data(), size),
                      [this, self, size, cut](const error_code& error, std::size_t) {
                        writing_ = false;
                        if (connection_.gone()) return;
                        if (cut) return connection_.cut();
                        if (error) return ended(error);
                        sent(size);
                      });
  });
}

void Pipe::sent(std::size_t bytes) {
  queued_ -= bytes;
  queue_.front().bytes.erase(0, bytes);
  if (queue_.front().bytes.empty()) queue_.pop_front();
  write();
  read();
  pass_end_on();
}

// The other side hears of it when the line lets it.
void Pipe::pass_end_on() {
  if (end_ == End::none || passed_on_ || !may_go()) return;
  if (end_ == End::reset) return connection_.reset();
  if (!queue_.empty()) return;
  passed_on_ = true;
  error_code ignored;
  to_.shutdown(tcp::socket::shutdown_send, ignored);
  connection_.way_ended();
}

}  // namespace

class ChaosProxy::Impl {
 public:
  Impl(const std::string& address, const std::vector<Route>& routes) {
    for (const Route& route : routes) {
      const tcp::endpoint at(asio::ip::make_address(address),
                             static_cast<std::uint16_t>(route.port));
      routes_.try_emplace(route.port, io_, route, at);
    }
    for (auto& [port, route] : routes_) accept(route);
    thread_ = std::thread([this] { io_.run(); });
  }

  ~Impl() {
    order([this] {
      for (auto& [port, route] : routes_) route.acceptor.close();
      for (const auto& connection : connections_) connection->reset();
    });
    guard_.reset();
    thread_.join();
  }

  // Does it on the proxy's thread and waits for it.
  template <class Work>
  auto order(Work work) -> decltype(work()) {
    std::packaged_task<decltype(work())()> task(std::move(work));
    auto done = task.get_future();
    asio::post(io_, [task = std::move(task)]() mutable { task(); });
    return done.get();
  }

  void change(const std::function<void(Weather&)>& set, std::initializer_list<Way> ways) {
    order([&] {
      for (const Way way : ways) set(world_.weather[index(way)]);
      for (const auto& connection : connections_) connection->weather_changed();
    });
  }
  void each(int port, const std::function<void(Connection&)>& work) {
    order([&] {
      tidy();
      for (const auto& connection : connections_)
        if (port == 0 || connection->route.route.port == port) work(*connection);
    });
  }
  // Only from within order().
  Track& track(int port, Way way) { return routes_.at(port).tracks[index(way)]; }
  RouteState& route(int port) { return routes_.at(port); }
  const World& world() const { return world_; }
  void refuse(bool refused) { refused_ = refused; }

 private:
  void accept(RouteState& route) {
    route.acceptor.async_accept([this, &route](const error_code& error, tcp::socket socket) {
      if (!route.acceptor.is_open()) return;
      if (!error && refused_) {
        error_code ignored;
        socket.set_option(asio::socket_base::linger(true, 0), ignored);
        socket.close(ignored);
      } else if (!error) {
        tidy();
        route.arrivals.push_back(Clock::now());
        connections_.push_back(std::make_shared<Connection>(world_, route, std::move(socket)));
        connections_.back()->start();
      }
      accept(route);
    });
  }
  void tidy() {
    connections_.remove_if([](const auto& connection) { return connection->gone(); });
  }

  asio::io_context io_;
  asio::executor_work_guard<asio::io_context::executor_type> guard_ = asio::make_work_guard(io_);
  std::map<int, RouteState> routes_;  // by port; the thread's own, as is what follows
  std::list<std::shared_ptr<Connection>> connections_;
  World world_;
  bool refused_ = false;
  std::thread thread_;
};

ChaosProxy::ChaosProxy(const std::string& address, std::vector<Route> routes)
    : impl_(std::make_unique<Impl>(address, routes)) {}
ChaosProxy::~ChaosProxy() = default;

void ChaosProxy::delay(Way way, std::chrono::milliseconds each) {
  impl_->change([&](Weather& weather) { weather.delay = each; }, {way});
}
void ChaosProxy::limit(Way way, std::uint64_t bytes_per_second) {
  impl_->change([&](Weather& weather) { weather.rate = bytes_per_second; }, {way});
}
void ChaosProxy::block(Way way, bool blocked) {
  impl_->change([&](Weather& weather) { weather.blocked = blocked; }, {way});
}
void ChaosProxy::partition() {
  impl_->change([](Weather& weather) { weather.blocked = true; }, {Way::up, Way::down});
}
void ChaosProxy::heal() {
  impl_->change([](Weather& weather) { weather.blocked = false; }, {Way::up, Way::down});
}
void ChaosProxy::forget_connections() {
  impl_->each(0, [](Connection& connection) { connection.forget(); });
}

void ChaosProxy::give_way() {
  impl_->order([] { wire::give_way(); });
}

void ChaosProxy::refuse(bool refused) {
  impl_->order([&] { impl_->refuse(refused); });
}
void ChaosProxy::cut(int port) {
  impl_->each(port, [](Connection& connection) { connection.cut(); });
}
void ChaosProxy::cut_after(int port, Way way, std::uint64_t bytes) {
  impl_->order([&] {
    Track& track = impl_->track(port, way);
    track.cut_at = track.carried + std::max<std::uint64_t>(1, bytes);
  });
}
void ChaosProxy::flip_after(int port, Way way, std::uint64_t bytes) {
  impl_->order([&] {
    Track& track = impl_->track(port, way);
    track.flip_at = track.carried + bytes;
  });
}

std::uint64_t ChaosProxy::carried(int port, Way way) const {
  return impl_->order([&] { return impl_->track(port, way).carried; });
}
std::vector<Clock::time_point> ChaosProxy::arrivals(int port) const {
  return impl_->order([&] { return impl_->route(port).arrivals; });
}
std::uint64_t ChaosProxy::cuts() const {
  return impl_->order([&] { return impl_->world().cuts; });
}
std::uint64_t ChaosProxy::flips() const {
  return impl_->order([&] { return impl_->world().flips; });
}
int ChaosProxy::open(int port) const {
  int count = 0;
  impl_->each(port, [&](Connection& connection) { count += connection.carries(); });
  return count;
}

}  // namespace skerry::fault
