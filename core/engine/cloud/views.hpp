// What operators see: jobs, nodes, models and datasets as JSON with stable field names. Reads only.
#pragma once

#include <string>

#include "core/base/json.hpp"
#include "core/engine/cloud/machine.hpp"
#include "core/engine/cloud/nodes.hpp"
#include "core/engine/cloud/peers.hpp"
#include "core/engine/disk_guard.hpp"
#include "core/store/blob_store.hpp"

namespace skerry::engine::cloud {

class Views {
 public:
  Views(Unit& unit, Machine& machine, Nodes& nodes, Peers& peers, store::BlobStore& blobs)
      : unit_(unit), machine_(machine), nodes_(nodes), peers_(peers), blobs_(blobs) {}

  struct Model {
    std::int64_t version = 0;
    Digest digest;
  };

  void watch(const DiskGuard* disk) { disk_ = disk; }

  // What keeps this cloud from working as it should: {at, type, reason, message} each.
  Json conditions() const;
  Json nodes();
  // kind: jobs, nodes, models, datasets. An empty name: all.
  Result<Json> list(const std::string& kind, const std::string& name);
  // kind: job, node, model, dataset.
  Result<Json> describe(const std::string& kind, const std::string& name);
  // What is new about a job since `after` records, as `watch` tells it.
  Json progress(const Job& job, std::int64_t after);
  // version 0: the newest.
  Result<Model> model(std::int64_t job, std::int64_t version);

 private:
  Json job_row(const Job& job);
  Json job_details(const Job& job);
  Json records(const Job& job, std::int64_t after);
  Json open_tasks(const Job& job);
  Json models();
  Json resources(const char* kind);

  Unit& unit_;
  Machine& machine_;
  Nodes& nodes_;
  Peers& peers_;
  store::BlobStore& blobs_;
  const DiskGuard* disk_ = nullptr;
};

}  // namespace skerry::engine::cloud
