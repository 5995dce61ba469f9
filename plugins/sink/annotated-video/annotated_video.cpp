// A video in which each example is a frame, with what the service said of it below the picture.
#include <sys/statvfs.h>

#include <opencv2/videoio.hpp>

#include "../drawing.hpp"
#include "../files.hpp"

namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kLargestFile = 1u << 30;  // bytes; the format's limit is a few times that
constexpr std::uint64_t kKeptFree = 16u << 20;    // bytes of the disk: the library writes blindly

const cv::Scalar kBack(30, 30, 30), kText(245, 245, 245), kDim(170, 170, 170);

// The strip below the picture: two lines, and a bar in the colour of who answered.
class Caption {
 public:
  explicit Caption(int width) : font_(width), width_(width) {}

  int height() const { return (2 * font_.line() + 8) / 2 * 2; }

  void put(cv::Mat& strip, const std::string& answer, const skerry::Outcome& outcome) const {
    strip.setTo(kBack);
    const cv::Scalar colour = sink::colour_of(outcome);
    cv::rectangle(strip, {0, 0, kBar, strip.rows}, colour, cv::FILLED);
    const int left = kBar + 8, first = font_.line() - font_.line() / 5;
    font_.put(strip, font_.fitting(answer, width_ - left - 4), {left, first}, kText);
    const int second = first + font_.line();
    int x = left;
    const auto word = [&](const std::string& text, const cv::Scalar& in) {
      x += font_.put(strip, text, {x, second}, in) + font_.line() / 2;
    };
    word(outcome.ok() ? (outcome.by_cloud ? "cloud" : "edge") : "error", colour);
    if (outcome.hard) word("hard", kText);
    if (outcome.fallback) word("fallback", kText);
    if (outcome.late) word("late", kText);
    const std::string place = font_.fitting(place_of(outcome.item), width_ - x - 4);
    font_.put(strip, place, {width_ - 4 - font_.size(place).width, second}, kDim);
  }

 private:
  static constexpr int kBar = 6;  // pixels

  static std::string place_of(const skerry::Item& item) {
    std::string text = "#" + std::to_string(item.number);
    if (std::isfinite(item.seconds)) text += "  " + sink::two_digits(item.seconds) + " s";
    return text;
  }

  sink::Font font_;
  int width_;
};

// PATH, then PATH with -0002, -0003... before its end: what is there already stays.
class Files {
 public:
  explicit Files(fs::path path) : path_(std::move(path)) {}

  const fs::path& path() const { return path_; }

  // Makes the next one, empty. Throws std::system_error.
  fs::path next() {
    for (;;) {
      const fs::path file = ++number_ == 1 ? path_ : numbered();
      const int fd = ::open(file.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
      if (fd >= 0) ::close(fd);
      if (fd >= 0) return file;
      if (errno != EEXIST) throw std::system_error(errno, std::generic_category());
    }
  }

 private:
  fs::path numbered() const {
    char suffix[16];
    std::snprintf(suffix, sizeof suffix, "-%04u", number_);
    return path_.parent_path() / (path_.stem().string() + suffix + path_.extension().string());
  }

  fs::path path_;
  unsigned number_ = 0;
};

class AnnotatedVideo : public skerry::Sink {
 public:
  explicit AnnotatedVideo(const skerry::Config& config)
      : drawing_(config),
        files_(config.string("path")),
        fps_(config.number("fps", 10)),
        most_frames_(frames(config, "maxFrames")),
        segment_frames_(frames(config, "segmentFrames")) {
    if (files_.path().extension() != ".avi")
      throw skerry::invalid("path", "must end with .avi, found \"" + files_.path().string() + "\"");
    if (!(fps_ >= 1 && fps_ <= 1000))  // OpenCV's writer takes no less
      throw skerry::invalid("fps", "must be 1 to 1000");
    picture::use_one_thread();
  }

  void open(const skerry::ServiceForm& form) override {
    drawing_.open(form);
    const cv::Size picture = drawing_.size();
    size_.width = (std::max(picture.width, kLeastWidth) + 1) / 2 * 2;  // players want even ones
    caption_.emplace(size_.width);
    size_.height = (picture.height + caption_->height() + 1) / 2 * 2;
    const fs::path folder = sink::folder_of(files_.path());
    try {
      const sink::HiddenFile probe(folder);
    } catch (const std::system_error& e) {
      throw sink::cannot_open(files_.path(), folder, e.code().value());
    }
  }

  void write(const skerry::Outcome& outcome) override {
    if (most_frames_ > 0 && written_ == most_frames_) return;
    const cv::Mat frame = drawn(outcome);
    begin_file_where_needed(outcome.item.number);
    video_.write(frame);
    ++written_;
    ++in_file_;
  }

  // Without it the file has no index: players show it, but some cannot jump in it.
  void close() override { video_.release(); }

 private:
  static constexpr int kLeastWidth = 320;  // pixels, for the caption

  // 0: no limit.
  static std::uint64_t frames(const skerry::Config& config, const char* key) {
    const std::int64_t count = config.integer(key, 0);
    if (config.has(key) && count < 1) throw skerry::invalid(key, "must be at least 1");
    return static_cast<std::uint64_t>(count);
  }

  cv::Mat drawn(const skerry::Outcome& outcome) const {
    cv::Mat frame(size_, CV_8UC3, kBack);
    const cv::Mat picture = drawing_.picture(outcome);
    picture.copyTo(frame(cv::Rect({0, 0}, picture.size())));
    cv::Mat strip = frame.rowRange(picture.rows, picture.rows + caption_->height());
    caption_->put(strip, drawing_.answer(outcome), outcome);
    return frame;
  }

  void begin_file_where_needed(std::uint64_t number) {
    struct statvfs disk {};
    if (::statvfs(sink::folder_of(files_.path()).c_str(), &disk) == 0 &&
        disk.f_bavail * disk.f_frsize < kKeptFree)
      throw skerry::Error(SKERRY_FAILED, "path",
                          files_.path().string() + ": the disk has less than 16 MiB left; frame " +
                              std::to_string(number) + " was not written. Free some space");
    struct stat file {};
    const bool full = (segment_frames_ > 0 && in_file_ >= segment_frames_) ||
                      ::stat(current_.c_str(), &file) != 0 ||
                      static_cast<std::uint64_t>(file.st_size) >= kLargestFile;
    if (video_.isOpened() && !full) return;
    video_.release();
    begin_file();
  }

  void begin_file() {
    try {
      current_ = files_.next();
    } catch (const std::system_error& e) {
      throw sink::cannot_write(files_.path(), e.code().value());
    }
    in_file_ = 0;
    video_.open(current_.string(), cv::CAP_OPENCV_MJPEG,
                cv::VideoWriter::fourcc('M', 'J', 'P', 'G'), fps_, size_);
    if (video_.isOpened()) return;
    ::unlink(current_.c_str());  // each further try would leave another empty file
    throw skerry::Error(SKERRY_FAILED, "path",
                        current_.string() + ": OpenCV cannot write an MJPG video there");
  }

  sink::Drawing drawing_;
  Files files_;
  const double fps_;
  const std::uint64_t most_frames_, segment_frames_;
  cv::Size size_;
  std::optional<Caption> caption_;
  cv::VideoWriter video_;
  fs::path current_;
  std::uint64_t written_ = 0, in_file_ = 0;
};

}  // namespace

SKERRY_PLUGIN(skerry::feature<AnnotatedVideo>("annotated-video"));
