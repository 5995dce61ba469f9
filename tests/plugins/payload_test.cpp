// The payload `image`: examples as pictures' files, and pictures of anybody as examples.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <functional>
#include <limits>
#include <numeric>
#include <opencv2/imgcodecs.hpp>
#include <opencv2/imgproc.hpp>
#include <optional>
#include <random>

#include "plugin_under_test.hpp"

using namespace skerry_test;
using nlohmann::json;
using testing::Each;
using testing::ElementsAre;
using testing::FloatNear;
using testing::HasSubstr;
using testing::Pointwise;

namespace {

using Shape = std::vector<std::int64_t>;
using Values = std::vector<float>;
using Bytes = std::string;

std::size_t size_of(const Shape& shape) {
  return static_cast<std::size_t>(
      std::accumulate(shape.begin(), shape.end(), std::int64_t{1}, std::multiplies<>()));
}

class Image {
 public:
  // Without a format: the one that it has by default.
  explicit Image(const std::string& format = {}, json config = json::object()) {
    if (!format.empty()) config["format"] = format;
    payload_.emplace(plugin_.create<skerry_payload_v1>("image", config));
  }

  Outcome try_encode(const Shape& shape, const Values& example, Bytes& encoded) {
    Values copy = example;
    const skerry_tensor tensor = view(shape, copy);
    const skerry_sink sink = {sizeof(sink), 0, &encoded,
                              [](const skerry_sink* self, skerry_bytes bytes) -> skerry_status {
                                static_cast<Bytes*>(self->ctx)->append(
                                    reinterpret_cast<const char*>(bytes.data), bytes.size);
                                return SKERRY_OK;
                              }};
    return payload_->call(&skerry_payload_v1::encode, &tensor, &sink);
  }
  Outcome try_decode(const Bytes& encoded, const Shape& shape, Values& example) {
    example.assign(size_of(shape), -1);
    const std::vector<std::uint8_t> exact(encoded.begin(), encoded.end());  // no zero behind it
    const skerry_tensor tensor = view(shape, example);
    return payload_->call(&skerry_payload_v1::decode, skerry_bytes{exact.data(), exact.size()},
                          &tensor);
  }

  Bytes encoded(const Shape& shape, const Values& example) {
    Bytes bytes;
    const Outcome outcome = try_encode(shape, example, bytes);
    EXPECT_TRUE(outcome.ok()) << outcome;
    return bytes;
  }
  Values decoded(const Bytes& encoded, const Shape& shape) {
    Values example;
    const Outcome outcome = try_decode(encoded, shape, example);
    EXPECT_TRUE(outcome.ok()) << outcome;
    return example;
  }
  Values sent(const Shape& shape, const Values& example) {
    return decoded(encoded(shape, example), shape);
  }
  // What it says of bytes that are no picture to it.
  std::string refusal(const Bytes& encoded, const Shape& shape = {1, 4, 4}) {
    Values example;
    const Outcome outcome = try_decode(encoded, shape, example);
    EXPECT_EQ(outcome.status, SKERRY_INVALID_ARGUMENT) << outcome;
    return outcome.message;
  }

 private:
  static skerry_tensor view(const Shape& shape, Values& values) {
    return {values.data(), SKERRY_CPU, 0, static_cast<std::int32_t>(shape.size()),
            SKERRY_FLOAT,  32,         1, shape.data(),
            nullptr,       0};
  }

  PluginUnderTest plugin_{"image"};
  std::optional<Instance<skerry_payload_v1>> payload_;
};

Bytes file_of(const std::string& ending, const cv::Mat& picture, const std::vector<int>& how = {}) {
  std::vector<std::uint8_t> bytes;
  EXPECT_TRUE(cv::imencode(ending, picture, bytes, how));
  return {bytes.begin(), bytes.end()};
}
cv::Mat picture_of(const Bytes& file) {
  const std::vector<std::uint8_t> bytes(file.begin(), file.end());
  return cv::imdecode(bytes, cv::IMREAD_UNCHANGED);
}

Values levels(const std::vector<int>& list) {
  Values values;
  for (const int level : list) values.push_back(static_cast<float>(level) / 255.0F);
  return values;
}

// Soft waves, others in each plane, in 0.05..0.95.
Values smooth(const Shape& shape) {
  const auto width = static_cast<std::size_t>(shape.back());
  Values values(size_of(shape));
  for (std::size_t i = 0; i < values.size(); ++i)
    values[i] = static_cast<float>(0.5 + 0.45 * std::sin(0.2 * static_cast<double>(i % width) +
                                                         0.13 * static_cast<double>(i / width)));
  return values;
}
// 8 bits, blue, green, red.
cv::Mat scene(int width, int height, int type = CV_8UC3) {
  cv::Mat noise(height, width, type), picture;
  cv::RNG(5).fill(noise, cv::RNG::UNIFORM, 0, 256);
  cv::GaussianBlur(noise, picture, {0, 0}, 2);
  return picture;
}

double mean_distance(const Values& a, const Values& b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += std::abs(a[i] - b[i]);
  return sum / static_cast<double>(a.size());
}

Bytes little_endian(std::uint64_t value, int bytes) {
  Bytes text;
  for (int i = 0; i < bytes; ++i) text += static_cast<char>(value >> (8 * i));
  return text;
}
Bytes big_endian(std::uint64_t value, int bytes) {
  const Bytes text = little_endian(value, bytes);
  return {text.rbegin(), text.rend()};
}

// A file of each format that is read, all of the picture scene(24, 16).
std::map<std::string, Bytes> files() {
  const cv::Mat picture = scene(24, 16);
  return {{"JPEG", file_of(".jpg", picture)},
          {"progressive JPEG", file_of(".jpg", picture, {cv::IMWRITE_JPEG_PROGRESSIVE, 1})},
          {"PNG", file_of(".png", picture)},
          {"lossy WebP", file_of(".webp", picture, {cv::IMWRITE_WEBP_QUALITY, 80})},
          {"lossless WebP", file_of(".webp", picture, {cv::IMWRITE_WEBP_QUALITY, 101})},
          {"BMP", file_of(".bmp", picture)},
          {"PNM", file_of(".ppm", picture)}};
}

// ---------------------------------------------------------------------------------- round trips

TEST(Image, PngKeepsEveryGreyLevelBitForBit) {
  std::vector<int> all(256);
  std::iota(all.begin(), all.end(), 0);
  Image image("png");
  EXPECT_EQ(image.sent({1, 16, 16}, levels(all)), levels(all));
  EXPECT_EQ(image.sent({16, 16}, levels(all)), levels(all));
}

TEST(Image, PngKeepsColoursInTheirPlanes) {
  const Values example =
      levels({1, 2, 3, 4, 5, 6, 101, 102, 103, 104, 105, 106, 201, 202, 203, 204, 205, 206});
  Image image("png");
  const Bytes file = image.encoded({3, 2, 3}, example);
  EXPECT_EQ(image.decoded(file, {3, 2, 3}), example);
  EXPECT_EQ(picture_of(file).at<cv::Vec3b>(1, 0), cv::Vec3b(204, 104, 4));
}

TEST(Image, ValuesBetweenLevelsComeBackAsTheNearestOne) {
  std::mt19937 random(3);
  std::uniform_real_distribution<float> uniform;
  Values example(3 * 20 * 20);
  for (float& each : example) each = uniform(random);
  Image image("png");
  EXPECT_THAT(image.sent({3, 20, 20}, example), Pointwise(FloatNear(0.5F / 255 + 1e-6F), example));
}

TEST(Image, WhatIsBeyondBlackAndWhiteIsOneOfThem) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
  Image image("png");
  EXPECT_THAT(image.sent({1, 8}, {-0.1F, -1e30F, -kInfinity, kNan, 1.1F, 1e30F, kInfinity, 0.2F}),
              ElementsAre(0, 0, 0, 0, 1, 1, 1, 0.2F));
}

TEST(Image, RangeIsTheValueOfWhite) {
  std::vector<int> all(256);
  std::iota(all.begin(), all.end(), 0);
  const Values bytes(all.begin(), all.end());
  Image image("png", {{"range", 255}});
  const Bytes file = image.encoded({1, 16, 16}, bytes);
  EXPECT_EQ(image.decoded(file, {1, 16, 16}), bytes);
  EXPECT_EQ(Image("png").encoded({1, 16, 16}, levels(all)), file);
}

TEST(Image, JpegAndWebPComeNear) {
  for (const char* format : {"jpeg", "webp"}) {
    for (const Shape& shape : {Shape{3, 48, 64}, Shape{1, 48, 64}, Shape{47, 33}}) {
      const Values example = smooth(shape);
      EXPECT_LT(mean_distance(Image(format).sent(shape, example), example), 0.02)
          << format << " " << json(shape);
    }
  }
}

TEST(Image, WritesTheFormatThatItIsToldAndJpegByDefault) {
  const Shape shape = {3, 16, 16};
  const auto begin = [&](const std::string& format) {
    return Image(format).encoded(shape, smooth(shape)).substr(0, 4);
  };
  EXPECT_EQ(begin("").substr(0, 3), "\xFF\xD8\xFF");
  EXPECT_EQ(begin("jpeg").substr(0, 3), "\xFF\xD8\xFF");
  EXPECT_EQ(begin("png"), "\x89PNG");
  EXPECT_EQ(begin("webp"), "RIFF");
}

TEST(Image, LowerQualityIsSmallerButNotForPng) {
  const Shape shape = {3, 64, 64};
  const auto size = [&](const char* format, int quality) {
    return Image(format, {{"quality", quality}}).encoded(shape, smooth(shape)).size();
  };
  for (const char* format : {"jpeg", "webp"}) {
    EXPECT_LT(size(format, 20), size(format, 90)) << format;
    EXPECT_LT(size(format, 90), size(format, 100)) << format;
  }
  EXPECT_EQ(size("png", 1), size("png", 100));
  EXPECT_EQ(Image().encoded(shape, smooth(shape)).size(), size("jpeg", 90));
}

TEST(Image, ScaleWritesFewerPixelsThatAreScaledBack) {
  const Shape shape = {3, 40, 60};
  const Values example = smooth(shape);
  Image image("png", {{"scale", 0.5}});
  const Bytes file = image.encoded(shape, example);
  EXPECT_EQ(picture_of(file).size(), cv::Size(30, 20));
  EXPECT_LT(mean_distance(image.decoded(file, shape), example), 0.02);
}

TEST(Image, ScaleLeavesAtLeastOnePixel) {
  Image image("png", {{"scale", 0.001}});
  const Bytes file = image.encoded({1, 2, 200}, Values(400, 1));
  EXPECT_EQ(picture_of(file).size(), cv::Size(1, 1));
  EXPECT_THAT(image.decoded(file, {1, 2, 200}), Each(1));
}

TEST(Image, ScaledPixelsAreMeansOfTheirAreas) {
  Image image("png", {{"scale", 0.5}});
  const Bytes file = image.encoded({2, 4}, levels({0, 100, 7, 7, 50, 250, 7, 7}));
  EXPECT_EQ(picture_of(file).at<std::uint8_t>(0, 0), 100);
  EXPECT_EQ(picture_of(file).at<std::uint8_t>(0, 1), 7);
}

// ------------------------------------------------------------------------- pictures of strangers

TEST(Image, ReadsEachFormat) {
  const cv::Mat picture = scene(24, 16);
  Values expected;
  for (const int channel : {2, 1, 0}) {
    for (int y = 0; y < picture.rows; ++y)
      for (int x = 0; x < picture.cols; ++x)
        expected.push_back(static_cast<float>(picture.at<cv::Vec3b>(y, x)[channel]) / 255.0F);
  }
  Image image;
  for (const auto& [name, file] : files()) {
    const bool lossy = name.find("JPEG") != name.npos || name == "lossy WebP";
    const Values values = image.decoded(file, {3, 16, 24});
    if (lossy)
      EXPECT_LT(mean_distance(values, expected), 0.05) << name;
    else
      EXPECT_EQ(values, expected) << name;
  }
}

TEST(Image, ReadsPnmOfEachKind) {
  Image image;
  EXPECT_EQ(image.decoded("P2 # grey\n2\n# a comment\r2 255 0 51 102 255 ", {2, 2}),
            levels({0, 51, 102, 255}));
  EXPECT_EQ(image.decoded("P3\n1 1\n255\n1 2 3\n", {3, 1, 1}), levels({1, 2, 3}));
  EXPECT_EQ(image.decoded("P5\n2 1\n255\nab", {1, 2}), levels({'a', 'b'}));
  EXPECT_EQ(image.decoded("P6\n1 1\n255\nabc", {3, 1, 1}), levels({'a', 'b', 'c'}));
  EXPECT_EQ(image.decoded("P4\n8 1\n\x0F", {1, 8}), levels({255, 255, 255, 255, 0, 0, 0, 0}));
}

TEST(Image, ReadsBmpFromTheTopDownAndWithAnOldHeader) {
  Image image;
  Bytes file = file_of(".bmp", scene(24, 16));
  const Values upright = image.decoded(file, {3, 16, 24});
  file.replace(22, 4, little_endian(static_cast<std::uint32_t>(-16), 4));
  const Values mirrored = image.decoded(file, {3, 16, 24});
  EXPECT_NE(mirrored, upright);
  EXPECT_TRUE(std::equal(mirrored.begin(), mirrored.begin() + 24, upright.begin() + 15 * 24));
  const Bytes old = "BM" + little_endian(0, 8) + little_endian(26, 4) + little_endian(12, 4) +
                    little_endian(1, 2) + little_endian(1, 2) + little_endian(1, 2) +
                    little_endian(24, 2) + Bytes("\x03\x02\x01\x00", 4);
  EXPECT_EQ(image.decoded(old, {3, 1, 1}), levels({1, 2, 3}));
}

TEST(Image, ShrinksByMeansOfAreasAndEnlarges) {
  cv::Mat halves(100, 200, CV_8UC1, cv::Scalar(40));
  halves.colRange(0, 100) = 200;
  Image image;
  EXPECT_EQ(image.decoded(file_of(".png", halves), {1, 1}), levels({120}));
  cv::Mat corner(8, 8, CV_8UC1, cv::Scalar(0));
  corner.at<std::uint8_t>(0, 0) = 128;
  EXPECT_EQ(image.decoded(file_of(".png", corner), {1, 1}), levels({2}));
  EXPECT_EQ(image.decoded(file_of(".png", halves), {1, 2, 2}), levels({200, 40, 200, 40}));
  EXPECT_EQ(image.decoded(file_of(".png", cv::Mat(1, 1, CV_8UC1, cv::Scalar(51))), {1, 3, 5}),
            Values(15, 0.2F));
}

TEST(Image, GreyOfColoursIsThatOfTheEye) {
  const Bytes file = file_of(".png", cv::Mat(4, 4, CV_8UC3, cv::Scalar(50, 100, 200)));
  EXPECT_THAT(Image().decoded(file, {1, 4, 4}),
              Each(FloatNear((0.299F * 200 + 0.587F * 100 + 0.114F * 50) / 255, 1.01F / 255)));
}

TEST(Image, ColoursOfGreyAreItsThreefold) {
  const Bytes file = file_of(".png", cv::Mat(1, 2, CV_8UC1, cv::Scalar(51)));
  EXPECT_EQ(Image().decoded(file, {3, 1, 2}), Values(6, 0.2F));
}

TEST(Image, LeavesTransparencyOut) {
  Image image;
  const cv::Mat clear(2, 2, CV_8UC4, cv::Scalar(51, 102, 204, 7));
  const Values colours = levels({204, 204, 204, 204, 102, 102, 102, 102, 51, 51, 51, 51});
  EXPECT_EQ(image.decoded(file_of(".png", clear), {3, 2, 2}), colours);
  EXPECT_EQ(image.decoded(file_of(".webp", clear, {cv::IMWRITE_WEBP_QUALITY, 101}), {3, 2, 2}),
            colours);
}

TEST(Image, TakesTheHigherByteOf16Bits) {
  Image image;
  const cv::Mat grey(2, 2, CV_16UC1, cv::Scalar(0x33FF));
  EXPECT_EQ(image.decoded(file_of(".png", grey), {2, 2}), Values(4, 0.2F));
  const cv::Mat colour(1, 1, CV_16UC3, cv::Scalar(0x0301, 0x0280, 0x01FF));
  EXPECT_EQ(image.decoded(file_of(".png", colour), {3, 1, 1}), levels({1, 2, 3}));
}

// With orientation 6 in EXIF: the first row is at the right.
Bytes turned(const Bytes& jpeg) {
  const Bytes exif =
      Bytes("Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0", 32);
  return jpeg.substr(0, 2) + "\xFF\xE1" + big_endian(exif.size() + 2, 2) + exif + jpeg.substr(2);
}

TEST(Image, TurnsPicturesByTheirOrientationInExif) {
  cv::Mat halves(16, 32, CV_8UC3, cv::Scalar::all(0));
  halves.rowRange(0, 8) = cv::Scalar::all(255);
  const Bytes file = file_of(".jpg", halves);
  Image image;
  EXPECT_THAT(image.decoded(file, {2, 2}), Pointwise(FloatNear(0.02F), Values{1, 1, 0, 0}));
  for (const Shape& shape : {Shape{2, 2}, Shape{3, 2, 2}})
    EXPECT_THAT(Values(image.decoded(turned(file), shape)).at(0), FloatNear(0, 0.02F))
        << json(shape);
  EXPECT_THAT(image.decoded(turned(file), {2, 2}), Pointwise(FloatNear(0.02F), Values{0, 1, 0, 1}));
}

TEST(Image, DecodesTheSameBitsWhateverCameBefore) {
  Image used;
  const auto all = files();
  for (int times = 0; times < 2; ++times) {
    for (const auto& [name, file] : all) {
      Image fresh;
      EXPECT_EQ(used.decoded(file, {3, 10, 10}), fresh.decoded(file, {3, 10, 10})) << name;
    }
  }
}

// ------------------------------------------------------------------------------------- refusals

TEST(Image, RefusesNoBytesAndWhatIsNoPicture) {
  Image image;
  const std::string advice = "; send a picture's file: JPEG, PNG, WebP, BMP or PNM";
  EXPECT_EQ(image.refusal(""), "found no bytes" + advice);
  EXPECT_EQ(image.refusal("hello"),
            "found 5 bytes that begin with 68 65 6c 6c, which is no picture" + advice);
  EXPECT_EQ(image.refusal("P"), "found 1 bytes that begin with 50, which is no picture" + advice);
  EXPECT_THAT(image.refusal(Bytes(1000, '\0')), HasSubstr("00 00 00 00, which is no picture"));
}

TEST(Image, RefusesFormatsWhoseSizeItCannotTellBefore) {
  Image image;
  const cv::Mat picture = scene(64, 64);
  for (const char* ending : {".tiff", ".jp2", ".ras", ".hdr"}) {
    cv::Mat given = picture;
    if (ending == std::string(".hdr")) picture.convertTo(given, CV_32F, 1 / 255.0);
    EXPECT_THAT(image.refusal(file_of(ending, given)), HasSubstr("which is no picture")) << ending;
  }
}

TEST(Image, RefusesWhatIsCutOffAnywhere) {
  Image image;
  for (const auto& [name, file] : files()) {
    for (std::size_t size = 1; size < file.size(); ++size) {
      const std::string refusal = image.refusal(file.substr(0, size));
      const bool known = size >= 12;  // as a picture
      if (known) {
        EXPECT_THAT(refusal, HasSubstr(" picture is cut off: there is more"))
            << name << " of " << size << " bytes";
      }
    }
  }
  EXPECT_EQ(image.refusal(files()["JPEG"].substr(0, 100)),
            "this JPEG picture is cut off: there is more of it than the 100 bytes that came");
}

TEST(Image, TakesWhatStandsBehindAPicture) {
  Image image;
  for (const auto& [name, file] : files())
    EXPECT_EQ(image.decoded(file + "more", {3, 16, 24}), image.decoded(file, {3, 16, 24})) << name;
}

TEST(Image, RefusesDamageThatShows) {
  Image image;
  Bytes file = files()["PNG"];
  file[file.size() / 2] = static_cast<char>(file[file.size() / 2] ^ 0x10);
  EXPECT_EQ(image.refusal(file),
            "this PNG picture can't be decoded: it is damaged or cut off, or of a variant that "
            "OpenCV does not know");
}

TEST(Image, SurvivesFlippedBitsAndAnswersThemAlike) {
  constexpr int kFlips = 300;
  std::mt19937 random(11);
  Image image;
  for (const auto& [name, file] : files()) {
    for (int i = 0; i < kFlips; ++i) {
      Bytes flipped = file;
      char& byte = flipped[random() % std::min<std::size_t>(flipped.size(), 700)];
      byte = static_cast<char>(byte ^ (1 << random() % 8));
      Values once, twice;
      const Outcome first = image.try_decode(flipped, {3, 9, 9}, once);
      const Outcome second = image.try_decode(flipped, {3, 9, 9}, twice);
      EXPECT_EQ(first.status, second.status) << name;
      if (first.ok()) {
        EXPECT_EQ(once, twice) << name << ", flip " << i;
      } else {
        EXPECT_EQ(first.status, SKERRY_INVALID_ARGUMENT) << name << " " << first;
      }
    }
  }
}

Bytes png_chunk(const Bytes& name, const Bytes& data) {
  std::uint32_t sum = ~0U;
  for (const char c : name + data) {
    sum ^= static_cast<std::uint8_t>(c);
    for (int bit = 0; bit < 8; ++bit) sum = sum >> 1 ^ (sum & 1 ? 0xEDB88320U : 0);
  }
  return big_endian(data.size(), 4) + name + data + big_endian(~sum, 4);
}
Bytes png_bomb(std::uint32_t width, std::uint32_t height) {
  return "\x89PNG\r\n\x1A\n" +
         png_chunk("IHDR",
                   big_endian(width, 4) + big_endian(height, 4) + Bytes("\x08\x02\0\0\0", 5)) +
         png_chunk("IDAT", "x\x9C\x63\x60") + png_chunk("IEND", "");
}
Bytes jpeg_bomb(std::uint16_t width, std::uint16_t height) {
  Bytes file = files()["progressive JPEG"];
  const std::size_t frame = file.find("\xFF\xC2");
  file.replace(frame + 5, 4, big_endian(height, 2) + big_endian(width, 2));
  return file;
}
Bytes bmp_bomb(std::uint32_t width, std::uint32_t height) {
  Bytes file = files()["BMP"];
  file.replace(18, 8, little_endian(width, 4) + little_endian(height, 4));
  return file;
}
Bytes riff(const Bytes& chunks) {
  return "RIFF" + little_endian(chunks.size() + 4, 4) + "WEBP" + chunks;
}
// A canvas and, on it, the frame of another file.
Bytes webp_canvas(std::uint32_t width, std::uint32_t height, char flags = 0) {
  return riff("VP8X" + little_endian(10, 4) + Bytes(1, flags) + Bytes(3, '\0') +
              little_endian(width - 1, 3) + little_endian(height - 1, 3) +
              files()["lossless WebP"].substr(12));
}
Bytes webp_bomb() {
  Bytes file = files()["lossless WebP"];
  file.replace(21, 4, little_endian(0x3FFF | 0x3FFF << 14, 4));
  return file;
}

// The most that this process had in memory since the last call, in bytes.
std::size_t peak_of_memory() {
  std::ifstream status("/proc/self/status");
  std::size_t peak = 0;
  for (std::string line; std::getline(status, line);)
    if (line.rfind("VmHWM:", 0) == 0) peak = std::stoul(line.substr(6)) * 1024;
  std::ofstream("/proc/self/clear_refs") << "5\n";
  return peak;
}

TEST(Image, RefusesBombsBeforeTheyTakeMemory) {
  const std::map<std::string, Bytes> bombs = {
      {"PNG picture has 60000 x 50000 pixels", png_bomb(60000, 50000)},
      {"PNG picture has 4294967295 x 4294967295 pixels", png_bomb(~0U, ~0U)},
      {"JPEG picture has 65500 x 65000 pixels", jpeg_bomb(65500, 65000)},
      {"WebP picture has 16384 x 16384 pixels", webp_bomb()},
      {"WebP picture has 16777216 x 100 pixels", webp_canvas(16777216, 100)},
      {"BMP picture has 20000 x 30000 pixels", bmp_bomb(20000, 30000)},
      {"BMP picture has 1 x 2147483648 pixels", bmp_bomb(1, 0x80000000U)},
      {"PNM picture has 30000 x 30001 pixels", "P5\n30000 30001\n255\n"},
      {"PNM picture has 8001 x 8000 pixels", "P4 8001 8000 "}};
  Image image;
  image.decoded(files()["JPEG"], {3, 4, 4});
  peak_of_memory();
  const std::size_t before = peak_of_memory();
  for (const auto& [says, bomb] : bombs)
    EXPECT_EQ(image.refusal(bomb),
              "this " + says + "; at most 64 megapixels are taken: send a smaller one");
  EXPECT_LT(peak_of_memory(), before + (16U << 20));
}

// A header that shows one size to who looks first and another one to who decodes.
TEST(Image, RefusesASecondSize) {
  Image image;
  const Bytes small = files()["JPEG"], large = jpeg_bomb(65500, 65000);
  const std::size_t at = small.find("\xFF\xC0"), frame = large.find("\xFF\xC2");
  EXPECT_THAT(
      image.refusal(small.substr(0, at + 19) + large.substr(frame, 19) + small.substr(at + 19)),
      HasSubstr("it has two sizes"));
  EXPECT_THAT(image.refusal("P5\n30000#30000\n1\n255\n"), HasSubstr("there is no number where"));
  EXPECT_THAT(image.refusal(webp_canvas(8, 8)), HasSubstr("can't be decoded"));
  EXPECT_THAT(image.refusal("\x89PNG\r\n\x1A\n" + png_chunk("teXt", "x") +
                            png_bomb(60000, 50000).substr(8)),
              HasSubstr("it does not begin with its size"));
}

TEST(Image, TakesPicturesOf64Megapixels) {
  EXPECT_THAT(Image().decoded("P4 8000 8000 " + Bytes(8000 * 1000, '\0'), {1, 2, 2}), Each(1));
}

TEST(Image, RefusesAJpegThatGoesThroughItsPictureForever) {
  const Bytes file = files()["progressive JPEG"];
  const std::size_t last = file.rfind("\xFF\xDA");
  const Bytes scan = file.substr(last, file.size() - 2 - last);
  Bytes many = file.substr(0, file.size() - 2);
  for (int i = 0; i < 64; ++i) many += scan;
  EXPECT_EQ(Image().refusal(many + "\xFF\xD9"),
            "this JPEG picture has more than 64 scans; save it with fewer");
}

TEST(Image, RefusesVariantsThatItDoesNotRead) {
  Image image;
  EXPECT_EQ(image.refusal(webp_canvas(24, 16, 2)),
            "this WebP picture is animated; send one without motion");
  Bytes compressed = files()["BMP"];
  compressed.replace(30, 4, little_endian(1, 4));
  EXPECT_EQ(image.refusal(compressed),
            "this BMP picture is compressed; save it without, or as PNG");
  EXPECT_EQ(image.refusal(jpeg_bomb(0, 10)),
            "this JPEG picture is damaged: it says that it has no pixels");
  EXPECT_EQ(image.refusal("P5\n0 5\n255\n"),
            "this PNM picture is damaged: it says that it has no pixels");
  EXPECT_EQ(image.refusal("\xFF\xD8\xFF\xD9"),
            "this JPEG picture is damaged: it ends before its first pixel");
}

TEST(Image, RefusesShapesThatAreNoPictures) {
  Image image;
  const Bytes file = files()["PNG"];
  for (const Shape& shape : {Shape{16}, Shape{2, 8, 8}, Shape{4, 8, 8}, Shape{1, 1, 8, 8},
                             Shape{3, 0, 8}, Shape{1, 40000}, Shape{}}) {
    Values example(size_of(shape));
    Bytes encoded;
    for (const Outcome& outcome :
         {image.try_encode(shape, example, encoded), image.try_decode(file, shape, example)}) {
      EXPECT_EQ(outcome.status, SKERRY_INVALID_ARGUMENT) << json(shape) << outcome;
      EXPECT_EQ(outcome.field, "input.shape") << json(shape);
      EXPECT_THAT(outcome.message, HasSubstr("pictures have the shape [height, width] or "))
          << json(shape);
    }
    EXPECT_EQ(encoded, "");
  }
}

TEST(Image, RefusesAWebPThatIsTooWide) {
  Image image("webp");
  Bytes encoded;
  const Outcome outcome = image.try_encode({1, 16384}, Values(16384), encoded);
  EXPECT_EQ(outcome.status, SKERRY_INVALID_ARGUMENT);
  EXPECT_EQ(outcome.field, "format");
  EXPECT_EQ(outcome.message,
            "webp pictures have sides of at most 16383 pixels, this one has 16384 x 1; choose jpeg "
            "or png");
  EXPECT_EQ(image.encoded({1, 16383}, Values(16383)).substr(0, 4), "RIFF");
}

TEST(Image, RefusesOtherConfigurations) {
  PluginUnderTest plugin("image");
  const auto refused = [&](const json& config) {
    const Outcome outcome = plugin.create_outcome("image", "payload/1", config);
    EXPECT_EQ(outcome.status, SKERRY_INVALID_ARGUMENT) << outcome;
    return outcome.field + ": " + outcome.message;
  };
  EXPECT_EQ(refused({{"format", "jpg"}}),
            "format: \"jpg\" is not known. Allowed: jpeg, png, webp. Did you mean \"jpeg\"?");
  EXPECT_EQ(refused({{"quality", 0}}), "quality: must be 1 to 100, found 0");
  EXPECT_EQ(refused({{"quality", 101}}), "quality: must be 1 to 100, found 101");
  EXPECT_EQ(refused({{"quality", 9.5}}), "quality: must be a whole number, found 9.5");
  EXPECT_THAT(refused({{"scale", 0}}), HasSubstr("scale: must be above 0, at most 1, found 0"));
  EXPECT_THAT(refused({{"scale", 1.5}}), HasSubstr("scale: must be above 0, at most 1, found 1.5"));
  EXPECT_THAT(refused({{"range", 0}}), HasSubstr("range: must be above 0"));
  EXPECT_THAT(refused({{"range", 2e6}}), HasSubstr("at most 1000000, found 2000000"));
}

}  // namespace
