#include "core/config/yaml_guard.hpp"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <sstream>

namespace skerry::config {
namespace {

class Counter : public YAML::EventHandler {
 public:
  explicit Counter(std::size_t values) : limit_(values) {}

  void OnDocumentStart(const YAML::Mark& mark) override {
    // yaml-cpp makes empty documents without end of a comma that is in no list.
    if (mark.pos == last_start_ && started_) {
      throw YAML::ParserException(mark,
                                  "found a comma (or the like) that is in no list and no map");
    }
    last_start_ = mark.pos;
    started_ = true;
    count(mark);
  }
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t) override { count(mark); }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override { count(mark); }
  void OnScalar(const YAML::Mark& mark, const std::string&, YAML::anchor_t,
                const std::string&) override {
    count(mark);
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t,
                       YAML::EmitterStyle::value) override {
    count(mark);
  }
  void OnSequenceEnd() override {}
  void OnMapStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t,
                  YAML::EmitterStyle::value) override {
    count(mark);
  }
  void OnMapEnd() override {}

 private:
  void count(const YAML::Mark& mark) {
    if (++values_ > limit_) {
      throw YAML::ParserException(mark, "more than " + std::to_string(limit_) + " values");
    }
  }

  std::size_t limit_;
  std::size_t values_ = 0;
  int last_start_ = 0;
  bool started_ = false;
};

}  // namespace

void guard_yaml(const std::string& text, std::size_t values) {
  std::istringstream stream(text);
  YAML::Parser parser(stream);
  Counter counter(values);
  while (parser.HandleNextDocument(counter)) {
  }
}

}  // namespace skerry::config
