#include "core/base/log.hpp"

#include <gtest/gtest.h>

#include "core/base/file.hpp"

namespace skerry {
namespace {

class Log : public testing::Test {
 protected:
  ~Log() override { static_cast<void>(init_log({.name = "test", .level = "off"})); }
  std::string content() const { return read_file(file_).value_or(""); }
  TempDir directory_ = TempDir::create().value();
  std::filesystem::path file_ = directory_.path() / "log";
};

TEST_F(Log, WritesLinesOfItsLevelAndAboveWithItsName) {
  ASSERT_TRUE(init_log({.name = "edge-1", .file = file_, .level = "info", .console = false}));
  log_debug("a detail");
  log_info("an event");
  log_error("a fault");
  EXPECT_EQ(content().find("a detail"), std::string::npos);
  EXPECT_NE(content().find("edge-1: an event\n"), std::string::npos);
  EXPECT_NE(content().find("a fault"), std::string::npos);
  EXPECT_FALSE(log_debug_enabled());
}

TEST_F(Log, TakesBracesAsTheyAre) {
  ASSERT_TRUE(init_log({.name = "x", .file = file_, .console = false}));
  log_warn("{} {name} {:d");
  EXPECT_NE(content().find("{} {name} {:d"), std::string::npos);
}

TEST_F(Log, AppendsToAFileThatExists) {
  for (const char* text : {"first", "second"}) {
    ASSERT_TRUE(init_log({.name = "x", .file = file_, .console = false}));
    log_info(text);
  }
  EXPECT_NE(content().find("first"), std::string::npos);
  EXPECT_NE(content().find("second"), std::string::npos);
}

TEST_F(Log, KeepsTheNewestLinesInFilesOfABoundedSize) {
  constexpr std::size_t kMost = 4096;
  ASSERT_TRUE(init_log({.name = "x",
                        .file = directory_.path() / "host.log",
                        .max_bytes = kMost,
                        .old_files = 2,
                        .console = false}));
  for (int i = 0; i < 1000; ++i) log_info("line " + std::to_string(i));
  std::size_t files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(directory_.path())) {
    ++files;
    EXPECT_LE(entry.file_size(), kMost) << entry.path();
  }
  EXPECT_EQ(files, 3u);
  EXPECT_NE(read_file(directory_.path() / "host.log").value().find("line 999\n"),
            std::string::npos);
}

TEST_F(Log, RefusesAnUnknownLevelAndAFileThatCannotBeOpened) {
  const auto level = init_log({.name = "x", .level = "loud"});
  ASSERT_FALSE(level);
  EXPECT_NE(level.error().message.find("allowed are debug, info"), std::string::npos);
  EXPECT_FALSE(init_log({.name = "x", .file = directory_.path()}));
}

}  // namespace
}  // namespace skerry
