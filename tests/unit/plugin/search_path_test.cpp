#include "core/plugin/search_path.hpp"

#include <gmock/gmock.h>

#include <cstdlib>
#include <map>

#include "tests/unit/plugin/fixtures.hpp"

namespace skerry::plugin {
namespace {

namespace fs = std::filesystem;

class SearchPath : public testing::Test {
 protected:
  ~SearchPath() override {
    for (const auto& [name, value] : before_) {
      value.empty() ? ::unsetenv(name.c_str()) : ::setenv(name.c_str(), value.c_str(), 1);
    }
  }
  void set(const char* name, const char* value) {
    const char* old = std::getenv(name);
    before_.try_emplace(name, old != nullptr ? old : "");
    ::setenv(name, value, 1);
  }

  std::map<std::string, std::string> before_;
};

TEST_F(SearchPath, GoesFromTheJobToTheInstallPrefix) {
  set("SKERRY_PLUGIN_PATH", "/env/one::/env/two/");
  set("XDG_DATA_HOME", "/data");
  const auto places = search_path({"/job"});
  const fs::path prefix = fs::read_symlink("/proc/self/exe").parent_path().parent_path();
  ASSERT_GE(places.size(), 5U);
  EXPECT_EQ(places[0], "/job");
  EXPECT_EQ(places[1], "/env/one");
  EXPECT_EQ(places[2], "/env/two");
  EXPECT_EQ(places[3], "/data/skerry/plugins");
  EXPECT_EQ(places[4], prefix / "lib/skerry/plugins");
}

TEST_F(SearchPath, FallsBackToTheHomeDirectory) {
  set("SKERRY_PLUGIN_PATH", "");
  set("XDG_DATA_HOME", "");
  set("HOME", "/home/ada");
  EXPECT_EQ(search_path({}).at(0), "/home/ada/.local/share/skerry/plugins");
}

TEST_F(SearchPath, IsAbsoluteAndWithoutRepetition) {
  set("SKERRY_PLUGIN_PATH", "/same:relative:/same/./");
  const auto places = search_path({"/same"});
  EXPECT_EQ(places[0], "/same");
  EXPECT_EQ(places[1], fs::current_path() / "relative");
  EXPECT_EQ(std::count(places.begin(), places.end(), "/same"), 1);
}

}  // namespace
}  // namespace skerry::plugin
