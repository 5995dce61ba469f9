#include <skerry/source.hpp>

#include <algorithm>
#include <chrono>
#include <random>
#include <thread>

class @CLASS@ : public skerry::Source {
 public:
  explicit @CLASS@(const skerry::Config& config) : left_(config.integer("readings", INT64_MAX)) {
    const double per_second = config.number("perSecond", 100);
    if (per_second < 0.001 || per_second > 100'000) throw skerry::invalid("perSecond", "must be in 0.001..100000");
    if (left_ < 1) throw skerry::invalid("readings", "must be at least 1");
    pause_ = std::chrono::microseconds(static_cast<std::int64_t>(1e6 / per_second));
  }

  // What a person must change is refused here; what may heal by itself, as a cable, is waited for in next().
  void open(const skerry::ServiceForm& form) override {
    if (form.shape.size() != 1) throw skerry::invalid("input.shape", "must be one number, that of the sensors, as [2]");
    values_.resize(static_cast<std::size_t>(form.shape[0]));
    item_.tensor = skerry::TensorView(values_.data(), skerry::dtype_of<float>(), form.shape);
  }

  // The next reading: here it is made up. Null where none comes within `timeout`, which is waited for then.
  const skerry::Item* next(std::chrono::microseconds timeout) override {
    if (ended()) return nullptr;
    const auto until = Clock::now() + std::min(timeout, std::chrono::microseconds(std::chrono::hours(1)));
    std::this_thread::sleep_until(std::min(until, due_));
    if (Clock::now() < due_) return nullptr;
    due_ = Clock::now() + pause_;
    --left_;
    for (float& value : values_) value = noise_(random_);
    item_.number = count_++;
    item_.seconds = std::chrono::duration<double>(Clock::now() - began_).count();
    return &item_;
  }

  bool ended() const override { return left_ == 0; }

 private:
  using Clock = std::chrono::steady_clock;

  Clock::duration pause_{};
  const Clock::time_point began_ = Clock::now();
  Clock::time_point due_ = began_;
  std::int64_t left_;
  std::uint64_t count_ = 0;
  std::mt19937 random_{1};
  std::normal_distribution<float> noise_;
  std::vector<float> values_;
  skerry::Item item_;
};

SKERRY_PLUGIN(skerry::feature<@CLASS@>("@NAME@"));
