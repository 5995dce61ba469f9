// The picture files of a folder as a service's examples: those that are there, and each that is
// written or moved there later, once it is whole.
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <deque>
#include <map>
#include <opencv2/imgcodecs.hpp>
#include <optional>
#include <set>
#include <skerry/source.hpp>
#include <thread>
#include <utility>
#include <vector>

#include "../../encoded_picture.hpp"
#include "../../picture.hpp"
#include "file_content.hpp"
#include "folder_watch.hpp"
#include "putting_away.hpp"

namespace {

namespace fs = std::filesystem;
using directory::Identity;
using directory::Then;
using Clock = std::chrono::steady_clock;

constexpr std::chrono::microseconds kLongestWait = std::chrono::hours(1);
// A file that was found, and not told of, is taken for whole when nobody has written to it for so
// long. Folders that are gone are sought as often.
constexpr std::chrono::seconds kSettled{2};
constexpr std::size_t kMostBytes = 256u << 20;  // of a file: 64 megapixels in four bytes each
constexpr std::size_t kMostTried = 8;  // files to be put away, each time that one is done with

Then then_of(const skerry::Config& config) {
  if (!config.has("then")) return Then::keep;
  const std::string then = config.one_of("then", {"keep", "delete", "move"});
  return then == "keep" ? Then::keep : then == "delete" ? Then::remove : Then::move;
}

fs::path path_of(const skerry::Config& config, const char* key) {
  const std::string path = config.string(key);
  if (path.empty()) throw skerry::invalid(key, "is empty; expected the path of a folder");
  return path;
}

std::string pattern_of(const skerry::Config& config) {
  const std::string pattern = config.string("pattern", "");
  if (pattern.find('/') != pattern.npos)
    throw skerry::invalid("pattern", "found \"" + pattern +
                                         "\"; a pattern is for the names of files in the folder "
                                         "itself, as *.jpg");
  return pattern;
}

// A clock that was set back says nothing of a file's age.
bool is_settled(const struct stat& info) {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  const auto written =
      std::chrono::seconds(info.st_mtim.tv_sec) + std::chrono::nanoseconds(info.st_mtim.tv_nsec);
  return written + kSettled < now || written > now;
}

std::optional<struct stat> file_at(const fs::path& path) {
  struct stat info = {};
  if (::stat(path.c_str(), &info) != 0 || !S_ISREG(info.st_mode)) return {};
  return info;
}

class Directory : public skerry::Source {
 public:
  Directory(const skerry::Config& config, skerry::Host& host)
      : host_(host),
        folder_(path_of(config, "path")),
        pattern_(pattern_of(config)),
        existing_(config.boolean("existing", true)),
        once_(config.boolean("once", false)),
        putting_away_(then_of(config), folder_,
                      config.has("moveTo") ? path_of(config, "moveTo") : fs::path()) {
    if (config.has("moveTo") != (then_of(config) == Then::move))
      throw skerry::invalid("moveTo", config.has("moveTo") ? "is of use with `then: move` only"
                                                           : "is missing: `then: move` needs it");
    if (once_ && !existing_)
      throw skerry::invalid("once", "with `existing: false` there would be nothing to do");
    picture::use_one_thread();
  }

  void open(const skerry::ServiceForm& form) override {
    form_ = picture::form_of(form.shape);
    levels_.resize(form_.elements());
    item_.tensor = skerry::TensorView(levels_.data(), skerry::dtype_of<std::uint8_t>(), form.shape);
    std::error_code error;
    if (!fs::is_directory(folder_, error))
      throw skerry::invalid("path", folder_.string() + ": no such folder");
    putting_away_.prepare();
    // Before the files are listed, so that none comes in between.
    if (!once_) watch_or_throw();
    for (const std::string& name : names_or_throw())
      if (const auto file = file_at(folder_ / name)) was_there(name, *file);
  }

  const skerry::Item* next(std::chrono::microseconds timeout) override {
    const auto until =
        Clock::now() + std::clamp(timeout, std::chrono::microseconds(0), kLongestWait);
    do {
      if (once_)
        settle(until);
      else
        listen(until);
      while (!waiting_.empty()) {
        if (read(next_waiting())) return &item_;
        if (Clock::now() >= until) return nullptr;
      }
    } while (!ended() && Clock::now() < until);
    return nullptr;
  }

  bool ended() const override { return once_ && waiting_.empty() && unsettled_.empty(); }

  void done(std::uint64_t number) override {
    const auto found = given_.find(number);
    if (found == given_.end()) return;
    owed_.push_front(std::move(found->second));
    given_.erase(found);
    put_away();
  }

 private:
  struct File {
    std::string name;
    Identity identity;
  };

  // ---- what is in the folder

  bool may_be_meant(const std::string& name) const {
    if (name.empty() || name.front() == '.') return false;
    return pattern_.empty() || ::fnmatch(pattern_.c_str(), name.c_str(), 0) == 0;
  }

  // At open(). While somebody may be writing to it, it is not to be read, and then put away.
  void was_there(const std::string& name, const struct stat& file) {
    if (!existing_) {
      seen_[name] = Identity::of(file);
    } else if (is_settled(file) || (once_ && putting_away_.keeps())) {
      arrived(name);
    } else {
      look_again_ = Clock::now() + kSettled + std::chrono::milliseconds(50);  // clocks are coarse
      if (once_) unsettled_.push_back(name);
    }
  }

  // With `once`: the files that were not settled come last. Some will never be: a log.
  void settle(Clock::time_point until) {
    if (!waiting_.empty() || unsettled_.empty()) return;
    std::this_thread::sleep_until(std::min(until, *look_again_));
    if (Clock::now() < *look_again_) return;
    for (const std::string& name : unsettled_) arrived(name);
    unsettled_.clear();
  }

  // In their order.
  std::vector<std::string> names(std::error_code& error) const {
    std::vector<std::string> names;
    for (fs::directory_iterator entry(folder_, error), end; !error && entry != end;
         entry.increment(error)) {
      const std::string name = entry->path().filename().string();
      std::error_code ignored;
      if (may_be_meant(name) && entry->is_regular_file(ignored)) names.push_back(name);
    }
    std::sort(names.begin(), names.end());
    return names;
  }

  std::vector<std::string> names_or_throw() const {
    std::error_code error;
    auto found = names(error);
    if (error)
      throw skerry::invalid("path", folder_.string() + ": cannot be listed: " + error.message());
    return found;
  }

  void watch_or_throw() {
    const int error = watch_.begin(folder_);
    if (error == 0) return;
    std::string cure;
    if (error == EMFILE || error == ENOSPC)
      cure = ". Raise fs.inotify.max_user_instances and fs.inotify.max_user_watches (sysctl)";
    throw skerry::invalid("path",
                          folder_.string() + ": cannot be watched: " + std::strerror(error) + cure);
  }

  // Takes what has happened; with nothing to do waits for something until then.
  void listen(Clock::time_point until) {
    if (look_again_ && Clock::now() >= *look_again_) look_again();
    const auto wake = !waiting_.empty() ? Clock::now()
                      : look_again_     ? std::min(until, *look_again_)
                                        : until;
    const auto wait = std::max(Clock::duration(0), wake - Clock::now());
    // Rounded up: otherwise the last part of a millisecond would be waited for in a busy loop.
    const auto news = watch_.wait(std::chrono::ceil<std::chrono::milliseconds>(wait));
    for (const std::string& name : news.left) seen_.erase(name);
    for (const std::string& name : news.arrived) arrived(name);
    if (news.gone) lost();
    if (news.missed || news.gone) look_again_ = Clock::now();
  }

  // One that is written again and again waits once.
  void arrived(const std::string& name) {
    if (may_be_meant(name) && is_waiting_.insert(name).second) waiting_.push_back(name);
  }

  std::string next_waiting() {
    std::string name = std::move(waiting_.front());
    waiting_.pop_front();
    is_waiting_.erase(name);
    return name;
  }

  void lost() {
    watch_.end();
    host_.warn(folder_.string() + ": the folder is gone; it is sought every " +
               std::to_string(kSettled.count()) + " s");
  }

  // What is there and was not seen has come meanwhile, or was not settled.
  void look_again() {
    look_again_ = Clock::now() + kSettled;
    if (!watch_.watching()) {
      if (watch_.begin(folder_) != 0) return;
      host_.info(folder_.string() + ": the folder is there again");
    }
    std::error_code error;
    const auto found = names(error);
    if (error) return;
    forget_all_but({found.begin(), found.end()});
    bool unsettled = false;
    for (const std::string& name : found) {
      const auto file = file_at(folder_ / name);
      if (!file || is_seen(name, Identity::of(*file))) continue;
      if (is_settled(*file))
        arrived(name);
      else
        unsettled = true;
    }
    if (!unsettled) look_again_.reset();
  }

  void forget_all_but(const std::set<std::string>& names) {
    for (auto each = seen_.begin(); each != seen_.end();)
      each = names.count(each->first) == 0 ? seen_.erase(each) : std::next(each);
  }

  bool is_seen(const std::string& name, const Identity& identity) const {
    const auto found = seen_.find(name);
    return found != seen_.end() && found->second == identity;
  }

  // ---- one file

  // Makes it the item. False where it is none, or was one before.
  bool read(const std::string& name) {
    const fs::path path = folder_ / name;
    const auto file = file_at(path);
    if (!file) return false;
    const Identity identity = Identity::of(*file);
    if (is_seen(name, identity)) return false;
    if (is_hidden(path)) throw hidden(path);
    seen_[name] = identity;
    if (pattern_.empty() && !looks_like_picture(path)) return false;
    const std::uint64_t number = taken_++;
    const cv::Mat picture = decoded_or_warned(path);
    if (picture.empty()) return false;
    picture::to_planes(picture, form_, 1, levels_.data());
    item_.number = number;
    item_.name = name;
    if (!putting_away_.keeps() && (!once_ || is_settled(*file))) given_[number] = {name, identity};
    return true;
  }

  // A damaged picture does, and one of a format that is refused, by the ending of its name.
  static bool looks_like_picture(const fs::path& path) {
    try {
      const auto first = directory::content_of(path, encoded::kSignature);
      return encoded::begins_as_picture({first.data(), first.size()}) ||
             cv::haveImageWriter(path.string());
    } catch (const std::exception&) {
      return false;
    }
  }

  // Empty where it is none, which was said then.
  cv::Mat decoded_or_warned(const fs::path& path) const {
    try {
      const auto bytes = directory::content_of(path, kMostBytes + 1);
      if (bytes.size() > kMostBytes)
        throw skerry::invalid(
            "", "its file has more than " + std::to_string(kMostBytes >> 20) + " MiB");
      return encoded::decoded({bytes.data(), bytes.size()}, form_.channels);
    } catch (const cv::Exception& e) {
      warn_of(path, "OpenCV refuses it: " + e.err);
    } catch (const std::exception& e) {
      warn_of(path, e.what());
    }
    return {};
  }

  // Its owner and mode let this user read it, and it cannot be opened: the worker's sandbox knows
  // only what was there when it began.
  static bool is_hidden(const fs::path& path) {
    if (::access(path.c_str(), R_OK) != 0) return false;
    const int opened = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    const bool refused = opened < 0 && errno == EACCES;
    if (opened >= 0) ::close(opened);
    return refused;
  }
  static skerry::Error hidden(const fs::path& path) {
    return {SKERRY_FAILED, "path",
            path.string() +
                ": this worker may not read it. The folder was made, or mounted, after the worker "
                "began; the next one will see it, unless it lies in the host's own state"};
  }

  void warn_of(const fs::path& path, const std::string& why) const {
    host_.warn(path.string() + ": not a picture that can be read, and passed over: " + why);
  }

  // ---- done with

  // What fails is tried again with the next ones, some at a time, and holds none of them up.
  void put_away() {
    for (std::size_t left = std::min(owed_.size(), kMostTried); left > 0; --left) {
      File file = std::move(owed_.front());
      owed_.pop_front();
      const std::string problem = putting_away_.put_away(file.name, file.identity);
      if (problem.empty()) continue;
      owed_.push_back(std::move(file));
      if (!std::exchange(failing_, true))
        host_.warn(problem + ". It is tried again with the following ones");
    }
    failing_ = !owed_.empty();
  }

  const skerry::Host& host_;
  const fs::path folder_;
  const std::string pattern_;
  const bool existing_, once_;
  const directory::PuttingAway putting_away_;
  picture::Form form_;
  std::vector<std::uint8_t> levels_;
  skerry::Item item_;

  directory::FolderWatch watch_;
  std::optional<Clock::time_point> look_again_;  // when; none: all is known
  std::vector<std::string> unsettled_;           // with `once`: names that wait until look_again_
  std::deque<std::string> waiting_;              // names to be read
  std::set<std::string> is_waiting_;             // the same
  std::map<std::string, Identity> seen_;         // files as they were when they were read
  std::uint64_t taken_ = 0;

  std::map<std::uint64_t, File> given_;  // and not done with; none where files are kept
  std::deque<File> owed_;                // to be put away, the newest first
  bool failing_ = false;
};

}  // namespace

SKERRY_PLUGIN(skerry::feature<Directory>("directory"));
