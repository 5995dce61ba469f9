#include <skerry/sink.hpp>

#include <cstdio>

class @CLASS@ : public skerry::Sink {
 public:
  @CLASS@(const skerry::Config& config, skerry::Host& host) : host_(host), every_(config.integer("every", 100)) {
    if (every_ < 1) throw skerry::invalid("every", "must be at least 1");
  }

  // What cannot work is refused here, with what to do: workers write only where `skerry-edge --allow-write DIR` lets them.
  void open(const skerry::ServiceForm&) override {}

  // Takes an outcome whole, or throws: one that failed with SKERRY_FAILED, as for a full disk, comes again.
  void write(const skerry::Outcome& outcome) override {
    ++count_;
    if (!outcome.ok()) ++refused_;
    if (outcome.ok() && outcome.by_cloud) ++by_cloud_;
    total_ += outcome.total;
    if (count_ % every_ == 0) tell();
  }

  // A worker may also be killed: what matters is written in write().
  void close() override {
    if (count_ % every_ != 0) tell();
  }

 private:
  void tell() const {
    const double milliseconds = static_cast<double>(total_.count()) / 1000 / static_cast<double>(count_);
    char text[200];
    std::snprintf(text, sizeof text, "%lld outcomes: %lld by the cloud, %lld without an answer, %.1f ms on average",
                  static_cast<long long>(count_), static_cast<long long>(by_cloud_), static_cast<long long>(refused_),
                  milliseconds);
    host_.info(text);
  }

  const skerry::Host& host_;
  const std::int64_t every_;
  std::int64_t count_ = 0, by_cloud_ = 0, refused_ = 0;
  std::chrono::microseconds total_{};
};

SKERRY_PLUGIN(skerry::feature<@CLASS@>("@NAME@"));
