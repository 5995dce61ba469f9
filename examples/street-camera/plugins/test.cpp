// Drawn figures walk before a drawn street; where `run` has fetched the real one, people walk
// there.
#include "street.cpp"

#include <cstdio>
#include <filesystem>
#include <functional>
#include <limits>
#include <opencv2/videoio.hpp>
#include <string>

namespace {

using street::Box;
using street::kRow;

constexpr int kWidth = 768, kHeight = 576;

int failures = 0;
void expect(bool right, const std::string& what) {
  std::printf("%s %s\n", right ? "ok    " : "FAILED", what.c_str());
  failures += right ? 0 : 1;
}

skerry::Config config(nlohmann::json json) {
  return skerry::Config(std::move(json));
}
std::string data_file(const char* name) {
  return std::string(STREET_DATA) + "/" + name;
}

skerry::DatasetInfo info_of(std::vector<std::int64_t> shape) {
  skerry::DatasetInfo info;
  info.shape = std::move(shape);
  info.label_kind = skerry::LabelKind::real;
  return info;
}

// A picture's red, green and blue planes, 1 is white.
std::vector<float> planes_of(const cv::Mat& picture) {
  std::vector<float> planes(3 * picture.total());
  for (int y = 0; y < picture.rows; ++y)
    for (int x = 0; x < picture.cols; ++x)
      for (int channel = 0; channel < 3; ++channel)
        planes[static_cast<std::size_t>(channel) * picture.total() +
               static_cast<std::size_t>(y * picture.cols + x)] =
            static_cast<float>(picture.at<cv::Vec3b>(y, x)[2 - channel]) / 255;
  return planes;
}

std::vector<float> answer(skerry::Estimator& detector, const cv::Mat& picture) {
  std::vector<float> planes = planes_of(picture);
  return detector
      .predict({planes.data(), skerry::dtype_of<float>(), {1, 3, picture.rows, picture.cols}})
      .values;
}

std::vector<Box> boxes_of(const std::vector<float>& answer) {
  std::vector<Box> boxes;
  for (std::size_t i = 0; i < answer.size(); i += kRow)
    if (answer[i + 4] > 0)
      boxes.push_back({{answer[i] * kWidth, answer[i + 1] * kHeight, answer[i + 2] * kWidth,
                        answer[i + 3] * kHeight},
                       answer[i + 4]});
  return boxes;
}

bool is_hard(std::vector<float> answer) {
  street::UnsureBoxes filter(config(nlohmann::json::object()));
  skerry::Example example;
  example.predictions = {answer.data(), answer.size()};
  return filter.judge(example).hard;
}

// Grey stones, the same in each picture, and some noise, which is not.
cv::Mat street_with(const std::vector<cv::Rect>& walkers, int number) {
  cv::Mat picture(kHeight, kWidth, CV_8UC3), noise(kHeight, kWidth, CV_8UC3);
  cv::RNG(7).fill(picture, cv::RNG::UNIFORM, 100, 140);
  cv::GaussianBlur(picture, picture, {0, 0}, 2);
  for (const cv::Rect& each : walkers) cv::rectangle(picture, each, {30, 20, 40}, cv::FILLED);
  cv::RNG(static_cast<std::uint64_t>(number) + 100).fill(noise, cv::RNG::UNIFORM, 0, 6);
  return picture + noise;
}

// What `detector` says of the last of 30 pictures in which a figure of this size walks along.
std::vector<float> walk(skerry::Estimator& detector, cv::Size size, cv::Rect& last) {
  std::vector<float> said;
  for (int number = 0; number < 30; ++number) {
    last = cv::Rect({40 + 15 * number, 300}, size);
    said = answer(detector, street_with({last}, number));
  }
  return said;
}

void refusals() {
  const auto field_of = [](const std::function<void()>& call) {
    try {
      call();
    } catch (const skerry::Error& error) {
      return std::to_string(error.code()) + " " + error.field();
    }
    return std::string("none");
  };
  const std::string invalid = std::to_string(SKERRY_INVALID_ARGUMENT) + " ";
  street::PeopleHog hog(config(nlohmann::json::object()));
  auto classes = info_of({3, kHeight, kWidth});
  classes.label_kind = skerry::LabelKind::classes;
  expect(field_of([&] { hog.prepare(classes, 1); }) == invalid + "input.classes",
         "classes are refused");
  expect(field_of([&] {
           hog.prepare(info_of({1, kHeight, kWidth}), 1);
         }) == invalid + "input.shape",
         "grey pictures are refused");
  expect(field_of([&] {
           hog.prepare(info_of({3, 64, 64}), 1);
         }) == invalid + "input.shape",
         "pictures without room for a person are refused");
  skerry::Metrics nowhere(nullptr);
  expect(field_of([&] { hog.train({}, {}, nowhere); }) == std::to_string(SKERRY_UNSUPPORTED) + " ",
         "training is refused");
  expect(field_of([&] {
           street::PeopleCascade(config({{"file", __FILE__}}));
         }) == invalid + "file",
         "a file that is no cascade is refused");
}

void motion() {
  street::Motion motion(config(nlohmann::json::object()));
  motion.prepare(info_of({3, kHeight, kWidth}), 1);
  expect(is_hard(answer(motion, street_with({}, 0))), "the first picture is hard");
  for (int number = 1; number < 20; ++number) answer(motion, street_with({}, number));
  const auto still = answer(motion, street_with({}, 20));
  expect(boxes_of(still).empty() && !is_hard(still), "a still street is easy, and without boxes");

  cv::Rect last;
  const auto person = walk(motion, {36, 100}, last);
  const auto found = boxes_of(person);
  expect(found.size() == 1 && street::overlap(found[0].place, cv::Rect2f(last)) > 0.6F,
         "a walker is found where it is");
  expect(!is_hard(person), "a walker of a person's shape is easy");
  expect(is_hard(walk(motion, {140, 100}, last)), "a walker as wide as a group is hard");

  cv::Mat dark = street_with({}, 31) / 3;
  expect(is_hard(answer(motion, dark)), "another scene is hard");
}

void filter() {
  const std::vector<float> none(2 * kRow, 0), sure = {0, 0, 1, 1, 0.9F, 0, 0, 0, 0, 0},
                                              unsure = {0, 0, 1, 1, 0.9F, 0, 0, 1, 1, 0.3F};
  expect(!is_hard(none) && !is_hard(sure) && is_hard(unsure),
         "one unsure box makes an answer hard");
  expect(is_hard({0.1F, 0.9F}), "an answer that is no boxes is hard");
}

void odd_pictures() {
  street::PeopleHog hog(config(nlohmann::json::object()));
  street::Motion motion(config({{"boxes", 3}}));
  constexpr float kNan = std::numeric_limits<float>::quiet_NaN(),
                  kInfinity = std::numeric_limits<float>::infinity();
  for (skerry::Estimator* each : std::initializer_list<skerry::Estimator*>{&motion, &hog}) {
    each->prepare(info_of({3, 128, 160}), 1);
    std::vector<float> planes(2 * 3 * 128 * 160, kNan);
    std::fill(planes.begin(), planes.begin() + 10000, kInfinity);
    const auto said = each->predict({planes.data(), skerry::dtype_of<float>(), {2, 3, 128, 160}});
    expect(said.values.size() == 2 * (each == &motion ? 3 : 16) * kRow &&
               std::all_of(said.values.begin(), said.values.end(),
                           [](float value) { return std::isfinite(value); }),
           "odd pictures get as many boxes as the configuration says, all finite");
    expect(each->weights().empty(), "there are no weights");
  }
}

// How many of `wanted` have a box of their own place among `found`.
std::size_t agreed(const std::vector<Box>& wanted, const std::vector<Box>& found) {
  return static_cast<std::size_t>(std::count_if(wanted.begin(), wanted.end(), [&](const Box& each) {
    return std::any_of(found.begin(), found.end(), [&](const Box& other) {
      return street::overlap(each.place, other.place) > 0.3F;
    });
  }));
}

// One picture, after 80 that the background is learnt from.
void real_street() {
  const std::string video = data_file("vtest.avi"),
                    cascade_file = data_file("haarcascade_fullbody.xml");
  if (!std::filesystem::exists(video) || !std::filesystem::exists(cascade_file)) {
    std::printf("left out: the real street, which examples/street-camera/fetch fetches\n");
    return;
  }
  street::PeopleCascade cascade(config({{"file", cascade_file}}));
  street::PeopleHog hog(config(nlohmann::json::object()));
  for (skerry::Estimator* each : std::initializer_list<skerry::Estimator*>{&cascade, &hog})
    each->prepare(info_of({3, kHeight, kWidth}), 1);
  cv::VideoCapture capture(video);
  cv::Mat picture;
  std::vector<float> said;
  for (int number = 0; number <= 240 && capture.read(picture); ++number)
    if (number % 3 == 0) said = answer(cascade, picture);
  const auto people = boxes_of(answer(hog, picture)), by_cascade = boxes_of(said);
  std::printf("people-hog finds %zu, people-cascade %zu\n", people.size(), by_cascade.size());
  expect(people.size() >= 4, "people-hog finds four people or more");
  expect(agreed(people, by_cascade) * 3 >= people.size() * 2,
         "people-cascade finds two in three of them or more");
}

}  // namespace

int main() {
  refusals();
  motion();
  filter();
  odd_pictures();
  real_street();
  return failures == 0 ? 0 : 1;
}
