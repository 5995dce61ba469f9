// What the service said as training data: a folder of pictures for each class, as the dataset
// plugin image-folder reads it.
#include <opencv2/imgcodecs.hpp>

#include "../drawing.hpp"
#include "../files.hpp"

namespace {

namespace fs = std::filesystem;

constexpr const char* kEnd = ".png";
constexpr std::size_t kEndSize = 4;
constexpr std::uint32_t kMostClasses = 10'000;

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
    remove_empty();
    prune();
  }

  void add(std::size_t label, const std::vector<std::uint8_t>& png) {
    const fs::path folder = root_ / classes_[label];
    try {
      sink::HiddenFile file(folder);
      file.write(png.data(), png.size());
      while (!file.move_to_new(folder / (names_.next() + kEnd))) continue;
      if (++count_ > most_) prune();
    } catch (const std::system_error& e) {
      throw sink::cannot_write(folder, e.code().value());
    }
  }

 private:
  struct Picture {
    std::string name, label;
    bool operator<(const Picture& other) const { return name < other.name; }
    fs::path under(const fs::path& root) const { return root / label / name; }
  };

  std::vector<Picture> pictures() const {
    std::vector<Picture> all;
    for (const std::string& label : classes_)
      for (std::string& name : sink::names_in(root_ / label, is_ours))
        all.push_back({std::move(name), label});
    return all;
  }

  // A power cut can leave names without bytes, for which readers would refuse the whole folder.
  void remove_empty() const {
    std::error_code error;
    for (const Picture& each : pictures())
      if (fs::file_size(each.under(root_), error) == 0) ::unlink(each.under(root_).c_str());
  }

  // Removes the oldest. Another worker may write here too, so it counts anew; and so that it does
  // not have to for each picture, it leaves room for a hundredth.
  void prune() {
    std::vector<Picture> all = pictures();
    std::sort(all.begin(), all.end());
    if (!all.empty()) names_.after(all.back().name.substr(0, all.back().name.size() - kEndSize));
    count_ = all.size();
    if (count_ <= most_) return;
    const std::size_t kept = most_ - most_ / 100;
    for (std::size_t i = 0; count_ > kept; ++i, --count_) ::unlink(all[i].under(root_).c_str());
  }

  fs::path root_;
  std::vector<std::string> classes_;
  sink::TimeNames names_;
  std::size_t most_ = 0, count_ = 0;
};

class LabelledImages : public skerry::Sink {
 public:
  explicit LabelledImages(const skerry::Config& config)
      : only_(config, {"all", "hard", "cloud", "late"}, "cloud"),
        archive_(config.string("path")),
        names_(config.strings("classes")),
        least_(static_cast<float>(config.number("minConfidence", 0))),
        most_(config.integer("max", 10000)) {
    if (most_ < 1) throw skerry::invalid("max", "must be at least 1");
    check_folder_names();
    // OpenCV's own threads would outlive this object.
    cv::setNumThreads(1);
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
