#include "core/gateway/tensor_reader.hpp"

#include <fmt/format.h>

#include <cmath>
#include <limits>

#include "core/base/try.hpp"
#include "core/gateway/settings.hpp"

namespace skerry::gateway {

std::string TensorReader::place() const {
  if (flat_) return fmt::format("tensor.data[{}]", values_.size());
  std::string place = "tensor";
  for (const std::int64_t count : counts_) place += fmt::format("[{}]", count);
  return place;
}

Outcome<void> TensorReader::open() {
  if (depth_ != 0 && counts_.size() == depth_) {
    return refuse("request.malformed", "found a list where its neighbours are numbers", place());
  }
  if (counts_.size() == kMaxDimensions) {
    return refuse("request.malformed",
                  fmt::format("found lists nested deeper than {} levels", kMaxDimensions), place());
  }
  counts_.push_back(0);
  if (shape_.size() < counts_.size()) shape_.push_back(-1);
  return {};
}

Outcome<void> TensorReader::close() {
  const std::int64_t count = counts_.back();
  counts_.pop_back();
  std::int64_t& extent = shape_[counts_.size()];
  if (count == 0) return refuse("request.malformed", "found an empty list", place());
  if (extent != -1 && extent != count) {
    return refuse("request.malformed",
                  fmt::format("found a list of {}, where the one before it has {}; all must be "
                              "alike",
                              count, extent),
                  place());
  }
  extent = count;
  if (!counts_.empty()) ++counts_.back();
  return {};
}

Outcome<void> TensorReader::check_depth() const {
  if (flat_ || depth_ == 0 || counts_.size() == depth_) return {};
  return refuse("request.malformed", "found a number where its neighbours are lists", place());
}

Outcome<void> TensorReader::add(double value) {
  SKERRY_TRY(check_depth());
  if (!(std::fabs(value) <= std::numeric_limits<float>::max())) {
    return refuse("request.malformed", fmt::format("found {}, which no float32 can hold", value),
                  place());
  }
  if (values_.size() == wire::kMaxPredictData) {
    return refuse("request.too_large",
                  fmt::format("found more than {} elements", wire::kMaxPredictData), "tensor");
  }
  const bool is_byte = value >= 0 && value <= 255 && value == std::floor(value);
  if (!is_byte && !odd_) odd_ = Odd{place(), value};
  values_.push_back(static_cast<float>(value));
  if (flat_) return {};
  depth_ = counts_.size();
  ++counts_.back();
  return {};
}

Outcome<std::vector<std::int64_t>> TensorReader::shape(wire::Form form) const {
  SKERRY_TRY(check_shape(shape_, form, flat_ ? "tensor.shape" : "tensor"));
  const std::size_t elements = wire::elements_of(shape_);
  if (elements != values_.size()) {
    return refuse("shape.mismatch",
                  fmt::format("found {} numbers; a tensor of shape [{}] has {}", values_.size(),
                              fmt::join(shape_, ", "), elements),
                  "tensor.data");
  }
  return shape_;
}

Outcome<std::string> TensorReader::data(wire::Form form) const {
  if (form == wire::Form::float32) {
    return std::string(reinterpret_cast<const char*>(values_.data()),
                       values_.size() * sizeof(float));
  }
  if (odd_) {
    return refuse("type.mismatch",
                  fmt::format("found {}; a uint8 tensor has integers from 0 to 255", odd_->value),
                  odd_->place);
  }
  std::string bytes;
  bytes.reserve(values_.size());
  for (const float value : values_) bytes += static_cast<char>(static_cast<unsigned char>(value));
  return bytes;
}

}  // namespace skerry::gateway
