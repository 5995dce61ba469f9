#include "core/engine/cloud/host_counters.hpp"

namespace skerry::engine::cloud {

Json host_counters(const wire::SocketThread& sockets, const wire::BulkServer& bulk,
                   const wire::ZapHandler& zap, const Peers& peers, const Collector& collector) {
  const auto message = sockets.counters();
  const auto transfer = bulk.counters();
  const auto& session = peers.counters();
  const auto& freed = collector.freed();
  return {{"messages",
           {{"in", message.received},
            {"out", message.sent},
            {"bytesIn", message.bytes_received},
            {"bytesOut", message.bytes_sent}}},
          {"bulk",
           {{"bytesIn", transfer.bytes_received},
            {"bytesOut", transfer.bytes_sent},
            {"uploads", transfer.uploads_completed}}},
          {"refused",
           {{"keys", zap.refused()},
            {"messages", session.violations},
            {"transfers", transfer.refused},
            {"afterRevocation", message.turned_out},
            {"connectionsCut", message.cut + transfer.cut}}},
          {"dropped",
           {{"receiverGone", message.dropped_no_peer},
            {"queueFull", message.dropped_full + transfer.dropped},
            {"tooLarge", message.oversized},
            {"severalFrames", message.dropped_multipart},
            {"malformedTransfers", transfer.malformed},
            {"resultsToBeSentAgain", session.inbox_full},
            {"refusalsUntold", session.untold},
            {"progressReports", session.reports_lost}}},
          {"freed",
           {{"blobs", freed.blobs},
            {"filesWithoutRow", freed.files},
            {"transfers", freed.partials},
            {"bytes", freed.bytes}}}};
}

}  // namespace skerry::engine::cloud
