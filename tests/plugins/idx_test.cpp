#include <gtest/gtest.h>
#include <zlib.h>

#include "dataset_under_test.hpp"

using namespace skerry_test;
using nlohmann::json;

namespace {

// The bytes of an IDX file of unsigned bytes.
std::string idx(const std::vector<std::uint32_t>& shape, const std::string& data) {
  std::string bytes = {0, 0, 8, static_cast<char>(shape.size())};
  for (const std::uint32_t extent : shape) {
    for (int shift : {24, 16, 8, 0}) bytes += static_cast<char>(extent >> shift);
  }
  return bytes + data;
}

class Idx : public testing::Test {
 protected:
  json config(const std::string& samples, const std::string& classes) {
    return {{"images", folder.write("images", samples)},
            {"labels", folder.write("labels", classes)}};
  }
  std::string gzip(const std::string& name, const std::string& content) {
    const std::string path = folder.path(name);
    gzFile file = gzopen(path.c_str(), "wb");
    gzwrite(file, content.data(), static_cast<unsigned>(content.size()));
    gzclose(file);
    return path;
  }
  // "field: message" without the folder's name.
  std::string refusal(const json& with) {
    const Outcome outcome = plugin.create_outcome("idx", "dataset/1", with);
    EXPECT_EQ(outcome.status, SKERRY_INVALID_ARGUMENT) << outcome;
    std::string text = outcome.field + ": " + outcome.message;
    const std::string prefix = folder.path("");
    for (auto at = text.find(prefix); at != std::string::npos; at = text.find(prefix))
      text.erase(at, prefix.size());
    return text;
  }

  const std::string images =
      idx({2, 2, 3}, std::string("\x00\x33\x66\x99\xCC\xFF\xFF\x00\xFF\x00\xFF\x00", 12));
  const std::string labels = idx({2}, std::string("\x04\x01", 2));
  Folder folder;
  PluginUnderTest plugin{"idx"};
};

TEST_F(Idx, ScalesPixelsToUnitRangeWithOneChannel) {
  DatasetUnderTest data(plugin, "idx", config(images, labels));
  EXPECT_EQ(data.shape(), (std::vector<std::int64_t>{1, 2, 3}));
  EXPECT_EQ(data.classes(), (std::vector<std::int64_t>{4, 1}));
  EXPECT_EQ(data.info.classes, 5U);
  EXPECT_EQ(data.read({1, 0}), (std::vector<float>{1, 0, 1, 0, 1, 0, 0, 51 / 255.0F, 102 / 255.0F,
                                                   153 / 255.0F, 204 / 255.0F, 1}));
}

TEST_F(Idx, ReadsGzip) {
  DatasetUnderTest data(plugin, "idx",
                        {{"images", gzip("i.gz", images)}, {"labels", gzip("l.gz", labels)}});
  EXPECT_EQ(data.info.rows, 2U);
  EXPECT_EQ(data.read({0})[5], 1.0F);
}

TEST_F(Idx, TakesPlainFeaturesAndChannels) {
  EXPECT_EQ(DatasetUnderTest(plugin, "idx", config(idx({2, 3}, "abcdef"), labels)).shape(),
            std::vector<std::int64_t>{3});
  EXPECT_EQ(DatasetUnderTest(plugin, "idx", config(idx({2, 3, 1, 1}, "abcdef"), labels)).shape(),
            (std::vector<std::int64_t>{3, 1, 1}));
}

TEST_F(Idx, TakesTheNumberOfClassesFromTheConfiguration) {
  json with = config(images, labels);
  with["classes"] = 10;
  EXPECT_EQ(DatasetUnderTest(plugin, "idx", with).info.classes, 10U);
  with["classes"] = 3;
  EXPECT_EQ(
      refusal(with),
      "classes: labels: label 0 (counting from 0) is 4, but classes says that labels are below 3");
}

TEST_F(Idx, TellsBytesFoundAndExpectedOfATruncatedFile) {
  EXPECT_EQ(refusal(config(images.substr(0, images.size() - 5), labels)),
            "images: images: truncated: 7 bytes of data found, 12 expected for [2, 2, 3]");
  EXPECT_EQ(refusal(config(images.substr(0, 9), labels)),
            "images: images: truncated: 9 bytes found, the header alone has 16");
  EXPECT_EQ(refusal(config("", labels)),
            "images: images: truncated: 0 bytes found, an IDX header begins with 4");
  EXPECT_EQ(refusal(config(images, labels.substr(0, 9))),
            "labels: labels: truncated: 1 bytes of data found, 2 expected for [2]");
}

TEST_F(Idx, TellsOfATruncatedOrDamagedGzipFile) {
  std::string random;
  for (int i = 0; i < 6000; ++i) random += static_cast<char>((i * 7919 + i * i * 31) >> 3);
  json with = {{"images", gzip("i.gz", idx({2, 3000}, random))}, {"labels", gzip("l.gz", labels)}};
  const std::string path = with["images"];
  std::ifstream file(path, std::ios::binary);
  std::string bytes((std::istreambuf_iterator<char>(file)), {});
  folder.write("i.gz", bytes.substr(0, bytes.size() / 2));
  EXPECT_NE(refusal(with).find("truncated gzip file: "), std::string::npos) << refusal(with);
  folder.write("i.gz", bytes.substr(0, bytes.size() - 4));
  EXPECT_NE(refusal(with).find("truncated gzip file: "), std::string::npos) << refusal(with);
  bytes[bytes.size() / 2] = static_cast<char>(bytes[bytes.size() / 2] ^ 0x55);
  folder.write("i.gz", bytes);
  EXPECT_NE(refusal(with).find("damaged gzip data"), std::string::npos) << refusal(with);
}

TEST_F(Idx, RefusesWhatIsNoIdxFileOfBytes) {
  EXPECT_EQ(refusal(config("PNG!....", labels)),
            "images: images: begins with the bytes 50 4e 47 21; an IDX file of unsigned bytes "
            "begins with 00 00 08 and "
            "01 to 04 (its number of dimensions)");
  std::string floats = images;
  floats[2] = 0x0D;
  EXPECT_NE(refusal(config(floats, labels)).find("00 00 0d 03"), std::string::npos);
  EXPECT_EQ(refusal(config(images + "x", labels)),
            "images: images: holds more than the 12 bytes of data that its header [2, 2, 3] says");
  EXPECT_EQ(refusal({{"images", folder.path("none")}, {"labels", folder.path("labels")}}),
            "images: none: no such file");
}

TEST_F(Idx, DoesNotAllocateWhatALyingHeaderClaims) {
  EXPECT_NE(refusal(config(idx({4000000000U, 4000000000U, 4000000000U}, "abc"), labels))
                .find("more than 1 TiB"),
            std::string::npos);
  EXPECT_EQ(refusal(config(idx({1000000, 1000, 1000}, "abc"), labels)),
            "images: images: truncated: 3 bytes of data found, 1000000000000 expected for "
            "[1000000, 1000, 1000]");
  EXPECT_EQ(refusal(config(idx({2, 0, 3}, ""), labels)),
            "images: images: holds nothing: its header says [2, 0, 3]");
}

TEST_F(Idx, RefusesFilesThatDoNotBelongTogether) {
  EXPECT_EQ(refusal(config(images, idx({3}, "abc"))),
            "labels: labels: 3 labels, but images holds 2 samples");
  EXPECT_EQ(refusal(config(labels, labels)),
            "images: images: has one dimension, as labels have; needed are 2 to 4");
  EXPECT_EQ(refusal(config(images, images)),
            "labels: labels: is of shape [2, 2, 3]; labels have one dimension");
}

TEST_F(Idx, ReadsMnist) {
  const std::string pictures = shared_data("mnist/t10k-images-idx3-ubyte.gz");
  if (pictures.empty()) GTEST_SKIP() << "../shared/data/mnist is absent";
  DatasetUnderTest data(
      plugin, "idx",
      {{"images", pictures}, {"labels", shared_data("mnist/t10k-labels-idx1-ubyte.gz")}});
  EXPECT_EQ(data.info.rows, 10000U);
  EXPECT_EQ(data.shape(), (std::vector<std::int64_t>{1, 28, 28}));
  EXPECT_EQ(data.info.classes, 10U);
  EXPECT_EQ(data.classes()[0], 7);
  double sum = 0;
  for (const float value : data.read_all()) sum += static_cast<double>(value);
  EXPECT_NEAR(sum / (10000 * 784), 0.1325, 0.0005) << "the known mean of the test set";
}

}  // namespace
