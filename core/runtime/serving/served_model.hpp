// A model that answers questions: prepared, given its weights, and tried before it serves. One
// thread.
#pragma once

#include <skerry/abi.h>

#include <cstdint>
#include <vector>

#include "core/base/result.hpp"
#include "core/runtime/instance.hpp"

namespace skerry::runtime {

// What all questions of a service are about.
struct InputForm {
  std::vector<std::int64_t> shape;  // of one example
  std::uint32_t classes = 0;        // 0: the answer is a real number
  float scale = 1.0F / 255;         // of uint8 values

  std::size_t elements() const;
};

class ServedModel {
 public:
  // `weights` may be null: those of the seed. Refuses a model whose weights or trial answers are
  // not finite. `estimator` must outlive this.
  static Result<ServedModel> open(const Instance& estimator, const InputForm& form,
                                  std::uint64_t seed,
                                  const std::vector<skerry_named_tensor>* weights);

  // `rows` examples, row after row, to as many rows of outputs: of classes one each, otherwise as
  // many as the model gives. Fails where an output is not finite.
  Status predict(const float* features, std::size_t rows, std::vector<float>& out) const;

 private:
  ServedModel(const Instance& estimator, InputForm form)
      : estimator_(&estimator), form_(std::move(form)) {}
  Status try_out();
  Status check_width(std::size_t outputs) const;

  const Instance* estimator_;
  InputForm form_;
};

}  // namespace skerry::runtime
