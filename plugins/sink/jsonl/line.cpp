#include "line.hpp"

#include <charconv>
#include <cmath>
#include <cstdio>
#include <ctime>
#include <nlohmann/json.hpp>

#include "../outcomes.hpp"

namespace jsonl {
namespace {

// The object as text, member after member: outputs and elements are too many for a tree of values.
class Line {
 public:
  Line& operator()(const char* name) {
    if (text_.back() != '{') text_ += ',';
    text_ += '"';
    text_ += name;
    text_ += "\":";
    return *this;
  }
  // What is not UTF-8 becomes U+FFFD.
  void text(const std::string& value) {
    text_ += nlohmann::json(value).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  }
  void flag(bool value) { text_ += value ? "true" : "false"; }
  // The shortest text that gives the same number when it is read; null for what is none.
  template <class Number>
  void number(Number value) {
    if constexpr (std::is_floating_point_v<Number>) {
      if (!std::isfinite(value)) {
        text_ += "null";
        return;
      }
    }
    char digits[32];
    text_.append(digits, std::to_chars(digits, digits + sizeof digits, value).ptr);
  }
  template <class Numbers>
  void numbers(const Numbers& values) {
    text_ += '[';
    for (const auto value : values) {
      if (text_.back() != '[') text_ += ',';
      if constexpr (sizeof(value) == 1)
        number(static_cast<int>(value));
      else
        number(value);
    }
    text_ += ']';
  }
  void begin() { text_ += '{'; }
  void end() { text_ += '}'; }
  std::string whole() { return text_ + "}\n"; }

 private:
  std::string text_ = "{";
};

std::string utc(std::chrono::system_clock::time_point time) {
  using std::chrono::milliseconds;
  const auto since = std::chrono::duration_cast<milliseconds>(time.time_since_epoch()).count();
  const std::time_t seconds = since / 1000;
  std::tm parts{};
  ::gmtime_r(&seconds, &parts);
  char day[32], text[48];
  std::strftime(day, sizeof day, "%Y-%m-%dT%H:%M:%S", &parts);
  std::snprintf(text, sizeof text, "%s.%03dZ", day, static_cast<int>(since % 1000));
  return text;
}

void put_item(Line& line, const skerry::Outcome& outcome) {
  if (!outcome.source.empty()) line("from").text(outcome.source);
  line("number").number(outcome.item.number);
  if (std::isfinite(outcome.item.seconds)) line("seconds").number(outcome.item.seconds);
  if (!outcome.item.name.empty()) line("name").text(outcome.item.name);
  if (outcome.item.label != -1) line("label").number(outcome.item.label);
}

void put_example(Line& line, const skerry::TensorView& tensor) {
  if (tensor.raw() == nullptr) throw skerry::invalid("example", "the example has no elements");
  line("tensor").begin();
  line("shape").numbers(tensor.shape());
  if (tensor.dtype() == skerry::dtype_of<std::uint8_t>())
    line("data").numbers(tensor.elements<const std::uint8_t>());
  else
    line("data").numbers(tensor.elements<const float>());
  line.end();
  line("dtype").text(tensor.dtype().name());
}

void put_answer(Line& line, const skerry::Outcome& outcome, const Content& content) {
  if (content.outputs) line("output").numbers(outcome.outputs);
  if (const auto best = sink::best_of(outcome.outputs); content.classes && best) {
    line("class").number(best->place);
    line("confidence").number(best->output);
  }
  line("source").text(outcome.by_cloud ? "cloud" : "edge");
  line("version").number(outcome.version);
}

void put_error(Line& line, const skerry::Outcome& outcome) {
  line("error").begin();
  line("code").text(outcome.code);
  line("message").text(outcome.message);
  line.end();
}

void put_latency(Line& line, const skerry::Outcome& outcome) {
  const auto milliseconds = [&](const char* name, std::chrono::microseconds time) {
    line(name).number(static_cast<double>(time.count()) / 1000);
  };
  line("latencyMs").begin();
  milliseconds("total", outcome.total);
  milliseconds("wire", outcome.wire);
  milliseconds("queue", outcome.queue);
  milliseconds("compute", outcome.compute);
  line.end();
}

}  // namespace

std::string line_of(const skerry::Outcome& outcome, const Content& content,
                    std::chrono::system_clock::time_point time) {
  Line line;
  line("time").text(utc(time));
  line("service").text(outcome.service);
  put_item(line, outcome);
  if (content.example) put_example(line, outcome.item.tensor);
  if (outcome.ok())
    put_answer(line, outcome, content);
  else
    put_error(line, outcome);
  line("hard").flag(outcome.hard);
  line("fallback").flag(outcome.fallback);
  line("late").flag(outcome.late);
  line("score").number(outcome.score);
  put_latency(line, outcome);
  return line.whole();
}

}  // namespace jsonl
