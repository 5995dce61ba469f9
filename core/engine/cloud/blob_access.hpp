// The bulk server's way to the store: it asks on its own thread, the answer is found on the event
// loop.
#pragma once

#include <filesystem>

#include "core/engine/audit.hpp"
#include "core/engine/cloud/authorization.hpp"
#include "core/engine/cloud/tasks.hpp"
#include "core/engine/disk_guard.hpp"
#include "core/engine/examiner.hpp"
#include "core/engine/loop.hpp"
#include "core/store/blob_store.hpp"
#include "core/wire/bulk_server.hpp"

namespace skerry::engine::cloud {

class BlobAccess : public wire::BulkBackend {
 public:
  // `uploads`: a directory for partial uploads, on the store's file system; kept over restarts.
  BlobAccess(Loop& loop, Unit& unit, store::BlobStore& blobs, Tasks& tasks, Examiner& examiner,
             std::filesystem::path uploads)
      : loop_(loop),
        unit_(unit),
        blobs_(blobs),
        tasks_(tasks),
        examiner_(examiner),
        uploads_(std::move(uploads)) {}

  // Uploads leave the space below its mark alone.
  void watch(DiskGuard* disk) { disk_ = disk; }

  void resolve(const std::string& user, const Digest& digest,
               std::function<void(Result<wire::BulkSource>)> done) override;
  void admit(const std::string& user, const Digest& digest, std::uint64_t size,
             std::function<void(Result<wire::BulkTarget>)> done) override;
  void received(const std::string& user, const Digest& digest, std::uint64_t size,
                std::filesystem::path file, std::function<void(Status)> done) override;

  // Whether the partial upload of that file name will be gone on with.
  bool needs_partial(const std::string& name);

 private:
  void note_refusal(const std::string& user, const char* action, const Problem& why);
  Status may(const std::string& user, const Deed& deed);
  Result<wire::BulkSource> find(const std::string& user, const Digest& digest);
  Result<wire::BulkTarget> target(const std::string& user, const Digest& digest,
                                  std::uint64_t size);
  std::filesystem::path partial(const std::string& node, const Digest& digest) const;

  Loop& loop_;
  Unit& unit_;
  store::BlobStore& blobs_;
  Tasks& tasks_;
  Examiner& examiner_;
  std::filesystem::path uploads_;
  DiskGuard* disk_ = nullptr;
  AuditLimit refusals_{1, std::chrono::seconds(60)};  // of a caller and what it tried
};

}  // namespace skerry::engine::cloud
