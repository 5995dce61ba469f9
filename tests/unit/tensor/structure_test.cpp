#include <gtest/gtest.h>

#include "core/tensor/validate.hpp"

namespace skerry::tensor {
namespace {

Layout model() {
  Layout layout;
  layout.tensors = {{"fc.weight", "F32", {10, 3}}, {"fc.bias", "F32", {10}}, {"steps", "I64", {}}};
  return layout;
}

std::string refusal(const Layout& update) {
  const Status status = same_structure(model(), update);
  return status ? "" : status.error().message;
}

TEST(Structure, IsTheSameInAnyOrder) {
  Layout update = model();
  std::swap(update.tensors[0], update.tensors[2]);
  EXPECT_EQ(refusal(update), "");
}

TEST(Structure, NamesTheTensorWithAnotherShape) {
  Layout update = model();
  update.tensors[0].shape = {10, 4};
  EXPECT_EQ(refusal(update), "the tensor \"fc.weight\" is F32 [10, 4], the model has F32 [10, 3]");
}

TEST(Structure, NamesTheTensorWithAnotherDtype) {
  Layout update = model();
  update.tensors[1].dtype = "F16";
  EXPECT_EQ(refusal(update), "the tensor \"fc.bias\" is F16 [10], the model has F32 [10]");
}

TEST(Structure, NamesTheTensorThatIsMissing) {
  for (std::size_t i = 0; i < 3; ++i) {
    Layout update = model();
    const std::string name = update.tensors[i].name;
    update.tensors.erase(update.tensors.begin() + static_cast<std::ptrdiff_t>(i));
    EXPECT_NE(refusal(update).find("\"" + name + "\""), std::string::npos) << refusal(update);
    EXPECT_NE(refusal(update).find("is missing"), std::string::npos) << refusal(update);
  }
}

TEST(Structure, NamesTheTensorThatIsTooMany) {
  for (const char* name : {"aaa", "fc.extra", "zzz"}) {
    Layout update = model();
    update.tensors.push_back({name, "F32", {2}});
    EXPECT_EQ(refusal(update),
              std::string("the tensor \"") + name + "\" (F32 [2]) is not part of the model");
  }
}

TEST(Structure, OfNothingIsOnlyTheSameAsNothing) {
  EXPECT_TRUE(same_structure(Layout{}, Layout{}));
  EXPECT_FALSE(same_structure(model(), Layout{}));
  EXPECT_FALSE(same_structure(Layout{}, model()));
}

}  // namespace
}  // namespace skerry::tensor
