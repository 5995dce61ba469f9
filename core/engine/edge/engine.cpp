#include "core/engine/edge/engine.hpp"

#include <fmt/format.h>

#include "core/base/log.hpp"
#include "core/base/try.hpp"

namespace skerry::engine::edge {

Engine::Engine(World world, Unit& unit, store::BlobStore& blobs, KeyRing keys,
               const std::filesystem::path& downloads)
    : world_(std::move(world)),
      examiner_(world_.loop),
      link_(world_.loop, unit, world_.transport, std::move(keys), *this),
      tasks_(world_.loop, unit, blobs, examiner_, world_.workers, link_, downloads),
      collector_(world_.loop, unit, blobs,
                 {.blob = "EXISTS (SELECT 1 FROM held WHERE held.digest = blob.digest)",
                  .partials = downloads,
                  .partial = [this](const std::string& name) {
                    const auto digest = Digest::from_hex(name);
                    return digest && tasks_.needs(*digest);
                  }}) {
  link_.watch(world_.disk);
  tasks_.watch(world_.disk);
}

Status Engine::start(const std::optional<wire::JoinToken>& token,
                     std::chrono::seconds give_up_after) {
  SKERRY_TRY(link_.start(token, give_up_after));
  tasks_.recover();
  collector_.start();
  return {};
}

void Engine::welcomed(const wire::Welcome& welcome) {
  const bool new_key = key().public_key != bulk_key_;
  const auto at = [this](std::uint32_t port) { return fmt::format("{}:{}", link_.host(), port); };
  if (welcome.request_port != request_port_ || new_key) {
    request_port_ = welcome.request_port;
    if (request_port_ != 0) world_.open_requests(link_.cloud(), at(request_port_));
  }
  if (welcome.bulk_port != bulk_port_ || new_key) {
    tasks_.set_bulk(nullptr);
    transfers_ = world_.open_transfers(link_.cloud(), at(welcome.bulk_port));
    bulk_port_ = welcome.bulk_port;
    bulk_key_ = key().public_key;
  }
  tasks_.set_bulk(transfers_);
}

void Engine::message(const wire::Received& message) {
  const auto decoded = [&](auto&& result, auto&& use) {
    if (result) {
      use(std::move(*result));
    } else {
      log_warn("a message from the cloud is refused: " + result.error().text());
    }
  };
  switch (message.header.type) {
    case wire::Type::start_task:
      return decoded(wire::decode<wire::StartTask>(message.payload()),
                     [&](auto m) { tasks_.start(std::move(m)); });
    case wire::Type::stop_task:
      return decoded(wire::decode<wire::StopTask>(message.payload()),
                     [&](auto m) { tasks_.stop(m); });
    case wire::Type::task_refused:
      return decoded(wire::decode<wire::TaskRefused>(message.payload()),
                     [&](auto m) { tasks_.refused(m); });
    case wire::Type::renew_key:
      if (const auto renewed = link_.renew_key(); !renewed)
        log_error("this node cannot make a new key: " + renewed.error().text());
      return;
    case wire::Type::forget_job:
      return decoded(wire::decode<wire::ForgetJob>(message.payload()),
                     [&](auto m) { tasks_.forget(m.job); });
    default:
      return;
  }
}

}  // namespace skerry::engine::edge
