// `skerry plugin inspect` for scripts and people, and `skerry plugin new`.
#include <gmock/gmock.h>

#include <fstream>

#include "tests/support/skerry.hpp"

namespace skerry::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

class PluginCommand : public SkerryTest {
 protected:
  static std::string fixture(const std::string& name) {
    return (fixture_plugins(name) / (name + ".so")).string();
  }
  int inspect(std::vector<std::string> options) {
    options.insert(options.begin(), {"plugin", "inspect"});
    const Output output = skerry(options);
    EXPECT_EQ(output.out, "") << "the exit status is the answer";
    EXPECT_EQ(output.err.empty(), output.ok()) << output.all();
    return output.ending.status.value_or(-1);
  }
};

TEST_F(PluginCommand, TellsScriptsWhetherAPluginIsThereAndHowOld) {
  const std::string file = fixture("plain_average");  // 1.2.3
  EXPECT_EQ(inspect({file, "--exists"}), 0);
  EXPECT_EQ(inspect({file, "--at-least", "1.2.3"}), 0);
  EXPECT_EQ(inspect({file, "--at-least", "1.2"}), 0);
  EXPECT_EQ(inspect({file, "--at-least", "1.10.0"}), 1);
  EXPECT_EQ(inspect({file, "--at-least", "2"}), 1);
  EXPECT_EQ(inspect({"no-such-plugin", "--exists"}), 1);
  EXPECT_EQ(inspect({file, "--at-least", "new"}), 2);
}

TEST_F(PluginCommand, ShowsWhichLibrariesAPluginNeedsAndWhichAreMissing) {
  EXPECT_THAT(skerry({"plugin", "inspect", fixture("missing_library")}).out,
              HasSubstr("NOT FOUND: libskerry_absent.so"));
  const Json told = skerry({"plugin", "inspect", fixture("with_neighbours"), "--json"}).json();
  bool beside = false;
  for (const Json& library : told.at("features").at(0).at("needs")) {
    if (library.at("path").is_null()) ADD_FAILURE() << library;
    beside =
        beside ||
        library.at("path") ==
            (fixture_plugins("with_neighbours") / library.at("name").get<std::string>()).string();
  }
  EXPECT_TRUE(beside) << told;
}

TEST_F(PluginCommand, WritesAProjectAndNeverOverAnother) {
  const std::string folder = (scratch / "projects").string();
  std::filesystem::create_directory(folder);
  EXPECT_THAT(skerry({"plugin", "new", "selection", "by_age", "--dir", folder}).out,
              AllOf(HasSubstr("by_age.cpp"), HasSubstr("cmake -B build")));
  std::ifstream source(folder + "/by_age/by_age.cpp");
  const std::string text(std::istreambuf_iterator<char>(source), {});
  EXPECT_THAT(text,
              AllOf(HasSubstr("class ByAge : public skerry::Selection"), HasSubstr("\"by_age\"")));
  EXPECT_EQ(text.find('@'), std::string::npos);
  const Output again = skerry({"plugin", "new", "selection", "by_age", "--dir", folder});
  EXPECT_EQ(again.ending.status, 2);
  EXPECT_THAT(again.err, HasSubstr("exists already; choose another name"));
}

TEST_F(PluginCommand, SaysWhichKindsAndNamesAProjectCanHave) {
  const Output kind = skerry({"plugin", "new", "agregation", "x"});
  EXPECT_EQ(kind.ending.status, 2);
  EXPECT_THAT(
      kind.err,
      AllOf(
          HasSubstr("did you mean \"aggregation\""),
          HasSubstr("estimator, inference, payload, sampling, selection, sink, source, workflow")));
  for (const char* name : {"", "test", "9lives", "My", "a/b", "a b", "caf\xc3\xa9"})
    EXPECT_EQ(skerry({"plugin", "new", "selection", name}).ending.status, 2) << name;
}

}  // namespace
}  // namespace skerry::testing
