#include "core/plugin/catalog.hpp"

#include <gmock/gmock.h>
#include <sys/stat.h>

#include "core/base/digest.hpp"
#include "tests/unit/plugin/fixtures.hpp"

namespace skerry::plugin {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::HasSubstr;

std::string refusal(const std::string& fixture) {
  const Catalog catalog = Catalog::scan({fixture_folder(fixture)});
  EXPECT_EQ(catalog.problems().size(), 1U);
  EXPECT_TRUE(catalog.features().empty());
  return catalog.problems().empty() ? "none" : catalog.problems()[0].text();
}

TEST(Catalog, ReadsWhatAPluginSaysWithoutLoadingIt) {
  const Catalog catalog = Catalog::scan({fixture_folder("plain_average")});
  ASSERT_TRUE(catalog.problems().empty()) << catalog.problems()[0].text();
  const auto feature = catalog.find("aggregation/1", "plain-average");
  ASSERT_TRUE(feature) << feature.error().text();
  EXPECT_EQ((*feature)->version, "1.2.3");
  EXPECT_EQ((*feature)->summary, "The mean, in C");
  EXPECT_EQ((*feature)->file, fixture_file("plain_average"));
  EXPECT_EQ((*feature)->search_path, fixture_folder("plain_average"));
  EXPECT_EQ((*feature)->schema["properties"]["weighted"]["default"], true);
  EXPECT_EQ(file_digest(**feature).value(), digest_of_file(fixture_file("plain_average"))->hex());
}

TEST(Catalog, ListsAPluginWhoseLibrariesAreMissing) {
  // A scan runs nothing, so that it cannot fail on what is needed to run.
  const Catalog catalog = Catalog::scan({fixture_folder("missing_library")});
  EXPECT_TRUE(catalog.find("aggregation/1", "missing-library"));
}

TEST(Catalog, RefusesAnotherAbiMajorWithBothVersionsAndTheCure) {
  EXPECT_EQ(refusal("other_abi"), fixture_file("other_abi").string() +
                                      ": built for plugin ABI 2, this host speaks 1.0; rebuild it "
                                      "with the SDK of Skerry 0.1.0, or "
                                      "update Skerry to one that speaks 2");
}

TEST(Catalog, RefusesALibraryThatIsNoPlugin) {
  EXPECT_EQ(refusal("not_a_plugin"), fixture_file("not_a_plugin").string() +
                                         ": is a shared library but no Skerry plugin: it has no "
                                         "section .skerry.plugin; build it with "
                                         "skerry_add_plugin");
}

TEST(Catalog, RefusesAPluginWithoutAnEntry) {
  EXPECT_THAT(refusal("no_entry"),
              HasSubstr("describes a plugin but exports no skerry_plugin_entry_v1"));
}

TEST(Catalog, RefusesAPluginWhoseSchemaIsWrong) {
  EXPECT_THAT(
      refusal("bad_manifest"),
      HasSubstr("features[0] (bad-manifest).config.properties.tile: unknown word \"minimun\""));
}

TEST(Catalog, RefusesAFileThatIsNoLibrary) {
  const TempDir dir = temp_dir();
  write(dir.path() / "notes.so", "just text");
  write(dir.path() / "README", "not even tried");
  const Catalog catalog = Catalog::scan({dir.path()});
  ASSERT_EQ(catalog.problems().size(), 1U);
  EXPECT_EQ(catalog.problems()[0].text(),
            (dir.path() / "notes.so").string() +
                ": is no shared library: it does not begin as an ELF file does");
}

TEST(Catalog, UsesTheFirstMatchAndReportsTheOthers) {
  const TempDir dir = temp_dir();
  fs::copy_file(fixture_file("plain_average"), dir.path() / "mine.so");
  const Catalog catalog = Catalog::scan({dir.path(), fixture_folder("plain_average")});
  EXPECT_EQ(catalog.find("aggregation/1", "plain-average").value()->file, dir.path() / "mine.so");
  ASSERT_EQ(catalog.shadowed().size(), 1U);
  EXPECT_EQ(catalog.shadowed()[0].feature.file, fixture_file("plain_average"));
  EXPECT_EQ(catalog.shadowed()[0].used, dir.path() / "mine.so");
}

TEST(Catalog, UsesNeitherOfTwoInOneDirectory) {
  const Catalog catalog = Catalog::scan({fixture_folder("twice")});
  ASSERT_EQ(catalog.problems().size(), 1U);
  const std::string message =
      "both twice_a.so and twice_b.so provide `plain-average` (aggregation/1); remove one of the "
      "two files";
  EXPECT_EQ(catalog.problems()[0].message, message);
  const auto feature = catalog.find("aggregation/1", "plain-average");
  ASSERT_FALSE(feature);
  EXPECT_EQ(feature.error().message,
            "plugin `plain-average` of kind aggregation/1 cannot be used: " +
                fixture_folder("twice").string() + ": " + message);
}

TEST(Catalog, RefusesADirectoryThatAnybodyMayWrite) {
  const TempDir dir = temp_dir();
  fs::copy_file(fixture_file("plain_average"), dir.path() / "a.so");
  ::chmod(dir.path().c_str(), 0777);
  const Catalog catalog = Catalog::scan({dir.path()});
  ASSERT_EQ(catalog.problems().size(), 1U);
  EXPECT_THAT(catalog.problems()[0].message, HasSubstr("anybody may replace files in it"));
}

TEST(Catalog, SaysWhatWasMeantAndWhereItLooked) {
  const Catalog catalog = Catalog::scan({fixture_folder("plain_average"), "/no/such/folder"});
  const auto feature = catalog.find("aggregation/1", "plain-averge");
  ASSERT_FALSE(feature);
  EXPECT_EQ(feature.error().code, Code::not_found);
  EXPECT_EQ(
      feature.error().message,
      "no plugin `plain-averge` of kind aggregation/1. Did you mean `plain-average`? Available: "
      "plain-average. Searched: " +
          fixture_folder("plain_average").string() +
          " (1 feature), /no/such/folder (does not exist)");
}

TEST(Catalog, SaysWhenTheNameIsOfAnotherKind) {
  const Catalog catalog = Catalog::scan({fixture_folder("plain_average")});
  EXPECT_THAT(catalog.find("selection/1", "plain-average").error().message,
              AllOf(HasSubstr("There is one of kind aggregation/1."),
                    HasSubstr("There is none of kind selection/1.")));
}

TEST(Catalog, SaysWhyTheFileWithTheFeatureIsRefused) {
  const Catalog catalog = Catalog::scan({fixture_folder("other_abi")});
  EXPECT_THAT(catalog.find("aggregation/1", "other-abi").error().message,
              AllOf(HasSubstr("plugin `other-abi` of kind aggregation/1 cannot be used: "),
                    HasSubstr("built for plugin ABI 2, this host speaks 1.0")));
}

TEST(Catalog, MentionsRefusedFilesWhenSomethingIsMissing) {
  const Catalog catalog = Catalog::scan({fixture_folder("not_a_plugin")});
  EXPECT_THAT(catalog.find("aggregation/1", "answer").error().message,
              HasSubstr(". Refused: " + fixture_file("not_a_plugin").string() +
                        ": is a shared library but no Skerry plugin"));
}

TEST(Catalog, FindsTheWorkflowOfAResourceKind) {
  Feature workflow;
  workflow.id = "pair";
  workflow.kind = "workflow/1";
  workflow.resource = {{"kind", "PairJob"}, {"spec", {{"type", "object"}}}};
  const Catalog catalog = Catalog::of({workflow});
  EXPECT_EQ(catalog.find_resource("PairJob").value()->id, "pair");
  EXPECT_THAT(catalog.find_resource("PairJbo").error().message,
              HasSubstr("did you mean \"PairJob\"?"));
}

}  // namespace
}  // namespace skerry::plugin
