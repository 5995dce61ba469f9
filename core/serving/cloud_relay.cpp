#include "core/serving/cloud_relay.hpp"

#include <algorithm>
#include <atomic>
#include <charconv>
#include <map>
#include <optional>
#include <thread>

#include "core/base/try.hpp"
#include "core/serving/fair_queue.hpp"
#include "core/serving/local_side.hpp"
#include "core/serving/tickets.hpp"
#include "core/wire/doorman.hpp"
#include "core/wire/inbox.hpp"

namespace skerry::serving {
namespace {

constexpr int kTurn = 256;
constexpr long kTickMs = 1000;
constexpr long kLookMs = 50;    // while there are connections to watch
constexpr int kQueue = 64;      // questions of a peer that wait to be looked at
constexpr int kAnswers = 1024;  // to a peer, that wait to leave: those of a few batches
constexpr std::size_t kUnheard = 4 * wire::kPredictLimit + (8u << 20);
constexpr std::chrono::seconds kOverdue{5};

struct Waiting {
  std::string peer;
  QuestionId question;
  Clock::time_point until;
  zmq::message_t body;
};
using Queue = FairQueue<Waiting>;

}  // namespace

class CloudRelay::Impl {
 public:
  Impl(LocalSide local, zmq::socket_t edges, wire::Doorman doorman,
       std::shared_ptr<wire::Inbox> inbox, const Access& access,
       std::function<std::string(const std::string&)> node_of)
      : local_(std::move(local)),
        edges_(std::move(edges)),
        doorman_(std::move(doorman)),
        endpoint_(wire::bound_endpoint(edges_)),
        inbox_(std::move(inbox)),
        access_(access),
        node_of_(std::move(node_of)) {
    thread_ = std::thread([this] { run(); });
  }
  ~Impl() {
    inbox_->stop();
    thread_.join();
    inbox_->close();
  }

  const std::string& endpoint() const { return endpoint_; }
  std::uint64_t reserve(Place place) {
    const std::uint64_t ticket = new_ticket();
    inbox_->post([this, ticket, place = std::move(place)]() mutable {
      local_.seats().reserve(ticket, std::move(place));
    });
    return ticket;
  }
  void release(std::uint64_t ticket) {
    inbox_->post([this, ticket] {
      for (const auto& asker : local_.seats().release(ticket))
        refuse(asker.peer, asker.question, "cloud.unavailable",
               "the cloud's worker that had this question ended");
    });
  }
  void turn_out(const std::string& user) {
    inbox_->post([this, user] { doorman_->turn_out(user, Clock::now()); });
  }
  Counters counters() const { return {passed_, refused_, expired_, malformed_}; }

 private:
  void run() {
    zmq_pollitem_t items[] = {{nullptr, inbox_->fd(), ZMQ_POLLIN, 0},
                              {local_.socket().handle(), 0, ZMQ_POLLIN, 0},
                              {edges_.handle(), 0, ZMQ_POLLIN, 0},
                              {doorman_->events().handle(), 0, ZMQ_POLLIN, 0}};
    while (!inbox_->stopped()) {
      if (zmq_poll(items, 4, doorman_->due() ? kLookMs : kTickMs) < 0 && zmq_errno() == ETERM)
        break;
      // Each look at what has no news costs a system call, and there are many a question.
      const auto has = [&](int item) { return (items[item].revents & ZMQ_POLLIN) != 0; };
      const auto now = Clock::now();
      if (has(3) || (doorman_->due() && *doorman_->due() <= now)) doorman_->look(now);
      if (has(0)) do_posted();
      for (int i = 0; has(2) && i < kTurn && take_question(); ++i) continue;
      for (int i = 0; has(1) && i < kTurn && take_local(); ++i) continue;
      if (now - swept_ > std::chrono::milliseconds(kTickMs)) sweep(now);
    }
    doorman_.reset();
    edges_.close();
    local_.socket().close();
  }

  void do_posted() {
    for (const auto& work : inbox_->take()) work();
  }

  void sweep(Clock::time_point now) {
    swept_ = now;
    for (const auto& asker : local_.seats().overdue(now - kOverdue))
      refuse(asker.peer, asker.question, "deadline.exceeded", "the cloud's worker did not answer");
    for (auto& [service, queue] : queues_) {
      queue.expire(now, [this](Waiting late) { expired(late); });
      dispatch(service, queue);
    }
    std::erase_if(queues_, [](const auto& entry) { return entry.second.empty(); });
  }

  void expired(const Waiting& late) {
    ++expired_;
    refuse(late.peer, late.question, "deadline.exceeded", "no worker was free in time");
  }

  void refuse(const std::string& peer, const QuestionId& question, const char* code,
              const std::string& message) {
    ++refused_;
    wire::PredictReply reply;
    reply.code = code;
    reply.message = message;
    reply.by_cloud = true;
    auto body = owned(wire::frame_reply(question.session, question.seq, reply, {}));
    wire::send(edges_, peer, body);
  }

  bool take_question() {
    wire::Arrived arrived;
    const wire::Receipt receipt = wire::receive(edges_, true, arrived);
    if (receipt == wire::Receipt::nothing) return false;
    if (receipt != wire::Receipt::message || arrived.user.empty() || !doorman_->admit(arrived)) {
      ++malformed_;
      return true;
    }
    const auto view = wire::check_frame(arrived.body.to_string_view(), wire::kPredictLimit);
    if (view && view->header.type == wire::Type::ping) return true;  // it says who it is
    if (!view || view->header.type != wire::Type::predict_request) {
      ++malformed_;
      return true;
    }
    const QuestionId question{view->header.session, view->header.seq};
    const auto request = wire::parse_request(view->payload);
    if (!request) {
      ++malformed_;
      refuse(arrived.peer, question, "request.malformed", request.error().message);
      return true;
    }
    queue(request->meta, question, std::move(arrived));
    return true;
  }

  // A node that may not ask learns no more than that there is no such service.
  void queue(const wire::PredictRequest& request, const QuestionId& question,
             wire::Arrived arrived) {
    const std::string node = node_of_(arrived.user);
    const auto jobs = local_.seats().jobs(request.service);
    const auto may_ask = [&](const std::string& job) { return access_.may_ask(node, job); };
    if (std::none_of(jobs.begin(), jobs.end(), may_ask))
      return refuse(arrived.peer, question, "service.unknown",
                    "this cloud has no such service for this node");
    if (local_.seats().serving(request.service).empty())
      return refuse(arrived.peer, question, "cloud.unavailable",
                    "no worker of this service is ready at the cloud");
    const auto due = until(request, Clock::now());
    const std::size_t bytes = arrived.body.size();
    Queue& queue = queues_.try_emplace(request.service, Queue::Limits{}).first->second;
    Waiting waiting{arrived.peer, question, due, std::move(arrived.body)};
    if (!queue.push(node, std::move(waiting), bytes, due))
      return refuse(arrived.peer, question, "overloaded",
                    "this node has as many questions waiting at the cloud as it may");
    dispatch(request.service, queue);
  }

  void dispatch(const std::string& service, Queue& queue) {
    while (!queue.empty()) {
      Seats::Seat* worker = local_.seats().least_busy(service);
      if (worker == nullptr) return;
      auto next = queue.pop(Clock::now(), [this](Waiting late) { expired(late); });
      if (!next) return;
      if (worker->in_hand.contains(next->question)) {
        refuse(next->peer, next->question, "request.malformed", kSameNumber);
        continue;
      }
      while (!local_.give(*worker, next->body)) {
        Seats::Seat* other = worker->gone ? local_.seats().least_busy(service) : nullptr;
        if (other == nullptr)
          return refuse(next->peer, next->question, "cloud.unavailable",
                        "the cloud's worker does not take questions now");
        worker = other;
      }
      ++passed_;
      worker->in_hand[next->question] = {next->question, next->peer, next->until};
    }
  }

  bool take_local() {
    Passing passing;
    const wire::Receipt receipt = take(local_.socket(), true, passing);
    if (receipt != wire::Receipt::message) return receipt != wire::Receipt::nothing;
    if (passing.header.type == wire::Type::take_seat) {
      do_posted();  // its reservation may have come after the last look
      if (local_.take_seat(passing))
        dispatch_to(local_.seats().of_peer(passing.peer)->place.service);
      return true;
    }
    Seats::Seat* worker = local_.seats().of_peer(passing.peer);
    if (worker == nullptr || passing.header.type != wire::Type::predict_reply) return true;
    const std::string service = worker->place.service;
    if (const auto asker = local_.seats().answered(*worker, passing.question()))
      wire::send(edges_, asker->peer, passing.body);
    dispatch_to(service);
    return true;
  }

  void dispatch_to(const std::string& service) {
    if (const auto queue = queues_.find(service); queue != queues_.end())
      dispatch(queue->first, queue->second);
  }

  LocalSide local_;
  zmq::socket_t edges_;
  std::optional<wire::Doorman> doorman_;  // ends before the socket does
  const std::string endpoint_;
  std::shared_ptr<wire::Inbox> inbox_;
  const Access& access_;
  const std::function<std::string(const std::string&)> node_of_;
  std::map<std::string, Queue> queues_;  // by service
  Clock::time_point swept_{};
  std::atomic<std::uint64_t> passed_ = 0, refused_ = 0, expired_ = 0, malformed_ = 0;
  std::thread thread_;
};

Result<std::unique_ptr<CloudRelay>> CloudRelay::start(zmq::context_t& context, Options options,
                                                      const Access& access) {
  SKERRY_ASSIGN(auto inbox, wire::Inbox::create());
  SKERRY_ASSIGN(auto local, LocalSide::open(context, options.local));
  SKERRY_ASSIGN(auto edges, wire::make_router(context, options.endpoint, &options.key,
                                              {.max_message = wire::kPredictLimit,
                                               .send_high_water = kAnswers,
                                               .receive_high_water = kQueue}));
  SKERRY_ASSIGN(auto doorman,
                wire::Doorman::open(context, edges, kUnheard, std::move(options.on_refused)));
  return std::unique_ptr<CloudRelay>(
      new CloudRelay(std::make_unique<Impl>(std::move(local), std::move(edges), std::move(doorman),
                                            std::move(inbox), access, std::move(options.node_of))));
}

CloudRelay::CloudRelay(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
CloudRelay::~CloudRelay() = default;
const std::string& CloudRelay::endpoint() const {
  return impl_->endpoint();
}
int CloudRelay::port() const {
  const std::string& text = impl_->endpoint();
  int port = 0;
  std::from_chars(text.data() + text.rfind(':') + 1, text.data() + text.size(), port);
  return port;
}
std::uint64_t CloudRelay::reserve(Place place) {
  return impl_->reserve(std::move(place));
}
void CloudRelay::release(std::uint64_t ticket) {
  impl_->release(ticket);
}
void CloudRelay::turn_out(const std::string& user) {
  impl_->turn_out(user);
}
CloudRelay::Counters CloudRelay::counters() const {
  return impl_->counters();
}

}  // namespace skerry::serving
