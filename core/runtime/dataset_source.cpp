#include "core/runtime/dataset_source.hpp"

#include <fmt/format.h>

#include <cmath>
#include <cstring>

#include "core/base/json.hpp"
#include "core/base/try.hpp"
#include "core/runtime/abi_status.hpp"
#include "core/tensor/layout.hpp"

namespace skerry::runtime {
namespace {

constexpr double kDefaultHoldout =
    0.2;  // where the document was resolved without the schema's default

template <class T>
std::optional<T> optional_word(const Json& words, const char* name) {
  const auto found = words.find(name);
  if (found == words.end() || found->is_null()) return std::nullopt;
  return found->get<T>();
}

PartitionWords parse_partition(const Json& words) {
  PartitionWords result;
  const auto by = words.value("by", "iid");
  result.by = by == "label"       ? PartitionBy::label
              : by == "dirichlet" ? PartitionBy::dirichlet
                                  : PartitionBy::iid;
  result.parts = optional_word<std::uint32_t>(words, "parts");
  result.index = optional_word<std::uint32_t>(words, "index");
  result.alpha = words.value("alpha", 0.5);
  result.seed = optional_word<std::uint64_t>(words, "seed");
  return result;
}

template <class T>
std::vector<double> copy_labels(const skerry_tensor& tensor, std::uint64_t rows) {
  const auto* labels =
      reinterpret_cast<const T*>(static_cast<const char*>(tensor.data) + tensor.byte_offset);
  return std::vector<double>(labels, labels + rows);
}

bool holds(const skerry_tensor& tensor, std::uint8_t code, std::uint8_t bits, std::uint64_t rows) {
  return tensor.data && tensor.device_type == SKERRY_CPU && tensor.dtype_code == code &&
         tensor.dtype_bits == bits && tensor.ndim == 1 &&
         static_cast<std::uint64_t>(tensor.shape[0]) == rows &&
         (!tensor.strides || tensor.strides[0] == 1);
}

}  // namespace

std::string_view partition_name(PartitionBy by) {
  switch (by) {
    case PartitionBy::label:
      return "label";
    case PartitionBy::dirichlet:
      return "dirichlet";
    case PartitionBy::iid:
      break;
  }
  return "iid";
}

Result<DatasetSource> DatasetSource::open(const Instance& instance, const Json& config) {
  DatasetSource source;
  source.instance_ = &instance;
  source.interface_ = &instance.as<skerry_dataset_v1>();
  source.partition_ = parse_partition(config.value("partition", Json::object()));
  source.holdout_ = config.value("holdout", kDefaultHoldout);
  SKERRY_TRY(source.read_info());
  SKERRY_TRY(source.read_labels());
  return source;
}

Status DatasetSource::read_info() {
  info_.struct_size = sizeof info_;
  const auto calling = instance_->calling("info");
  SKERRY_TRY(call(instance_->who(), [&](skerry_error* error) {
    return interface_->info(instance_->get(), &info_, error);
  }));
  const auto wrong = [&](std::string what) {
    return fail(Code::internal,
                fmt::format("{} describes its dataset wrongly: {}", instance_->who(), what));
  };
  if (info_.ndim < 1 || info_.ndim > SKERRY_MAX_DIMS)
    return wrong(fmt::format("{} dimensions", info_.ndim));
  const std::vector<std::int64_t> shape(info_.shape, info_.shape + info_.ndim);
  const auto elements = tensor::element_count(shape);
  if (!elements || *elements == 0) return wrong("rows of shape " + tensor::shape_text(shape));
  row_elements_ = *elements;
  if (info_.label_kind > SKERRY_LABEL_REAL)
    return wrong(fmt::format("label kind {}", info_.label_kind));
  if ((info_.label_kind == SKERRY_LABEL_CLASS) != (info_.classes > 0))
    return wrong(fmt::format("{} classes with label kind {}", info_.classes, info_.label_kind));
  if (info_.rows == 0) return fail(Code::invalid_argument, "the dataset has no rows");
  return {};
}

Status DatasetSource::read_labels() {
  if (info_.label_kind == SKERRY_LABEL_NONE) return {};
  skerry_tensor tensor{};
  const auto calling = instance_->calling("labels");
  SKERRY_TRY(call(instance_->who(), [&](skerry_error* error) {
    return interface_->labels(instance_->get(), &tensor, error);
  }));
  const bool classes = info_.label_kind == SKERRY_LABEL_CLASS;
  if (!(classes ? holds(tensor, SKERRY_INT, 64, info_.rows)
                : holds(tensor, SKERRY_FLOAT, 32, info_.rows)))
    return fail(Code::internal, fmt::format("{} did not give {} {} labels", instance_->who(),
                                            info_.rows, classes ? "int64" : "float32"));
  labels_ = classes ? copy_labels<std::int64_t>(tensor, info_.rows)
                    : copy_labels<float>(tensor, info_.rows);
  for (std::uint64_t row = 0; row < info_.rows; ++row) {
    const double label = labels_[row];
    if (classes && !(label >= 0 && label < info_.classes))
      return fail(Code::invalid_argument, fmt::format("row {} has label {}; classes are 0..{}", row,
                                                      label, info_.classes - 1));
    if (!std::isfinite(label))
      return fail(Code::invalid_argument,
                  fmt::format("row {} has no finite label ({})", row, label));
  }
  return {};
}

Result<std::unique_ptr<float[]>> DatasetSource::read(const Rows& rows) const {
  if (rows.size() > SIZE_MAX / sizeof(float) / row_elements_)
    return fail(Code::invalid_argument, fmt::format("{} rows of {} values do not fit in memory",
                                                    rows.size(), row_elements_));
  std::unique_ptr<float[]> features(new float[rows.size() * row_elements_]);
  if (rows.empty()) return features;
  const auto calling = instance_->calling("read");
  SKERRY_TRY(call(instance_->who(), [&](skerry_error* error) {
    return interface_->read(instance_->get(), rows.data(), rows.size(), features.get(), error);
  }));
  return features;
}

}  // namespace skerry::runtime
