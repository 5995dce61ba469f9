// What a record holds: one line of metrics.jsonl, of whatever workflow. Absent values are nothing,
// never an error.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/json.hpp"

namespace skerry::cli {

// A number by its path: "loss", "seconds/train".
std::optional<double> number_at(const Json& record, std::string_view path);

// The text at `key`, or `otherwise` when it is absent or no text.
std::string text_at(const Json& value, std::string_view key, std::string otherwise = {});

// A list of node names, given as texts or as objects with a node or a name.
std::vector<std::string> names_at(const Json& record, std::string_view key);

// Those who took part: "participants" when it is a list, otherwise the entries of "nodes".
std::vector<std::string> participants_of(const Json& record);
std::optional<double> participant_count(const Json& record);

// The names of the record's own numbers that tell how good a round was: loss, accuracy and
// trainLoss first, then what else the workflow reports.
std::vector<std::string> metric_names(const Json& record);
Json metrics_of(const Json& record);

// A record's place on the axis of rounds: its number, or its place in the list.
double round_of(const Json& record, std::size_t place);

std::string format_number(double value);  // 0.9712, 12.34, 1.2e-05, 17
std::string format_seconds(double seconds);
std::string format_size(double bytes);

}  // namespace skerry::cli
