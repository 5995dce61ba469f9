// skerry_add_plugin() refuses a bad plugin.json when the build is configured, in words that name
// the file and the cure.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>

#include "plugin_under_test.hpp"

using namespace skerry_test;

namespace {

class AddPlugin : public testing::Test {
 protected:
  // What CMake prints about the manifest, on one line; "" when it is content.
  std::string complaint(const std::string& manifest) {
    const std::string path = folder.write("plugin.json", manifest);
    const std::string script =
        folder.write("check.cmake", "include(" SKERRY_SOURCE_DIR
                                    "/sdk/cmake/SkerryPlugin.cmake)\n_skerry_check_manifest(" +
                                        path + " dataset)\n");
    std::unique_ptr<FILE, int (*)(FILE*)> pipe(popen(("cmake -P " + script + " 2>&1").c_str(), "r"),
                                               pclose);
    std::string text;
    for (int c = fgetc(pipe.get()); c != EOF; c = fgetc(pipe.get())) {
      if (c != '\n')
        text += static_cast<char>(c);
      else if (!text.empty() && text.back() != ' ')
        text += ' ';
    }
    std::string words;
    std::unique_copy(text.begin(), text.end(), std::back_inserter(words),
                     [](char a, char b) { return a == ' ' && b == ' '; });
    return words;
  }
  static std::string with_features(const std::string& features) {
    return R"({"name": "x", "version": "1.0.0", "features": )" + features + "}";
  }

  Folder folder;
};

TEST_F(AddPlugin, TakesAGoodManifest) {
  EXPECT_EQ(complaint(with_features(R"([{"id": "x", "kind": "dataset/1", "config": {}}])")), "");
}

TEST_F(AddPlugin, RefusesWhatIsNoJson) {
  const std::string text = complaint("{\"name\": \"x\", }");
  EXPECT_NE(text.find("plugin.json: not valid JSON:"), std::string::npos) << text;
  EXPECT_NE(complaint("{} and more").find("must hold one JSON object and nothing after it"),
            std::string::npos);
  EXPECT_NE(complaint("[]").find("must hold one JSON object"), std::string::npos);
}

TEST_F(AddPlugin, NamesAMissingMember) {
  EXPECT_NE(complaint("{}").find("\"name\" must be a string"), std::string::npos);
  EXPECT_NE(complaint(with_features("[]")).find("at least one feature"), std::string::npos);
  EXPECT_NE(complaint(with_features(R"([{"kind": "dataset/1"}])"))
                .find("\"features.0.id\" must be a string"),
            std::string::npos);
}

TEST_F(AddPlugin, RefusesAKindWithoutVersionOrAnotherThanTold) {
  EXPECT_NE(complaint(with_features(R"([{"id": "x", "kind": "dataset"}])"))
                .find("a kind looks like \"aggregation/1\""),
            std::string::npos);
  EXPECT_NE(complaint(with_features(R"([{"id": "x", "kind": "selection/1"}])"))
                .find("no feature of kind dataset"),
            std::string::npos);
}

}  // namespace
