// The source video: files that OpenCV wrote, and a stream of pictures over HTTP from a thread of
// the test.
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <cmath>
#include <opencv2/imgcodecs.hpp>
#include <opencv2/videoio.hpp>
#include <random>
#include <thread>

#include "source_support.hpp"

using namespace skerry_test;
using namespace std::chrono_literals;
using nlohmann::json;
using Clock = std::chrono::steady_clock;

namespace {

constexpr int kWidth = 64, kHeight = 48;
constexpr int kNear = 4;  // grey levels that JPEG may change

cv::Mat grey_frame(int level) {
  return cv::Mat(kHeight, kWidth, CV_8UC3, cv::Scalar::all(level));
}

std::uint64_t number_of(const Given& given) {
  return given.number;
}
template <class Value>
std::vector<std::invoke_result_t<Value, const Given&>> each_of(const std::vector<Given>& all,
                                                               Value value) {
  std::vector<std::invoke_result_t<Value, const Given&>> values;
  for (const Given& given : all) values.push_back(value(given));
  return values;
}

class VideoSource : public testing::Test {
 protected:
  // Frame i is grey, of level 8 * i.
  std::string film(int frames, double rate = 10) {
    std::string path = folder.path("film.avi");
    cv::VideoWriter writer(path, cv::VideoWriter::fourcc('M', 'J', 'P', 'G'), rate,
                           {kWidth, kHeight});
    for (int i = 0; i < frames; ++i) writer.write(grey_frame(8 * i));
    return path;
  }
  // Frames that do not compress, so that most of the file is frames.
  std::string content_of_noisy_film(int frames) {
    const std::string path = folder.path("noise.avi");
    {
      cv::VideoWriter writer(path, cv::VideoWriter::fourcc('M', 'J', 'P', 'G'), 10,
                             {kWidth, kHeight});
      cv::Mat noise(kHeight, kWidth, CV_8UC3);
      for (int i = 0; i < frames; ++i) {
        cv::randu(noise, 0, 256);
        writer.write(noise);
      }
    }
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }

  std::vector<Given> all_of(const json& config) {
    SourceUnderTest source(plugin, "video", config);
    source.must_open({kHeight, kWidth});
    return source.all();
  }
  Outcome refused(const json& config, const SourceUnderTest::Shape& shape = {kHeight, kWidth}) {
    SourceUnderTest source(plugin, "video", config);
    Outcome outcome = source.open(shape);
    EXPECT_EQ(outcome.status, SKERRY_INVALID_ARGUMENT) << outcome;
    return outcome;
  }
  std::string refusal_of_uri(const std::string& uri) {
    const Outcome outcome = plugin.create_outcome("video", "source/1", {{"uri", uri}});
    EXPECT_EQ(outcome.status, SKERRY_INVALID_ARGUMENT) << uri << ": " << outcome;
    EXPECT_EQ(outcome.field, "uri");
    return outcome.message;
  }

  Folder folder;
  PluginUnderTest plugin{"video"};
};

// ---- files

TEST_F(VideoSource, GivesEachFrameOfAFileWithItsTime) {
  const auto frames = all_of({{"uri", film(20)}});
  ASSERT_EQ(frames.size(), 20U);
  for (std::size_t i = 0; i < frames.size(); ++i) {
    EXPECT_EQ(frames[i].number, i);
    EXPECT_NEAR(frames[i].seconds, 0.1 * static_cast<double>(i), 1e-6);
    EXPECT_NEAR(frames[i].mean(), 8 * static_cast<int>(i), kNear);
    EXPECT_EQ(frames[i].label, -1);
    EXPECT_EQ(frames[i].name, "");
    EXPECT_EQ(frames[i].shape, (std::vector<std::int64_t>{kHeight, kWidth}));
  }
}

TEST_F(VideoSource, GivesEveryNthFrameAndCountsTheOthers) {
  const auto frames = all_of({{"uri", film(20)}, {"every", 7}});
  EXPECT_EQ(each_of(frames, number_of), (std::vector<std::uint64_t>{0, 7, 14}));
  EXPECT_NEAR(frames.at(2).mean(), 8 * 14, kNear);
  EXPECT_NEAR(frames.at(2).seconds, 1.4, 1e-6);
}

TEST_F(VideoSource, NeedsNoTimeToWaitInForAFileThatPassesFramesOver) {
  SourceUnderTest source(plugin, "video", {{"uri", film(20)}, {"every", 7}});
  source.must_open({kHeight, kWidth});
  EXPECT_EQ(source.next(0ms).value().number, 0U);
  EXPECT_EQ(source.next(0ms).value().number, 7U);
}

TEST_F(VideoSource, EndsAtTheLimitAndStaysEnded) {
  SourceUnderTest source(plugin, "video", {{"uri", film(20)}, {"every", 2}, {"limit", 3}});
  source.must_open({kHeight, kWidth});
  EXPECT_EQ(each_of(source.all(), number_of), (std::vector<std::uint64_t>{0, 2, 4}));
  EXPECT_FALSE(source.next(0ms).has_value());
  EXPECT_TRUE(source.ended());
}

TEST_F(VideoSource, BeginsAFileAnewWithNumbersAndTimesThatGoOn) {
  const auto frames = all_of({{"uri", film(5)}, {"loop", true}, {"limit", 12}});
  ASSERT_EQ(frames.size(), 12U);
  for (std::size_t i = 0; i < frames.size(); ++i) {
    EXPECT_EQ(frames[i].number, i);
    EXPECT_NEAR(frames[i].seconds, 0.1 * static_cast<double>(i), 1e-6);
    EXPECT_NEAR(frames[i].mean(), 8 * static_cast<int>(i % 5), kNear);
  }
}

TEST_F(VideoSource, PassesFramesOverAcrossTheEndOfALoop) {
  const auto frames = all_of({{"uri", film(5)}, {"loop", true}, {"every", 7}, {"limit", 3}});
  EXPECT_EQ(each_of(frames, number_of), (std::vector<std::uint64_t>{0, 7, 14}));
  EXPECT_NEAR(frames.at(1).mean(), 8 * 2, kNear);
  EXPECT_NEAR(frames.at(2).mean(), 8 * 4, kNear);
}

TEST_F(VideoSource, GivesFramesNoSoonerThanTheyWereTakenInRealTime) {
  SourceUnderTest source(plugin, "video", {{"uri", film(3, 5)}, {"realTime", true}});
  source.must_open({kHeight, kWidth});
  const auto began = Clock::now();
  EXPECT_EQ(source.next(0ms).value().number, 0U);
  EXPECT_FALSE(source.next(0ms).has_value());
  EXPECT_FALSE(source.ended());
  const auto frames = source.all();
  EXPECT_EQ(frames.size(), 2U) << "a frame was lost";
  EXPECT_GE(Clock::now() - began, 400ms);
}

TEST_F(VideoSource, ScalesFramesToPlanesOfRedGreenAndBlue) {
  const std::string path = folder.path("colours.avi");
  {
    cv::Mat frame(kHeight, kWidth, CV_8UC3, cv::Scalar(200, 40, 10));  // blue
    frame.colRange(0, kWidth / 2).setTo(cv::Scalar(20, 60, 210));      // red
    cv::VideoWriter writer(path, cv::VideoWriter::fourcc('M', 'J', 'P', 'G'), 10,
                           {kWidth, kHeight});
    writer.write(frame);
  }
  SourceUnderTest source(plugin, "video", {{"uri", path}});
  source.must_open({3, 12, 16});
  const Given given = source.next().value();
  EXPECT_EQ(given.shape, (std::vector<std::int64_t>{3, 12, 16}));
  const auto at = [&](std::size_t channel, std::size_t y, std::size_t x) {
    return static_cast<int>(given.levels[(channel * 12 + y) * 16 + x]);
  };
  const int left[] = {210, 60, 20}, right[] = {10, 40, 200};
  for (std::size_t channel = 0; channel < 3; ++channel) {
    EXPECT_NEAR(at(channel, 2, 3), left[channel], 8) << channel;
    EXPECT_NEAR(at(channel, 9, 12), right[channel], 8) << channel;
  }
}

TEST_F(VideoSource, EndsADamagedFileWithAWarning) {
  const std::string whole = content_of_noisy_film(30);
  std::string overwritten = whole;
  std::mt19937 random(1);
  for (std::size_t i = whole.size() / 2; i < whole.size(); ++i)
    overwritten[i] = static_cast<char>(random());
  for (const std::string& content : {whole.substr(0, whole.size() / 2), overwritten}) {
    SourceUnderTest source(plugin, "video", {{"uri", folder.write("damaged.avi", content)}});
    source.must_open({kHeight, kWidth});
    const auto frames = source.all();
    EXPECT_GT(frames.size(), 5U);
    EXPECT_LT(frames.size(), 25U);
    EXPECT_EQ(source.host().count(folder.path("damaged.avi") + ": ends after " +
                                  std::to_string(frames.size()) + " of the 30 frames"),
              1U);
  }
}

TEST_F(VideoSource, SaysNothingOfAWholeFile) {
  SourceUnderTest source(plugin, "video", {{"uri", film(20)}});
  source.must_open({kHeight, kWidth});
  source.all();
  EXPECT_EQ(source.host().count(""), 0U);
}

// ---- what a person has to change

TEST_F(VideoSource, RefusesAFileThatIsMissingOrNoVideo) {
  const Outcome missing = refused({{"uri", folder.path("none.avi")}});
  EXPECT_EQ(missing.field, "uri");
  EXPECT_EQ(missing.message, folder.path("none.avi") + ": no such file");
  EXPECT_EQ(refused({{"uri", folder.write("text.avi", "hello")}}).message,
            folder.path("text.avi") + ": not a video that OpenCV can read, or a damaged one");
  EXPECT_EQ(refused({{"uri", folder.path("")}}).message.find(folder.path("") + ": no file. "), 0U);
}

TEST_F(VideoSource, RefusesACameraThatIsNotThereOrNone) {
  for (const char* uri : {"camera:9999", "/a/job/camera:9999", "/dev/video9999"}) {
    const Outcome outcome = refused({{"uri", uri}});
    EXPECT_EQ(outcome.field, "uri");
    EXPECT_EQ(outcome.message.find("/dev/video9999: no such camera; "), 0U) << outcome;
  }
  EXPECT_EQ(refused({{"uri", "/dev/null"}}).message.find("/dev/null: no camera; "), 0U);
}

TEST_F(VideoSource, RefusesAnAddressByItsForm) {
  EXPECT_EQ(refusal_of_uri("ftp://host/film.avi").find("found ftp://. Allowed are"), 0U);
  EXPECT_NE(refusal_of_uri("rtsp:///stream").find("names no server"), std::string::npos);
  EXPECT_NE(refusal_of_uri("http://user@:80/").find("names no server"), std::string::npos);
  EXPECT_NE(refusal_of_uri("camera:front").find("expected the number of a camera"),
            std::string::npos);
  EXPECT_NE(refusal_of_uri("").find("is empty"), std::string::npos);
}

TEST_F(VideoSource, RefusesExamplesThatAreNoPictures) {
  const Outcome outcome = refused({{"uri", film(2)}}, {4, kHeight, kWidth});
  EXPECT_EQ(outcome.field, "input.shape");
  EXPECT_NE(outcome.message.find("found [4, 48, 64]"), std::string::npos) << outcome;
}

// ---- streams

// Sends a connection the picture of `level` again and again, as web cameras do.
class StreamServer {
 public:
  StreamServer() : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address);
    auto* plain = reinterpret_cast<sockaddr*>(&address);
    if (::bind(socket_, plain, size) != 0 || ::getsockname(socket_, plain, &size) != 0)
      throw std::runtime_error("no port to listen on");
    port_ = ntohs(address.sin_port);
  }
  ~StreamServer() {
    stop_ = true;
    ::shutdown(socket_, SHUT_RDWR);
    if (thread_.joinable()) thread_.join();
    ::close(socket_);
  }

  // Until then connections are refused.
  void begin() {
    ::listen(socket_, 4);
    thread_ = std::thread([this] { run(); });
  }

  std::string address(const std::string& user = "") const {
    return "http://" + user + "127.0.0.1:" + std::to_string(port_) + "/camera";
  }
  // The connection is closed after the picture that is being sent.
  void drop() { drop_ = true; }
  void wait_for_pictures(int more) {
    const int goal = sent + more;
    const auto limit = Clock::now() + 30s;
    while (sent < goal) {
      if (Clock::now() > limit) throw std::runtime_error("nobody takes the pictures");
      std::this_thread::yield();
    }
  }

  std::atomic<int> level{0}, sent{0};
  std::atomic<bool> silent{false};  // nothing is sent at all
  std::atomic<bool> paused{false};  // no more is sent, for now

 private:
  void run() {
    while (!stop_) {
      const int connection = ::accept4(socket_, nullptr, nullptr, SOCK_CLOEXEC);
      if (connection < 0) return;
      serve(connection);
      ::close(connection);
    }
  }

  void serve(int connection) {
    char request[4096];
    if (::recv(connection, request, sizeof(request), 0) <= 0) return;
    if (silent) {  // until the other side leaves
      while (!stop_ && ::recv(connection, request, sizeof(request), 0) > 0) {
      }
      return;
    }
    bool good =
        send(connection,
             "HTTP/1.0 200 OK\r\nContent-Type: multipart/x-mixed-replace; boundary=b\r\n\r\n");
    for (drop_ = false; good && !drop_ && !stop_; ++sent) {
      std::vector<std::uint8_t> jpeg;
      cv::imencode(".jpg", grey_frame(level), jpeg);
      good = send(connection, "--b\r\nContent-Type: image/jpeg\r\nContent-Length: " +
                                  std::to_string(jpeg.size()) + "\r\n\r\n" +
                                  std::string(jpeg.begin(), jpeg.end()) + "\r\n");
      do {
        std::this_thread::sleep_for(10ms);  // 100 pictures a second
      } while (paused && !stop_);
    }
  }

  static bool send(int connection, const std::string& text) {
    return ::send(connection, text.data(), text.size(), MSG_NOSIGNAL) ==
           static_cast<ssize_t>(text.size());
  }

  int socket_;
  int port_ = 0;
  std::atomic<bool> stop_{false}, drop_{false};
  std::thread thread_;
};

class VideoStream : public VideoSource {
 protected:
  // The first of this level. Throws after `most` others.
  static Given next_of_level(SourceUnderTest& source, int level, int most) {
    for (int i = 0; i <= most; ++i) {
      Given given = source.next().value();
      if (std::abs(given.mean() - level) <= kNear) return given;
    }
    throw std::runtime_error("no frame of level " + std::to_string(level));
  }

  StreamServer server;
};

TEST_F(VideoStream, GivesASlowCallerTheNewestFrame) {
  server.begin();
  SourceUnderTest source(plugin, "video", {{"uri", server.address()}});
  source.must_open({kHeight, kWidth});
  const Given first = source.next().value();
  EXPECT_NEAR(first.mean(), 0, kNear);
  server.wait_for_pictures(50);
  server.level = 200;
  server.wait_for_pictures(20);
  // On a slow machine the reader may be a little behind.
  const Given later = next_of_level(source, 200, 10);
  EXPECT_GT(later.number, first.number + 40);
  EXPECT_GT(later.seconds, first.seconds + 0.4);
}

TEST_F(VideoStream, GivesEveryNthFrameOfAStream) {
  server.begin();
  SourceUnderTest source(plugin, "video", {{"uri", server.address()}, {"every", 5}, {"limit", 4}});
  source.must_open({kHeight, kWidth});
  const auto frames = source.all();
  ASSERT_EQ(frames.size(), 4U);
  for (const Given& frame : frames) EXPECT_EQ(frame.number % 5, 0U);
}

TEST_F(VideoStream, ReturnsAtTheTimeoutAndIsDestroyedSoonWhileTheServerIsSilent) {
  server.silent = true;
  server.begin();
  SourceUnderTest source(plugin, "video", {{"uri", server.address()}});
  source.must_open({kHeight, kWidth});
  auto began = Clock::now();
  EXPECT_FALSE(source.next(100ms).has_value());
  EXPECT_FALSE(source.ended());
  EXPECT_GE(Clock::now() - began, 100ms);
  EXPECT_LT(Clock::now() - began, 3s);
  began = Clock::now();
  source.destroy();
  EXPECT_LT(Clock::now() - began, 10s);
}

TEST_F(VideoStream, GivesTheLastFrameOfALimitAtOnceWhileTheServerIsSilent) {
  server.begin();
  SourceUnderTest source(plugin, "video", {{"uri", server.address()}, {"limit", 2}});
  source.must_open({kHeight, kWidth});
  ASSERT_TRUE(source.next().has_value());
  server.wait_for_pictures(5);
  server.paused = true;
  std::this_thread::sleep_for(500ms);  // the reader takes what has come, and waits for more
  const auto began = Clock::now();
  EXPECT_TRUE(source.next(100ms).has_value());
  EXPECT_FALSE(source.next(100ms).has_value());
  EXPECT_TRUE(source.ended());
  EXPECT_LT(Clock::now() - began, 2s);
  server.paused = false;
}

TEST_F(VideoStream, FindsALostStreamAgainAndSaysEachOnce) {
  server.begin();
  SourceUnderTest source(plugin, "video", {{"uri", server.address()}});
  source.must_open({kHeight, kWidth});
  const Given first = source.next().value();
  server.level = 200;
  server.drop();
  ASSERT_TRUE(source.host().wait_for(server.address() + ": lost; it is sought again"));
  const Given later = next_of_level(source, 200, 100);
  EXPECT_GT(later.number, first.number);
  EXPECT_GE(later.seconds, first.seconds + 1);
  ASSERT_TRUE(source.host().wait_for(server.address() + ": is there now"));
  EXPECT_EQ(source.host().count(server.address()), 2U);
}

TEST_F(VideoStream, WaitsForAServerThatIsNotThereYet) {
  SourceUnderTest source(plugin, "video", {{"uri", server.address()}});
  source.must_open({kHeight, kWidth});
  ASSERT_TRUE(source.host().wait_for(server.address() + ": cannot be reached"));
  EXPECT_FALSE(source.next(0ms).has_value());
  EXPECT_FALSE(source.ended());
  server.begin();
  EXPECT_TRUE(source.next().has_value());
}

TEST_F(VideoStream, TellsNobodyThePasswordOfAnAddress) {
  SourceUnderTest source(plugin, "video",
                         {{"uri", server.address("me:secret@") + "?password=secret"}});
  source.must_open({kHeight, kWidth});
  ASSERT_TRUE(source.host().wait_for(server.address() + ": cannot be reached"));
  EXPECT_EQ(source.host().count("secret"), 0U);
}

}  // namespace
