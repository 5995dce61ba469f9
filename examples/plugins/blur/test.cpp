#include "blur.cpp"

#include <cstdio>

namespace {

skerry::Judgement judged(Blur& filter, const cv::Mat& picture) {
  return filter.judge(
      {{picture.ptr<float>(), picture.total()}, {1, picture.rows, picture.cols}, {}});
}

}  // namespace

int main() {
  Blur filter(skerry::Config(nlohmann::json::object()));
  cv::Mat sharp(32, 32, CV_32F), blurred;
  for (int y = 0; y < sharp.rows; ++y)
    for (int x = 0; x < sharp.cols; ++x)
      sharp.at<float>(y, x) = (x / 4 + y / 4) % 2 == 0 ? 1.0F : 0.0F;
  cv::GaussianBlur(sharp, blurred, {0, 0}, 4);
  const auto of_sharp = judged(filter, sharp), of_blurred = judged(filter, blurred);
  std::printf("sharp %g, blurred %g\n", of_sharp.score, of_blurred.score);
  return !of_sharp.hard && of_blurred.hard && of_sharp.score < 0.1 && of_blurred.score > 0.9 ? 0
                                                                                             : 1;
}
