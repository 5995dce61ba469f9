// One picture that is a grid of equal cells, as the digits.png of OpenCV's samples: 50 rows of 100
// digits, five rows a digit. Row r of the dataset is cell r, counted from the left and then
// downwards.
#include <skerry/dataset.hpp>

#include <filesystem>
#include <opencv2/imgcodecs.hpp>

namespace {

class ImageGrid : public skerry::Dataset {
 public:
  explicit ImageGrid(const skerry::Config& config) : image_(load(config.string("uri"))) {
    const std::vector<std::int64_t> cell = config.integers("cell");
    const std::int64_t rows_per_class = config.integer("rowsPerClass");
    if (cell.size() != 2 || cell[0] < 1 || cell[1] < 1) {
      throw skerry::invalid("cell", "must be two sizes in pixels of at least 1, as [20, 20]");
    }
    if (rows_per_class < 1) throw skerry::invalid("rowsPerClass", "must be at least 1");
    if (image_.cols % cell[0] != 0 || image_.rows % cell[1] != 0) {
      throw skerry::invalid(
          "cell", config.string("uri") + " is " + size_text(image_.cols, image_.rows) +
                      " pixels, which is no multiple of the cell's " + size_text(cell[0], cell[1]));
    }
    width_ = static_cast<int>(cell[0]);
    height_ = static_cast<int>(cell[1]);
    columns_ = image_.cols / width_;
    describe(image_.rows / height_, rows_per_class);
  }

  // Pixels stay bytes in memory and become floats in 0..1 here.
  void read(skerry::Span<const std::uint64_t> rows, float* out) override {
    for (const std::uint64_t row : rows) {
      const int left = static_cast<int>(row % columns_) * width_;
      const int top = static_cast<int>(row / columns_) * height_;
      for (int y = 0; y < height_; ++y) {
        const std::uint8_t* pixels = image_.ptr<std::uint8_t>(top + y) + left;
        for (int x = 0; x < width_; ++x) *out++ = static_cast<float>(pixels[x]) / 255.0F;
      }
    }
  }

 private:
  void describe(std::int64_t grid_rows, std::int64_t rows_per_class) {
    if (grid_rows % rows_per_class != 0) {
      throw skerry::invalid("rowsPerClass", "the picture has " + std::to_string(grid_rows) +
                                                " rows of cells, which is no multiple of " +
                                                std::to_string(rows_per_class));
    }
    std::vector<std::int64_t> labels;
    labels.reserve(static_cast<std::size_t>(grid_rows * columns_));
    for (std::int64_t row = 0; row < grid_rows; ++row)
      labels.insert(labels.end(), columns_, row / rows_per_class);
    describe_classes({1, height_, width_}, std::move(labels),
                     static_cast<std::uint32_t>(grid_rows / rows_per_class));
  }

  static std::string size_text(std::int64_t width, std::int64_t height) {
    return std::to_string(width) + "x" + std::to_string(height);
  }

  static cv::Mat load(const std::string& path) {
    if (!std::filesystem::is_regular_file(path))
      throw skerry::invalid("uri", path + ": no such file");
    cv::Mat image;
    try {
      image = cv::imread(path, cv::IMREAD_GRAYSCALE);
    } catch (const cv::Exception& e) {
      throw skerry::invalid("uri", path + ": " + e.what());
    }
    if (image.empty())
      throw skerry::invalid("uri", path + ": not a picture that OpenCV can read, or a damaged one");
    return image;
  }

  cv::Mat image_;
  int width_ = 0, height_ = 0, columns_ = 0;
};

}  // namespace

SKERRY_PLUGIN(skerry::feature<ImageGrid>("image-grid"));
