// Content-addressed bytes: models, updates and other artifacts, each stored once under its
// BLAKE2b-256 digest. A blob exists when its row is committed; the row is written after the bytes
// are durable. Small blobs live in the database, in the caller's transaction, and cost no fsync of
// their own; larger ones are files.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/base/bytes.hpp"
#include "core/base/digest.hpp"
#include "core/base/result.hpp"
#include "core/store/database.hpp"

namespace skerry::store {

inline constexpr std::uint64_t kInlineLimit = 32 * 1024;  // bytes

struct BlobRef {
  Digest digest;
  std::uint64_t size = 0;
  std::string inline_data;     // the bytes, if the blob lives in the database
  std::filesystem::path path;  // else its file, which never changes

  bool is_inline() const { return path.empty(); }
};

class BlobStore {
 public:
  // Creates `root` and the table, and empties the staging directory: what a crash left there
  // belongs to nobody. `database` must outlive the store. Hold the state directory's lock.
  static Result<BlobStore> open(Database& database, const std::filesystem::path& root);

  // Stores bytes in the caller's transaction. The digest is of these bytes: the caller has computed
  // or checked it. A blob that is known already is left alone.
  Status put(Bytes bytes, const Digest& digest);

  // Takes over a file in staging_dir(), whose digest the caller has computed or checked: makes it
  // durable under its final name. The slow half: any thread; does not touch the database. Without a
  // record() it leaves a file that sweep() removes.
  Status prepare_file(const std::filesystem::path& file, const Digest& digest,
                      std::uint64_t size) const;
  // The quick half: the row, in the caller's transaction, for a file that prepare_file has put in
  // place.
  // not_found: somebody gave the same bytes up meanwhile, and the file is gone.
  Status record(const Digest& digest, std::uint64_t size);

  Result<std::optional<BlobRef>> find(const Digest& digest);
  Result<bool> contains(const Digest& digest);

  // All bytes, checked against the digest. Any thread.
  static Result<std::string> read_all(const BlobRef& blob);
  // Reads the file and checks it against the digest, in little memory. Any thread.
  static Status check_file(const BlobRef& blob);

  // Takes the row away in the caller's transaction. After the commit, discard() or sweep() frees
  // the file.
  Status forget(const Digest& digest);
  // Takes the file away, unless a row has come back or somebody has a claim on it. It is renamed
  // into staging_dir(), which is quick; the caller removes it there, which for a large file is not.
  // Nothing: there is nothing to remove.
  Result<std::optional<std::filesystem::path>> discard(const Digest& digest);

  // While a claim lives, discard() leaves the file alone. To be held from before prepare_file()
  // until after record(): the last holder of the same bytes may give them up meanwhile. Any thread
  // may let go of it.
  using Claim = std::shared_ptr<const void>;
  Claim claim(const Digest& digest);

  // While a hold lives, discard() leaves every file alone: somebody goes by the rows of an earlier
  // moment. Files that were given up meanwhile are kept in mind. Any thread may let go of it.
  using Hold = std::shared_ptr<const void>;
  Hold hold();
  // What holds kept discard() from, to be discarded once no hold is left. Each is told once.
  std::vector<Digest> take_held_back();

  // The files of one of kShards parts of the store. Any thread; does not touch the database.
  static constexpr unsigned kShards = 256;
  struct FoundFile {
    Digest digest;
    std::uint64_t size = 0;
    std::chrono::seconds age{};  // since it came, was renamed or changed
  };
  std::vector<FoundFile> files_in(unsigned shard) const;

  // Removes files that have no row; returns how many. Only while no prepare_file is under way.
  Result<std::uint64_t> sweep();

  // On the blobs' file system; for workers' outputs and partial uploads.
  std::filesystem::path staging_dir() const { return root_ / "staging"; }
  // Where a blob's file is or would be.
  std::filesystem::path file_path(const Digest& digest) const;

 private:
  struct Claims;

  BlobStore(Database& database, std::filesystem::path root);
  Status insert(const Digest& digest, std::uint64_t size, std::optional<Bytes> inline_data);

  Result<bool> has_file(const Digest& digest);

  Database* database_;
  std::filesystem::path root_;
  std::shared_ptr<Claims> claims_;
};

}  // namespace skerry::store
