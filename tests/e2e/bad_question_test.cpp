// What `skerry predict` says of questions that cannot be asked.
#include <gmock/gmock.h>

#include "tests/support/skerry.hpp"

namespace skerry::testing {
namespace {

using ::testing::HasSubstr;

class BadQuestion : public SkerryTest {
 protected:
  void expect_refused(const std::vector<std::string>& arguments, const std::string& why) const {
    std::vector<std::string> whole{"predict", "digits", "--edge", (scratch / "edge").string()};
    whole.insert(whole.end(), arguments.begin(), arguments.end());
    const Output output = skerry(whole);
    EXPECT_EQ(output.ending.status, 2) << output.all();
    EXPECT_THAT(output.err, HasSubstr(why));
  }
};

}  // namespace

TEST_F(BadQuestion, IsRefusedWhereItIsTooLarge) {
  const auto file = scratch.write("big.raw", std::string(9 << 20, 'x'));
  expect_refused({file.string(), "--shape", "2359296"},
                 "found 9437184 bytes; a question has at most 8388608 (8 MiB)");
}

TEST_F(BadQuestion, IsRefusedWhereShapeAndBytesDisagree) {
  const auto file = scratch.write("short.raw", "0123456789");
  expect_refused({file.string(), "--shape", "1,28"},
                 "found 10 bytes; a float32 tensor of shape 1,28 has 112");
  expect_refused({file.string(), "--shape", "1,x"}, "found \"1,x\", expected numbers with commas");
}

TEST_F(BadQuestion, IsRefusedWhereItIsNoTensor) {
  const auto file = scratch.write("text.json", R"({"tensor": [1, "a"]})");
  expect_refused({file.string()}, "tensor[1]: found the text \"a\"; allowed: numbers");
}

TEST_F(BadQuestion, IsNotPutToACloud) {
  scratch.write("edge/cloud.db", "");
  const auto file = scratch.write("good.json", R"({"tensor": [1]})");
  expect_refused({file.string()}, "is the state directory of a cloud; applications ask an edge");
}

}  // namespace skerry::testing
