#include "plugins/estimator/torch/pooling.hpp"

#include <gtest/gtest.h>
#include <torch/types.h>

#include <cmath>

namespace {

using skerry::torch_plugin::halve_by_maximum;

// Compares values and gradients with LibTorch's own pooling.
void expect_as_in_torch(const at::Tensor& images) {
  const at::Tensor a = images.clone().requires_grad_(true);
  const at::Tensor b = images.clone().requires_grad_(true);
  const at::Tensor ours = halve_by_maximum(a), theirs = at::max_pool2d(b, 2);
  ASSERT_EQ(ours.sizes(), theirs.sizes());
  EXPECT_TRUE(at::allclose(ours, theirs, 0, 0, /*equal_nan=*/true));
  const at::Tensor gradient = torch::rand(theirs.sizes());
  ours.backward(gradient);
  theirs.backward(gradient);
  EXPECT_TRUE(at::equal(a.grad(), b.grad()));
}

TEST(TorchPooling, IsThatOfLibTorch) {
  torch::manual_seed(1);
  expect_as_in_torch(torch::randn({3, 5, 8, 6}));
  expect_as_in_torch(torch::randn({200, 3, 7, 9}));
  expect_as_in_torch(torch::randn({2, 3, 8, 8}).relu());
  expect_as_in_torch(torch::randn({2, 8, 8, 3}).permute({0, 3, 1, 2}));
}

TEST(TorchPooling, LetsNaNWin) {
  at::Tensor images = torch::randn({1, 1, 4, 4});
  images[0][0][0][1] = NAN;
  images[0][0][3][2] = NAN;
  expect_as_in_torch(images);
}

}  // namespace
