// Named numbers that a call reports.
#pragma once

#include <skerry/abi.h>

#include <map>
#include <string>

namespace skerry {

// Where a plugin puts its metrics; borrowed for the call. A later value of a name replaces an
// earlier one. [serial]
class Metrics {
 public:
  explicit Metrics(const skerry_metric_sink* sink) : sink_(sink) {}
  void add(const std::string& name, double value) {
    if (sink_ != nullptr) sink_->add(sink_, name.c_str(), value);
  }

 private:
  const skerry_metric_sink* sink_;
};

// The other side, for a task that calls another feature: collects what it reports. Stays where it
// is made.
class MetricMap {
 public:
  MetricMap() : sink_{sizeof(skerry_metric_sink), 0, this, collect} {}
  MetricMap(const MetricMap&) = delete;
  MetricMap& operator=(const MetricMap&) = delete;

  const skerry_metric_sink* sink() const { return &sink_; }
  const std::map<std::string, double>& values() const { return values_; }

 private:
  static void collect(const skerry_metric_sink* sink, const char* name, double value) {
    static_cast<MetricMap*>(sink->ctx)->values_[name] = value;
  }

  skerry_metric_sink sink_;
  std::map<std::string, double> values_;
};

}  // namespace skerry
