// Files that a stranger may send. Each is refused with a message; none crashes, hangs or costs
// memory.
#include <gtest/gtest.h>

#include <random>

#include "core/tensor/safetensors.hpp"
#include "make_file.hpp"

namespace skerry::tensor {
namespace {

struct Hostile {
  const char* name;
  const char* json;
  std::size_t data_size;
  const char* says;  // a part of the message
};

// One tensor "a" of two floats needs 8 bytes of data.
const Hostile kHostile[] = {
    {"NotJson", R"({"a":)", 0, "not valid JSON"},
    {"Empty", "", 0, "does not begin with {"},
    {"LeadingSpace", R"( {})", 0, "does not begin with {"},
    {"AnArray", R"([])", 0, "does not begin with {"},
    {"TwoDocuments", R"({}{})", 0, "not valid JSON"},
    {"InvalidUtf8", "{\"\xff\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]}}", 0,
     "not valid JSON"},
    {"TensorIsNumber", R"({"a":1})", 0, "a number where tensor \"a\""},
    {"TensorIsNull", R"({"a":null})", 0, "null where tensor \"a\""},
    {"TensorIsArray", R"({"a":[]})", 0, "an array where"},
    {"EmptyEntry", R"({"a":{}})", 0, "lacks dtype, shape or data_offsets"},
    {"NoDtype", R"({"a":{"shape":[2],"data_offsets":[0,8]}})", 8, "lacks dtype"},
    {"NoShape", R"({"a":{"dtype":"F32","data_offsets":[0,8]}})", 8, "lacks dtype, shape"},
    {"NoOffsets", R"({"a":{"dtype":"F32","shape":[2]}})", 8, "lacks dtype, shape or data_offsets"},
    {"UnknownKey", R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8],"x":1}})", 8,
     "unknown key \"x\""},
    {"UnknownDtype", R"({"a":{"dtype":"F31","shape":[2],"data_offsets":[0,8]}})", 8,
     "the dtype \"F31\""},
    {"LowerCaseDtype", R"({"a":{"dtype":"f32","shape":[2],"data_offsets":[0,8]}})", 8,
     "the dtype \"f32\""},
    {"DtypeIsNumber", R"({"a":{"dtype":32,"shape":[2],"data_offsets":[0,8]}})", 8,
     "a number where dtype"},
    {"DtypeTwice", R"({"a":{"dtype":"U8","dtype":"F32","shape":[2],"data_offsets":[0,8]}})", 8,
     "has dtype twice"},
    {"ShapeTwice", R"({"a":{"dtype":"F32","shape":[1],"shape":[2],"data_offsets":[0,8]}})", 8,
     "has shape twice"},
    {"NameTwice",
     R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"a":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}})",
     2, "\"a\" occurs twice"},
    {"NameWithNewline", R"({"a\nb":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}})", 0,
     "control characters"},
    {"NegativeDimension", R"({"a":{"dtype":"F32","shape":[-2],"data_offsets":[0,8]}})", 8,
     "a negative number"},
    {"FractionDimension", R"({"a":{"dtype":"F32","shape":[2.0],"data_offsets":[0,8]}})", 8,
     "no 64-bit integer"},
    {"TextDimension", R"({"a":{"dtype":"F32","shape":["2"],"data_offsets":[0,8]}})", 8,
     "a string where shape"},
    {"NestedShape", R"({"a":{"dtype":"F32","shape":[[2]],"data_offsets":[0,8]}})", 8,
     "an array where shape"},
    {"ShapeIsNumber", R"({"a":{"dtype":"F32","shape":2,"data_offsets":[0,8]}})", 8,
     "a number where shape"},
    {"TooManyDimensions",
     R"({"a":{"dtype":"U8","shape":[1,1,1,1,1,1,1,1,1],"data_offsets":[0,1]}})", 1,
     "more than 8 dimensions"},
    {"DimensionAbove63Bits",
     R"({"a":{"dtype":"U8","shape":[9223372036854775808],"data_offsets":[0,8]}})", 8, "above 2^63"},
    {"DimensionAbove64Bits",
     R"({"a":{"dtype":"U8","shape":[99999999999999999999],"data_offsets":[0,8]}})", 8,
     "no 64-bit integer"},
    {"CountOverflow",
     R"({"a":{"dtype":"U8","shape":[4294967296,4294967296],"data_offsets":[0,0]}})", 0,
     "more elements than"},
    {"ByteOverflow", R"({"a":{"dtype":"F32","shape":[4611686018427387904],"data_offsets":[0,0]}})",
     0, "more bytes than"},
    {"SizeUnlikeShape", R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}})", 4,
     "takes 8 bytes"},
    {"BackwardOffsets", R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[8,0]}})", 8,
     "data_offsets are [8, 0]"},
    {"WrappedOffsets",
     R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[18446744073709551612,4]}})", 8,
     "data_offsets are"},
    {"OneOffset", R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[8]}})", 8, "fewer than two"},
    {"ThreeOffsets", R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8,8]}})", 8,
     "a third integer"},
    {"NegativeOffset", R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[-8,0]}})", 8,
     "a negative number"},
    {"BeyondTheEnd", R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})", 7,
     "ends at byte 8"},
    {"FarBeyondTheEnd",
     R"({"a":{"dtype":"U8","shape":[1125899906842624],"data_offsets":[0,1125899906842624]}})", 8,
     "ends at byte"},
    {"NearTheLastByte",
     R"({"a":{"dtype":"U8","shape":[8],"data_offsets":[18446744073709551607,18446744073709551615]}})",
     8, "after a hole"},
    {"TrailingData", R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})", 9,
     "take 8 bytes, but 9"},
    {"HoleAtTheStart", R"({"a":{"dtype":"U8","shape":[2],"data_offsets":[1,3]}})", 3,
     "after a hole"},
    {"HoleBetween",
     R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"b":{"dtype":"U8","shape":[1],"data_offsets":[2,3]}})",
     3, "after a hole"},
    {"Overlap",
     R"({"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},"b":{"dtype":"U8","shape":[2],"data_offsets":[1,3]}})",
     3, "over what ends"},
    {"SamePlace",
     R"({"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},"b":{"dtype":"U8","shape":[2],"data_offsets":[0,2]}})",
     2, "over what ends"},
    {"EmptyTensorInside",
     R"({"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},"b":{"dtype":"U8","shape":[0],"data_offsets":[1,1]}})",
     2, "over what ends"},
    {"MetadataIsText", R"({"__metadata__":"x"})", 0, "a string where __metadata__"},
    {"MetadataOfNumbers", R"({"__metadata__":{"a":1}})", 0, "a number where __metadata__"},
    {"MetadataNested", R"({"__metadata__":{"a":{}}})", 0, "an object where __metadata__"},
    {"MetadataTwice", R"({"__metadata__":{},"__metadata__":{}})", 0, "__metadata__ occurs twice"},
    {"MetadataKeyTwice", R"({"__metadata__":{"a":"1","a":"2"}})", 0,
     "\"a\" occurs twice in __metadata__"},
};

class HostileFile : public testing::TestWithParam<Hostile> {};

TEST_P(HostileFile, IsRefusedWithTheReason) {
  const std::string file = make_file(GetParam().json, GetParam().data_size);
  const auto layout = parse_layout(as_bytes(file), file.size());
  ASSERT_FALSE(layout);
  EXPECT_EQ(layout.error().code, Code::invalid_argument);
  EXPECT_NE(layout.error().message.find(GetParam().says), std::string::npos)
      << layout.error().message;
}

INSTANTIATE_TEST_SUITE_P(Table, HostileFile, testing::ValuesIn(kHostile),
                         [](const auto& row) { return std::string(row.param.name); });

TEST(HostileHeader, MayNotClaimMoreThanTheFileOrTheLimit) {
  for (const std::uint64_t length : {std::uint64_t{3}, std::uint64_t{1} << 20, kMaxHeaderBytes + 1,
                                     ~std::uint64_t{0}, ~std::uint64_t{0} - 7}) {
    const std::string file = with_length(length, "{}");
    EXPECT_FALSE(parse_layout(as_bytes(file), file.size())) << length;
  }
  const std::string huge = with_length(kMaxHeaderBytes + 1, "{}");
  EXPECT_FALSE(parse_layout(as_bytes(huge), std::uint64_t{1} << 40));
}

TEST(HostileHeader, MayNotBeCutOff) {
  const std::string file =
      make_file(R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})", 8);
  for (std::size_t size = 0; size < file.size(); ++size) {
    EXPECT_FALSE(parse_layout(as_bytes(file).first(size), size)) << size;
  }
}

TEST(HostileHeader, MayNotNestWithoutEnd) {
  const std::string deep = make_file(R"({"a":)" + std::string(1'000'000, '['), 0);
  EXPECT_FALSE(parse_layout(as_bytes(deep), deep.size()));
  const std::string objects = make_file(
      [] {
        std::string json;
        for (int i = 0; i < 100'000; ++i) json += R"({"a":)";
        return json;
      }(),
      0);
  EXPECT_FALSE(parse_layout(as_bytes(objects), objects.size()));
}

TEST(HostileHeader, MayNotHaveANameThatFloodsTheLog) {
  const std::string name(10'000, 'n');
  const std::string file =
      make_file("{\"" + name + R"(":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}})", 0);
  const auto layout = parse_layout(as_bytes(file), file.size());
  ASSERT_FALSE(layout);
  EXPECT_LT(layout.error().message.size(), 500u);
}

TEST(HostileHeader, WithAnyByteChangedIsReadOrRefusedButNeverCrashes) {
  constexpr unsigned kSeed = 20240601;
  RecordProperty("seed", kSeed);
  std::mt19937 random(kSeed);
  const std::string sound = make_file(
      R"({"__metadata__":{"k":"v"},"a":{"dtype":"F32","shape":[2,1],"data_offsets":[0,8]},"b":{"dtype":"I8","shape":[3],"data_offsets":[8,11]}})",
      11);
  for (int i = 0; i < 50'000; ++i) {
    std::string file = sound;
    for (int changes = 1 + static_cast<int>(random() % 3); changes > 0; --changes) {
      file[random() % file.size()] = static_cast<char>(random());
    }
    const auto layout = parse_layout(as_bytes(file), file.size());
    if (!layout) continue;
    std::uint64_t total = layout->data_offset;
    for (const TensorSpec& tensor : layout->tensors) total += tensor.size;
    ASSERT_EQ(total, file.size()) << "seed " << kSeed << ", file " << i;
  }
}

}  // namespace
}  // namespace skerry::tensor
