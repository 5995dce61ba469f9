// What there is at which path: requests to answers, without a socket.
#pragma once

#include <functional>
#include <optional>

#include "core/gateway/asker.hpp"
#include "core/gateway/guard.hpp"
#include "core/gateway/http_message.hpp"

namespace skerry::gateway {

// The answer to a request that can be refused by what stands before its body.
std::optional<HttpAnswer> refuse_head(const HttpRequest& head, const Rules& rules);

// `done` is called once: within this call, or by the asker. The status of an answer is 200 or one
// of failures(), its body is JSON.
void respond(HttpRequest request, const Rules& rules, Asker& asker,
             std::function<void(HttpAnswer)> done);

}  // namespace skerry::gateway
