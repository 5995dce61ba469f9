// What a plugin may ask of its worker, as plain interfaces. plugin_host.cpp puts them behind the C
// ABI.
#pragma once

#include <skerry/abi.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.hpp"

namespace skerry::runtime {

struct LoadRequest {
  std::string slot;
  std::string split;  // "train", "holdout", or "info": no rows
  std::uint32_t index = 0;
  std::uint32_t parts = 1;
};

struct AggregateRequest {
  std::string slot;
  std::vector<std::string> inputs;  // one for each update
  std::vector<skerry_update> updates;
  std::string base;  // empty: none
  std::string output;
};

// Of the task that runs now. One call at a time but for progress(). What is returned is valid until
// the task ends.
class TaskServices {
 public:
  virtual ~TaskServices() = default;
  virtual Result<const char*> input_path(std::string_view name) = 0;
  virtual Result<const std::vector<skerry_named_tensor>*> input_tensors(std::string_view name) = 0;
  virtual Status write_tensors(std::string_view name, const skerry_named_tensor* tensors,
                               std::uint64_t count) = 0;
  virtual Result<const skerry_data*> load_data(const LoadRequest& request) = 0;
  virtual Status aggregate(const AggregateRequest& request) = 0;
  // Until the task is to stop. `settings`: a JSON object.
  virtual Status serve(std::string_view settings) = 0;
  virtual void metric(std::string_view name, double value) = 0;
  virtual void progress(double fraction) = 0;  // any thread
};

class HostServices {
 public:
  virtual ~HostServices() = default;
  virtual std::uint32_t threads() const = 0;                       // any thread
  virtual bool cancelled(std::uint64_t call_id) const = 0;         // any thread
  virtual Result<skerry_feature> open(std::string_view slot) = 0;  // one call at a time
  virtual TaskServices* task() = 0;                                // null while no task runs
};

}  // namespace skerry::runtime
