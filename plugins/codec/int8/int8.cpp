// Linear quantisation of what training changed. With s = max |update - base| / 127 of a tensor, its
// elements travel as q = round((update - base) / s) and come back as base + s * q, at most s / 2
// from what they were. Tensors of integers, and of
// 16-bit floats, travel as they are.
#include <skerry/codec.hpp>

#include <algorithm>
#include <cmath>

namespace {

using skerry::NamedTensor;

constexpr double kSteps = 127;
constexpr skerry::DType kQuantised{SKERRY_INT, 8};
constexpr skerry::DType kScale{SKERRY_FLOAT, 32};

std::string scale_name(const std::string& tensor) {
  return tensor + "#scale";
}

// function(element type) for tensors of 32- and 64-bit floats; false for others.
template <class Function>
bool with_floats(skerry::DType dtype, Function&& function) {
  if (dtype == skerry::dtype_of<float>())
    function(float{});
  else if (dtype == skerry::dtype_of<double>())
    function(double{});
  else
    return false;
  return true;
}

class Int8 : public skerry::Codec {
 public:
  void encode(const std::vector<NamedTensor>& update, const std::vector<NamedTensor>& base,
              skerry::TensorSink& encoded) override {
    for (std::size_t i = 0; i < update.size(); ++i) {
      const bool floats = with_floats(update[i].tensor.dtype(), [&](auto type) {
        quantise<decltype(type)>(update[i], base[i], encoded);
      });
      if (!floats) encoded.add(update[i].name, update[i].tensor);
    }
  }

  void decode(const std::vector<NamedTensor>& encoded, const std::vector<NamedTensor>& base,
              const std::vector<NamedTensor>& update) override {
    for (std::size_t i = 0; i < update.size(); ++i) {
      const skerry::TensorView& whole = update[i].tensor;
      const bool floats = with_floats(
          whole.dtype(), [&](auto type) { restore<decltype(type)>(encoded, base[i], update[i]); });
      if (floats) continue;
      const auto& same = skerry::find_tensor(encoded, update[i].name, whole.dtype(), whole.shape());
      std::copy_n(static_cast<const char*>(same.raw()), whole.bytes(),
                  static_cast<char*>(whole.raw()));
    }
  }

 private:
  template <class T>
  void quantise(const NamedTensor& update, const NamedTensor& base, skerry::TensorSink& encoded) {
    const auto now = update.tensor.elements<const T>();
    const auto before = base.tensor.elements<const T>();
    double largest = 0;
    for (std::size_t i = 0; i < now.size(); ++i) {
      const double change = static_cast<double>(now[i]) - static_cast<double>(before[i]);
      if (!std::isfinite(change))
        throw skerry::Error(SKERRY_FAILED, "", "the update's `" + update.name + "` is not finite");
      largest = std::max(largest, std::abs(change));
    }
    const auto scale = static_cast<float>(largest / kSteps);
    quantised_.assign(now.size(), 0);
    for (std::size_t i = 0; scale > 0 && i < now.size(); ++i) {
      const double change = static_cast<double>(now[i]) - static_cast<double>(before[i]);
      quantised_[i] =
          static_cast<std::int8_t>(std::clamp(std::nearbyint(change / scale), -kSteps, kSteps));
    }
    encoded.add(update.name,
                {static_cast<const void*>(quantised_.data()), kQuantised, update.tensor.shape()});
    encoded.add(scale_name(update.name), {static_cast<const void*>(&scale), kScale, {1}});
  }

  template <class T>
  static void restore(const std::vector<NamedTensor>& encoded, const NamedTensor& base,
                      const NamedTensor& update) {
    const auto steps = skerry::find_tensor(encoded, update.name, kQuantised, update.tensor.shape())
                           .elements<const std::int8_t>();
    const double scale =
        *skerry::find_tensor(encoded, scale_name(update.name), kScale, {1}).data<const float>();
    if (!std::isfinite(scale) || scale < 0)
      throw skerry::invalid("", "`" + scale_name(update.name) + "` is no scale");
    const auto before = base.tensor.elements<const T>();
    const auto now = update.tensor.elements<T>();
    for (std::size_t i = 0; i < now.size(); ++i)
      now[i] = static_cast<T>(static_cast<double>(before[i]) + scale * steps[i]);
  }

  std::vector<std::int8_t> quantised_;  // of one tensor; kept for its memory
};

}  // namespace

SKERRY_PLUGIN(skerry::feature<Int8>("int8"));
