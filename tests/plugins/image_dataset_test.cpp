// image-grid and image-folder, on pictures in the PNM formats, which need no library to write.
#include <gtest/gtest.h>

#include "dataset_under_test.hpp"

using namespace skerry_test;
using nlohmann::json;

namespace {

std::string grey(int width, int height, const std::string& pixels) {
  return "P5\n" + std::to_string(width) + " " + std::to_string(height) + "\n255\n" + pixels;
}
std::string colour(int width, int height, const std::string& pixels) {
  return "P6\n" + std::to_string(width) + " " + std::to_string(height) + "\n255\n" + pixels;
}

class ImageGrid : public testing::Test {
 protected:
  Outcome refused(const json& config) {
    Outcome outcome = plugin.create_outcome("image-grid", "dataset/1", config);
    EXPECT_EQ(outcome.status, SKERRY_INVALID_ARGUMENT) << outcome;
    return outcome;
  }
  // 6x4 pixels; the value of a pixel tells where it is: 10 * row + column.
  std::string picture() {
    std::string pixels;
    for (int y = 0; y < 4; ++y) {
      for (int x = 0; x < 6; ++x) pixels += static_cast<char>(10 * y + x);
    }
    return folder.write("grid.pgm", grey(6, 4, pixels));
  }

  Folder folder;
  PluginUnderTest plugin{"image-grid"};
};

TEST_F(ImageGrid, CutsCellsRowByRowAndScalesThem) {
  DatasetUnderTest data(plugin, "image-grid",
                        {{"uri", picture()}, {"cell", {3, 2}}, {"rowsPerClass", 1}});
  EXPECT_EQ(data.shape(), (std::vector<std::int64_t>{1, 2, 3}));
  EXPECT_EQ(data.info.classes, 2U);
  EXPECT_EQ(data.classes(), (std::vector<std::int64_t>{0, 0, 1, 1}));
  std::vector<float> expected;
  for (int value : {23, 24, 25, 33, 34, 35, 0, 1, 2, 10, 11, 12})
    expected.push_back(static_cast<float>(value) / 255.0F);
  EXPECT_EQ(data.read({3, 0}), expected);
}

TEST_F(ImageGrid, GroupsRowsOfCellsIntoClasses) {
  DatasetUnderTest data(plugin, "image-grid",
                        {{"uri", picture()}, {"cell", {6, 1}}, {"rowsPerClass", 2}});
  EXPECT_EQ(data.classes(), (std::vector<std::int64_t>{0, 0, 1, 1}));
}

TEST_F(ImageGrid, NamesBothSizesWhereThePictureIsNoMultipleOfTheCell) {
  const Outcome outcome = refused({{"uri", picture()}, {"cell", {4, 2}}, {"rowsPerClass", 1}});
  EXPECT_EQ(outcome.field, "cell");
  EXPECT_NE(outcome.message.find("grid.pgm is 6x4 pixels, which is no multiple of the cell's 4x2"),
            std::string::npos)
      << outcome;
}

TEST_F(ImageGrid, RefusesRowsThatDoNotFillClasses) {
  const Outcome outcome = refused({{"uri", picture()}, {"cell", {3, 2}}, {"rowsPerClass", 3}});
  EXPECT_EQ(outcome.field, "rowsPerClass");
  EXPECT_EQ(outcome.message, "the picture has 2 rows of cells, which is no multiple of 3");
}

TEST_F(ImageGrid, RefusesWhatIsMissingOrNoPicture) {
  const Outcome missing =
      refused({{"uri", folder.path("none.png")}, {"cell", {1, 1}}, {"rowsPerClass", 1}});
  EXPECT_EQ(missing.field, "uri");
  EXPECT_EQ(missing.message, folder.path("none.png") + ": no such file");
  const std::string text = folder.write("text.png", "hello");
  EXPECT_EQ(refused({{"uri", text}, {"cell", {1, 1}}, {"rowsPerClass", 1}}).message,
            text + ": not a picture that OpenCV can read, or a damaged one");
  EXPECT_EQ(refused({{"uri", picture()}, {"cell", {0, 1}}, {"rowsPerClass", 1}}).field, "cell");
  EXPECT_EQ(refused({{"uri", picture()}, {"cell", {3}}, {"rowsPerClass", 1}}).field, "cell");
}

class ImageFolder : public testing::Test {
 protected:
  json config(int width, int height, int channels) {
    return {{"uri", folder.path("pictures")}, {"size", {width, height}}, {"channels", channels}};
  }
  Outcome refused(const json& with) {
    Outcome outcome = plugin.create_outcome("image-folder", "dataset/1", with);
    EXPECT_EQ(outcome.status, SKERRY_INVALID_ARGUMENT) << outcome;
    return outcome;
  }

  Folder folder;
  PluginUnderTest plugin{"image-folder"};
};

TEST_F(ImageFolder, SortsFoldersIntoClassesAndGivesPlanesOfRedGreenBlue) {
  folder.write("pictures/dog/1.ppm", colour(2, 1, "\xFF\x33\x01\xFF\x66\x02"));
  folder.write("pictures/cat/1.ppm", colour(2, 1, "abcdef"));
  folder.write("pictures/cat/.hidden", "no picture");
  folder.write("pictures/readme.txt", "no class");
  DatasetUnderTest data(plugin, "image-folder", config(2, 1, 3));
  EXPECT_EQ(data.shape(), (std::vector<std::int64_t>{3, 1, 2}));
  EXPECT_EQ(data.info.classes, 2U);
  EXPECT_EQ(data.classes(), (std::vector<std::int64_t>{0, 1}));
  EXPECT_EQ(data.read({1}),
            (std::vector<float>{1, 1, 51 / 255.0F, 102 / 255.0F, 1 / 255.0F, 2 / 255.0F}));
}

TEST_F(ImageFolder, ScalesPicturesToOneSize) {
  folder.write("pictures/a/big.pgm", grey(4, 4, std::string(16, '\x33')));
  folder.write("pictures/a/small.pgm", grey(1, 1, "\x66"));
  DatasetUnderTest data(plugin, "image-folder", config(2, 3, 1));
  EXPECT_EQ(data.shape(), (std::vector<std::int64_t>{1, 3, 2}));
  const std::vector<float> pixels = data.read_all();
  for (int i = 0; i < 6; ++i) EXPECT_EQ(pixels[i], 51 / 255.0F);
  for (int i = 6; i < 12; ++i) EXPECT_EQ(pixels[i], 102 / 255.0F);
}

TEST_F(ImageFolder, TakesTheOrderOfClassesFromTheConfiguration) {
  folder.write("pictures/b/1.pgm", grey(1, 1, "x"));
  json with = config(1, 1, 1);
  with["classes"] = {"c", "b", "a"};
  DatasetUnderTest data(plugin, "image-folder", with);
  EXPECT_EQ(data.info.classes, 3U);
  EXPECT_EQ(data.classes(), std::vector<std::int64_t>{1});
  with["classes"] = {"c", "a"};
  EXPECT_EQ(refused(with).field, "classes");
}

TEST_F(ImageFolder, NamesAPictureThatCannotBeRead) {
  folder.write("pictures/a/good.pgm", grey(1, 1, "x"));
  const std::string text = folder.write("pictures/a/notes.txt", "hello");
  EXPECT_EQ(refused(config(1, 1, 1)).message,
            text + ": not a picture that OpenCV can read, or a damaged one");
}

TEST_F(ImageFolder, NamesAPictureThatIsCutOffWhenItIsRead) {
  const std::string cut = folder.write("pictures/a/cut.pgm", grey(64, 64, "only this"));
  DatasetUnderTest data(plugin, "image-folder", config(64, 64, 1));
  std::vector<float> pixels(64 * 64);
  const Outcome outcome = data.read_outcome({0}, pixels.data());
  EXPECT_EQ(outcome.status, SKERRY_INVALID_ARGUMENT) << outcome;
  EXPECT_NE(outcome.message.find(cut), std::string::npos) << outcome;
}

TEST_F(ImageFolder, RefusesAFolderWithoutClassesOrPictures) {
  EXPECT_EQ(refused(config(1, 1, 1)).message, folder.path("pictures") + ": no such folder");
  folder.write("pictures/readme.txt", "x");
  EXPECT_NE(refused(config(1, 1, 1)).message.find("holds no folders"), std::string::npos);
  folder.write("pictures/a/.keep", "");
  EXPECT_NE(refused(config(1, 1, 1)).message.find("the folders in it hold no files"),
            std::string::npos);
}

}  // namespace
