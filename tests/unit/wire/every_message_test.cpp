// That no message is left out of what is tried with each of them: headers are read as text.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <regex>
#include <set>
#include <string>

#include "core/base/file.hpp"
#include "tests/fuzz/messages.hpp"
#include "tests/unit/wire/samples.hpp"

namespace skerry::wire {
namespace {

using ::testing::ElementsAre;

class EveryMessage : public ::testing::Test {
 protected:
  // Names of Type that a struct of messages.hpp or predict.hpp has, and those that none has.
  std::set<std::string> with_struct, without;
  std::map<int, std::string> name_of;

  void SetUp() override {
    const std::string text =
        read_file(std::string(SKERRY_SOURCE_DIR) + "/core/wire/messages.hpp").value();
    const auto begin = text.find("enum class Type");
    const std::string types = text.substr(begin, text.find("};", begin) - begin);
    const auto each = [](const std::string& in, const std::regex& form, auto use) {
      for (std::sregex_iterator it(in.begin(), in.end(), form), end; it != end; ++it) use(*it);
    };
    each(types, std::regex(R"((\w+) = (\d+),)"), [&](const std::smatch& found) {
      name_of[std::stoi(found[2])] = found[1];
      without.insert(found[1]);
    });
    const std::string predict =
        read_file(std::string(SKERRY_SOURCE_DIR) + "/core/wire/predict.hpp").value();
    const std::regex type(R"(constexpr Type type = Type::(\w+);)");
    each(text + predict, type, [&](const std::smatch& found) {
      with_struct.insert(found[1]);
      without.erase(found[1]);
    });
    ASSERT_GT(with_struct.size(), 25u) << "the messages are not where they are looked for";
  }

  std::set<std::string> names(const auto& types) const {
    std::set<std::string> all;
    for (const Type type : types) all.insert(name_of.at(static_cast<int>(type)));
    return all;
  }
};

TEST_F(EveryMessage, HasASample) {
  std::vector<Type> types;
  for_each_sample([&](const auto& sample) { types.push_back(sample.type); });
  EXPECT_EQ(names(types), with_struct);
}

TEST_F(EveryMessage, IsFuzzed) {
  auto fuzzed = names(fuzz::NetworkMessages::types);
  fuzzed.merge(names(fuzz::LocalMessages::types));
  EXPECT_EQ(fuzzed, with_struct);
}

// The fuzz targets `envelope`, `uploads`, `transfers` and `predict` try these.
TEST_F(EveryMessage, HasAStructUnlessItIsAHeaderAChunkOrAQuestion) {
  EXPECT_THAT(without, ElementsAre("ack", "blob_chunk", "blob_put_chunk", "bye", "ping", "pong",
                                   "predict_reply", "predict_request", "retire", "seated"));
}

}  // namespace
}  // namespace skerry::wire
