// Asks the services of an edge host over its local socket. Each question gets one answer by its
// deadline: should none come, this side says so. One thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "core/base/result.hpp"
#include "core/wire/local_link.hpp"
#include "core/wire/predict.hpp"

namespace skerry::client {

struct Answer {
  std::uint64_t id = 0;
  wire::PredictReply reply;
  std::vector<float> outputs;
};

class Client {
 public:
  using Clock = std::chrono::steady_clock;

  // `edge`: the host's state directory, or its socket as "ipc://PATH".
  static Result<Client> connect(const std::string& edge);
  // Over a connection that stands, and outlives this.
  static Result<Client> over(wire::LocalLink& link);

  // Sends it; patience_us 0: as long as the service says. Returns the question's number.
  std::uint64_t ask(const wire::PredictRequest& request, Bytes data);
  // The next answer; none: `until` came first.
  std::optional<Answer> next(Clock::time_point until);
  // That of a question that was asked and not yet answered to the caller; others that come
  // meanwhile are kept for next().
  Answer answer_to(std::uint64_t id);
  std::size_t under_way() const { return waiting_.size(); }
  // When the next question that waits is given up.
  std::optional<Clock::time_point> due() const {
    return due_.empty() ? std::nullopt : std::optional(due_.begin()->first);
  }
  // Readable when next() should be called; may also be so without reason. It is readable once for
  // all that came: after it, and after each ask(), call next() until there is none.
  int descriptor() const { return link_->descriptor(); }

 private:
  Client(wire::LocalLink& link, std::uint64_t session) : link_(&link), session_(session) {}
  std::optional<Answer> arrived();
  std::optional<Answer> expired(Clock::time_point now);

  std::unique_ptr<wire::LocalLink> owned_;  // what `link_` points to, if it is this side's own
  wire::LocalLink* link_;
  std::uint64_t session_;
  std::uint64_t asked_ = 0;
  using Due = std::multimap<Clock::time_point, std::uint64_t>;
  Due due_;  // what is not answered
  std::unordered_map<std::uint64_t, Due::iterator> waiting_;
  std::map<std::uint64_t, Answer> kept_;
};

}  // namespace skerry::client
