#include <gtest/gtest.h>

#include "core/tensor/safetensors.hpp"

namespace skerry::tensor {
namespace {

TEST(EncodeHeader, IsReadBackAsItWasWritten) {
  std::vector<TensorSpec> tensors{{"z.weight", "F32", {3, 5}},
                                  {"a.bias", "F64", {3}},
                                  {"steps", "I64", {}},
                                  {"nothing", "U8", {0, 4}},
                                  {"mask", "BOOL", {7}}};
  const std::string header = encode_header(tensors, {{"format", "pt"}, {"quote", "a\"b\n"}});
  const std::uint64_t size = header.size() + tensors.back().offset + tensors.back().size;
  const auto layout = parse_layout(as_bytes(header), size);
  ASSERT_TRUE(layout) << layout.error().text();
  ASSERT_EQ(layout->tensors.size(), tensors.size());
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    EXPECT_EQ(layout->tensors[i].name, tensors[i].name);
    EXPECT_EQ(layout->tensors[i].dtype, tensors[i].dtype);
    EXPECT_EQ(layout->tensors[i].shape, tensors[i].shape);
    EXPECT_EQ(layout->tensors[i].offset, tensors[i].offset);
    EXPECT_EQ(layout->tensors[i].size, tensors[i].size);
  }
  EXPECT_EQ(layout->metadata.at("quote"), "a\"b\n");
  EXPECT_EQ(layout->data_offset, header.size());
}

TEST(EncodeHeader, AlignsTheDataTo64BytesWhateverTheNames) {
  for (std::size_t length = 1; length < 130; ++length) {
    std::vector<TensorSpec> tensors{{std::string(length, 'n'), "F32", {1}}};
    EXPECT_EQ(encode_header(tensors).size() % 64, 0u);
  }
}

TEST(EncodeHeader, KeepsTheGivenOrderInTheText) {
  std::vector<TensorSpec> tensors{{"z", "F32", {1}}, {"a", "F32", {1}}};
  const std::string header = encode_header(tensors);
  EXPECT_LT(header.find("\"z\""), header.find("\"a\""));
}

TEST(EncodeHeader, OfNoTensorsIsAFileToo) {
  std::vector<TensorSpec> none;
  const std::string header = encode_header(none);
  EXPECT_EQ(header.size(), 64u);
  EXPECT_TRUE(parse_layout(as_bytes(header), header.size()));
}

TEST(EncodeHeader, GivesTheSameBytesForTheSameTensors) {
  std::vector<TensorSpec> one{{"w", "F32", {2}}};
  std::vector<TensorSpec> two{{"w", "F32", {2}}};
  EXPECT_EQ(encode_header(one, {{"b", "2"}, {"a", "1"}}),
            encode_header(two, {{"a", "1"}, {"b", "2"}}));
}

}  // namespace
}  // namespace skerry::tensor
