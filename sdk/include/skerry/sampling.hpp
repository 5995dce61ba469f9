// sampling/1: which examples are hard, and so worth a bigger model, a label or a second look. Runs
// where the examples are.
#pragma once

#include <skerry/plugin.hpp>

#include <cmath>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace skerry {

// One example. What a filter does not ask for in needs() may be empty.
struct Example {
  Span<const float> features;       // of shape `shape`; images are channels, height, width
  std::vector<std::int64_t> shape;  // empty where the features are not at hand
  Span<const float> predictions;    // for classes their probabilities
};

struct Judgement {
  double score = 0;  // finite; higher: harder
  bool hard = false;
};

class Sampling {
 public:
  using KindBase = Sampling;
  virtual ~Sampling() = default;

  // What judge() looks at: SKERRY_NEEDS_FEATURES, SKERRY_NEEDS_PREDICTIONS, both, or 0. The host
  // gives at least that. [serial]
  virtual std::uint32_t needs() const = 0;

  // Examples come one by one, in order; a filter may remember earlier ones. [serial]
  virtual Judgement judge(const Example&) = 0;
};

template <>
struct InterfaceKind<skerry_sampling_v1> {
  static constexpr const char* id = "sampling/1";
};

template <>
struct Kind<Sampling> {
  static constexpr const char* id = InterfaceKind<skerry_sampling_v1>::id;

  template <class T>
  static const void* table() {
    static constexpr skerry_sampling_v1 functions = {sizeof(skerry_sampling_v1), 0, needs, judge};
    return &functions;
  }

 private:
  // The rows of a float32 tensor, each of `width` values; without data where it is not at hand.
  struct Rows {
    Rows(const skerry_tensor& tensor, std::uint64_t rows, const char* name) {
      if (tensor.data == nullptr) return;
      const TensorView view(tensor);
      if (view.shape().empty() || view.shape()[0] != static_cast<std::int64_t>(rows))
        throw Error(SKERRY_INTERNAL, "",
                    std::string(name) + " are " + shape_text(view.shape()) + ", of " +
                        std::to_string(rows) + " rows");
      data = view.data<const float>();
      shape.assign(view.shape().begin() + 1, view.shape().end());
      for (const std::int64_t extent : shape) width *= static_cast<std::size_t>(extent);
    }
    Span<const float> operator[](std::size_t row) const {
      return data == nullptr ? Span<const float>() : Span<const float>(data + row * width, width);
    }

    const float* data = nullptr;
    std::vector<std::int64_t> shape;
    std::size_t width = 1;
  };

  static void check(bool needed, const Rows& rows, const char* name) {
    if (needed && rows.data == nullptr)
      throw Error(
          SKERRY_INVALID_ARGUMENT, "",
          std::string("this filter needs the examples' ") + name + ", which are not at hand here");
  }

  static skerry_status needs(skerry_instance* instance, std::uint32_t* out, skerry_error* error) {
    return detail::guard(error, [&] { *out = object_of<Sampling>(instance).needs(); });
  }
  static skerry_status judge(skerry_instance* instance, const skerry_examples* examples,
                             double* scores, std::uint8_t* hard, skerry_error* error) {
    return detail::guard(error, [&] {
      auto& filter = object_of<Sampling>(instance);
      if (examples->rows == 0) return;
      const Rows features(examples->features, examples->rows, "features");
      const Rows predictions(examples->predictions, examples->rows, "predictions");
      check((filter.needs() & SKERRY_NEEDS_FEATURES) != 0, features, "features");
      check((filter.needs() & SKERRY_NEEDS_PREDICTIONS) != 0, predictions, "predictions");
      Example example;
      example.shape = features.shape;
      for (std::size_t row = 0; row < examples->rows; ++row) {
        example.features = features[row];
        example.predictions = predictions[row];
        const Judgement judgement = filter.judge(example);
        if (!std::isfinite(judgement.score))
          throw Error(SKERRY_INTERNAL, "", "the score of an example is not finite");
        scores[row] = judgement.score;
        hard[row] = judgement.hard ? 1 : 0;
      }
    });
  }
};

}  // namespace skerry
