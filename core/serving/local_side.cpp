#include "core/serving/local_side.hpp"

#include <algorithm>

#include "core/base/log.hpp"
#include "core/base/try.hpp"

namespace skerry::serving {
namespace {

constexpr int kQueue = 1024;  // frames a peer

}  // namespace

wire::Receipt take(zmq::socket_t& socket, bool router, Passing& passing) {
  wire::Arrived arrived;
  const wire::Receipt receipt = wire::receive(socket, router, arrived);
  if (receipt != wire::Receipt::message) return receipt;
  const auto view = wire::check_frame(arrived.body.to_string_view(), wire::kPredictLimit);
  if (!view) return wire::Receipt::multipart;
  passing.peer = std::move(arrived.peer);
  passing.user = std::move(arrived.user);
  passing.header = view->header;
  passing.payload = view->payload;
  passing.body = std::move(arrived.body);
  return receipt;
}

Clock::time_point until(const wire::PredictRequest& request, Clock::time_point now) {
  const std::chrono::microseconds patience(request.patience_us);
  return now + std::min<Clock::duration>(patience, kLongestPatience);
}

zmq::message_t owned(std::string frame) {
  return wire::message_of(std::move(frame));
}

Result<LocalSide> LocalSide::open(zmq::context_t& context, const std::string& endpoint) {
  SKERRY_ASSIGN(auto socket, wire::make_router(context, endpoint, nullptr,
                                               {wire::kPredictLimit, kQueue, kQueue}));
  return LocalSide(std::move(socket));
}

bool LocalSide::give(Seats::Seat& worker, zmq::message_t& body) {
  const wire::Sent sent = wire::send(socket_, worker.peer, body);
  worker.gone = sent == wire::Sent::no_peer;
  return sent == wire::Sent::ok;
}

bool LocalSide::send(const std::string& peer, zmq::message_t& body) {
  return wire::send(socket_, peer, body) == wire::Sent::ok;
}

void LocalSide::refuse(const std::string& peer, const QuestionId& question, const char* code,
                       const std::string& message) {
  wire::PredictReply reply;
  reply.code = code;
  reply.message = message;
  auto body = owned(wire::frame_reply(question.session, question.seq, reply, {}));
  send(peer, body);
}

bool LocalSide::take_seat(const Passing& passing) {
  const auto frame = wire::parse_frame(passing.body.to_string_view(), wire::kPredictLimit);
  if (!frame) return false;
  const auto wanted = wire::decode<wire::TakeSeat>(frame->payload());
  if (!wanted) return false;
  const auto taken = seats_.take(wanted->ticket, passing.peer, wanted->session, wanted->credit);
  if (taken.seat == nullptr) {
    log_warn("a process asked to serve that is no worker of this host, or asked twice");
    return false;
  }
  auto seated = owned(wire::frame(wire::Header{wire::Type::seated}));
  send(passing.peer, seated);
  log_info("version " + std::to_string(taken.seat->place.version) + " of job " +
           taken.seat->place.job + " serves");
  for (const Seats::Seat* seat : taken.retired) retire(*seat);
  return true;
}

void LocalSide::retire(const Seats::Seat& seat) {
  auto body = owned(wire::frame(wire::Header{wire::Type::retire}));
  send(seat.peer, body);
}

}  // namespace skerry::serving
