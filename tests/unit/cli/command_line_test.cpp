#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "core/base/file.hpp"
#include "core/base/json.hpp"
#include "run_output.hpp"

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

namespace {

// No plugins, no state: what a test finds does not depend on the machine.
std::string bare(const skerry::TempDir& home) {
  return "HOME=" + home.path().string() + " XDG_DATA_HOME=" + home.path().string() +
         " SKERRY_PLUGIN_PATH= SKERRY_STATE=" + (home.path() / "state").string();
}

TEST(CommandLine, WithoutACommandNamesTheThreeMostUseful) {
  const auto output = test::run_skerry({});
  EXPECT_EQ(output.status, 0);
  EXPECT_THAT(output.out, AllOf(HasSubstr("skerry run -f"), HasSubstr("skerry check"),
                                HasSubstr("skerry plugin ls")));
}

TEST(CommandLine, EveryCommandHasHelpWithAnExample) {
  const std::vector<std::vector<std::string>> commands{{"run"},
                                                       {"check"},
                                                       {"apply"},
                                                       {"get"},
                                                       {"describe"},
                                                       {"status"},
                                                       {"watch"},
                                                       {"logs"},
                                                       {"delete"},
                                                       {"signal"},
                                                       {"node", "token"},
                                                       {"node", "ls"},
                                                       {"node", "revoke"},
                                                       {"node", "rotate"},
                                                       {"model", "ls"},
                                                       {"model", "get"},
                                                       {"plugin", "ls"},
                                                       {"plugin", "inspect"},
                                                       {"plugin", "new"},
                                                       {"plugin", "check"},
                                                       {"admin-key", "new"},
                                                       {"admin-key", "ls"},
                                                       {"admin-key", "revoke"},
                                                       {"audit", "ls"},
                                                       {"audit", "verify"},
                                                       {"audit", "head"},
                                                       {"backup"},
                                                       {"restore"}};
  for (auto command : commands) {
    std::string name = "skerry";
    for (const auto& word : command) name += " " + word;
    command.emplace_back("--help");
    const auto output = test::run_skerry(command);
    EXPECT_EQ(output.status, 0) << name;
    EXPECT_THAT(output.out, AllOf(HasSubstr("Example:"), HasSubstr(name), HasSubstr("--json")))
        << name;
  }
}

TEST(CommandLine, GuessesAMisspeltCommand) {
  const auto output = test::run_skerry({"aply", "-f", "x"});
  EXPECT_EQ(output.status, 2);
  EXPECT_THAT(output.err, AllOf(HasSubstr("\"aply\""), HasSubstr("did you mean \"apply\"")));
  EXPECT_THAT(test::run_skerry({"node", "tokn"}).err,
              AllOf(HasSubstr("\"token\""), HasSubstr("skerry node --help")));
}

TEST(CommandLine, RefusesAWrongNumberOfEdges) {
  for (const std::string edges : {"0", "-3", "many"}) {
    const auto output = test::run_skerry({"run", "-f", "job.yaml", "--edges", edges});
    EXPECT_EQ(output.status, 2) << edges;
    EXPECT_THAT(output.err, HasSubstr("--edges")) << edges;
  }
}

TEST(CommandLine, NamesTheMissingOption) {
  const auto output = test::run_skerry({"run", "--edges", "2"});
  EXPECT_EQ(output.status, 2);
  EXPECT_THAT(output.err, AllOf(HasSubstr("--file"), HasSubstr("skerry run --help")));
}

TEST(CommandLine, AMissingJobFileIsBadInputAndStartsNothing) {
  const auto home = skerry::TempDir::create();
  const std::string out = (home->path() / "results").string();
  const auto output =
      test::run_skerry({"run", "-f", "no/such.yaml", "--edges", "2", "--out", out}, bare(*home));
  EXPECT_EQ(output.status, 2);
  EXPECT_THAT(output.err, AllOf(HasSubstr("no/such.yaml"), HasSubstr("No such file")));
  EXPECT_FALSE(std::filesystem::exists(out));
}

TEST(CommandLine, PutsAProblemInTheFileAndLine) {
  const auto home = skerry::TempDir::create();
  const auto file = home->path() / "job.yaml";
  std::ofstream(file)
      << "apiVersion: skerry.dev/v1alpha1\nkind: Dataset\nmetadata: {name: a}\nspec: {\n";
  const auto output = test::run_skerry({"check", file.string(), "--json"}, bare(*home));
  EXPECT_EQ(output.status, 2);
  EXPECT_THAT(output.err, HasSubstr(file.string() + ":"));
  const auto json = skerry::parse_json(output.out);
  ASSERT_TRUE(json) << output.out;
  EXPECT_EQ(json->at("problems").size(), 1u);
}

TEST(CommandLine, KeepsAFolderThatIsNotAResultOfItsOwn) {
  const auto home = skerry::TempDir::create();
  std::ofstream(home->path() / "letter.txt") << "mine";
  const auto output = test::run_skerry(
      {"run", "-f", "job.yaml", "--edges", "2", "--out", home->path().string()}, bare(*home));
  EXPECT_EQ(output.status, 2);
  EXPECT_THAT(output.err, HasSubstr("holds other files"));
  EXPECT_TRUE(std::filesystem::exists(home->path() / "letter.txt"));
}

TEST(CommandLine, SaysHowToStartACloudWhenNoneRuns) {
  const auto home = skerry::TempDir::create();
  const auto output = test::run_skerry({"get", "jobs", "--json"}, bare(*home));
  EXPECT_EQ(output.status, 1);
  EXPECT_THAT(output.err,
              AllOf(HasSubstr("no skerry-cloud answers at ipc://" + home->path().string()),
                    HasSubstr("skerry-cloud --state"), HasSubstr("--state")));
  EXPECT_EQ(skerry::parse_json(output.out)->at("problems").at(0).at("code"), "unavailable");
}

TEST(CommandLine, NamesTheKindsThereAre) {
  const auto output = test::run_skerry({"get", "jbs"});
  EXPECT_EQ(output.status, 2);
  EXPECT_THAT(output.err,
              AllOf(HasSubstr("job, node, model, dataset"), HasSubstr("did you mean \"job\"")));
}

TEST(CommandLine, ListsPluginsAsJson) {
  const auto home = skerry::TempDir::create();
  const auto output = test::run_skerry({"plugin", "ls", "--json"}, bare(*home));
  EXPECT_EQ(output.status, 0) << output.err;
  const auto json = skerry::parse_json(output.out);
  ASSERT_TRUE(json) << output.out;
  for (const char* key : {"plugins", "shadowed", "refused", "searched"})
    EXPECT_TRUE(json->contains(key)) << key;
}

TEST(CommandLine, RefusesToInspectWhatIsNoPlugin) {
  const auto home = skerry::TempDir::create();
  const auto file = home->path() / "fake.so";
  std::ofstream(file) << "not a library";
  const auto output = test::run_skerry({"plugin", "inspect", file.string()}, bare(*home));
  EXPECT_EQ(output.status, 2);
  EXPECT_THAT(output.err, HasSubstr("fake.so"));
  EXPECT_EQ(test::run_skerry({"plugin", "inspect", "nosuch"}, bare(*home)).status, 2);
}

}  // namespace
