#include <skerry/codec.hpp>

#include <algorithm>
#include <cmath>

class @CLASS@ : public skerry::Codec {
 public:
  explicit @CLASS@(const skerry::Config& config) : steps_((1 << (config.integer("bits", 12) - 1)) - 1) {}

  // On a node. Gives any tensors from which decode() makes the update again, or one near it.
  void encode(const std::vector<skerry::NamedTensor>& update, const std::vector<skerry::NamedTensor>& base,
              skerry::TensorSink& encoded) override {
    for (std::size_t t = 0; t < update.size(); ++t) {
      const auto& [name, now] = update[t];
      if (now.dtype() == kFloat) {
        const auto values = now.elements<const float>(), old = base[t].tensor.elements<const float>();
        float largest = 0;
        for (std::size_t i = 0; i < values.size(); ++i) largest = std::max(largest, std::abs(values[i] - old[i]));
        const float scale = largest / static_cast<float>(steps_);
        if (!std::isfinite(scale)) throw skerry::Error(SKERRY_FAILED, "", "the update's " + name + " is not finite");
        std::vector<std::int16_t> whole(values.size(), 0);
        for (std::size_t i = 0; scale > 0 && i < whole.size(); ++i)
          whole[i] = static_cast<std::int16_t>(std::clamp<long>(std::lround((values[i] - old[i]) / scale), -steps_, steps_));
        encoded.add(name, {static_cast<const void*>(whole.data()), kWhole, now.shape()});
        encoded.add(name + "#scale", {static_cast<const void*>(&scale), kFloat, {1}});
      } else {
        encoded.add(name, now);
      }
    }
  }

  // On the cloud. find_tensor() refuses what a node that lies may send.
  void decode(const std::vector<skerry::NamedTensor>& encoded, const std::vector<skerry::NamedTensor>& base,
              const std::vector<skerry::NamedTensor>& update) override {
    for (std::size_t t = 0; t < update.size(); ++t) {
      const auto& [name, now] = update[t];
      const auto& came = skerry::find_tensor(encoded, name, now.dtype() == kFloat ? kWhole : now.dtype(), now.shape());
      if (now.dtype() == kFloat) {
        const float scale = *skerry::find_tensor(encoded, name + "#scale", kFloat, {1}).data<const float>();
        const auto values = now.elements<float>(), old = base[t].tensor.elements<float>();
        for (std::size_t i = 0; i < values.size(); ++i) values[i] = old[i] + scale * came.data<const std::int16_t>()[i];
      } else {
        std::copy_n(static_cast<const char*>(came.raw()), came.bytes(), static_cast<char*>(now.raw()));
      }
    }
  }

 private:
  static constexpr skerry::DType kFloat{SKERRY_FLOAT, 32}, kWhole{SKERRY_INT, 16};
  const int steps_;
};

SKERRY_PLUGIN(skerry::feature<@CLASS@>("@NAME@"));
