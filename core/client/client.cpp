#include "core/client/client.hpp"

#include <fmt/format.h>
#include <sodium.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <utility>

#include "core/base/crypto.hpp"
#include "core/base/try.hpp"

namespace skerry::client {
namespace {

// Of a question that leaves its patience to the service: services have minutes at most.
constexpr std::chrono::minutes kLongest{10};
// The host's own word for it, where there is one, says more than this side's.
constexpr std::chrono::milliseconds kGrace{1};

std::string endpoint_of(const std::string& edge) {
  if (edge.starts_with("ipc://")) return edge;
  std::error_code ignored;  // a path as it is will do
  const auto state = std::filesystem::absolute(edge.empty() ? "." : edge, ignored);
  return "ipc://" + (state / "run" / "requests.sock").string();
}

}  // namespace

Result<Client> Client::connect(const std::string& edge) {
  const std::string endpoint = endpoint_of(edge);
  auto link = wire::LocalLink::connect(endpoint, std::chrono::seconds(2));
  if (!link)
    return fail(Code::unavailable,
                fmt::format("no edge host answers at {}: start skerry-edge there, or give the "
                            "directory that it has as --state, and run this as the same user",
                            endpoint));
  SKERRY_ASSIGN(auto client, over(**link));
  client.owned_ = std::move(*link);
  return client;
}

Result<Client> Client::over(wire::LocalLink& link) {
  SKERRY_TRY(init_sodium());
  std::uint64_t session = 0;
  randombytes_buf(&session, sizeof session);
  return Client(link, session);
}

std::uint64_t Client::ask(const wire::PredictRequest& request, Bytes data) {
  const std::uint64_t id = ++asked_;
  link_->send(wire::frame_request(session_, id, request, data));
  const auto patience = request.patience_us > 0
                            ? std::chrono::microseconds(request.patience_us) + kGrace
                            : std::chrono::microseconds(kLongest);
  waiting_[id] = due_.emplace(Clock::now() + patience, id);
  return id;
}

std::optional<Answer> Client::arrived() {
  while (const auto frame = link_->take()) {
    if (frame->header.type != wire::Type::predict_reply || frame->header.session != session_)
      continue;
    const auto asked = waiting_.find(frame->header.seq);
    auto reply = wire::parse_reply(frame->payload);
    if (asked == waiting_.end() || !reply) continue;
    due_.erase(asked->second);
    waiting_.erase(asked);
    Answer answer{frame->header.seq, std::move(reply->meta), {}};
    answer.outputs.resize(reply->data.size() / sizeof(float));
    if (!answer.outputs.empty())
      std::memcpy(answer.outputs.data(), reply->data.data(), reply->data.size());
    return answer;
  }
  return std::nullopt;
}

std::optional<Answer> Client::expired(Clock::time_point now) {
  if (due_.empty() || due_.begin()->first > now) return std::nullopt;
  Answer answer{due_.begin()->second, {}, {}};
  due_.erase(due_.begin());
  waiting_.erase(answer.id);
  answer.reply.code = "deadline.exceeded";
  answer.reply.message = "the edge host gave no answer in time";
  return answer;
}

std::optional<Answer> Client::next(Clock::time_point until) {
  if (!kept_.empty()) return std::move(kept_.extract(kept_.begin()).mapped());
  for (;;) {
    if (auto answer = arrived()) return answer;
    const auto now = Clock::now();
    if (auto answer = expired(now)) return answer;
    if (now >= until) return std::nullopt;
    link_->wait(due_.empty() ? until : std::min(until, due_.begin()->first));
  }
}

Answer Client::answer_to(std::uint64_t id) {
  if (auto kept = kept_.extract(id)) return std::move(kept.mapped());
  std::map<std::uint64_t, Answer> others = std::exchange(kept_, {});
  for (;;) {
    auto answer = next(Clock::now() + kLongest);
    if (!answer) continue;
    if (answer->id == id) {
      kept_.merge(others);
      return std::move(*answer);
    }
    others.emplace(answer->id, std::move(*answer));
  }
}

}  // namespace skerry::client
