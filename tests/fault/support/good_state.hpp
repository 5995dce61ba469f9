// The state directories of a cloud and two edges after a job of two rounds, as real hosts leave
// them, for tests that damage them.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "core/base/json.hpp"
#include "core/store/blob_store.hpp"
#include "core/store/database.hpp"
#include "tests/fault/support/invariants.hpp"

namespace skerry::fault {

// Throws std::runtime_error where something fails.
class GoodState {
 public:
  explicit GoodState(const std::filesystem::path& folder);

  States states() const;
  // Changes a record: `host` is "cloud", "a" or "b".
  void change(const std::string& host, const std::string& sql) const;

  const Digest& model(int round) const { return models_.at(static_cast<std::size_t>(round)); }
  const Digest& update(int round, int node) const {
    return updates_.at(static_cast<std::size_t>(2 * (round - 1) + node));
  }
  std::filesystem::path blob_file(const Digest& digest) const;

 private:
  void write_cloud();
  void write_round(store::Database& cloud, store::BlobStore& blobs, int round);
  void write_task(store::Database& cloud, const std::string& id, const std::string& node,
                  const Json& params, const Json& inputs, const Json& event);
  void write_edge(const std::string& node) const;

  std::filesystem::path folder_;
  std::vector<Digest> models_, updates_;
  int events_ = 0;
};

}  // namespace skerry::fault
