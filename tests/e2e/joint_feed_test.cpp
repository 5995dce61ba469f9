// Services that get their examples from sources and pictures from applications: real hosts, real
// files.
#include <gmock/gmock.h>
#include <signal.h>

#include <algorithm>
#include <fstream>
#include <set>

#include "core/base/file.hpp"
#include "core/runtime/landlock.hpp"
#include "tests/integration/host_processes.hpp"
#include "tests/support/wait.hpp"

namespace skerry::testing {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

constexpr const char* kPictures = SKERRY_SOURCE_DIR "/tests/fixtures/data/images";

class JointFeed : public HostsTest {
 protected:
  void SetUp() override {
    fs::create_directories(inbox());
    fs::create_directories(scratch / "out");
  }
  fs::path inbox() const { return scratch / "inbox"; }

  // Copies of the fixtures' pictures.
  void fill_inbox(int count) const {
    for (int i = 0; i < count; ++i)
      fs::copy_file(fs::path(kPictures) / (i % 2 == 0 ? "dark" : "bright") /
                        (std::to_string(i / 2 % 4) + ".png"),
                    inbox() / ("picture-" + std::to_string(i) + ".png"));
  }
  Process edge_that_may_write() const {
    return start_joined_edge(
        "edge-1", {},
        {"--allow-write", (scratch / "out").string(), "--allow-write", inbox().string()});
  }

  // Two small models that answer something; `more`: what else the spec has.
  void apply(const std::string& more) const {
    const auto file = scratch.write(
        "pictures.yaml",
        "apiVersion: skerry.dev/v1alpha1\nkind: JointInferenceService\nmetadata: {name: pictures}\n"
        "spec:\n  input: {shape: [3, 16, 16], classes: 2}\n"
        "  edge: [{estimator: {plugin: linear}}]\n"
        "  cloud: {estimator: {plugin: linear}}\n  deadline: 20s\n" +
            more);
    const auto applied = ask({"apply", "-f", file.string()});
    ASSERT_TRUE(applied.ok()) << applied.all();
  }
  std::string sources(const std::string& then) const {
    return "  sources: [{plugin: directory, config: {path: " + inbox().string() + then + "}}]\n";
  }
  std::string jsonl() const {
    return "{plugin: jsonl, config: {path: " + (scratch / "out/answers.jsonl").string() + "}}";
  }
  std::string job_text() const { return ask({"get", "jobs"}).out; }
  std::vector<Json> answers() const {
    std::ifstream file(scratch / "out/answers.jsonl");
    return json_lines({std::istreambuf_iterator<char>(file), {}});
  }
};

std::size_t files_in(const fs::path& folder) {
  std::size_t count = 0;
  std::error_code none;
  for (const auto& entry : fs::recursive_directory_iterator(folder, none))
    count += entry.is_regular_file();
  return count;
}

}  // namespace

TEST_F(JointFeed, WhatASourceGivesIsAskedAboutAndWrittenAndTheServiceEndsWithIt) {
  fill_inbox(8);
  Process cloud = start_cloud(), edge = edge_that_may_write();
  apply(
      "  strategy: {plugin: cloud-only}\n  payload: {plugin: image, config: {format: png}}\n"
      "  payloadWhen: always\n" +
      sources(", once: true, then: move, moveTo: " + (scratch / "out/seen").string()) +
      "  sinks: [" + jsonl() + ", {plugin: frame-page, config: {only: all, path: " +
      (scratch / "out/page").string() + "}}]\n" +
      "  labels: {plugin: labelled-images, config: {path: " + (scratch / "out/labels").string() +
      "}}\n  endWithSources: true\n");
  ASSERT_TRUE(eventually([&] { return job_text().find("\"Succeeded\"") != std::string::npos; }))
      << job_text();
  const auto lines = answers();
  ASSERT_EQ(lines.size(), 8u);
  for (std::size_t i = 0; i < lines.size(); ++i) {
    EXPECT_EQ(lines[i].at("name"), "picture-" + std::to_string(i) + ".png");
    EXPECT_EQ(lines[i].at("source"), "cloud") << lines[i];
    EXPECT_EQ(lines[i].at("from"), "sources[0]");
    EXPECT_EQ(lines[i].at("output").size(), 2u);
  }
  EXPECT_EQ(files_in(inbox()), 0u);
  EXPECT_EQ(files_in(scratch / "out/seen"), 8u);
  EXPECT_EQ(files_in(scratch / "out/labels"), 8u);
  EXPECT_TRUE(fs::exists(scratch / "out/page/index.html"));
  const Json record = ask({"describe", "job", "pictures"}).json();
  EXPECT_THAT(record.dump(), HasSubstr("\"encoded\":8"));
  stop(edge);
  stop(cloud);
}

TEST_F(JointFeed, NoPictureIsLostWhenItsWorkersAreKilled) {
  constexpr int kCount = 60;
  Process cloud = start_cloud(), edge = edge_that_may_write();
  apply(sources(", then: delete") + "  sinks: [" + jsonl() + "]\n");
  fill_inbox(kCount / 2);
  ASSERT_TRUE(eventually([&] { return !answers().empty(); })) << job_text();
  for (int round = 0; round < 3; ++round) {
    for (const Running& worker : skerry_processes(scratch / "edge-1", "skerry-worker"))
      ::kill(worker.pid, SIGKILL);
    for (int i = 0; i < 10; ++i) {
      const int number = kCount / 2 + round * 10 + i;
      fs::copy_file(fs::path(kPictures) / "dark/0.png",
                    inbox() / ("picture-" + std::to_string(number) + ".png"));
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(300));
  }
  EXPECT_TRUE(eventually([&] { return files_in(inbox()) == 0; })) << job_text();
  std::set<std::string> seen;
  for (const Json& line : answers())
    if (!line.contains("error")) seen.insert(line.at("name").get<std::string>());
  EXPECT_EQ(seen.size(), static_cast<std::size_t>(kCount));
  stop(edge);
  stop(cloud);
}

// The sandbox of a worker knows only the folder that was there when it began.
TEST_F(JointFeed, AFolderThatIsMadeAnewIsWatchedAgain) {
  Process cloud = start_cloud(), edge = edge_that_may_write();
  fill_inbox(1);
  apply(sources("") + "  sinks: [" + jsonl() + "]\n");
  ASSERT_TRUE(eventually([&] { return !answers().empty(); })) << job_text();
  fs::rename(inbox(), scratch / "old");
  fs::create_directories(inbox());
  fs::copy_file(fs::path(kPictures) / "dark/0.png", inbox() / "later.png");
  EXPECT_TRUE(eventually([&] {
    const auto lines = answers();
    return std::any_of(lines.begin(), lines.end(),
                       [](const Json& line) { return line.at("name") == "later.png"; });
  })) << job_text();
  stop(edge);
  stop(cloud);
}

// A video without its index shows that its sink was not closed.
TEST_F(JointFeed, SinksAreClosedWhenAServiceIsStoppedOrItsHostIs) {
  Process cloud = start_cloud(), edge = edge_that_may_write();
  const auto video = [&](const std::string& name) { return scratch / "out" / (name + ".avi"); };
  const auto apply_video = [&](const std::string& name) {
    apply("  sources: [{plugin: video, config: {loop: true, realTime: true, uri: " SKERRY_SOURCE_DIR
          "/tests/fixtures/data/film.avi}}]\n  sinks: [" +
          jsonl() + ", {plugin: annotated-video, config: {path: " + video(name).string() + "}}]\n");
    const std::size_t before = answers().size();
    ASSERT_TRUE(eventually([&] { return answers().size() > before + 3; })) << job_text();
  };
  const auto is_whole = [&](const std::string& name) {
    return eventually([&] {
      const auto bytes = read_file(video(name));
      return bytes && bytes->find("idx1") != std::string::npos;
    });
  };
  apply_video("stopped");
  EXPECT_TRUE(ask({"signal", "pictures", "stop"}).ok());
  EXPECT_TRUE(is_whole("stopped"));
  EXPECT_TRUE(ask({"delete", "job", "pictures"}).ok());
  apply_video("host-ended");
  stop(edge);
  EXPECT_TRUE(is_whole("host-ended"));
  stop(cloud);
}

TEST_F(JointFeed, ASinkThatMayNotWriteSaysWhatToDo) {
  if (runtime::landlock_version() == 0) GTEST_SKIP() << "this kernel has no Landlock";
  Process cloud = start_cloud(), edge = start_joined_edge("edge-1");
  apply(sources("") + "  sinks: [" + jsonl() + "]\n");
  EXPECT_TRUE(eventually([&] { return job_text().find("--allow-write") != std::string::npos; }))
      << job_text();
  EXPECT_THAT(job_text(), HasSubstr("1 of 1 edges serve"));
  stop(edge);
  stop(cloud);
}

TEST_F(JointFeed, PicturesOfApplicationsAreTakenWhereThereIsAPayload) {
  Process cloud = start_cloud(), edge = start_joined_edge("edge-1");
  apply("  payload: {plugin: image}\n");
  ASSERT_TRUE(eventually([&] {
    return job_text().find("1 of 1 edges serve, 1 of 1 workers") != std::string::npos;
  })) << job_text();
  const auto predict = [&](const fs::path& file) {
    return skerry({"predict", "pictures", "--edge", (scratch / "edge-1").string(), file.string()});
  };
  const auto answered = predict(fs::path(kPictures) / "dark/0.png");
  EXPECT_TRUE(answered.ok()) << answered.all();
  EXPECT_THAT(answered.out, HasSubstr("class "));
  const auto torn = scratch.write("torn.png", "\x89PNG\r\n\x1a\n and no more");
  EXPECT_THAT(predict(torn).err, HasSubstr("image.malformed"));
  const auto none = scratch.write("none.txt", "no picture");
  EXPECT_THAT(predict(none).err, HasSubstr("JPEG, PNG, WebP, BMP or PNM"));
  EXPECT_TRUE(predict(fs::path(kPictures) / "bright/1.png").ok()) << "the service goes on";
  EXPECT_TRUE(ask({"delete", "job", "pictures"}).ok());
  apply("");
  EXPECT_TRUE(eventually([&] {
    return predict(fs::path(kPictures) / "dark/0.png").err.find("type.mismatch") !=
           std::string::npos;
  }));
  stop(edge);
  stop(cloud);
}

}  // namespace skerry::testing
