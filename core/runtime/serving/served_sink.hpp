// A sink of a job, opened for one service. One thread.
#pragma once

#include <skerry/abi.h>

#include "core/base/result.hpp"
#include "core/runtime/instance.hpp"
#include "core/runtime/serving/served_model.hpp"

namespace skerry::runtime {

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
