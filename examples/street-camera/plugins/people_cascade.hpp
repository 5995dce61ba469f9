// estimator `people-cascade`: a cascade of Haar features (Viola, Jones, 2001) looks at what moves.
#pragma once

#include <opencv2/objdetect.hpp>
#include <string>
#include <vector>

#include "detector.hpp"
#include "moving.hpp"

namespace street {

class PeopleCascade : public Detector {
 public:
  explicit PeopleCascade(const skerry::Config& config)
      : Detector(config),
        scale_(number(config, "scale", 1.1, 1.01, 2)),
        neighbours_(static_cast<int>(whole(config, "neighbours", 1, 1, 100))),
        smallest_(number(config, "smallest", 0.07, 0, 1)),
        moving_(static_cast<int>(whole(config, "history", 200, 2, 100'000)), smallest_) {
    load(config.string("file"));
  }

 private:
  void load(const std::string& file) {
    bool loaded = false;
    try {
      loaded = cascade_.load(file);
    } catch (const cv::Exception&) {
      // a file of something else
    }
    if (!loaded)
      throw skerry::invalid("file", "\"" + file +
                                        "\" cannot be read as a cascade of OpenCV; give the path "
                                        "of one on this machine, as of haarcascade_fullbody.xml");
  }

  std::vector<Box> detect(const cv::Mat& picture) override {
    cv::Mat grey;
    cv::cvtColor(picture, grey, cv::COLOR_BGR2GRAY);
    const std::vector<cv::Rect2f> regions = moving_.regions(picture);
    std::vector<Box> people;
    for (const cv::Rect2f& region : regions) seek(grey, region, people);
    people = without_doubles(std::move(people), kSame);
    explain(regions, people);
    return people;
  }

  // People that may be part of what moves in `region`: about as high as it, and around it.
  void seek(const cv::Mat& grey, const cv::Rect2f& region, std::vector<Box>& people) {
    const float height = region.height;
    const cv::Rect around = cv::Rect(cv::Rect2f(region.x - height * 0.3F, region.y - height * 0.3F,
                                                region.width + height * 0.6F, height * 1.6F)) &
                            cv::Rect({}, grey.size());
    const double least = std::max(smallest_ * grey.rows, 0.8 * height), most = 1.9 * height;
    std::vector<cv::Rect> windows;
    std::vector<int> counts;
    cascade_.detectMultiScale(grey(around), windows, counts, scale_, neighbours_, 0,
                              window_of(least), window_of(most));
    for (std::size_t i = 0; i < windows.size(); ++i)
      people.push_back({person_in(windows[i] + around.tl()),
                        static_cast<float>(counts[i]) / static_cast<float>(counts[i] + 1)});
  }

  // What moves and was not recognised is told with the score of its shape; people who are only a
  // part of a region are as unsure as that part is small.
  static void explain(const std::vector<cv::Rect2f>& regions, std::vector<Box>& people) {
    const std::size_t recognised = people.size();
    for (const cv::Rect2f& region : regions) {
      const float part = covered(region, people, recognised);
      if (part <= 0) people.push_back({region, one_person(region)});
      for (std::size_t i = 0; i < recognised && part < kEnough; ++i)
        if (lies_in(people[i].place, region)) people[i].score = std::min(people[i].score, part);
    }
  }

  static bool lies_in(const cv::Rect2f& person, const cv::Rect2f& region) {
    return (person & region).area() > 0.5F * person.area();
  }

  // Which part of the region's width the first `count` people take who lie in it.
  static float covered(const cv::Rect2f& region, const std::vector<Box>& people,
                       std::size_t count) {
    std::vector<std::pair<float, float>> spans;
    for (std::size_t i = 0; i < count; ++i) {
      const cv::Rect2f& place = people[i].place;
      if (lies_in(place, region)) spans.emplace_back(place.x, place.x + place.width);
    }
    std::sort(spans.begin(), spans.end());
    float covered = 0, from = region.x;
    for (const auto& [left, right] : spans) {
      const float end = std::min(right, region.x + region.width);
      covered += std::max(0.0F, end - std::max(from, left));
      from = std::max(from, end);
    }
    return covered / region.width;
  }

  // The cascade's windows are twice as high as wide, and have a margin around the person.
  static cv::Size window_of(double height) { return {cvRound(height / 2), cvRound(height)}; }
  static cv::Rect2f person_in(const cv::Rect& window) {
    const auto width = static_cast<float>(window.width), height = static_cast<float>(window.height);
    return {static_cast<float>(window.x) + 0.2F * width,
            static_cast<float>(window.y) + 0.09F * height, 0.6F * width, 0.82F * height};
  }

  static constexpr float kSame = 0.4F;
  static constexpr float kEnough = 0.5F;  // of a region's width: nobody else has room

  const double scale_;
  const int neighbours_;
  const double smallest_;
  Moving moving_;
  cv::CascadeClassifier cascade_;
};

}  // namespace street
