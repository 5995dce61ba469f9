// dataset/1: finite data with one label a row. The runtime does partitions and the holdout; a
// dataset is the whole.
#pragma once

#include <skerry/plugin.hpp>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace skerry {

enum class LabelKind : std::uint32_t {
  none = SKERRY_LABEL_NONE,
  classes = SKERRY_LABEL_CLASS,
  real = SKERRY_LABEL_REAL
};

struct DatasetInfo {
  std::vector<std::int64_t>
      shape;  // of one row's features, 1..8 dimensions; images are channels, height, width
  std::uint64_t rows = 0;
  LabelKind label_kind = LabelKind::none;
  std::uint32_t classes = 0;  // labels are 0..classes-1; 0 unless label_kind is classes

  // Elements of one row.
  std::size_t row_size() const {
    std::size_t size = 1;
    for (std::int64_t extent : shape) size *= static_cast<std::size_t>(extent);
    return size;
  }
};

// A dataset's constructor opens its data, fails with skerry::Error naming the file and the place at
// fault, and calls exactly one of the describe functions.
class Dataset {
 public:
  using KindBase = Dataset;
  virtual ~Dataset() = default;

  // Writes the features of the rows (indices below info().rows, in any order, perhaps repeated),
  // row after row, rows.size() * info().row_size() floats. [serial]
  virtual void read(Span<const std::uint64_t> rows, float* out) = 0;

  const DatasetInfo& info() const { return info_; }
  // An int64 label a row for classes, a float one for real labels, and nothing (no data) otherwise.
  // Lives as long as the dataset.
  const TensorView& labels() const { return labels_; }

 protected:
  // shape: of one row. labels: one a row, each in 0..classes-1.
  void describe_classes(std::vector<std::int64_t> shape, std::vector<std::int64_t> labels,
                        std::uint32_t classes) {
    class_labels_ = std::move(labels);
    info_ = {std::move(shape), class_labels_.size(), LabelKind::classes, classes};
    labels_ = TensorView(class_labels_.data(), dtype_of<std::int64_t>(),
                         {static_cast<std::int64_t>(info_.rows)});
  }
  void describe_reals(std::vector<std::int64_t> shape, std::vector<float> labels) {
    real_labels_ = std::move(labels);
    info_ = {std::move(shape), real_labels_.size(), LabelKind::real, 0};
    labels_ =
        TensorView(real_labels_.data(), dtype_of<float>(), {static_cast<std::int64_t>(info_.rows)});
  }
  void describe_unlabelled(std::vector<std::int64_t> shape, std::uint64_t rows) {
    info_ = {std::move(shape), rows, LabelKind::none, 0};
    labels_ = TensorView(static_cast<void*>(nullptr), dtype_of<float>(), {0});
  }

 private:
  DatasetInfo info_;
  std::vector<std::int64_t> class_labels_;
  std::vector<float> real_labels_;
  TensorView labels_;
};

namespace detail {

inline DatasetInfo dataset_info(const skerry_dataset_info& info) {
  return {{info.shape, info.shape + info.ndim},
          info.rows,
          static_cast<LabelKind>(info.label_kind),
          info.classes};
}

// Fills in *out but for struct_size, which its owner set.
inline void write_dataset_info(const DatasetInfo& info, skerry_dataset_info* out) {
  if (info.shape.empty() || info.shape.size() > SKERRY_MAX_DIMS) {
    throw Error(SKERRY_INTERNAL, "",
                "the shape of a row has 1 to 8 dimensions, found " + shape_text(info.shape));
  }
  out->ndim = static_cast<std::uint32_t>(info.shape.size());
  for (std::size_t i = 0; i < info.shape.size(); ++i) out->shape[i] = info.shape[i];
  out->rows = info.rows;
  out->label_kind = static_cast<std::uint32_t>(info.label_kind);
  out->classes = info.classes;
}

}  // namespace detail

template <>
struct InterfaceKind<skerry_dataset_v1> {
  static constexpr const char* id = "dataset/1";
};

template <>
struct Kind<Dataset> {
  static constexpr const char* id = InterfaceKind<skerry_dataset_v1>::id;

  template <class T>
  static const void* table() {
    static constexpr skerry_dataset_v1 functions = {sizeof(skerry_dataset_v1), 0, info, labels,
                                                    read};
    return &functions;
  }

 private:
  static skerry_status info(skerry_instance* instance, skerry_dataset_info* out,
                            skerry_error* error) {
    return detail::guard(
        error, [&] { detail::write_dataset_info(object_of<Dataset>(instance).info(), out); });
  }
  // The shape that *out points to is borrowed until destroy, as the labels are.
  static skerry_status labels(skerry_instance* instance, skerry_tensor* out, skerry_error* error) {
    return detail::guard(error, [&] { *out = object_of<Dataset>(instance).labels().abi(); });
  }
  static skerry_status read(skerry_instance* instance, const std::uint64_t* rows, std::uint64_t n,
                            float* features, skerry_error* error) {
    return detail::guard(error, [&] {
      Dataset& dataset = object_of<Dataset>(instance);
      for (std::uint64_t i = 0; i < n; ++i) {
        if (rows[i] >= dataset.info().rows) {
          throw invalid("", "row " + std::to_string(rows[i]) + " of a dataset of " +
                                std::to_string(dataset.info().rows) + " rows");
        }
      }
      dataset.read({rows, n}, features);
    });
  }
};

}  // namespace skerry
