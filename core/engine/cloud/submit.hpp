// From a job file to a job: checked as a whole, then created as a whole.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/base/json.hpp"
#include "core/engine/cloud/machine.hpp"
#include "core/engine/cloud/peers.hpp"
#include "core/engine/quarantine.hpp"
#include "core/store/blob_store.hpp"

namespace skerry::engine::cloud {

class Submit {
 public:
  Submit(Unit& unit, store::BlobStore& blobs, Machine& machine, Peers& peers,
         Quarantine& quarantine)
      : unit_(unit), blobs_(blobs), machine_(machine), peers_(peers), quarantine_(quarantine) {}

  // All documents or none. `file` is the name in problems; relative paths are relative to its
  // folder. `actor`: who wants it, for the audit log.
  tl::expected<Json, std::vector<Problem>> apply(const std::string& text, const std::string& file,
                                                 std::optional<int> nodes,
                                                 const std::string& actor);
  // `kind`: dataset or model.
  Status remove_resource(const std::string& kind, const std::string& name,
                         const std::string& actor);

 private:
  Unit& unit_;
  store::BlobStore& blobs_;
  Machine& machine_;
  Peers& peers_;
  Quarantine& quarantine_;
};

}  // namespace skerry::engine::cloud
