// What sinks that show pictures share: examples as pictures large enough to look at, boxes on them,
// and captions. Edge and cloud have a colour each, which colour-blind people can tell apart.
#pragma once

#include <skerry/sink.hpp>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <opencv2/core.hpp>
#include <opencv2/imgproc.hpp>
#include <optional>
#include <string>
#include <vector>

#include "../picture.hpp"
#include "outcomes.hpp"

namespace sink {

// Examples of a service as pictures of 8 bits: grey, or blue, green, red.
class ExamplePictures {
 public:
  // Throws Error where examples of this form are no pictures.
  explicit ExamplePictures(const skerry::ServiceForm& form)
      : form_(picture::form_of(form.shape)), scale_(1 / static_cast<double>(form.scale)) {
    if (!(form.scale > 0) || !std::isfinite(form.scale) || !std::isfinite(scale_))
      throw skerry::invalid(
          "input.scale",
          "must be above 0 for examples that are pictures, found " + std::to_string(form.scale));
  }

  cv::Size size() const { return form_.size(); }

  // uint8 elements are grey levels; float32 ones are levels times the service's scale.
  cv::Mat of(const skerry::TensorView& tensor) const {
    if (tensor.raw() == nullptr || tensor.size() != form_.elements())
      throw skerry::invalid(
          "", "an example of shape " + skerry::shape_text(tensor.shape()) +
                  " where the service takes pictures of " + std::to_string(form_.channels) + " x " +
                  std::to_string(form_.height) + " x " + std::to_string(form_.width));
    if (tensor.dtype() == skerry::dtype_of<std::uint8_t>())
      return picture::from_planes(tensor.data<const std::uint8_t>(), form_, 1);
    return picture::from_planes(tensor.data<const float>(), form_, scale_);
  }

 private:
  picture::Form form_;
  double scale_;  // of float32 elements to grey levels
};

// Blue, green, red; of Okabe and Ito (2008).
inline cv::Scalar colour_of(const skerry::Outcome& outcome) {
  if (!outcome.ok()) return {0, 94, 213};                                        // vermilion
  return outcome.by_cloud ? cv::Scalar{233, 180, 86} : cv::Scalar{0, 159, 230};  // blue, orange
}

inline std::string two_digits(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.2f", value);
  return text;
}

// A detection: what of it is on the picture, in pixels, and how sure the model is.
struct Box {
  cv::Rect place;
  float score = 0;
};

// Outputs are rows of five: left, top, width and height as parts of the picture's, and a score,
// which is above 0 where there is a box. Throws Error where they are no such rows.
inline std::vector<Box> boxes_of(skerry::Span<const float> outputs, cv::Size size) {
  constexpr std::size_t kRow = 5;
  if (outputs.size() % kRow != 0)
    throw skerry::invalid("draw",
                          "`boxes` needs outputs in rows of 5 (x, y, width, height, score); "
                          "the service gave " +
                              std::to_string(outputs.size()) + " outputs");
  std::vector<Box> boxes;
  for (std::size_t i = 0; i < outputs.size(); i += kRow) {
    const float* row = outputs.data() + i;
    const bool there = row[4] > 0 && std::all_of(row, row + 4, [](float part) {
                         return std::isfinite(part) && std::abs(part) < 100;
                       });
    if (!there) continue;
    const cv::Rect place(cv::Point(cvRound(row[0] * size.width), cvRound(row[1] * size.height)),
                         cv::Point(cvRound((row[0] + row[2]) * size.width),
                                   cvRound((row[1] + row[3]) * size.height)));
    const cv::Rect seen = place & cv::Rect({0, 0}, size);
    if (!seen.empty()) boxes.push_back({seen, row[4]});
  }
  return boxes;
}

// Text in one of OpenCV's fonts, which have ASCII alone: of other characters a ? is seen.
class Font {
 public:
  // For pictures of this width.
  explicit Font(int width) : scale_(std::clamp(width / 1000.0, 0.5, 1.2)) {}

  cv::Size size(const std::string& text) const {
    return cv::getTextSize(text, kFace, scale_, thickness(), nullptr);
  }
  int line() const { return cvRound(40 * scale_); }  // from one line to the next

  // What of the text is at most so wide.
  std::string fitting(std::string text, int width) const {
    std::string shown = ascii(text);
    while (!shown.empty() && size(shown).width > width) {
      shown.resize(shown.size() > 4 ? shown.size() - 4 : 0);
      if (!shown.empty()) shown += "...";
    }
    return shown;
  }
  // From its lower left corner; gives its width.
  int put(cv::Mat& on, const std::string& text, cv::Point at, const cv::Scalar& colour) const {
    const std::string shown = ascii(text);
    cv::putText(on, shown, at, kFace, scale_, colour, thickness(), cv::LINE_AA);
    return size(shown).width;
  }

 private:
  static constexpr int kFace = cv::FONT_HERSHEY_SIMPLEX;
  int thickness() const { return scale_ > 0.8 ? 2 : 1; }

  static std::string ascii(const std::string& text) {
    std::string shown;
    for (const char each : text) {
      const auto byte = static_cast<unsigned char>(each);
      if (byte >= 0xC0)
        shown += '?';  // the first byte of a character; the others have 0x80 to 0xBF
      else if (byte < 0x80)
        shown += byte >= ' ' && byte != 0x7F ? each : ' ';
    }
    return shown;
  }

  double scale_;
};

// `draw` and `classes` of a configuration, and pictures drawn by them.
class Drawing {
 public:
  explicit Drawing(const skerry::Config& config)
      : boxes_(config.has("draw") && config.one_of("draw", {"class", "boxes"}) == "boxes"),
        names_(config.strings("classes")) {}

  // Throws Error where examples of this form cannot be drawn so.
  void open(const skerry::ServiceForm& form) {
    examples_.emplace(form);
    classes_ = form.classes > 0;
    if (boxes_ && classes_)
      throw skerry::invalid("draw",
                            "`boxes` needs outputs in rows of 5 (x, y, width, height, "
                            "score); those of this service are probabilities of classes. "
                            "Use `class`, or leave `input.classes` of the service out");
    if (!names_.empty()) check_names(names_, form);
    const cv::Size size = examples_->size();
    factor_ = std::clamp((kLeastWidth + size.width - 1) / size.width, 1,
                         std::max(1, kMostHeight / size.height));
    size_ = size * factor_;
  }

  // Of what picture() gives.
  cv::Size size() const { return size_; }

  // In colour, as large as can be looked at, with the boxes where boxes are drawn.
  cv::Mat picture(const skerry::Outcome& outcome) const {
    cv::Mat shown = examples_->of(outcome.item.tensor);
    if (shown.channels() == 1) cv::cvtColor(cv::Mat(shown), shown, cv::COLOR_GRAY2BGR);
    if (factor_ > 1) cv::resize(cv::Mat(shown), shown, size_, 0, 0, cv::INTER_NEAREST);
    if (boxes_ && outcome.ok())
      for (const Box& box : boxes_of(outcome.outputs, size_)) put_box(shown, box, outcome);
    return shown;
  }

  // What the service said, in a few words: "seven 0.97", "3 boxes, the best 0.91".
  std::string answer(const skerry::Outcome& outcome) const {
    if (!outcome.ok()) return outcome.code;
    if (boxes_) return count_of(boxes_of(outcome.outputs, size_));
    const auto best = best_of(outcome.outputs);
    if (!best) return "no output";
    if (!classes_) return numbers(outcome.outputs);
    const std::string name = (names_.empty() ? "class " : "") + name_of(best->place);
    return name + " " + two_digits(static_cast<double>(best->output));
  }

  std::string name_of(std::size_t label) const {
    return label < names_.size() ? names_[label] : std::to_string(label);
  }

 private:
  static constexpr int kLeastWidth = 320, kMostHeight = 4096;  // pixels

  void put_box(cv::Mat& on, const Box& box, const skerry::Outcome& outcome) const {
    const cv::Scalar colour = colour_of(outcome), dark(20, 20, 20);
    cv::rectangle(on, box.place, colour, std::max(2, on.cols / 320));
    const Font font(on.cols);
    const std::string score = two_digits(static_cast<double>(box.score));
    const cv::Size text = font.size(score);
    // Above the box where there is room, else inside.
    const int bottom = box.place.y >= text.height + 6 ? box.place.y : box.place.y + text.height + 6;
    const cv::Rect back(box.place.x, bottom - text.height - 6, text.width + 6, text.height + 6);
    cv::rectangle(on, back, colour, cv::FILLED);
    font.put(on, score, {back.x + 3, bottom - 3}, dark);
  }

  static std::string count_of(const std::vector<Box>& boxes) {
    if (boxes.empty()) return "no box";
    float best = 0;
    for (const Box& box : boxes) best = std::max(best, box.score);
    const std::string score = two_digits(static_cast<double>(best));
    return boxes.size() == 1 ? "1 box, " + score
                             : std::to_string(boxes.size()) + " boxes, the best " + score;
  }

  static std::string numbers(skerry::Span<const float> outputs) {
    constexpr std::size_t kShown = 4;
    std::string text;
    for (std::size_t i = 0; i < std::min(kShown, outputs.size()); ++i) {
      char number[32];
      std::snprintf(number, sizeof number, "%.4g", static_cast<double>(outputs[i]));
      text += (i == 0 ? "" : ", ") + std::string(number);
    }
    return outputs.size() > kShown ? text + ", ..." : text;
  }

  bool boxes_;
  std::vector<std::string> names_;
  bool classes_ = false;
  std::optional<ExamplePictures> examples_;  // once open
  int factor_ = 1;
  cv::Size size_;
};

}  // namespace sink
