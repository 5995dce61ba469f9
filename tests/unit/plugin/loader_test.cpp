#include "core/plugin/loader.hpp"

#include <gmock/gmock.h>

#include "tests/unit/plugin/fixtures.hpp"

namespace skerry::plugin {
namespace {

using testing::AllOf;
using testing::HasSubstr;

// The feature as a catalog would give it, whether or not one would list it.
Feature feature_of(const std::string& fixture, const std::string& id) {
  Feature feature;
  feature.id = id;
  feature.kind = "aggregation/1";
  feature.file = fixture_file(fixture);
  feature.search_path = fixture_folder(fixture);
  return feature;
}

std::string refusal(const std::string& fixture, const std::string& id) {
  const auto entry = Loader().load(feature_of(fixture, id));
  return entry ? "none" : entry.error().message;
}

TEST(Loader, GivesTheEntryOfAGoodPlugin) {
  const auto entry = Loader().load(feature_of("plain_average", "plain-average"));
  ASSERT_TRUE(entry) << entry.error().text();
  EXPECT_EQ(entry->entry->abi_major, SKERRY_ABI_MAJOR);
}

TEST(Loader, GivesTheSameEntryToEveryLoader) {
  const Feature feature = feature_of("plain_average", "plain-average");
  EXPECT_EQ(Loader().load(feature).value().entry, Loader().load(feature).value().entry);
}

TEST(Loader, ShowsTheLinkersOwnWordsForAMissingLibrary) {
  EXPECT_THAT(
      refusal("missing_library", "missing-library"),
      HasSubstr(
          "cannot be loaded: libskerry_absent.so: cannot open shared object file: No such file "
          "or directory; install the missing library or rebuild the plugin"));
}

TEST(Loader, RefusesAnotherAbiMajor) {
  EXPECT_THAT(refusal("other_abi", "other-abi"),
              HasSubstr("built for plugin ABI 2, this host speaks 1.0"));
  EXPECT_THAT(
      refusal("wrong_major", "wrong-major"),
      HasSubstr(
          "built for plugin ABI 7.3, this host speaks 1.0; rebuild it with the SDK of Skerry "));
}

TEST(Loader, RefusesAnEntryThatIsNotFilledIn) {
  EXPECT_THAT(refusal("small_entry", "small-entry"),
              AllOf(HasSubstr("its entry says it has 0 bytes, expected at least"),
                    HasSubstr("set struct_size to sizeof(skerry_entry)")));
  EXPECT_EQ(refusal("no_functions", "no-functions"),
            "its entry lacks create, get_interface or destroy; set all three");
  EXPECT_THAT(refusal("no_entry", "no-entry"), HasSubstr("exports no skerry_plugin_entry_v1"));
}

TEST(Loader, RefusesCodeThatIsNotWhatTheSectionPromised) {
  EXPECT_THAT(refusal("disagrees", "promised"),
              HasSubstr("its code and its section .skerry.plugin describe different plugins"));
}

TEST(Loader, RefusesAFileThatWasReplacedSinceTheScan) {
  EXPECT_THAT(refusal("plain_average", "median"),
              HasSubstr("no longer provides `median` (aggregation/1): the file was replaced"));
}

TEST(Loader, RefusesAFileThatIsNoPlugin) {
  EXPECT_THAT(refusal("not_a_plugin", "answer"), HasSubstr("no Skerry plugin"));
  EXPECT_THAT(refusal("nowhere", "answer"), HasSubstr("No such file or directory"));
}

}  // namespace
}  // namespace skerry::plugin
