// The sink jsonl. Those that write pictures: picture_sink_test.cpp.
#include <gmock/gmock.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <regex>
#include <sstream>

#include "sink_support.hpp"

using namespace sink_test;
using testing::HasSubstr;

namespace {

class Jsonl : public testing::Test {
 protected:
  SinkUnderTest opened(Json config = Json::object(), std::vector<std::int64_t> shape = {2},
                       std::uint32_t classes = 3) {
    config["path"] = path;
    SinkUnderTest sink("jsonl", config);
    const Outcome outcome = sink.open(shape, classes);
    EXPECT_TRUE(outcome.ok()) << outcome;
    return sink;
  }

  // The file's lines without their ends and times; each must have both.
  std::vector<std::string> lines() { return lines_of(path); }
  static std::vector<std::string> lines_of(const std::string& file) {
    static const std::regex time(R"(^\{"time":"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z",(.*)\}\n$)");
    std::vector<std::string> all;
    std::string text = content_of(file);
    while (!text.empty()) {
      const auto end = text.find('\n');
      const std::string line = text.substr(0, end == text.npos ? end : end + 1);
      text.erase(0, line.size());
      std::smatch found;
      EXPECT_TRUE(std::regex_match(line, found, time)) << line;
      all.push_back("{" + found[1].str() + "}");
    }
    return all;
  }
  std::vector<std::uint64_t> numbers() {
    std::vector<std::uint64_t> all;
    for (const std::string& line : lines()) all.push_back(Json::parse(line).at("number"));
    return all;
  }

  Folder folder;
  const std::string path = folder.path("out.jsonl");
};

TEST_F(Jsonl, WritesAnAnswerWithTheMembersThatHttpHas) {
  Said said = of_cloud({0.02F, 0.97F, 0.01F});
  said.number = 7;
  said.seconds = 1.4;
  said.label = 1;
  said.name = "a.png";
  said.score = 0.61;
  said.version = 12;
  said.total_us = 18400;
  said.wire_us = 11200;
  said.queue_us = 300;
  said.compute_us = 5100;
  SinkUnderTest sink = opened();
  EXPECT_TRUE(sink.write(said).ok());
  EXPECT_EQ(
      lines(),
      std::vector<std::string>{
          R"({"service":"digits","from":"sources[0]","number":7,"seconds":1.4,"name":"a.png",)"
          R"("label":1,"output":[0.02,0.97,0.01],"class":1,"confidence":0.97,)"
          R"("source":"cloud","version":12,"hard":true,"fallback":false,"late":false,)"
          R"("score":0.61,"latencyMs":{"total":18.4,"wire":11.2,"queue":0.3,"compute":5.1}})"});
}

TEST_F(Jsonl, WritesAnErrorInPlaceOfAnAnswer) {
  Said said = refusal("cloud.unavailable", "the cloud is \"away\"\nand nobody answers");
  said.hard = true;
  said.number = 3;
  SinkUnderTest sink = opened();
  EXPECT_TRUE(sink.write(said).ok());
  EXPECT_EQ(lines(),
            std::vector<std::string>{R"({"service":"digits","from":"sources[0]","number":3,)"
                                     R"("error":{"code":"cloud.unavailable",)"
                                     R"("message":"the cloud is \"away\"\nand nobody answers"},)"
                                     R"("hard":true,"fallback":false,"late":false,"score":0.5,)"
                                     R"("latencyMs":{"total":0,"wire":0,"queue":0,"compute":0}})"});
}

TEST_F(Jsonl, LeavesOutWhatIsNotKnown) {
  Said said = answer({});
  said.source.clear();
  said.score = std::numeric_limits<double>::quiet_NaN();
  SinkUnderTest sink = opened();
  EXPECT_TRUE(sink.write(said).ok());
  EXPECT_EQ(lines(),
            std::vector<std::string>{
                R"({"service":"digits","number":0,"output":[],"source":"edge","version":1,)"
                R"("hard":false,"fallback":false,"late":false,"score":null,)"
                R"("latencyMs":{"total":0,"wire":0,"queue":0,"compute":0}})"});
}

TEST_F(Jsonl, HasNoClassWhereAnswersAreNumbers) {
  SinkUnderTest sink = opened({}, {2}, 0);
  sink.write(answer({-3, 1e30F}));
  const Json line = Json::parse(lines().at(0));
  EXPECT_FALSE(line.contains("class"));
  EXPECT_FALSE(line.contains("confidence"));
  EXPECT_EQ(line.at("output"), Json::parse("[-3, 1e30]"));
}

TEST_F(Jsonl, WritesOutputsThatReadAsTheSameNumbersAndNullForNone) {
  const std::vector<float> outputs = {0.1F,
                                      1 / 3.0F,
                                      1e-45F,
                                      3.4028235e38F,
                                      -0.0F,
                                      std::numeric_limits<float>::quiet_NaN(),
                                      std::numeric_limits<float>::infinity()};
  SinkUnderTest sink = opened();
  sink.write(answer(outputs));
  const Json line = Json::parse(lines().at(0));
  const Json& output = line.at("output");
  for (std::size_t i = 0; i < 5; ++i) EXPECT_EQ(output[i].get<float>(), outputs[i]);
  EXPECT_TRUE(output[5].is_null());
  EXPECT_TRUE(output[6].is_null());
  EXPECT_EQ(line.at("class"), 6);
  EXPECT_TRUE(line.at("confidence").is_null());
}

TEST_F(Jsonl, KeepsToOneLineWhateverNamesHave) {
  Said said = answer({1, 0, 0});
  said.name = "a\nb\r\t\"\\\x01 \xC3\xA9 \xFF \xE2\x82.png";
  SinkUnderTest sink = opened();
  EXPECT_TRUE(sink.write(said).ok());
  ASSERT_EQ(lines().size(), 1U);
  EXPECT_EQ(Json::parse(lines()[0]).at("name"),
            "a\nb\r\t\"\\\x01 \xC3\xA9 \xEF\xBF\xBD \xEF\xBF\xBD.png");
}

TEST_F(Jsonl, WritesTheExampleAsAQuestionOverHttpHasIt) {
  SinkUnderTest sink = opened({{"example", true}, {"outputs", false}}, {1, 1, 2});
  Said levels = answer({1, 0, 0}), values = answer({1, 0, 0});
  levels.levels = {0, 255};
  values.values = {0.25F, -1};
  sink.write(levels);
  sink.write(values);
  const auto all = lines();
  ASSERT_EQ(all.size(), 2U);
  EXPECT_THAT(all[0], HasSubstr(R"("tensor":{"shape":[1,1,2],"data":[0,255]},"dtype":"uint8",)"));
  EXPECT_THAT(all[1],
              HasSubstr(R"("tensor":{"shape":[1,1,2],"data":[0.25,-1]},"dtype":"float32",)"));
  EXPECT_FALSE(Json::parse(all[0]).contains("output"));
}

TEST_F(Jsonl, TakesOnlyWhatItIsToldTo) {
  Said easy = answer({1, 0, 0}), hard = easy, cloud = of_cloud({1, 0, 0}), late = cloud,
       fallback = hard;
  hard.hard = fallback.hard = fallback.fallback = true;
  late.late = true;
  std::vector<Said> all = {easy, hard, cloud, late, fallback};
  for (std::size_t i = 0; i < all.size(); ++i) all[i].number = i;
  const std::map<std::string, std::vector<std::uint64_t>> taken = {{"all", {0, 1, 2, 3, 4}},
                                                                   {"hard", {1, 2, 3, 4}},
                                                                   {"cloud", {2, 3}},
                                                                   {"late", {3}},
                                                                   {"fallback", {4}}};
  for (const auto& [only, expected] : taken) {
    std::filesystem::remove(path);
    SinkUnderTest sink = opened({{"only", only}});
    for (const Said& each : all) EXPECT_TRUE(sink.write(each).ok());
    EXPECT_EQ(numbers(), expected) << only;
  }
}

TEST_F(Jsonl, AppendsToWhatIsThere) {
  opened().write(answer({1, 0, 0}));
  opened().write(answer({1, 0, 0}));
  EXPECT_EQ(lines().size(), 2U);
}

TEST_F(Jsonl, EndsALineThatAKilledWorkerLeftWithoutAnEnd) {
  folder.write("out.jsonl", "{\"torn\":");
  SinkUnderTest sink = opened();
  EXPECT_EQ(content_of(path), "{\"torn\":\n");
  sink.write(answer({1, 0, 0}));
  const std::string text = content_of(path);
  EXPECT_EQ(text.rfind("{\"torn\":\n{\"time\":", 0), 0U) << text;
  opened();
  EXPECT_EQ(content_of(path), text) << "a whole line is left as it is";
}

TEST_F(Jsonl, BeginsANewFileWhenTheOldOneIsFullAndKeepsOneOlder) {
  SinkUnderTest sink = opened({{"maxBytes", 1024}});
  const auto write = [&](std::uint64_t number) {
    Said said = answer({1, 0, 0});
    said.number = number;
    said.name = std::string(200, 'x');
    EXPECT_TRUE(sink.write(said).ok());
  };
  write(1);
  const std::size_t a_line = content_of(path).size();
  ASSERT_TRUE(2 * a_line <= 1024 && 3 * a_line > 1024) << a_line;
  write(2);
  EXPECT_EQ(names_in(folder.path("")), std::vector<std::string>{"out.jsonl"});
  write(3);
  EXPECT_EQ(names_in(folder.path("")), (std::vector<std::string>{"out.jsonl", "out.jsonl.1"}));
  EXPECT_EQ(lines().size(), 1U);
  EXPECT_EQ(lines_of(path + ".1").size(), 2U);
  write(4);
  write(5);
  EXPECT_EQ(numbers(), std::vector<std::uint64_t>{5});
  EXPECT_THAT(lines_of(path + ".1").at(0), HasSubstr("\"number\":3,"));
}

TEST_F(Jsonl, WritesALineThatIsLargerThanAFileMayBe) {
  SinkUnderTest sink = opened({{"maxBytes", 1024}});
  Said large = answer({1, 0, 0});
  large.name = std::string(2000, 'x');
  EXPECT_TRUE(sink.write(large).ok());
  EXPECT_TRUE(sink.write(large).ok());
  EXPECT_EQ(lines().size(), 1U);
  EXPECT_EQ(lines_of(path + ".1").size(), 1U);
}

TEST_F(Jsonl, BeginsAnewWhenSomebodyMovesTheFileAway) {
  SinkUnderTest sink = opened();
  sink.write(answer({1, 0, 0}));
  std::filesystem::rename(path, path + ".moved");
  sink.write(answer({1, 0, 0}));
  EXPECT_EQ(lines().size(), 1U);
  EXPECT_EQ(lines_of(path + ".moved").size(), 1U);
}

// As while one version of a service takes the place of another.
TEST_F(Jsonl, SharesAFileWithAnotherWorker) {
  constexpr std::uint64_t kLines = 2000;
  constexpr std::size_t kBytes = 3000;
  const auto write_all = [&](const std::string& source) {
    SinkUnderTest sink = opened({{"maxBytes", kBytes}});
    Said said = answer({1, 0, 0});
    said.source = source;
    for (said.number = 0; said.number < kLines; ++said.number)
      if (!sink.write(said).ok()) return false;
    return true;
  };
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) std::_Exit(write_all("sources[1]") ? 0 : 1);
  EXPECT_TRUE(write_all("sources[0]"));
  int status = -1;
  ::waitpid(child, &status, 0);
  EXPECT_EQ(status, 0);
  // Each source's lines are there without a gap, over both files; lines_of() fails for a torn one.
  std::map<std::string, std::uint64_t> next;
  for (const std::string& file : {path + ".1", path}) {
    EXPECT_LE(std::filesystem::file_size(file), kBytes);
    for (const std::string& line : lines_of(file)) {
      const Json told = Json::parse(line);
      const std::uint64_t number = told.at("number");
      const auto [expected, first] = next.try_emplace(told.at("from"), number);
      EXPECT_EQ(number, expected->second) << told.at("from");
      expected->second = number + 1;
    }
  }
  EXPECT_FALSE(next.empty());
}

TEST_F(Jsonl, LeavesNoHalfLineOnAFullDiskAndGoesOnWhenThereIsRoom) {
  SinkUnderTest sink = opened();
  Said said = answer({1, 0, 0});
  EXPECT_TRUE(sink.write(said).ok());
  const std::string before = content_of(path);
  {
    const FullDisk full(before.size() + 40);
    for (int attempt = 0; attempt < 2; ++attempt) {
      const Outcome outcome = sink.write(said);
      EXPECT_EQ(outcome.status, SKERRY_FAILED) << outcome;
      EXPECT_THAT(outcome.message, HasSubstr(path + ": cannot be written: File too large"));
      EXPECT_EQ(content_of(path), before);
    }
  }
  said.number = 1;
  EXPECT_TRUE(sink.write(said).ok());
  EXPECT_EQ(numbers(), (std::vector<std::uint64_t>{0, 1}));
}

TEST_F(Jsonl, LeavesNoHalfLineWhereTheDiskItselfIsFull) {
  const std::string disk = folder.path("disk");
  const SmallDisk small(disk, 64 * 1024);
  if (!small.mounted()) GTEST_SKIP() << "only root can mount a small disk";
  SinkUnderTest sink("jsonl", {{"path", disk + "/out.jsonl"}});
  EXPECT_TRUE(sink.open({2}, 3).ok());
  Said said = answer({1, 0, 0});
  said.name = std::string(1000, 'x');
  Outcome outcome;
  for (; said.number < 100 && outcome.ok(); ++said.number) outcome = sink.write(said);
  EXPECT_EQ(outcome.status, SKERRY_FAILED);
  EXPECT_EQ(outcome.message, disk + "/out.jsonl: cannot be written: No space left on device");
  EXPECT_GT(lines_of(disk + "/out.jsonl").size(), 30U);
}

TEST_F(Jsonl, SaysWhichFolderIsMissingAndHowToAllowIt) {
  const std::string missing = folder.path("no-such");
  SinkUnderTest sink("jsonl", {{"path", missing + "/out.jsonl"}});
  const Outcome outcome = sink.open({2}, 3);
  EXPECT_EQ(outcome.status, SKERRY_INVALID_ARGUMENT);
  EXPECT_EQ(outcome.field, "path");
  EXPECT_EQ(outcome.message, missing + ": no such folder. Make it, and start the edge with " +
                                 "`skerry-edge --allow-write " + missing + "`");
}

TEST_F(Jsonl, SaysHowToAllowAFolderThatItMayNotWriteTo) {
  const std::string closed = folder.path("closed");
  std::filesystem::create_directory(closed);
  ::chmod(closed.c_str(), 0555);
  SinkUnderTest sink("jsonl", {{"path", closed + "/out.jsonl"}});
  const NotRoot here;
  const Outcome outcome = sink.open({2}, 3);
  EXPECT_EQ(outcome.status, SKERRY_INVALID_ARGUMENT);
  EXPECT_EQ(outcome.field, "path");
  EXPECT_EQ(outcome.message,
            closed + "/out.jsonl: cannot be written: Permission denied. Workers write only where " +
                "the edge was told to let them: start it with `skerry-edge --allow-write " +
                closed + "`, as a user who may write there");
}

// To move the file away, the folder must be writable too.
TEST_F(Jsonl, SaysSoAtOnceWhereItCouldWriteButNotRotate) {
  const std::string file = folder.write("closed/out.jsonl", "");
  ::chmod(folder.path("").c_str(), 0755);
  ::chmod(file.c_str(), 0666);
  ::chmod(folder.path("closed").c_str(), 0555);
  SinkUnderTest grows("jsonl", {{"path", file}}),
      rotates("jsonl", {{"path", file}, {"maxBytes", 1024}});
  const NotRoot here;
  const Outcome grown = grows.open({2}, 3), rotated = rotates.open({2}, 3);
  EXPECT_TRUE(grown.ok()) << grown;
  EXPECT_EQ(rotated.status, SKERRY_INVALID_ARGUMENT);
  EXPECT_THAT(rotated.message, HasSubstr(folder.path("closed") + ": cannot be written"));
}

TEST_F(Jsonl, RefusesWhatIsNoFile) {
  SinkUnderTest folder_itself("jsonl", {{"path", folder.path("")}});
  EXPECT_THAT(folder_itself.open({2}, 3).message, HasSubstr("cannot be written: Is a directory"));
  ::mkfifo(path.c_str(), 0600);
  SinkUnderTest pipe("jsonl", {{"path", path}});
  EXPECT_EQ(pipe.open({2}, 3).message, path + ": not a file; lines are appended to a file");
}

TEST_F(Jsonl, RefusesConfigurationsThatMakeNoSense) {
  PluginUnderTest plugin("jsonl");
  const Outcome only = plugin.create_outcome("jsonl", "sink/1", {{"path", path}, {"only", "hart"}});
  EXPECT_EQ(only.field, "only");
  EXPECT_EQ(only.message,
            "\"hart\" is not known. Allowed: all, hard, cloud, late, fallback. Did you mean "
            "\"hard\"?");
  EXPECT_EQ(plugin.create_outcome("jsonl", "sink/1", {{"path", path}, {"maxBytes", 10}}).message,
            "must be at least 1024");
  EXPECT_EQ(plugin.create_outcome("jsonl", "sink/1", Json::object()).field, "path");
}

}  // namespace
