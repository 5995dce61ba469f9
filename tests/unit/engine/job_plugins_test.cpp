// The code that a job began with, whatever becomes of its plugins' files.
#include "core/engine/job_plugins.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>

#include "core/base/file.hpp"
#include "core/base/json.hpp"
#include "core/engine/unit.hpp"

namespace skerry::engine {
namespace {

namespace fs = std::filesystem;

class TheCodeOfAJob : public testing::Test {
 protected:
  TheCodeOfAJob() {
    must(make_directories(plugins_));
    must(make_directories(kept_));
    fs::copy_file(fs::path(SKERRY_NULL_FIXTURES) / "noop.so", original_);
  }

  std::string plan() const {
    return dump_json({{"workflow", "fixture-echo"},
                      {"pluginPath", {plugins_.string()}},
                      {"spec", Json::object()}});
  }
  std::vector<PluginFile> of(JobPlugins& plugins, const std::string& job = "job.1") const {
    return plugins.of(job, plan(), "fixture-noop");
  }
  void replace() const { std::ofstream(original_, std::ios::app | std::ios::binary) << "newer"; }
  std::string digest() const { return must(digest_of_file(original_)).hex(); }
  std::vector<std::string> kept() const {
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator(kept_))
      if (entry.path().extension() == ".so") names.push_back(entry.path().stem().string());
    std::sort(names.begin(), names.end());
    return names;
  }
  static void expect_all(const std::vector<PluginFile>& files, const std::string& digest) {
    EXPECT_FALSE(files.empty());
    for (const PluginFile& file : files) EXPECT_EQ(file.digest, digest) << file.kind << file.id;
  }

  TempDir dir_ = must(TempDir::create());
  fs::path plugins_ = dir_.path() / "plugins", kept_ = dir_.path() / "kept";
  fs::path original_ = plugins_ / "noop.so";
};

TEST_F(TheCodeOfAJob, IsTheWorkflowAndItsTasksEachWithItsFileAndACopy) {
  JobPlugins plugins(kept_);
  const auto files = of(plugins);
  ASSERT_EQ(files.size(), 4u) << "the workflow and three tasks";
  for (const PluginFile& file : files) {
    EXPECT_EQ(file.file, original_.string());
    EXPECT_EQ(must(read_file(file.copy)), must(read_file(original_)));
  }
  EXPECT_EQ(kept(), std::vector{digest()}) << "one copy for all features";
}

TEST_F(TheCodeOfAJob, StaysWhenItsFileIsReplaced) {
  JobPlugins plugins(kept_);
  const std::string first = digest();
  of(plugins);
  replace();
  expect_all(of(plugins), first);
  expect_all(of(plugins, "job.2"), digest());
  EXPECT_EQ(kept().size(), 2u);
}

TEST_F(TheCodeOfAJob, StaysWhenTheHostStartsAnewAndTheFileIsGone) {
  const std::string first = digest();
  {
    JobPlugins plugins(kept_);
    of(plugins);
  }
  fs::remove(original_);
  JobPlugins plugins(kept_);
  plugins.keep_only({"job.1"});
  const auto files = of(plugins);
  expect_all(files, first);
  EXPECT_EQ(files.size(), 4u);
}

// A worker then refuses another file, with both digests.
TEST_F(TheCodeOfAJob, StaysKnownByItsDigestWhenItsCopyIsGone) {
  const std::string first = digest();
  {
    JobPlugins plugins(kept_);
    of(plugins);
  }
  replace();
  for (const std::string& digest : kept()) fs::remove(kept_ / (digest + ".so"));
  JobPlugins plugins(kept_);
  plugins.keep_only({"job.1"});
  const auto files = of(plugins);
  expect_all(files, first);
  for (const PluginFile& file : files) EXPECT_EQ(file.copy, "");
}

TEST_F(TheCodeOfAJob, StaysKnownAfterAStartWhereThereWasNoRoomForACopy) {
  const std::string first = digest();
  // A folder where the copy would be: it cannot be written.
  must(make_directories(kept_ / (first + ".so")));
  {
    JobPlugins plugins(kept_);
    expect_all(of(plugins), first);
  }
  replace();
  JobPlugins plugins(kept_);
  expect_all(of(plugins), first);
}

TEST_F(TheCodeOfAJob, IsCopiedAgainWhenTheCopyIsDamaged) {
  JobPlugins plugins(kept_);
  of(plugins);
  must(write_file_durably(kept_ / (digest() + ".so"), std::string(fs::file_size(original_), 'x')));
  of(plugins, "job.2");
  EXPECT_EQ(must(digest_of_file(kept_ / (digest() + ".so"))).hex(), digest());
}

TEST_F(TheCodeOfAJob, IsLookedForAnewWhereTheListIsDamaged) {
  for (const char* text : {"", "{", "[1]", R"([{"kind": 1}])", R"([{"kind":"a","id":"b"}])"}) {
    {
      JobPlugins plugins(kept_);
      of(plugins);
    }
    for (const auto& entry : fs::directory_iterator(kept_))
      if (entry.path().extension() == ".json") must(write_file_durably(entry.path(), text));
    JobPlugins plugins(kept_);
    plugins.keep_only({"job.1"});
    expect_all(of(plugins), digest());
    plugins.forget("job.1");
  }
}

TEST_F(TheCodeOfAJob, IsDroppedWithTheLastJobThatHasIt) {
  JobPlugins plugins(kept_);
  of(plugins);
  of(plugins, "job.2");
  plugins.forget("job.1");
  EXPECT_EQ(kept().size(), 1u);
  plugins.forget("job.2");
  EXPECT_TRUE(fs::is_empty(kept_)) << "lists too";
}

TEST_F(TheCodeOfAJob, IsDroppedAtAStartWhenItsJobHasEnded) {
  {
    JobPlugins plugins(kept_);
    of(plugins);
    of(plugins, "job.2");
    replace();
    of(plugins, "job.3");
  }
  JobPlugins plugins(kept_);
  plugins.keep_only({"job.3"});
  EXPECT_EQ(kept(), std::vector{digest()});
}

TEST_F(TheCodeOfAJob, IsKnownByItsDigestAloneWhereNoCopiesAreKept) {
  JobPlugins plugins;
  const std::string first = digest();
  for (const PluginFile& file : of(plugins)) EXPECT_EQ(file.copy, "");
  replace();
  expect_all(of(plugins), first);
}

TEST_F(TheCodeOfAJob, IsKnownByItsDigestAloneWhereThereIsNoRoomForACopy) {
  fs::remove_all(kept_);
  must(write_file_durably(kept_, "no directory"));
  JobPlugins plugins(kept_);
  expect_all(of(plugins), digest());
}

}  // namespace
}  // namespace skerry::engine
