// What a running cloud has counted since it started.
#pragma once

#include "core/base/json.hpp"
#include "core/engine/cloud/peers.hpp"
#include "core/engine/collector.hpp"
#include "core/wire/bulk_server.hpp"
#include "core/wire/socket_thread.hpp"
#include "core/wire/zap.hpp"

namespace skerry::engine::cloud {

// Groups of counters, with stable names.
Json host_counters(const wire::SocketThread& sockets, const wire::BulkServer& bulk,
                   const wire::ZapHandler& zap, const Peers& peers, const Collector& collector);

}  // namespace skerry::engine::cloud
