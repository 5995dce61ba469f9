// MNIST's format: one file of samples, one of labels, both of unsigned bytes.
#include <skerry/dataset.hpp>

#include <algorithm>

#include "idx_file.hpp"

namespace {

class Idx : public skerry::Dataset {
 public:
  explicit Idx(const skerry::Config& config) {
    IdxFile images = read_idx(config.string("images"), "images");
    if (images.shape.size() < 2) {
      throw skerry::invalid("images", config.string("images") +
                                          ": has one dimension, as labels have; needed are 2 to 4");
    }
    const IdxFile labels = read_idx(config.string("labels"), "labels");
    check_labels(labels, images, config);
    const std::uint32_t classes = class_count(labels, config);
    pixels_ = std::move(images.data);
    describe_classes(row_shape(images.shape), {labels.data.begin(), labels.data.end()}, classes);
  }

  // Values stay bytes in memory and become floats in 0..1 here.
  void read(skerry::Span<const std::uint64_t> rows, float* out) override {
    const std::size_t size = info().row_size();
    for (const std::uint64_t row : rows) {
      const std::uint8_t* from = pixels_.data() + row * size;
      for (std::size_t i = 0; i < size; ++i) *out++ = static_cast<float>(from[i]) / 255.0F;
    }
  }

 private:
  static void check_labels(const IdxFile& labels, const IdxFile& images,
                           const skerry::Config& config) {
    if (labels.shape.size() != 1) {
      throw skerry::invalid("labels", config.string("labels") + ": is of shape " +
                                          skerry::shape_text(labels.shape) +
                                          "; labels have one dimension");
    }
    if (labels.shape[0] != images.shape[0]) {
      throw skerry::invalid("labels", config.string("labels") + ": " +
                                          std::to_string(labels.shape[0]) + " labels, but " +
                                          config.string("images") + " holds " +
                                          std::to_string(images.shape[0]) + " samples");
    }
  }

  static std::uint32_t class_count(const IdxFile& labels, const skerry::Config& config) {
    const auto largest = std::max_element(labels.data.begin(), labels.data.end());
    const std::int64_t needed = *largest + 1;
    const std::int64_t classes = config.integer("classes", needed);
    if (classes < needed) {
      throw skerry::invalid("classes", config.string("labels") + ": label " +
                                           std::to_string(largest - labels.data.begin()) +
                                           " (counting from 0) is " + std::to_string(*largest) +
                                           ", but classes says that labels are below " +
                                           std::to_string(classes));
    }
    return static_cast<std::uint32_t>(classes);
  }

  // Images without a channel dimension have one channel.
  static std::vector<std::int64_t> row_shape(const std::vector<std::int64_t>& shape) {
    if (shape.size() == 3) return {1, shape[1], shape[2]};
    return {shape.begin() + 1, shape.end()};
  }

  std::vector<std::uint8_t> pixels_;
};

}  // namespace

SKERRY_PLUGIN(skerry::feature<Idx>("idx"));
