// What the service said as training data: a folder of pictures for each class, as the dataset
// plugin image-folder reads it.
#include <deque>
#include <opencv2/imgcodecs.hpp>

#include "../drawing.hpp"
#include "../files.hpp"

namespace {

namespace fs = std::filesystem;

constexpr const char* kEnd = ".png";
constexpr std::size_t kEndSize = 4;
constexpr std::uint32_t kMostClasses = 10'000;
constexpr std::int64_t kMostPictures = 100'000;  // their names are kept in memory

bool is_ours(const std::string& name) {
  return name.size() > kEndSize && name.compare(name.size() - kEndSize, kEndSize, kEnd) == 0 &&
         sink::TimeNames::is_name(name.substr(0, name.size() - kEndSize));
}

// Numbers, with as many digits each as the largest has: sorted by name they are in order.
std::vector<std::string> numbers(std::uint32_t count) {
  std::vector<std::string> names;
  const std::size_t digits = std::to_string(count - 1).size();
  for (std::uint32_t i = 0; i < count; ++i) {
    const std::string number = std::to_string(i);
    names.push_back(std::string(digits - number.size(), '0') + number);
  }
  return names;
}

// The pictures that sinks have written, in one folder a class.
class Archive {
 public:
  explicit Archive(fs::path root) : root_(std::move(root)) {}

  // With no more than `most` pictures. All classes have a folder, so that readers count the same
  // classes from the first picture on. Throws Error where nothing can be written.
  void open(std::vector<std::string> classes, std::size_t most) {
    classes_ = std::move(classes);
    most_ = most;
    sink::prepare_folder(root_);
    for (const std::string& name : classes_) sink::prepare_folder(root_ / name);
    list();
    prune();
  }

  void add(std::size_t label, const std::vector<std::uint8_t>& png) {
    const fs::path folder = root_ / classes_[label];
    try {
      sink::HiddenFile file(folder);
      file.write(png.data(), png.size());
      std::string name;
      do {
        name = names_.next() + kEnd;
      } while (!file.move_to_new(folder / name));
      pictures_.push_back({std::move(name), label});
    } catch (const std::system_error& e) {
      throw sink::cannot_write(folder, e.code().value());
    }
    prune();
  }

 private:
  struct Picture {
    std::string name;
    std::size_t label = 0;
    bool operator<(const Picture& other) const { return name < other.name; }
  };

  // Removes what power cuts left, names without bytes: readers would refuse the whole folder.
  void list() {
    pictures_.clear();
    for (std::size_t label = 0; label < classes_.size(); ++label) {
      const fs::path folder = root_ / classes_[label];
      for (std::string& name : sink::names_in(folder, is_ours)) {
        std::error_code error;
        if (fs::file_size(folder / name, error) == 0)
          ::unlink((folder / name).c_str());
        else
          pictures_.push_back({std::move(name), label});
      }
    }
    std::sort(pictures_.begin(), pictures_.end());
    if (pictures_.empty()) return;
    const std::string& last = pictures_.back().name;
    names_.after(last.substr(0, last.size() - kEndSize));
  }

  // Another worker, or a person, may have removed some: then there is nothing to do.
  void prune() {
    for (; pictures_.size() > most_; pictures_.pop_front()) {
      const Picture& oldest = pictures_.front();
      ::unlink((root_ / classes_[oldest.label] / oldest.name).c_str());
    }
  }

  fs::path root_;
  std::vector<std::string> classes_;
  sink::TimeNames names_;
  std::size_t most_ = 0;
  // The oldest first: those that were there at open(), and its own since. To list the folders for
  // each picture would hold the service up.
  std::deque<Picture> pictures_;
};

class LabelledImages : public skerry::Sink {
 public:
  explicit LabelledImages(const skerry::Config& config)
      : only_(config, {"all", "hard", "cloud", "late"}, "cloud"),
        archive_(config.string("path")),
        names_(config.strings("classes")),
        least_(static_cast<float>(config.number("minConfidence", 0))),
        most_(config.integer("max", 10000)) {
    if (most_ < 1 || most_ > kMostPictures)
      throw skerry::invalid("max", "must be 1 to " + std::to_string(kMostPictures) + ", found " +
                                       std::to_string(most_));
    check_folder_names();
    picture::use_one_thread();
  }

  void open(const skerry::ServiceForm& form) override {
    examples_.emplace(form);
    if (form.classes == 0)
      throw skerry::invalid("input.classes",
                            "is missing: a folder of pictures for each class needs classes, and "
                            "without it the answers of a service are numbers");
    if (form.classes > kMostClasses)
      throw skerry::invalid("input.classes", "is " + std::to_string(form.classes) +
                                                 "; there is a folder for each, of at most " +
                                                 std::to_string(kMostClasses));
    if (!names_.empty()) sink::check_names(names_, form);
    classes_ = form.classes;
    archive_.open(names_.empty() ? numbers(form.classes) : names_, static_cast<std::size_t>(most_));
  }

  void write(const skerry::Outcome& outcome) override {
    if (!outcome.ok() || !only_.takes(outcome)) return;
    const auto best = sink::best_of(outcome.outputs);
    if (!best || best->output < least_) return;
    if (outcome.outputs.size() != classes_)
      throw skerry::invalid("", "an answer of " + std::to_string(outcome.outputs.size()) +
                                    " outputs where the service has " + std::to_string(classes_) +
                                    " classes");
    std::vector<std::uint8_t> png;
    cv::imencode(kEnd, examples_->of(outcome.item.tensor), png);
    archive_.add(best->place, png);
  }

 private:
  void check_folder_names() const {
    for (std::size_t i = 0; i < names_.size(); ++i) {
      const std::string& name = names_[i];
      const bool is_name = !name.empty() && name[0] != '.' && name.size() <= 255 &&
                           name.find('/') == name.npos && name.find('\0') == name.npos;
      if (!is_name)
        throw skerry::invalid("classes[" + std::to_string(i) + "]",
                              "\"" + name +
                                  "\" is no name for a folder: it must have 1 to 255 "
                                  "bytes, none of them /, and not begin with a dot");
      if (std::count(names_.begin(), names_.end(), name) > 1)
        throw skerry::invalid("classes", "\"" + name + "\" is there twice");
    }
  }

  const sink::Only only_;
  Archive archive_;
  const std::vector<std::string> names_;
  const float least_;
  const std::int64_t most_;
  std::optional<sink::ExamplePictures> examples_;
  std::size_t classes_ = 0;
};

}  // namespace

SKERRY_PLUGIN(skerry::feature<LabelledImages>("labelled-images"));
