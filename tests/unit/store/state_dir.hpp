// A host's state directory as the tests see it: opened, dropped and opened again.
#pragma once

#include <optional>
#include <string>

#include "core/base/file.hpp"
#include "core/store/blob_store.hpp"
#include "core/store/database.hpp"

namespace skerry::store {

inline std::string small_blob() {
  return std::string(4096, 's');
}
inline std::string big_blob() {
  return std::string(300'000, 'b');
}

class StateDir {
 public:
  void open() {
    close();
    database.emplace(Database::open(root() / "state.db").value());
    blobs.emplace(BlobStore::open(*database, root() / "blobs").value());
  }
  void close() {
    blobs.reset();
    database.reset();
  }
  std::filesystem::path root() const { return directory_.path(); }
  // A file as a worker leaves it.
  std::filesystem::path stage(const std::string& bytes) const {
    const auto path = blobs->staging_dir() / "output";
    static_cast<void>(write_file_durably(path, bytes));
    return path;
  }

 private:
  TempDir directory_ = TempDir::create().value();

 public:
  std::optional<Database> database;
  std::optional<BlobStore> blobs;
};

}  // namespace skerry::store
