// Writes 40 pictures of shapes below the given folder, of which every fourth is out of focus:
// FOLDER/shapes/NUMBER.png.
#include <cstdio>
#include <filesystem>
#include <opencv2/imgcodecs.hpp>
#include <opencv2/imgproc.hpp>

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: make_pictures FOLDER\n");
    return 2;
  }
  const std::filesystem::path folder = std::filesystem::path(argv[1]) / "shapes";
  std::filesystem::create_directories(folder);
  cv::RNG random(42);
  for (int number = 0; number < 40; ++number) {
    cv::Mat picture(64, 64, CV_8UC3, cv::Scalar(40, 60, 90));
    for (int shape = 0; shape < 6; ++shape) {
      const cv::Point place(random.uniform(8, 56), random.uniform(8, 56));
      const cv::Scalar colour(random.uniform(150, 255), random.uniform(150, 255),
                              random.uniform(150, 255));
      cv::circle(picture, place, random.uniform(4, 12), colour, shape % 2 == 0 ? cv::FILLED : 2);
    }
    if (number % 4 == 0) cv::GaussianBlur(picture, picture, {0, 0}, 6);
    if (!cv::imwrite((folder / (std::to_string(number) + ".png")).string(), picture)) return 1;
  }
  return 0;
}
