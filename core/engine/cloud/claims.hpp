#pragma once

#include <string>

#include "core/base/json.hpp"
#include "core/engine/examiner.hpp"
#include "core/wire/messages.hpp"

namespace skerry::engine::cloud {

// Does a node say that it worked from what its task gave it: this plan and these inputs (name to
// digest)? An update that was made from another model must not be counted as one to this.
Verdict check_claims(const std::string& plan, const Json& inputs, const wire::TaskFinished& what);

// What it says of itself: inline outputs are what their digests say, and its result is JSON.
Verdict check_form(const wire::TaskFinished& what);

// A task's own result: a JSON object; no text is an empty one.
Result<Json> parse_result(const std::string& text);

// What a result says it was made from; 0 when it says nothing that makes sense.
std::uint64_t samples_in(const std::string& result);

// The `limits` of a StartTask: by output, {"bytes": N, "samples": {"min": N, "max": N}, "norm":
// {"max": X, "policy": "reject" or "clip", "base": digest}}. They come from a plugin: checked
// before they are stored.
Status check_limits(const std::string& task, const Json& limits);

}  // namespace skerry::engine::cloud
