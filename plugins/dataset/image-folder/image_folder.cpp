// A folder of pictures for each class. Only the list of files is kept in memory: pictures are
// decoded when read.
#include <skerry/dataset.hpp>

#include <algorithm>
#include <filesystem>
#include <opencv2/imgcodecs.hpp>
#include <opencv2/imgproc.hpp>

namespace {

namespace fs = std::filesystem;

// Names of the folder's entries but hidden ones, sorted, so that classes and rows do not depend on
// the file system.
std::vector<std::string> entries(const fs::path& folder, bool folders) {
  std::vector<std::string> names;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder)) {
    const std::string name = entry.path().filename().string();
    if (name.front() != '.' && (folders ? entry.is_directory() : entry.is_regular_file()))
      names.push_back(name);
  }
  std::sort(names.begin(), names.end());
  return names;
}

class ImageFolder : public skerry::Dataset {
 public:
  explicit ImageFolder(const skerry::Config& config) : root_(config.string("uri")) {
    if (!fs::is_directory(root_)) throw skerry::invalid("uri", root_.string() + ": no such folder");
    const std::vector<std::int64_t> size = config.integers("size");
    if (size.size() != 2 || size[0] < 1 || size[1] < 1 || size[0] > 8192 || size[1] > 8192) {
      throw skerry::invalid("size", "must be two sizes in pixels of 1 to 8192, as [32, 32]");
    }
    size_ = cv::Size(static_cast<int>(size[0]), static_cast<int>(size[1]));
    channels_ = static_cast<int>(config.integer("channels", 3));
    if (channels_ != 1 && channels_ != 3) throw skerry::invalid("channels", "must be 1 or 3");
    // OpenCV's own threads would outlive this object.
    cv::setNumThreads(1);
    list_files(class_names(config));
  }

  void read(skerry::Span<const std::uint64_t> rows, float* out) override {
    for (const std::uint64_t row : rows) {
      write_planes(scaled(decoded(files_[row])), out);
      out += info().row_size();
    }
  }

 private:
  std::vector<std::string> class_names(const skerry::Config& config) const {
    const std::vector<std::string> found = entries(root_, true);
    if (found.empty()) {
      throw skerry::invalid(
          "uri",
          root_.string() + ": holds no folders; it must hold one folder of pictures a class");
    }
    if (!config.has("classes")) return found;
    std::vector<std::string> names = config.strings("classes");
    for (const std::string& name : found) {
      if (std::find(names.begin(), names.end(), name) == names.end()) {
        throw skerry::invalid("classes", "lacks the folder \"" + name + "\" of " + root_.string() +
                                             ". It lists " + skerry::listed(names) + "." +
                                             skerry::did_you_mean(name, names));
      }
    }
    return names;
  }

  void list_files(const std::vector<std::string>& classes) {
    std::vector<std::int64_t> labels;
    for (std::size_t label = 0; label < classes.size(); ++label) {
      const fs::path folder = root_ / classes[label];
      if (!fs::is_directory(folder)) continue;
      for (const std::string& name : entries(folder, false)) {
        const fs::path file = folder / name;
        if (!cv::haveImageReader(file.string())) throw unreadable(file);
        files_.push_back(file);
        labels.push_back(static_cast<std::int64_t>(label));
      }
    }
    if (files_.empty())
      throw skerry::invalid("uri", root_.string() + ": the folders in it hold no files");
    describe_classes({channels_, size_.height, size_.width}, std::move(labels),
                     static_cast<std::uint32_t>(classes.size()));
  }

  cv::Mat decoded(const fs::path& file) const {
    cv::Mat image;
    try {
      image = cv::imread(file.string(), channels_ == 1 ? cv::IMREAD_GRAYSCALE : cv::IMREAD_COLOR);
    } catch (const cv::Exception& e) {
      throw skerry::invalid("uri", file.string() + ": " + e.what());
    }
    if (image.empty()) throw unreadable(file);
    return image;
  }

  static skerry::Error unreadable(const fs::path& file) {
    return skerry::invalid(
        "uri", file.string() + ": not a picture that OpenCV can read, or a damaged one");
  }

  cv::Mat scaled(const cv::Mat& image) const {
    if (image.size() == size_) return image;
    const bool shrinks = size_.area() < image.size().area();
    cv::Mat result;
    cv::resize(image, result, size_, 0, 0, shrinks ? cv::INTER_AREA : cv::INTER_LINEAR);
    return result;
  }

  // From OpenCV's rows of blue, green, red bytes to planes of red, green, blue floats in 0..1.
  void write_planes(const cv::Mat& image, float* out) const {
    for (int channel = 0; channel < channels_; ++channel) {
      for (int y = 0; y < image.rows; ++y) {
        const std::uint8_t* pixel = image.ptr<std::uint8_t>(y) + (channels_ - 1 - channel);
        for (int x = 0; x < image.cols; ++x, pixel += channels_)
          *out++ = static_cast<float>(*pixel) / 255.0F;
      }
    }
  }

  fs::path root_;
  cv::Size size_;
  int channels_ = 3;
  std::vector<fs::path> files_;
};

}  // namespace

SKERRY_PLUGIN(skerry::feature<ImageFolder>("image-folder"));
