// A page of the newest frames to look at: index.html, and in frames/ a picture and a caption each.
// The page is made of what is in that folder, so that workers can come and go, and two can share
// it.
#include <fstream>
#include <iterator>
#include <map>
#include <opencv2/imgcodecs.hpp>

#include "../drawing.hpp"
#include "../files.hpp"
#include "page.hpp"

namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

constexpr std::chrono::seconds kPause{1};  // between two writings of the page

// "2026-11-24 01:29:58 UTC" of a name by time.
std::string readable(const std::string& name) {
  return name.substr(0, 4) + "-" + name.substr(4, 2) + "-" + name.substr(6, 2) + " " +
         name.substr(9, 2) + ":" + name.substr(11, 2) + ":" + name.substr(13, 2) + " UTC";
}

// What a file is called before its end, where that is a name by time; else empty.
std::string stem_of(const std::string& file, const std::string& end) {
  if (file.size() <= end.size() || file.compare(file.size() - end.size(), end.size(), end) != 0)
    return {};
  const std::string stem = file.substr(0, file.size() - end.size());
  return sink::TimeNames::is_name(stem) ? stem : std::string();
}

// The folder, and the page of what is in it. Functions throw std::system_error.
class Album {
 public:
  Album(fs::path root, std::size_t most) : root_(std::move(root)), most_(most) {}

  const fs::path& root() const { return root_; }

  // Throws Error where nothing can be written.
  void open() {
    sink::prepare_folder(root_);
    sink::prepare_folder(frames());
    remove_halves();
    write_page();
  }

  // The name of the next frame, for add(), and what its picture is seen from the page.
  std::string next_name() { return names_.next(); }
  static std::string picture_of(const std::string& name) { return "frames/" + name + kPicture; }

  // The picture before its caption: what has a caption is whole. False: the name is taken.
  bool add(const std::string& name, const std::vector<std::uint8_t>& jpeg,
           const std::string& figure) {
    if (!put(name + kPicture, jpeg.data(), jpeg.size())) return false;
    try {
      put(name + kCaption, figure.data(), figure.size());
    } catch (...) {
      remove(name + kPicture);  // each further try would leave another one
      throw;
    }
    return true;
  }

  void write_page() {
    std::map<std::string, std::string> known;
    std::vector<std::string> figures;
    for (const std::string& name : newest()) {
      const auto found = figures_.find(name);
      std::string figure =
          found == figures_.end() ? read(frames() / (name + kCaption)) : found->second;
      if (figure.empty()) continue;  // another worker has removed it
      figures.push_back(figure);
      known.emplace(name, std::move(figure));
    }
    figures_ = std::move(known);
    std::reverse(figures.begin(), figures.end());
    const std::string html = page::document(figures, readable(names_.next()));
    sink::HiddenFile file(root_);
    file.write(html.data(), html.size());
    file.replace(root_ / "index.html");
  }

 private:
  static constexpr const char* kPicture = ".jpg";
  static constexpr const char* kCaption = ".html";

  fs::path frames() const { return root_ / "frames"; }

  std::vector<std::string> names(const char* end) const {
    std::vector<std::string> found = sink::names_in(
        frames(), [&](const std::string& file) { return !stem_of(file, end).empty(); });
    for (std::string& each : found) each = stem_of(each, end);
    std::sort(found.begin(), found.end());
    return found;
  }

  // Names of the frames that are kept, the oldest first; removes the others.
  std::vector<std::string> newest() {
    std::vector<std::string> kept = names(kCaption);
    const auto surplus = kept.size() - std::min(kept.size(), most_);
    for (std::size_t i = 0; i < surplus; ++i) {
      remove(kept[i] + kCaption);
      remove(kept[i] + kPicture);
    }
    kept.erase(kept.begin(), kept.begin() + static_cast<std::ptrdiff_t>(surplus));
    if (!kept.empty()) names_.after(kept.back());
    return kept;
  }

  // Pictures without a caption, of a worker that was killed between the two.
  void remove_halves() const {
    const std::vector<std::string> whole = names(kCaption);
    for (const std::string& name : names(kPicture))
      if (!std::binary_search(whole.begin(), whole.end(), name) &&
          files::is_abandoned(frames() / (name + kPicture)))
        remove(name + kPicture);
  }

  void remove(const std::string& file) const { ::unlink((frames() / file).c_str()); }

  bool put(const std::string& name, const void* data, std::size_t size) const {
    sink::HiddenFile file(frames());
    file.write(data, size);
    return file.move_to_new(frames() / name);
  }

  static std::string read(const fs::path& file) {
    std::ifstream stream(file, std::ios::binary);
    return {std::istreambuf_iterator<char>(stream), {}};
  }

  fs::path root_;
  std::size_t most_;
  sink::TimeNames names_;
  std::map<std::string, std::string> figures_;  // by the frame's name, as they are on the page
};

class FramePage : public skerry::Sink {
 public:
  explicit FramePage(const skerry::Config& config)
      : only_(config, {"all", "hard", "cloud", "late", "fallback"}, "hard"),
        drawing_(config),
        album_(config.string("path"), most(config)) {
    picture::use_one_thread();
  }

  void open(const skerry::ServiceForm& form) override {
    drawing_.open(form);
    try {
      album_.open();
    } catch (const std::system_error& e) {
      throw sink::cannot_open(album_.root(), album_.root(), e.code().value());
    }
    is_open_ = true;
  }

  void write(const skerry::Outcome& outcome) override {
    if (!only_.takes(outcome)) return;
    std::vector<std::uint8_t> jpeg;
    const cv::Mat picture = drawing_.picture(outcome);
    cv::imencode(".jpg", picture, jpeg, {cv::IMWRITE_JPEG_QUALITY, 90});
    guarded([&] {
      if (is_page_failing_) write_page();
      while (!add(outcome, picture.size(), jpeg)) continue;
    });
    is_page_old_ = true;
    if (Clock::now() >= next_page_) try_page();
  }

  void close() override {
    if (is_open_ && is_page_old_) guarded([&] { write_page(); });
  }

 private:
  static std::size_t most(const skerry::Config& config) {
    const std::int64_t count = config.integer("max", 200);
    if (count < 1) throw skerry::invalid("max", "must be at least 1");
    return static_cast<std::size_t>(count);
  }

  bool add(const skerry::Outcome& outcome, cv::Size size, const std::vector<std::uint8_t>& jpeg) {
    const std::string name = album_.next_name();
    page::Frame frame;
    frame.picture = Album::picture_of(name);
    frame.width = size.width;
    frame.height = size.height;
    frame.time = readable(name);
    frame.answer = drawing_.answer(outcome);
    if (outcome.item.label >= 0)
      frame.label = drawing_.name_of(static_cast<std::size_t>(outcome.item.label));
    return album_.add(name, jpeg, page::figure(frame, outcome));
  }

  void write_page() {
    next_page_ = Clock::now() + kPause;
    album_.write_page();
    is_page_old_ = is_page_failing_ = false;
  }

  // The frame is there already, and must not come again: it is the next one that fails.
  void try_page() noexcept {
    try {
      write_page();
    } catch (const std::exception&) {
      is_page_failing_ = true;
    }
  }

  template <class Body>
  void guarded(Body body) {
    try {
      body();
    } catch (const std::system_error& e) {
      throw sink::cannot_write(album_.root(), e.code().value());
    }
  }

  const sink::Only only_;
  sink::Drawing drawing_;
  Album album_;
  bool is_open_ = false, is_page_old_ = false, is_page_failing_ = false;
  Clock::time_point next_page_{};
};

}  // namespace

SKERRY_PLUGIN(skerry::feature<FramePage>("frame-page"));
