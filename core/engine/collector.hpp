// Frees what nothing needs any more. What is given up in the course of things is freed at once;
// this finds what crashes, cancelled transfers and refused results leave: blobs that no row refers
// to, files without a row, partial transfers that nobody will go on with.
//
// A little each minute, a little in each turn of the loop: files are listed and removed aside.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/engine/loop.hpp"
#include "core/engine/unit.hpp"
#include "core/store/blob_store.hpp"

namespace skerry::engine {

// Frees the file of a blob that was forgotten, unless it is needed again; after the commit.
void free_file(Loop& loop, store::BlobStore& blobs, const Digest& digest);

// For tests that compute again what was published, from the updates that it was made of: nothing is
// freed. Hosts with failpoints only.
bool keeps_every_blob();

class Collector {
 public:
  struct Needs {
    // SQL: whether another row refers to a row of the table blob.
    std::string_view blob;
    // A folder of partial transfers, and whether the file of that name is still needed.
    std::filesystem::path partials;
    std::function<bool(const std::string& name)> partial;
    // A file gets its row moments after its name; nobody takes this long.
    std::chrono::seconds grace = std::chrono::minutes(10);
  };
  struct Freed {
    std::uint64_t blobs = 0;
    std::uint64_t files = 0;     // without a row
    std::uint64_t partials = 0;  // transfers
    std::uint64_t bytes = 0;     // of all of them
  };

  Collector(Loop& loop, Unit& unit, store::BlobStore& blobs, Needs needs);

  // Once; goes on until the collector is destroyed.
  void start();
  // Since the start.
  const Freed& freed() const { return freed_; }

 private:
  using Files = std::vector<store::BlobStore::FoundFile>;

  void pass();
  void look_at_rows(int turns);
  void look_at_partials();
  void look_at_shards(int shards);
  void look_at_files(const std::shared_ptr<Files>& files, std::size_t from, int shards);
  void end_pass();

  Loop& loop_;
  Unit& unit_;
  store::BlobStore& blobs_;
  Needs needs_;
  std::string select_;
  std::unique_ptr<Loop::Alarm> alarm_;
  Digest row_{};        // looked at up to this one
  unsigned shard_ = 0;  // the next one
  Freed freed_;
  Freed told_;
};

}  // namespace skerry::engine
