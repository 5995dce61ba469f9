// The numbers of a tensor, one after the other, as nested lists or as one list beside a shape.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/gateway/errors.hpp"
#include "core/wire/predict.hpp"

namespace skerry::gateway {

class TensorReader {
 public:
  // Nested lists: alike in length and in depth.
  Outcome<void> open();
  Outcome<void> close();
  bool is_open() const { return !counts_.empty(); }

  // In the innermost list, or in the one list.
  Outcome<void> add(double value);

  void set_shape(std::vector<std::int64_t> shape) { shape_ = std::move(shape); }
  void set_flat() { flat_ = true; }

  // "tensor[3][0]": of the element that comes next.
  std::string place() const;

  // After the last one.
  Outcome<std::vector<std::int64_t>> shape(wire::Form form) const;
  Outcome<std::string> data(wire::Form form) const;

 private:
  Outcome<void> check_depth() const;

  // What uint8 doesn't have: which type is meant may be said after the numbers.
  struct Odd {
    std::string place;
    double value;
  };

  bool flat_ = false;
  std::vector<std::int64_t> counts_;  // of each open list: what it has so far
  std::vector<std::int64_t> shape_;   // -1: no list of this depth has ended
  std::size_t depth_ = 0;             // of numbers; 0: none yet
  std::vector<float> values_;
  std::optional<Odd> odd_;
};

}  // namespace skerry::gateway
