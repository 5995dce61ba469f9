// The test kit's own power cut: it takes what was not synced, and nothing else.
#include <gtest/gtest.h>

#include "core/base/file.hpp"
#include "core/base/power_journal.hpp"
#include "tests/fault/support/memory_folder.hpp"
#include "tests/fault/support/power_cut.hpp"

#include <fcntl.h>

namespace skerry::fault {
namespace {

namespace fs = std::filesystem;

class FilesInAPowerCut : public ::testing::Test {
 protected:
  FilesInAPowerCut() {
    fs::create_directories(state());
    power_journal::keep_at(journal());
  }
  ~FilesInAPowerCut() override { power_journal::keep_at({}); }

  Lost cut(std::uint64_t seed = 0) {
    power_journal::keep_at({});
    auto lost = apply_power_cut(journal(), seed);
    EXPECT_TRUE(lost.has_value()) << lost.error().text();
    EXPECT_FALSE(fs::exists(journal()));
    power_journal::keep_at(journal());
    return lost.value_or(Lost{});
  }
  UniqueFd make(const std::string& name, const std::string& text) const {
    auto file = open_file(state() / name, O_WRONLY | O_CREAT);
    EXPECT_TRUE(file.has_value());
    EXPECT_TRUE(write_all(file->get(), as_bytes(text), state() / name).has_value());
    return std::move(*file);
  }
  void sync(const UniqueFd& file) const { EXPECT_TRUE(sync_data(file.get(), state()).has_value()); }
  void sync_state() const { EXPECT_TRUE(sync_directory(state()).has_value()); }
  std::string text(const std::string& name) const {
    return read_file(state() / name).value_or("(gone)");
  }

  fs::path state() const { return folder_.path() / "state"; }
  fs::path journal() const { return folder_.path() / "journal"; }

  TempDir folder_ = memory_folder().value();
};

TEST_F(FilesInAPowerCut, KeepWhatWasWrittenDurably) {
  ASSERT_TRUE(write_file_durably(state() / "a", std::string_view("kept")));
  cut();
  EXPECT_EQ(text("a"), "kept");
}

// In a life before, as far as this journal knows.
TEST_F(FilesInAPowerCut, KeepWhatWasThereBeforeWhateverItIsCalledNow) {
  power_journal::keep_at({});
  for (const char* name : {"renamed", "removed"})
    ASSERT_TRUE(write_file_durably(state() / name, std::string_view("kept")));
  ASSERT_TRUE(begin_power_journal(journal(), state()));
  power_journal::keep_at(journal());
  ASSERT_TRUE(rename_durably(state() / "renamed", state() / "now"));
  ASSERT_TRUE(remove_file(state() / "removed"));
  cut();
  EXPECT_EQ(text("now"), "kept");
  EXPECT_EQ(text("removed"), "kept");
}

TEST_F(FilesInAPowerCut, AreGoneWhenTheirDirectoryWasNotSynced) {
  sync(make("a", "text"));
  cut();
  EXPECT_EQ(text("a"), "(gone)");
}

TEST_F(FilesInAPowerCut, LoseTheEndThatWasNotSynced) {
  const UniqueFd file = make("a", "synced");
  sync(file);
  sync_state();
  ASSERT_TRUE(write_all(file.get(), as_bytes(std::string_view(" and not")), state()));
  const Lost lost = cut();
  EXPECT_EQ(text("a"), "synced");
  EXPECT_EQ(lost.files_cut, 1);
}

TEST_F(FilesInAPowerCut, GoBackToTheirOldNameAndLeaveTheFileThatTheyReplaced) {
  ASSERT_TRUE(write_file_durably(state() / "old", std::string_view("first")));
  ASSERT_TRUE(write_file_durably(state() / "new", std::string_view("second")));
  ASSERT_TRUE(rename_file(state() / "new", state() / "old"));
  cut();
  EXPECT_EQ(text("old"), "first");
  EXPECT_EQ(text("new"), "second");
}

TEST_F(FilesInAPowerCut, KeepANameThatWasMadeDurable) {
  sync(make("a", "text"));
  ASSERT_TRUE(rename_durably(state() / "a", state() / "b"));
  cut();
  EXPECT_EQ(text("b"), "text");
}

TEST_F(FilesInAPowerCut, HaveANameButNoContentWhenOnlyTheNameWasSynced) {
  make("a", "text");
  ASSERT_TRUE(rename_durably(state() / "a", state() / "b"));
  cut();
  EXPECT_EQ(text("b"), "");
}

TEST_F(FilesInAPowerCut, ComeBackWhenTheirRemovalWasNotSynced) {
  ASSERT_TRUE(write_file_durably(state() / "a", std::string_view("text")));
  ASSERT_TRUE(remove_file(state() / "a"));
  cut();
  EXPECT_EQ(text("a"), "text");
  ASSERT_TRUE(remove_file(state() / "a"));
  sync_state();
  cut();
  EXPECT_EQ(text("a"), "(gone)");
}

TEST_F(FilesInAPowerCut, AreGoneWithAFolderThatWasNotSynced) {
  ASSERT_TRUE(make_directory(state() / "folder"));
  ASSERT_TRUE(write_file_durably(state() / "folder" / "a", std::string_view("text")));
  cut();
  EXPECT_FALSE(fs::exists(state() / "folder"));
  ASSERT_TRUE(make_directories(state() / "other"));
  ASSERT_TRUE(write_file_durably(state() / "other" / "a", std::string_view("text")));
  cut();
  EXPECT_EQ(text("other/a"), "text");
}

TEST_F(FilesInAPowerCut, SurviveByChanceAsTheSeedSays) {
  int survived = 0;
  for (std::uint64_t seed = 1; seed < 200; seed += 4) {
    make("a", "text");
    survived += cut(seed).survived;
    fs::remove(state() / "a");
  }
  EXPECT_GT(survived, 2);
  EXPECT_LT(survived, 30);
}

}  // namespace
}  // namespace skerry::fault
