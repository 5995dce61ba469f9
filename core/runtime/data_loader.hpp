#pragma once

#include <skerry/abi.h>

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <tuple>
#include <vector>

#include "core/base/result.hpp"
#include "core/runtime/feature_pool.hpp"
#include "core/runtime/partition.hpp"
#include "core/runtime/services.hpp"

namespace skerry::runtime {

// The rows of the job's datasets, held out and divided as the job says, in memory for the worker's
// life.
//
// A slot's `partition` {by, parts, index, alpha, seed} decides the shares of the "train" split;
// what it leaves open comes from the call, the seed from the job. `holdout` is the fraction that
// the "holdout" split has, the same rows on every node; the call alone divides it, at random. Not
// thread-safe.
class DataLoader {
 public:
  DataLoader(FeaturePool& pool, std::uint64_t job_seed);
  ~DataLoader();

  // Valid as long as the loader.
  Result<const skerry_data*> load(const LoadRequest& request);

  // What a preflight checks and tells, without reading a feature.
  struct Overview {
    skerry_dataset_info info;
    std::uint64_t train = 0;
    std::uint64_t holdout = 0;
    std::vector<std::uint64_t> parts;  // rows of each node's share of "train", all at least 1
  };
  Result<Overview> overview(const std::string& slot, std::uint32_t nodes);

 private:
  struct Source;  // an open dataset
  struct Loaded;  // rows in memory
  using Key = std::tuple<std::string, std::string, std::uint32_t, std::uint32_t>;

  Result<Source*> source(const std::string& slot);
  Result<Rows> rows_of(const Source& source, const LoadRequest& request) const;

  FeaturePool& pool_;
  const std::uint64_t job_seed_;
  std::map<std::string, std::unique_ptr<Source>> sources_;
  std::map<Key, std::unique_ptr<Loaded>> loaded_;
};

}  // namespace skerry::runtime
