// From a job file to a job: checked as a whole, then created as a whole.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/base/json.hpp"
#include "core/engine/cloud/machine.hpp"
#include "core/engine/cloud/peers.hpp"
#include "core/engine/disk_guard.hpp"
#include "core/engine/quarantine.hpp"
#include "core/store/blob_store.hpp"

namespace skerry::engine::cloud {

class Submit {
 public:
  Submit(Unit& unit, store::BlobStore& blobs, Machine& machine, Peers& peers,
         Quarantine& quarantine)
      : unit_(unit), blobs_(blobs), machine_(machine), peers_(peers), quarantine_(quarantine) {}

  // While it is low, or would be with the files of a job, no job is taken.
  void watch(const DiskGuard* disk) { disk_ = disk; }

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
  Status check_space(std::uint64_t bytes) const;

  Quarantine& quarantine_;
  const DiskGuard* disk_ = nullptr;
};

}  // namespace skerry::engine::cloud
