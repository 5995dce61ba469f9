#include <skerry/inference.hpp>

class @CLASS@ : public skerry::Inference {
 public:
  explicit @CLASS@(const skerry::Config& config) : cloud_us_(1000 * config.number("cloudMs", 20)) {}

  // Asked again after each predict and judge. The same question must give the same step: keep nothing between calls.
  skerry::Step next(const skerry::Question& question) override {
    if (!question.predicted(0)) return skerry::Step::predict(0);
    if (static_cast<double>(question.remaining_us()) < cloud_us_) return skerry::Step::answer(0);
    if (!question.judged(0)) return skerry::Step::judge(0);
    return question.hard(0) ? skerry::Step::ask_cloud() : skerry::Step::answer(0);
  }

 private:
  const double cloud_us_;
};

SKERRY_PLUGIN(skerry::feature<@CLASS@>("@NAME@"));
