#pragma once

#include <string>

#include "core/base/json.hpp"
#include "core/engine/examiner.hpp"
#include "core/wire/messages.hpp"

namespace skerry::engine::cloud {

// Does a node say that it worked from what its task gave it: this plan and these inputs (name to
// digest)? An update that was made from another model must not be counted as one to this.
Verdict check_claims(const std::string& plan, const Json& inputs, const wire::TaskFinished& what);

// The `limits` of a StartTask: by output, {"bytes": N, "norm": {"max": X, "policy": "reject" or
// "clip", "base": digest}}. They come from a plugin: checked before they are stored.
Status check_limits(const std::string& task, const Json& limits);

}  // namespace skerry::engine::cloud
