// Examples as pictures' files. An edge with a slow link writes them small; applications send what
// they have, of whatever size.
#include <skerry/payload.hpp>

#include <opencv2/imgcodecs.hpp>

#include "../../encoded_picture.hpp"
#include "../../picture.hpp"

namespace {

// OpenCV's, as a failure that people can do something about.
template <class Call>
void with_opencv(const std::string& what, Call&& call) {
  try {
    call();
  } catch (const cv::Exception& e) {
    if (e.code == cv::Error::StsNoMem) throw std::bad_alloc();
    throw skerry::invalid("", what + ": OpenCV refuses it: " + e.err);
  }
}

class Image : public skerry::Payload {
 public:
  explicit Image(const skerry::Config& config)
      : format_(config.has("format") ? config.one_of("format", {"jpeg", "png", "webp"}) : "jpeg"),
        quality_(config.integer("quality", 90)),
        scale_(config.number("scale", 1)),
        range_(config.number("range", 1)) {
    if (quality_ < 1 || quality_ > 100)
      throw skerry::invalid("quality", "must be 1 to 100, found " + std::to_string(quality_));
    if (!(scale_ > 0 && scale_ <= 1))
      throw skerry::invalid("scale", "must be above 0, at most 1, found " + std::to_string(scale_));
    if (!(range_ > 0 && range_ <= 1e6))
      throw skerry::invalid("range",
                            "must be above 0, at most 1000000, found " + std::to_string(range_));
    picture::use_one_thread();
  }

  std::vector<std::uint8_t> encode(const skerry::TensorView& example) override {
    const picture::Form form = picture::form_of(example.shape());
    const auto* planes = example.data<const float>();
    std::vector<std::uint8_t> bytes;
    with_opencv("this example can't be written as " + format_, [&] {
      const cv::Mat small = shrunk(picture::from_planes(planes, form, 255 / range_));
      check_sides(small.size());
      if (!cv::imencode("." + format_, small, bytes, parameters()))
        throw skerry::Error(SKERRY_FAILED, "", "OpenCV can't write this example as " + format_);
    });
    return bytes;
  }

  void decode(skerry::Span<const std::uint8_t> bytes, const skerry::TensorView& example) override {
    const picture::Form form = picture::form_of(example.shape());
    auto* planes = example.data<float>();
    with_opencv("this picture can't be read", [&] {
      picture::to_planes(encoded::decoded(bytes, form.channels), form, range_ / 255, planes);
    });
  }

 private:
  void check_sides(cv::Size size) const {
    constexpr int kMostWebP = 16383;
    if (format_ != "webp" || std::max(size.width, size.height) <= kMostWebP) return;
    throw skerry::invalid("format", "webp pictures have sides of at most " +
                                        std::to_string(kMostWebP) + " pixels, this one has " +
                                        std::to_string(size.width) + " x " +
                                        std::to_string(size.height) + "; choose jpeg or png");
  }

  cv::Mat shrunk(const cv::Mat& whole) const {
    const auto side = [&](int pixels) { return std::max(1, cvRound(pixels * scale_)); };
    const cv::Size size(side(whole.cols), side(whole.rows));
    if (size == whole.size()) return whole;
    cv::Mat result;
    cv::resize(whole, result, size, 0, 0, cv::INTER_AREA);
    return result;
  }

  std::vector<int> parameters() const {
    constexpr int kPngEffort = 6;  // zlib's own default; OpenCV's is the fastest and largest
    const auto quality = static_cast<int>(quality_);
    if (format_ == "png") return {cv::IMWRITE_PNG_COMPRESSION, kPngEffort};
    if (format_ == "webp") return {cv::IMWRITE_WEBP_QUALITY, quality};
    return {cv::IMWRITE_JPEG_QUALITY, quality, cv::IMWRITE_JPEG_OPTIMIZE, 1};
  }

  const std::string format_;
  const std::int64_t quality_;
  const double scale_;
  const double range_;
};

}  // namespace

SKERRY_PLUGIN(skerry::feature<Image>("image"));
