// What is said of a question beside its body: in headers or, with the same meaning, in the query.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/gateway/http_message.hpp"
#include "core/wire/predict.hpp"

namespace skerry::gateway {

struct Given {
  std::string place;  // "Skerry-Shape", or "shape" of the query
  std::string text;
};

struct Settings {
  std::optional<Given> shape, dtype, deadline, label;
};

// Each once, in one of the two places; an unknown name is refused.
Outcome<Settings> read_settings(const Fields& headers, const Fields& query);

// "name=value&name=value", percent-encoded.
Outcome<Fields> read_query(std::string_view text);
std::optional<std::string> percent_decoded(std::string_view text);

Outcome<wire::Form> read_form(std::string_view text, std::string_view field);
Outcome<std::vector<std::int64_t>> read_shape(const Given& given);
Outcome<std::int64_t> read_label(const Given& given);
Outcome<std::uint32_t> read_patience(const Given& given);
// The same of a number; microseconds.
Outcome<std::uint32_t> patience_of(double milliseconds, std::string_view field);

// May tensors have this shape, and be as large as this form makes them?
Outcome<void> check_shape(const std::vector<std::int64_t>& shape, wire::Form form,
                          std::string_view field);

inline constexpr std::size_t kMaxDimensions = 8;  // parse_request() takes no more
inline constexpr double kMaxDeadlineMs = 600'000;

}  // namespace skerry::gateway
