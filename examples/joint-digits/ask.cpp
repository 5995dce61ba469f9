// An application: asks a service about each digit of digits.png, and counts how often it is right.
//
//   ask EDGE-STATE SERVICE digits.png
#include <skerry/client.hpp>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <opencv2/imgcodecs.hpp>
#include <vector>

int main(int argc, char** argv) try {
  if (argc != 4) {
    std::fprintf(stderr, "usage: ask EDGE-STATE SERVICE digits.png\n");
    return 2;
  }
  constexpr int kCell = 20, kRowsPerDigit = 5;
  const cv::Mat grid = cv::imread(argv[3], cv::IMREAD_GRAYSCALE);
  if (grid.empty()) {
    std::fprintf(stderr, "ask: %s is no picture that can be read\n", argv[3]);
    return 2;
  }
  skerry::Client client(argv[1]);
  int asked = 0, right = 0, by_cloud = 0, without = 0;
  std::vector<double> milliseconds;
  for (int row = 0; row < grid.rows / kCell; ++row) {
    for (int column = 0; column < grid.cols / kCell; ++column) {
      const cv::Mat cell = grid(cv::Rect(column * kCell, row * kCell, kCell, kCell)).clone();
      const std::vector<std::uint8_t> pixels(cell.datastart, cell.dataend);
      const auto began = std::chrono::steady_clock::now();
      const skerry::Answer answer = client.predict(argv[2], pixels, {1, kCell, kCell});
      milliseconds.push_back(
          std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - began)
              .count());
      ++asked;
      by_cloud += answer.by_cloud;
      if (!answer.ok()) {
        ++without;
        continue;
      }
      const auto said = std::max_element(answer.outputs.begin(), answer.outputs.end());
      right += said - answer.outputs.begin() == row / kRowsPerDigit;
    }
  }
  std::sort(milliseconds.begin(), milliseconds.end());
  const auto at = [&](double q) {
    return milliseconds[static_cast<std::size_t>(q * static_cast<double>(milliseconds.size() - 1))];
  };
  std::printf("%d digits: %.2f %% right, %.1f %% answered by the cloud, %d without an answer; p50 "
              "%.2f ms, p99 %.2f ms\n",
              asked, 100.0 * right / asked, 100.0 * by_cloud / asked, without, at(0.5), at(0.99));
  return 0;
} catch (const skerry::Error& error) {
  std::fprintf(stderr, "ask: %s\n", error.what());
  return 1;
}
