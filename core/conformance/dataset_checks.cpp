// dataset/1: what a dataset says of itself, against what it gives.
#include <algorithm>
#include <cmath>
#include <numeric>

#include "core/conformance/subject.hpp"

namespace skerry::conformance {
namespace {

constexpr std::size_t kSomeRows = 64;

struct Opened {
  std::unique_ptr<runtime::Instance> instance;
  skerry_dataset_info info{};

  explicit Opened(Subject& subject) : instance(subject.create()) {
    info.struct_size = sizeof info;
    expect_ok(subject.call(*instance, &skerry_dataset_v1::info, "info", &info), "info");
    expect(info.ndim >= 1 && info.ndim <= SKERRY_MAX_DIMS,
           "a row has " + std::to_string(info.ndim) + " dimensions; 1 to 8 are allowed");
    for (std::uint32_t i = 0; i < info.ndim; ++i)
      expect(info.shape[i] > 0,
             "dimension " + std::to_string(i) + " of a row is " + std::to_string(info.shape[i]));
  }

  std::size_t row_size() const {
    std::size_t size = 1;
    for (std::uint32_t i = 0; i < info.ndim; ++i) size *= static_cast<std::size_t>(info.shape[i]);
    return size;
  }
  std::vector<std::uint64_t> some_rows(std::mt19937_64& random) const {
    std::vector<std::uint64_t> rows(std::min<std::uint64_t>(kSomeRows, info.rows));
    for (auto& row : rows) row = random() % info.rows;
    return rows;
  }
};

std::vector<float> read(Subject& subject, Opened& data, const std::vector<std::uint64_t>& rows) {
  Fenced<float> out(rows.size() * data.row_size());
  expect_ok(subject.call(*data.instance, &skerry_dataset_v1::read, "read", rows.data(),
                         static_cast<std::uint64_t>(rows.size()), out.data()),
            "read");
  expect(out.whole(), "read() writes beyond the room for " + std::to_string(rows.size()) + " rows");
  return out.values();
}

void description_holds(Subject& subject) {
  Opened data(subject);
  expect(data.info.rows > 0, "has no rows; refuse to be created where there is no data");
  const auto kind = data.info.label_kind;
  expect(kind <= SKERRY_LABEL_REAL,
         "label_kind is " + std::to_string(kind) + ", which is none of the ABI's");
  skerry_tensor labels{};
  expect_ok(subject.call(*data.instance, &skerry_dataset_v1::labels, "labels", &labels), "labels");
  if (kind == SKERRY_LABEL_NONE) return;
  expect(
      labels.data != nullptr && labels.ndim == 1 &&
          labels.shape[0] == static_cast<std::int64_t>(data.info.rows),
      "labels() must give one label for each of the " + std::to_string(data.info.rows) + " rows");
  if (kind == SKERRY_LABEL_REAL) {
    expect(labels.dtype_code == SKERRY_FLOAT && labels.dtype_bits == 32,
           "real labels must be float32");
    return;
  }
  expect(labels.dtype_code == SKERRY_INT && labels.dtype_bits == 64,
         "labels of classes must be int64");
  const auto* values = static_cast<const std::int64_t*>(labels.data);
  for (std::uint64_t row = 0; row < data.info.rows; ++row) {
    expect(values[row] >= 0 && values[row] < data.info.classes,
           "row " + std::to_string(row) + " has the label " + std::to_string(values[row]) +
               "; there are " + std::to_string(data.info.classes) + " classes, counted from 0");
  }
}

void rows_repeat(Subject& subject) {
  Opened data(subject);
  const auto rows = data.some_rows(subject.random());
  const auto once = read(subject, data, rows);
  std::vector<std::size_t> order(rows.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::shuffle(order.begin(), order.end(), subject.random());
  const std::size_t size = data.row_size();
  for (const std::size_t i : order) {
    const auto alone = read(subject, data, {rows[i]});
    expect(std::memcmp(alone.data(), once.data() + i * size, size * sizeof(float)) == 0,
           "row " + std::to_string(rows[i]) + " has other features when it is read alone");
  }
}

void writes_only_its_rows(Subject& subject) {
  Opened data(subject);
  read(subject, data, data.some_rows(subject.random()));
  read(subject, data, {});
}

void row_out_of_range_refused(Subject& subject) {
  Opened data(subject);
  for (const std::uint64_t row : {data.info.rows, ~std::uint64_t{0}}) {
    Fenced<float> out(data.row_size());
    const Status status = subject.call(*data.instance, &skerry_dataset_v1::read, "read", &row,
                                       std::uint64_t{1}, out.data());
    expect(!status.has_value(),
           "gives a row " + std::to_string(row) + " of " + std::to_string(data.info.rows));
  }
}

void features_finite(Subject& subject) {
  Opened data(subject);
  const auto features = read(subject, data, data.some_rows(subject.random()));
  expect(std::all_of(features.begin(), features.end(), [](float x) { return std::isfinite(x); }),
         "some features are NaN or infinite; refuse such data, or let the configuration say what "
         "to put there");
}

}  // namespace

std::vector<Check> dataset_checks() {
  constexpr const char* kKind = "dataset";
  return {
      {"description-holds", kKind, Level::required,
       "Shape, rows and labels are as it says, labels within their classes.", description_holds},
      {"rows-repeat", kKind, Level::required,
       "A row has the same features whenever and with whichever others it is read.", rows_repeat},
      {"writes-only-its-rows", kKind, Level::required,
       "read() writes the rows that it was asked for and nothing else.", writes_only_its_rows},
      {"row-out-of-range-refused", kKind, Level::required, "Refuses a row that there is not.",
       row_out_of_range_refused},
      {"features-finite", kKind, Level::expected, "Its features are finite.", features_finite},
  };
}

}  // namespace skerry::conformance
