// From a job file to a job: checked as a whole, then created as a whole.
//
// Plugins are looked for and files are read beside the event loop, which goes on meanwhile; then
// all is recorded in one transaction. What is given up on the way leaves nothing behind.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/base/json.hpp"
#include "core/engine/cloud/job_intake.hpp"
#include "core/engine/cloud/machine.hpp"
#include "core/engine/cloud/peers.hpp"
#include "core/engine/disk_guard.hpp"
#include "core/engine/loop.hpp"
#include "core/engine/quarantine.hpp"
#include "core/store/blob_store.hpp"

namespace skerry::engine::cloud {

class Submit {
 public:
  using Answer = tl::expected<Json, std::vector<Problem>>;
  using Done = std::function<void(const Answer&)>;

  // `loop`: whose thread aside may be busy for as long as it takes to copy a large file.
  Submit(Loop& loop, Unit& unit, store::BlobStore& blobs, Machine& machine, Peers& peers,
         Quarantine& quarantine)
      : loop_(loop),
        unit_(unit),
        blobs_(blobs),
        machine_(machine),
        peers_(peers),
        quarantine_(quarantine) {}

  // While it is low, or would be with the files of a job, no job is taken.
  void watch(const DiskGuard* disk) { disk_ = disk; }

  // All documents or none. `done` is called once, later, on the loop; when all went well, inside
  // the unit that records it.
  void apply(ApplyRequest request, Done done);
  // `kind`: dataset or model.
  Status remove_resource(const std::string& kind, const std::string& name,
                         const std::string& actor);

 private:
  using Problems = std::vector<Problem>;
  struct Application;
  using Shared = std::shared_ptr<Application>;

  std::vector<StoredResource> stored_resources();
  void consider(const Shared& application);
  void conclude(const Shared& application);
  void give_up(const Shared& application, const Problems& problems);
  Problems sort_out(Application& application);
  Problems refuse_quarantined(const Application& application);
  Problems check_space(const Application& application) const;
  Json record_resource(const ApplyRequest& request, const config::Resource& resource);
  void record_job(Application& application, std::size_t which);

  Loop& loop_;
  Unit& unit_;
  store::BlobStore& blobs_;
  Machine& machine_;
  Peers& peers_;
  Quarantine& quarantine_;
  const DiskGuard* disk_ = nullptr;
};

}  // namespace skerry::engine::cloud
