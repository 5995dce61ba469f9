// Keys with which an operator may ask from another machine. The operator's tool makes a key and
// keeps its secret half; the cloud learns the public half over its local socket.
#pragma once

#include "core/base/json.hpp"
#include "core/base/result.hpp"
#include "core/engine/cloud/nodes.hpp"
#include "core/engine/unit.hpp"

namespace skerry::engine::cloud {

class AdminKeys {
 public:
  AdminKeys(Unit& unit, Nodes& nodes) : unit_(unit), nodes_(nodes) {}

  // Inside a unit, all of them.
  Status add(const std::string& name, const std::string& public_key);
  // For good: the name is not given out again, so that the audit log stays clear.
  Status revoke(const std::string& name);
  Json list();

 private:
  Unit& unit_;
  Nodes& nodes_;
};

}  // namespace skerry::engine::cloud
