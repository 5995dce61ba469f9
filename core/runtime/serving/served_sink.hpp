// A sink of a job, opened for one service. One thread.
#pragma once

#include <skerry/abi.h>

#include <vector>

#include "core/base/result.hpp"
#include "core/runtime/instance.hpp"
#include "core/runtime/serving/served_model.hpp"
#include "core/wire/predict.hpp"

namespace skerry::runtime {

// What is known from an answer and its outputs; everything is borrowed. The rest is the caller's:
// service, source, late.
skerry_outcome outcome_of(const skerry_item& item, const wire::PredictReply& said,
                          const std::vector<float>& outputs);

class ServedSink {
 public:
  // `sink` must outlive this.
  static Result<ServedSink> open(const Instance& sink, const InputForm& form);

  // What `outcome` points to is borrowed for the call.
  Status write(const skerry_outcome& outcome) const;
  Status close() const;
  const std::string& who() const { return sink_->who(); }

 private:
  explicit ServedSink(const Instance& sink) : sink_(&sink) {}

  const Instance* sink_;
};

}  // namespace skerry::runtime
