// What reading a job file takes long for: plugins are looked for, files are hashed and copied. Runs
// beside the event loop and touches no table; submit.hpp has the rest.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "core/base/result.hpp"
#include "core/config/job.hpp"
#include "core/config/resources.hpp"
#include "core/engine/job_plugins.hpp"
#include "core/store/blob_store.hpp"

namespace skerry::engine::cloud {

struct ApplyRequest {
  std::string text;
  std::string file;  // its name in problems; relative paths are relative to its folder
  std::optional<int> nodes;
  std::string actor;       // who wants it, for the audit log
  bool from_afar = false;  // with an admin key: it names no file or folder of this machine
};

// A resource that was applied before.
struct StoredResource {
  std::string kind, name, document, file;
};

struct DraftJob {
  config::ResolvedJob job;
  std::string kind;
  std::string plan;  // as it is stored
  std::vector<PluginFile> plugins;
};

// What a file asks for, checked as a whole.
struct Draft {
  std::vector<config::Resource> resources;  // of the core's own kinds
  std::vector<DraftJob> jobs;
};

tl::expected<Draft, std::vector<Problem>> read_draft(const ApplyRequest& request,
                                                     const std::vector<StoredResource>& stored);

// A file that goes with a job. It is in the store, without a row, and stays there while this lives;
// a small one is in memory.
struct ShippedFile {
  Digest digest;
  std::uint64_t size = 0;
  std::string data;               // when it is small
  store::BlobStore::Claim claim;  // else
};

Result<ShippedFile> ship(store::BlobStore& blobs, const config::ArtifactFile& file);

}  // namespace skerry::engine::cloud
