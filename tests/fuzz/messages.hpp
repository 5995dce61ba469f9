// Decoders by type, for the targets that choose one by the input's first byte.
#pragma once

#include <array>

#include "core/wire/messages.hpp"
#include "core/wire/predict.hpp"
#include "tests/fuzz/fuzz.hpp"

namespace skerry::fuzz {

// What was decoded encodes, and decodes to the same again.
template <class Message>
void round_trip(Bytes payload) {
  const auto decoded = wire::decode<Message>(payload);
  if (!decoded) return;
  const std::string encoded = wire::encode(*decoded);
  const auto again = wire::decode<Message>(as_bytes(encoded));
  require(again.has_value(), "what was accepted is accepted again");
  require(wire::encode(*again) == encoded, "nothing changes on the way");
}

template <class... Messages>
struct Decoders {
  static constexpr std::array<wire::Type, sizeof...(Messages)> types{Messages::type...};
  static void run(std::size_t choice, Bytes payload) {
    constexpr std::array<void (*)(Bytes), sizeof...(Messages)> all{&round_trip<Messages>...};
    all[choice % all.size()](payload);
  }
};

using NetworkMessages =
    Decoders<wire::Hello, wire::Welcome, wire::Refused, wire::Join, wire::Joined, wire::StartTask,
             wire::StopTask, wire::ForgetJob, wire::TaskRefused, wire::TaskFinished,
             wire::TaskFailed, wire::TaskReported, wire::BlobGet, wire::BlobPut, wire::BlobPutReply,
             wire::BlobPutAck, wire::BlobError, wire::NewKey, wire::NewKeyNoted, wire::RenewKey>;

using LocalMessages =
    Decoders<wire::WorkerHello, wire::RunTask, wire::CancelTask, wire::TaskProgress, wire::TaskDone,
             wire::DecideRequest, wire::DecideReply, wire::Shutdown, wire::AdminRequest,
             wire::AdminReply, wire::TakeSeat>;

}  // namespace skerry::fuzz
