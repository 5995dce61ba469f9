#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "core/base/digest.hpp"
#include "core/base/json.hpp"
#include "core/base/result.hpp"

namespace skerry::fault {

// Runs a job's aggregation again, with the plugin that the job names and the driver that its worker
// used.
class Recomputer {
 public:
  // `plan`: the job's resolved document.
  static Result<Recomputer> open(const std::string& plan,
                                 const std::vector<std::filesystem::path>& plugin_paths);
  Recomputer(Recomputer&&) noexcept;
  ~Recomputer();

  struct Update {
    std::string node;
    std::uint64_t samples = 0;
    double loss = 0;  // NaN: none was told
    std::string bytes;
  };
  Result<Digest> aggregate(const std::vector<Update>& updates, const std::string& base);

 private:
  struct Impl;
  explicit Recomputer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace skerry::fault
