// A question as JSON.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/gateway/errors.hpp"
#include "core/wire/predict.hpp"

namespace skerry::gateway {

struct JsonBody {
  wire::Form form = wire::Form::float32;
  std::vector<std::int64_t> shape;
  std::string data;  // as long as form and shape say
  std::optional<double> deadline_ms;
  std::optional<std::int64_t> label;
};

// Read as a stream: memory goes by the tensor's elements, and not by what a text can be made to
// cost as a tree of values.
Outcome<JsonBody> read_json_body(std::string_view text);

}  // namespace skerry::gateway
