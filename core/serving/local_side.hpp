// The local socket of a relay: workers that serve, and on an edge applications that ask. Internal
// to core/serving; the relay's own thread only.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <zmq.hpp>

#include "core/base/result.hpp"
#include "core/serving/seats.hpp"
#include "core/wire/envelope.hpp"
#include "core/wire/predict.hpp"
#include "core/wire/sockets.hpp"

namespace skerry::serving {

using Clock = Seats::Clock;

// A frame as it came, with its header and what it is about; `body` stays whole, to be passed on.
struct Passing {
  std::string peer;
  std::string user;  // who sent it, where keys are in use
  wire::Header header;
  Bytes payload;  // borrowed from the body
  zmq::message_t body;

  QuestionId question() const { return {header.session, header.seq}; }
};

// The next frame of a socket. `nothing`: none is there. `multipart`: one was, and is dropped.
wire::Receipt take(zmq::socket_t& socket, bool router, Passing& passing);

// What a worker has in hand is counted by numbers.
inline constexpr const char* kSameNumber = "a question with this number is in hand already";

// How long the asker of a question waits; it bounds what a host keeps for it.
inline constexpr std::chrono::minutes kLongestPatience{10};
Clock::time_point until(const wire::PredictRequest& request, Clock::time_point now);

class LocalSide {
 public:
  static Result<LocalSide> open(zmq::context_t& context, const std::string& endpoint);

  zmq::socket_t& socket() { return socket_; }
  Seats& seats() { return seats_; }

  // A worker says that it is ready. False: no such worker is awaited.
  bool take_seat(const Passing& passing);
  // To a worker that serves. False: it does not take it now; one that is gone is marked so.
  bool give(Seats::Seat& worker, zmq::message_t& body);
  // True: it left. The frame is used up.
  bool send(const std::string& peer, zmq::message_t& body);
  void refuse(const std::string& peer, const QuestionId& question, const char* code,
              const std::string& message);
  // To a worker that lost its place.
  void retire(const Seats::Seat& seat);

 private:
  explicit LocalSide(zmq::socket_t socket) : socket_(std::move(socket)) {}

  zmq::socket_t socket_;
  Seats seats_;
};

zmq::message_t owned(std::string frame);

}  // namespace skerry::serving
