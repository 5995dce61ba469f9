#include "pooling.hpp"

#include <ATen/Parallel.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/types.h>

#include <cstdint>

namespace skerry::torch_plugin {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

constexpr std::int64_t kPlanesAThread = 64;

struct Planes {
  std::int64_t count, height, width;  // of the images; one plane is one channel of one image

  explicit Planes(at::IntArrayRef shape)
      : count(shape[0] * shape[1]), height(shape[2]), width(shape[3]) {}
};

struct Candidate {
  float value;
  int place;  // in the square: 0 and 1 above, 2 and 3 below
};

// Without branches: which of four pixels is the greatest cannot be predicted, and a wrong guess
// costs more than all the rest.
inline Candidate greater(Candidate first, Candidate second) {
  const bool take_second = (second.value > first.value) | (second.value != second.value);
  return {take_second ? second.value : first.value, take_second ? second.place : first.place};
}

void halve_plane(const float* in, std::int64_t height, std::int64_t width, float* out,
                 std::uint8_t* winner) {
  const std::int64_t out_width = width / 2;
  for (std::int64_t y = 0; y + 1 < height; y += 2) {
    const float* above = in + y * width;
    const float* below = above + width;
    for (std::int64_t x = 0; x < out_width; ++x) {
      const Candidate upper = greater({above[2 * x], 0}, {above[2 * x + 1], 1});
      const Candidate best = greater(greater(upper, {below[2 * x], 2}), {below[2 * x + 1], 3});
      out[x] = best.value;
      winner[x] = static_cast<std::uint8_t>(best.place);
    }
    out += out_width;
    winner += out_width;
  }
}

// `in` is zero before.
void spread_plane(const float* out, const std::uint8_t* winner, std::int64_t height,
                  std::int64_t width, float* in) {
  for (std::int64_t y = 0; y + 1 < height; y += 2) {
    for (std::int64_t x = 0; x + 1 < width; x += 2) {
      const std::uint8_t best = *winner++;
      in[(y + best / 2) * width + x + best % 2] = *out++;
    }
  }
}

struct Halving : torch::autograd::Function<Halving> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor& given) {
    const at::Tensor images = given.contiguous();
    const Planes planes(images.sizes());
    const auto shape = {images.size(0), images.size(1), planes.height / 2, planes.width / 2};
    at::Tensor result = torch::empty(shape, images.options());
    at::Tensor winners = torch::empty(shape, images.options().dtype(torch::kByte));
    const std::int64_t out_size = (planes.height / 2) * (planes.width / 2);
    const float* in = images.data_ptr<float>();
    float* out = result.data_ptr<float>();
    std::uint8_t* winner = winners.data_ptr<std::uint8_t>();
    at::parallel_for(0, planes.count, kPlanesAThread, [&](std::int64_t first, std::int64_t last) {
      for (std::int64_t i = first; i < last; ++i) {
        halve_plane(in + i * planes.height * planes.width, planes.height, planes.width,
                    out + i * out_size, winner + i * out_size);
      }
    });
    context->save_for_backward({winners});
    context->saved_data["shape"] = images.sizes().vec();
    return result;
  }

  static variable_list backward(AutogradContext* context, variable_list gradients) {
    const std::vector<std::int64_t> shape = context->saved_data["shape"].toIntVector();
    const Planes planes(shape);
    const at::Tensor winners = context->get_saved_variables()[0];
    const at::Tensor gradient = gradients[0].contiguous();
    at::Tensor result = torch::zeros(shape, gradient.options());
    const std::int64_t out_size = (planes.height / 2) * (planes.width / 2);
    const float* out = gradient.data_ptr<float>();
    const std::uint8_t* winner = winners.data_ptr<std::uint8_t>();
    float* in = result.data_ptr<float>();
    at::parallel_for(0, planes.count, kPlanesAThread, [&](std::int64_t first, std::int64_t last) {
      for (std::int64_t i = first; i < last; ++i) {
        spread_plane(out + i * out_size, winner + i * out_size, planes.height, planes.width,
                     in + i * planes.height * planes.width);
      }
    });
    return {result};
  }
};

}  // namespace

at::Tensor halve_by_maximum(const at::Tensor& images) {
  return Halving::apply(images);
}

}  // namespace skerry::torch_plugin
