// What keeps the parts apart, checked on the sources and on the programs as they were built.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <regex>
#include <set>
#include <string>
#include <vector>

#include "tests/support/skerry.hpp"

namespace skerry::testing {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::Not;

struct Source {
  fs::path file;
  std::string text;
};

// The C and C++ files and the build files below the folders.
std::vector<Source> sources(const std::vector<std::string>& folders) {
  static const std::set<std::string> kEndings{".cpp", ".hpp", ".c", ".h", ".txt", ".cmake", ".fbs"};
  std::vector<Source> list;
  for (const std::string& folder : folders) {
    for (const auto& entry :
         fs::recursive_directory_iterator(fs::path(SKERRY_SOURCE_DIR) / folder)) {
      if (entry.is_regular_file() && kEndings.count(entry.path().extension().string()) != 0)
        list.push_back({entry.path(), read_text(entry.path())});
    }
  }
  EXPECT_GT(list.size(), folders.size()) << "the sources are not where they are looked for";
  return list;
}

// Each that includes a header below `folder`, quoted or in angle brackets.
std::string includes_of(const std::vector<Source>& list, const std::string& folder) {
  std::string found;
  for (const Source& source : list) {
    for (const std::string start : {"#include \"", "#include <"}) {
      if (source.text.find(start + folder) != std::string::npos)
        found += source.file.string() + "\n";
    }
  }
  return found;
}

// Words that mean something beside being a plugin's name.
bool is_ordinary(const std::string& word) {
  static const std::set<std::string> kWords{"random", "all",     "torch",
                                            "none",   "process", "threshold"};
  return kWords.count(word) != 0;
}

std::set<std::string> plugin_feature_ids() {
  std::set<std::string> ids;
  for (const auto& entry :
       fs::recursive_directory_iterator(fs::path(SKERRY_SOURCE_DIR) / "plugins")) {
    if (entry.path().filename() != "plugin.json") continue;
    const auto manifest = parse_json(read_text(entry.path()), entry.path().string());
    if (!manifest) {
      ADD_FAILURE() << manifest.error().text();
      continue;
    }
    for (const Json& feature : manifest->at("features"))
      ids.insert(feature.at("id").get<std::string>());
  }
  return ids;
}

class HostProgram : public SkerryTest, public ::testing::WithParamInterface<const char*> {
 protected:
  std::string libraries() const {
    Process ldd({{"/usr/bin/ldd", program(GetParam()).string()}, {}, scratch / "printed"});
    const Output output = finish(ldd);
    EXPECT_TRUE(output.ok()) << output.all();
    return output.out;
  }
};

TEST_P(HostProgram, LinksNeitherLibTorchNorOpenCV) {
  const std::string list = libraries();
  EXPECT_THAT(list, HasSubstr("libstdc++")) << "this is no list of libraries";
  for (const char* heavy : {"libtorch", "libc10", "libopencv", "libopenblas"})
    EXPECT_THAT(list, Not(HasSubstr(heavy)));
}

std::set<std::string> failpoint_names() {
  static const std::regex kPlace(R"re(SKERRY_FAILPOINT(?:_STATUS)?\("([^"]+)"\))re");
  std::set<std::string> names;
  for (const Source& source : sources({"core", "hosts"})) {
    for (std::sregex_iterator it(source.text.begin(), source.text.end(), kPlace), end; it != end;
         ++it) {
      names.insert((*it)[1]);
    }
  }
  return names;
}

TEST_P(HostProgram, HoldsFailpointsInNoRelease) {
  const std::string bytes = read_text(program(GetParam()));
  const auto names = failpoint_names();
  ASSERT_GT(names.size(), 25u);
#ifdef SKERRY_FAILPOINTS
  // The same search has to find them where they are, or it proves nothing of a release.
  const std::string side = std::string(GetParam()).substr(std::string("skerry-").size() - 1) + ".";
  for (const std::string& name : names) {
    if (("-" + name).starts_with(side)) EXPECT_NE(bytes.find(name), std::string::npos) << name;
  }
#else
  EXPECT_EQ(bytes.find("SKERRY_FAILPOINTS"), std::string::npos);
  for (const std::string& name : names) EXPECT_EQ(bytes.find(name), std::string::npos) << name;
#endif
}

INSTANTIATE_TEST_SUITE_P(Architecture, HostProgram,
                         ::testing::Values("skerry", "skerry-cloud", "skerry-edge",
                                           "skerry-worker"),
                         [](const auto& host) {
                           std::string name = host.param;
                           std::replace(name.begin(), name.end(), '-', '_');
                           return name;
                         });

TEST(Architecture, CoreAndHostsContainTheNameOfNoPlugin) {
  const auto ids = plugin_feature_ids();
  ASSERT_GT(ids.size(), 5u);
  for (const Source& source : sources({"core", "hosts"})) {
    for (const std::string& id : ids) {
      if (is_ordinary(id)) continue;
      EXPECT_THAT(source.text, Not(HasSubstr("\"" + id + "\""))) << source.file;
    }
  }
}

// What an operator or a time server does to the wall clock must change nothing: hosts decide by the
// monotonic clock, and write the other one down for people.
TEST(Architecture, ClockJumpsMoveNoDecision) {
  static const std::regex kWallClock(
      R"(system_clock|gettimeofday|CLOCK_REALTIME|high_resolution_clock|\btime\((nullptr|NULL|0)\))");
  // The age of files: a jump can make garbage of them early or late, and what is in use is claimed.
  static const std::set<std::string> kAllowed{"wall_clock.cpp", "blob_store.cpp"};
  int found = 0;
  for (const Source& source : sources({"core", "hosts/cloud", "hosts/edge", "hosts/worker"})) {
    if (!std::regex_search(source.text, kWallClock)) continue;
    ++found;
    EXPECT_EQ(kAllowed.count(source.file.filename().string()), 1u) << source.file;
  }
  EXPECT_GE(found, 1) << "the wall clock is not where it is looked for";
}

TEST(Architecture, PluginsIncludeNothingOfCoreOrHosts) {
  const auto list = sources({"plugins"});
  EXPECT_EQ(includes_of(list, "core/"), "");
  EXPECT_EQ(includes_of(list, "hosts/"), "");
}

TEST(Architecture, PluginsLinkNothingOfCore) {
  for (const Source& source : sources({"plugins"})) {
    if (source.file.filename() != "CMakeLists.txt") continue;
    EXPECT_THAT(source.text, Not(HasSubstr("skerry::"))) << source.file;
  }
}

TEST(Architecture, CoreIncludesNothingOfPluginsOrHosts) {
  const auto list = sources({"core"});
  EXPECT_EQ(includes_of(list, "plugins/"), "");
  EXPECT_EQ(includes_of(list, "hosts/"), "");
}

TEST(Architecture, HostsIncludeNothingOfPlugins) {
  EXPECT_EQ(includes_of(sources({"hosts"}), "plugins/"), "");
}

TEST(Architecture, TheSdkStandsAlone) {
  const auto list = sources({"sdk"});
  for (const char* folder : {"core/", "hosts/", "plugins/"})
    EXPECT_EQ(includes_of(list, folder), "");
}

}  // namespace
}  // namespace skerry::testing
