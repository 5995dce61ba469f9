// What holds for every plugin of the build tree: its one symbol, its manifest, and errors instead
// of exceptions.
#include <gtest/gtest.h>

#include <algorithm>

#include "plugin_under_test.hpp"

using namespace skerry_test;

namespace {

std::vector<std::string> built_plugins() {
  std::vector<std::string> names;
  for (const auto& entry :
       std::filesystem::directory_iterator(std::string(SKERRY_BIN_DIR) + "/plugins")) {
    if (entry.path().extension() == ".so") names.push_back(entry.path().stem().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

std::string output_of(const std::string& command) {
  std::unique_ptr<FILE, int (*)(FILE*)> pipe(popen(command.c_str(), "r"), pclose);
  std::string text;
  char buffer[4096];
  while (const std::size_t got = fread(buffer, 1, sizeof(buffer), pipe.get()))
    text.append(buffer, got);
  return text;
}

class EveryPlugin : public testing::TestWithParam<std::string> {
 protected:
  std::string path() const {
    return std::string(SKERRY_BIN_DIR) + "/plugins/" + GetParam() + ".so";
  }
};

TEST_P(EveryPlugin, ExportsTheEntryAndNothingElse) {
  EXPECT_EQ(output_of("nm -D --defined-only --format=posix '" + path() + "' | cut -d' ' -f1"),
            "skerry_plugin_entry_v1\n");
}

TEST_P(EveryPlugin, CarriesItsManifestInTheSectionByteForByte) {
  Folder folder;
  const std::string section = folder.path("section");
  output_of("objcopy -O binary --only-section=.skerry.plugin '" + path() + "' '" + section + "'");
  std::ifstream file(section, std::ios::binary);
  const std::string bytes((std::istreambuf_iterator<char>(file)), {});
  const skerry_entry& entry = PluginUnderTest(GetParam()).entry();
  EXPECT_EQ(bytes, std::string(entry.manifest, entry.manifest_size));
  EXPECT_TRUE(nlohmann::json::parse(bytes).contains("build"));
}

TEST_P(EveryPlugin, HasTheCodeOfEveryFeatureInItsManifest) {
  PluginUnderTest plugin(GetParam());
  EXPECT_EQ(plugin.entry().abi_major, static_cast<std::uint32_t>(SKERRY_ABI_MAJOR));
  const nlohmann::json manifest = plugin.manifest();
  for (const nlohmann::json& feature : manifest.at("features")) {
    const Outcome outcome =
        plugin.create_outcome(feature.at("id"), feature.at("kind"), nlohmann::json::object());
    EXPECT_NE(outcome.status, SKERRY_UNSUPPORTED) << outcome;
    EXPECT_NE(outcome.status, SKERRY_INTERNAL) << outcome;
    // One that takes no configuration may leave its schema out.
    if (feature.contains("config")) {
      EXPECT_TRUE(feature.at("config").contains("properties")) << feature;
    }
  }
}

TEST_P(EveryPlugin, AnswersAnUnknownFeatureWithWhatItHas) {
  PluginUnderTest plugin(GetParam());
  const Outcome outcome =
      plugin.create_outcome("no-such-feature", "aggregation/1", nlohmann::json::object());
  EXPECT_EQ(outcome.status, SKERRY_UNSUPPORTED);
  EXPECT_NE(outcome.message.find("it has "), std::string::npos) << outcome;
}

TEST_P(EveryPlugin, AnswersAConfigurationThatIsNoObjectWithAnError) {
  PluginUnderTest plugin(GetParam());
  const nlohmann::json feature = plugin.manifest().at("features").at(0);
  const Outcome outcome =
      plugin.create_outcome(feature.at("id"), feature.at("kind"), nlohmann::json::array({1}));
  EXPECT_EQ(outcome.status, SKERRY_INVALID_ARGUMENT);
  EXPECT_EQ(outcome.message, "must be an object, found [1]");
}

std::string test_name(const testing::TestParamInfo<std::string>& info) {
  std::string name = info.param;
  std::replace_if(
      name.begin(), name.end(), [](unsigned char c) { return std::isalnum(c) == 0; }, '_');
  return name;
}

INSTANTIATE_TEST_SUITE_P(Built, EveryPlugin, testing::ValuesIn(built_plugins()), test_name);

}  // namespace
