// Backups of a cloud that runs: one at a time, on a thread of its own, while jobs go on.
//
// Why a thread, and a reader's connection: steps of a copy on the event loop would let every round
// wait for a disk that may be slow or far away, and the thread aside examines results one after the
// other, so that a copy of minutes would hold all of them up. The reader sees one moment of the
// database and never checkpoints; what it costs the writer is a write-ahead log that grows until
// the database, not the blobs, is copied.
#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "core/engine/loop.hpp"
#include "core/engine/unit.hpp"
#include "core/store/backup.hpp"
#include "core/store/blob_store.hpp"

namespace skerry::engine::cloud {

class Backups {
 public:
  struct Options {
    std::filesystem::path state;
    std::string public_key;       // of the cloud
    std::uint64_t keep_free = 0;  // bytes, on the disk of `state`
  };
  using Done = std::function<void(const Result<store::Manifest>&)>;

  // While a backup is made no blob's file is removed: they are freed afterwards.
  Backups(Loop& loop, Unit& unit, store::BlobStore& blobs, Options options);
  // Cancels the one that is being made, and waits for that.
  ~Backups();

  // Inside a unit, from whose commit the backup is. `done` comes inside a unit of its own, on the
  // loop; not when begin() failed.
  Status begin(const std::filesystem::path& to, const std::string& actor, Done done);

 private:
  void make(const std::filesystem::path& to, const std::string& actor, const Done& done);
  void end(const std::filesystem::path& to, const std::string& actor,
           const Result<store::Manifest>& made, const Done& done);
  void free_held_back(std::shared_ptr<std::vector<Digest>> files, std::size_t from);

  Loop& loop_;
  Unit& unit_;
  store::BlobStore& blobs_;
  Options options_;
  std::filesystem::path making_;  // empty: none
  store::BlobStore::Hold hold_;
  std::atomic<bool> cancelled_ = false;
  std::thread thread_;
};

}  // namespace skerry::engine::cloud
