// How the gateway has questions answered.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "core/base/json.hpp"
#include "core/wire/predict.hpp"

namespace skerry::gateway {

class Asker {
 public:
  using Done = std::function<void(wire::PredictReply reply, std::vector<float> outputs)>;

  virtual ~Asker() = default;
  // `done` is called once, on the gateway's thread, no later than the request's patience; never
  // from within the call.
  virtual void ask(const wire::PredictRequest& request, std::string data, Done done) = 0;
  // [{"name", "version", ...}] of the services that this host has.
  virtual Json services() const = 0;
};

}  // namespace skerry::gateway
