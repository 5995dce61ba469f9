#pragma once

#include <skerry/abi.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "core/base/json_fwd.hpp"
#include "core/base/result.hpp"
#include "core/runtime/instance.hpp"
#include "core/runtime/partition.hpp"

namespace skerry::runtime {

// The words about dividing a dataset that the core adds to its plugin's configuration.
struct PartitionWords {
  PartitionBy by = PartitionBy::iid;
  std::optional<std::uint32_t> parts;
  std::optional<std::uint32_t> index;
  double alpha = 0.5;
  std::optional<std::uint64_t> seed;
};

std::string_view partition_name(PartitionBy by);

// An open dataset plugin whose description and labels were checked.
class DatasetSource {
 public:
  // `config` has been checked against the schema. The instance must outlive this.
  static Result<DatasetSource> open(const Instance& instance, const Json& config);

  const skerry_dataset_info& info() const { return info_; }
  Labels labels() const { return labels_; }
  const PartitionWords& partition() const { return partition_; }
  double holdout() const { return holdout_; }

  // The features of these rows, one after the other, without a gap.
  Result<std::unique_ptr<float[]>> read(const Rows& rows) const;

 private:
  Status read_info();
  Status read_labels();

  const Instance* instance_ = nullptr;
  const skerry_dataset_v1* interface_ = nullptr;
  skerry_dataset_info info_{};
  std::uint64_t row_elements_ = 0;
  std::vector<double> labels_;
  PartitionWords partition_;
  double holdout_ = 0;
};

}  // namespace skerry::runtime
