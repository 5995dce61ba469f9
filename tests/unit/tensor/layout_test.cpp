#include "core/tensor/layout.hpp"

#include <gtest/gtest.h>

#include "core/base/file.hpp"
#include "core/tensor/safetensors.hpp"
#include "make_file.hpp"

namespace skerry::tensor {
namespace {

using Shape = std::vector<std::int64_t>;

constexpr const char* kJson =
    R"({"__metadata__":{"format":"pt"},"w":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]},)"
    R"("b":{"dtype":"I64","shape":[],"data_offsets":[24,32]}}   )";

TEST(Layout, TellsWhatAFileHolds) {
  const std::string file = make_file(kJson, 32);
  const auto layout = parse_layout(as_bytes(file), file.size());
  ASSERT_TRUE(layout) << layout.error().text();
  EXPECT_EQ(layout->data_offset, file.size() - 32);
  EXPECT_EQ(layout->file_size, file.size());
  EXPECT_EQ(layout->metadata.at("format"), "pt");
  ASSERT_EQ(layout->tensors.size(), 2u);
  const TensorSpec* w = layout->find("w");
  ASSERT_NE(w, nullptr);
  EXPECT_EQ(w->dtype, "F32");
  EXPECT_EQ(w->shape, (Shape{2, 3}));
  EXPECT_EQ(w->offset, 0u);
  EXPECT_EQ(w->size, 24u);
  EXPECT_EQ(layout->find("b")->shape, Shape{});
  EXPECT_EQ(layout->find("b")->size, 8u);
  EXPECT_EQ(layout->find("c"), nullptr);
}

TEST(Layout, NeedsOnlyTheHeaderOfALargeFile) {
  const std::string file = make_file(kJson, 0);
  EXPECT_TRUE(parse_layout(as_bytes(file), file.size() + 32));
}

TEST(Layout, PutsTheTensorsInTheOrderOfTheirData) {
  const std::string file = make_file(
      R"({"a":{"dtype":"U8","shape":[2],"data_offsets":[3,5]},"z":{"dtype":"U8","shape":[3],"data_offsets":[0,3]}})",
      5);
  const auto layout = parse_layout(as_bytes(file), file.size());
  ASSERT_TRUE(layout) << layout.error().text();
  EXPECT_EQ(layout->tensors[0].name, "z");
  EXPECT_EQ(layout->tensors[1].name, "a");
}

TEST(Layout, AllowsEmptyTensorsAnywhereAndNoTensors) {
  const std::string file = make_file(
      R"({"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},"e":{"dtype":"F32","shape":[0,9],"data_offsets":[2,2]},)"
      R"("f":{"dtype":"F32","shape":[0],"data_offsets":[0,0]}})",
      2);
  EXPECT_TRUE(parse_layout(as_bytes(file), file.size()));
  const std::string none = make_file("{}", 0);
  EXPECT_TRUE(parse_layout(as_bytes(none), none.size()));
}

TEST(Layout, IsReadFromAFileAndProblemsCarryItsPath) {
  const auto directory = TempDir::create().value();
  const auto path = directory.path() / "model.safetensors";
  ASSERT_TRUE(write_file_durably(path, make_file(kJson, 32)));
  const auto layout = read_layout(path);
  ASSERT_TRUE(layout) << layout.error().text();
  EXPECT_EQ(layout->tensors.size(), 2u);

  for (const std::string& content : {std::string(), std::string("short"), make_file(kJson, 31)}) {
    ASSERT_TRUE(write_file_durably(path, content));
    const auto bad = read_layout(path);
    ASSERT_FALSE(bad);
    EXPECT_EQ(bad.error().where, path);
  }
  EXPECT_EQ(read_layout(directory.path() / "none").error().code, Code::not_found);
  EXPECT_FALSE(read_layout(directory.path()));
}

TEST(Layout, KnowsTheSizeOfEachDtype) {
  EXPECT_EQ(dtype_size("F64"), 8u);
  EXPECT_EQ(dtype_size("BF16"), 2u);
  EXPECT_EQ(dtype_size("BOOL"), 1u);
  EXPECT_EQ(dtype_size("f32"), 0u);
  EXPECT_EQ(dtype_size(""), 0u);
}

TEST(Layout, CountsElementsWithoutOverflow) {
  EXPECT_EQ(element_count({}), 1u);
  EXPECT_EQ(element_count({2, 3}), 6u);
  EXPECT_EQ(element_count({INT64_MAX, INT64_MAX, 0}), 0u);
  EXPECT_FALSE(element_count({INT64_MAX, 3}));
  EXPECT_FALSE(element_count({-1, 0}));
  EXPECT_EQ(shape_text({10, 3}), "[10, 3]");
}

}  // namespace
}  // namespace skerry::tensor
