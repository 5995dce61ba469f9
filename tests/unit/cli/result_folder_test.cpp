#include <gtest/gtest.h>

#include <fstream>

#include "core/base/file.hpp"
#include "core/base/json.hpp"
#include "hosts/cli/run/result_folder.hpp"

using skerry::cli::ResultFolder;

namespace {

TEST(ResultFolder, IsNamedAfterTheJobAndTheTime) {
  const auto path = ResultFolder::choose("", "digits");
  EXPECT_EQ(path.parent_path().filename(), "skerry-out");
  EXPECT_EQ(path.filename().string().rfind("digits-20", 0), 0u);
  EXPECT_EQ(path.filename().string().size(), std::string("digits-20260101-120000").size());
}

TEST(ResultFolder, TakesAnEmptyOrANewFolderAndAnEarlierResult) {
  const auto home = skerry::TempDir::create();
  EXPECT_TRUE(ResultFolder::check(home->path()));
  EXPECT_TRUE(ResultFolder::check(home->path() / "new"));
  ASSERT_TRUE(ResultFolder::claim(home->path()));
  EXPECT_TRUE(ResultFolder::check(home->path()));
}

TEST(ResultFolder, RefusesAFolderOfOtherFilesAndAFile) {
  const auto home = skerry::TempDir::create();
  std::ofstream(home->path() / "job.yaml") << "kind: Mine";
  EXPECT_FALSE(ResultFolder::check(home->path()));
  EXPECT_FALSE(ResultFolder::claim(home->path()));
  EXPECT_FALSE(ResultFolder::check(home->path() / "job.yaml"));
  EXPECT_EQ(*skerry::read_file(home->path() / "job.yaml"), "kind: Mine");
}

TEST(ResultFolder, LeavesNothingOfAnEarlierRun) {
  const auto home = skerry::TempDir::create();
  auto first = ResultFolder::claim(home->path());
  ASSERT_TRUE(first);
  ASSERT_TRUE(first->add_record({{"round", 1}}));
  ASSERT_TRUE(first->write("model.safetensors", "old"));
  auto second = ResultFolder::claim(home->path());
  ASSERT_TRUE(second);
  EXPECT_FALSE(std::filesystem::exists(second->model()));
  ASSERT_TRUE(second->add_record({{"round", 7}}));
  EXPECT_EQ(*skerry::read_file(home->path() / "metrics.jsonl"), "{\"round\":7}\n");
}

TEST(ResultFolder, KeepsTheLogsOfAHostAndItsWorkers) {
  const auto home = skerry::TempDir::create();
  const auto state = home->path() / "state";
  std::filesystem::create_directories(state / "log");
  std::ofstream(state / "log/host.log") << "host";
  std::ofstream(state / "log/worker-1.log") << "worker";
  std::ofstream(state / "log/empty.log");
  auto folder = ResultFolder::claim(home->path() / "out");
  ASSERT_TRUE(folder);
  folder->keep_logs("edge-1", state);
  EXPECT_EQ(*skerry::read_file(folder->path() / "logs/edge-1.log"), "host");
  EXPECT_EQ(*skerry::read_file(folder->path() / "logs/edge-1-worker-1.log"), "worker");
  EXPECT_FALSE(std::filesystem::exists(folder->path() / "logs/edge-1-empty.log"));
}

TEST(ResultFolder, KeepsTheConsoleOfAHostThatNeverLogged) {
  const auto home = skerry::TempDir::create();
  std::ofstream(home->path() / "console.log") << "cannot start";
  auto folder = ResultFolder::claim(home->path() / "out");
  ASSERT_TRUE(folder);
  folder->keep_logs("cloud", home->path());
  EXPECT_EQ(*skerry::read_file(folder->path() / "logs/cloud.log"), "cannot start");
}

}  // namespace
