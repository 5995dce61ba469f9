// A payload plugin for the examples of one service. One thread.
#pragma once

#include <skerry/abi.h>

#include <cstdint>
#include <string>
#include <vector>

#include "core/base/bytes.hpp"
#include "core/base/result.hpp"
#include "core/runtime/instance.hpp"

namespace skerry::runtime {

class ServedPayload {
 public:
  // `shape`: of one example. `payload` must outlive this.
  ServedPayload(const Instance& payload, std::vector<std::int64_t> shape)
      : payload_(&payload), shape_(std::move(shape)) {}

  Result<std::string> encode(const float* features) const;
  // Writes a whole example. A problem's field is the code that the asker gets: "image.malformed"
  // where the bytes are at fault, else "model.failed".
  Status decode(Bytes encoded, float* features) const;

 private:
  const Instance* payload_;
  std::vector<std::int64_t> shape_;
};

}  // namespace skerry::runtime
