#include "core/plugin/loader.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/stat.h>

#include <fstream>

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

// A plugin that brings two libraries along, in a folder where a test can spoil them.
class Neighbours : public testing::Test {
 protected:
  Neighbours() {
    feature_.id = "with-neighbours";
    feature_.kind = "aggregation/1";
    feature_.search_path = dir_.path();
    feature_.file = dir_.path() / "with_neighbours.so";
    for (const std::string& name : {plugin_, outer_, inner_}) {
      std::filesystem::copy(fixture_folder("with_neighbours") / name, dir_.path() / name);
      ::chmod((dir_.path() / name).c_str(), 0644);
    }
  }
  std::string refusal() const {
    const auto loaded = Loader().load(feature_);
    return loaded ? "none" : loaded.error().text();
  }

  const TempDir dir_ = temp_dir();
  const std::string plugin_ = "with_neighbours.so", outer_ = "libfixture_outer.so",
                    inner_ = "libfixture_inner.so";
  Feature feature_;
};

// Before a test loads them: what was loaded stays, and is not looked at again.
TEST_F(Neighbours, AreRefusedWhenOthersMayWriteThem) {
  ::chmod((dir_.path() / inner_).c_str(), 0664);
  EXPECT_THAT(refusal(), AllOf(HasSubstr(inner_), HasSubstr("may write to it")));
  ::chmod((dir_.path() / inner_).c_str(), 0644);
  ::chmod((dir_.path() / outer_).c_str(), 0646);
  EXPECT_THAT(refusal(), AllOf(HasSubstr(outer_), HasSubstr("anybody may write to it")));
}

TEST_F(Neighbours, AreRefusedInAFolderWhereOthersMayReplaceThem) {
  ::chmod(dir_.path().c_str(), 0775);
  EXPECT_THAT(refusal(), HasSubstr("may replace files in it"));
}

TEST_F(Neighbours, AreRefusedWhenTheyAreLinksOutOfTheFolder) {
  const TempDir elsewhere = temp_dir();
  std::filesystem::rename(dir_.path() / inner_, elsewhere.path() / inner_);
  std::filesystem::create_symlink(elsewhere.path() / inner_, dir_.path() / inner_);
  EXPECT_THAT(refusal(), HasSubstr("a link that leads out of its directory"));
}

TEST_F(Neighbours, AreRefusedWhenTheyAreNoLibraries) {
  write(dir_.path() / inner_, "no library");
  EXPECT_THAT(refusal(), AllOf(HasSubstr(inner_), HasSubstr("is no shared library")));
}

TEST_F(Neighbours, RunFromCopiesThatNobodyCanChange) {
  const auto loaded = Loader().load(feature_);
  ASSERT_TRUE(loaded) << loaded.error().text();
  for (const std::string& name : {plugin_, outer_, inner_}) {
    const auto file = open_file(dir_.path() / name, O_WRONLY | O_TRUNC);
    ASSERT_TRUE(file);
  }
  skerry_instance* none = nullptr;
  EXPECT_EQ(loaded->entry->create(nullptr, nullptr, nullptr, {}, &none, nullptr), 42);
  std::ifstream maps("/proc/self/maps");
  for (std::string line; std::getline(maps, line);)
    EXPECT_EQ(line.find(dir_.path().string()), std::string::npos) << line;
}

}  // namespace
}  // namespace skerry::plugin
