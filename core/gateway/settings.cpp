#include "core/gateway/settings.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>

#include "core/base/suggest.hpp"
#include "core/base/try.hpp"

namespace skerry::gateway {
namespace {

constexpr std::string_view kPrefix = "Skerry-";

struct Known {
  std::string header;
  std::string parameter;
  std::optional<Given> Settings::*place;
};

const std::vector<Known>& known() {
  static const std::vector<Known> all{{"Skerry-Shape", "shape", &Settings::shape},
                                      {"Skerry-Dtype", "dtype", &Settings::dtype},
                                      {"Skerry-Deadline-Ms", "deadlineMs", &Settings::deadline},
                                      {"Skerry-Label", "label", &Settings::label}};
  return all;
}

Outcome<void> unknown(std::string_view what, const std::string& name,
                      std::string Known::*spelling) {
  std::vector<std::string> words;
  for (const Known& one : known()) words.push_back(one.*spelling);
  return refuse("request.malformed",
                fmt::format("found the {} {}; known are {}{}", what, in_quotes(name),
                            fmt::join(words, ", "), did_you_mean(name, words)),
                name.substr(0, 60));
}

Outcome<void> take(Settings& settings, const Known& found, const std::string& name,
                   const std::string& text) {
  auto& place = settings.*found.place;
  if (place) {
    return refuse(
        "request.malformed",
        fmt::format("{} is given twice, as {} too; leave one of them out", name, place->place),
        name);
  }
  place = Given{name, text};
  return {};
}

Outcome<void> take_header(Settings& settings, const std::string& name, const std::string& text) {
  if (!same_name(std::string_view(name).substr(0, kPrefix.size()), kPrefix)) return {};
  for (const Known& one : known())
    if (same_name(name, one.header)) return take(settings, one, one.header, text);
  return unknown("header", name, &Known::header);
}

Outcome<void> take_parameter(Settings& settings, const std::string& name, const std::string& text) {
  for (const Known& one : known())
    if (name == one.parameter) return take(settings, one, name, text);
  return unknown("query parameter", name, &Known::parameter);
}

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

template <class Number>
std::optional<Number> number_in(std::string_view text) {
  Number value{};
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc() || stop != end) return std::nullopt;
  return value;
}

std::string_view trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(" \t");
  if (first == text.npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

}  // namespace

Outcome<Settings> read_settings(const Fields& headers, const Fields& query) {
  Settings settings;
  for (const auto& [name, text] : headers) SKERRY_TRY(take_header(settings, name, text));
  for (const auto& [name, text] : query) SKERRY_TRY(take_parameter(settings, name, text));
  return settings;
}

std::optional<std::string> percent_decoded(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i];
      continue;
    }
    if (text.size() - i < 3) return std::nullopt;
    const int high = hex_digit(text[i + 1]), low = hex_digit(text[i + 2]);
    if (high < 0 || low < 0) return std::nullopt;
    out += static_cast<char>(high * 16 + low);
    i += 2;
  }
  return out;
}

Outcome<Fields> read_query(std::string_view text) {
  Fields fields;
  while (!text.empty()) {
    const auto end = std::min(text.find('&'), text.size());
    const std::string_view part = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (part.empty()) continue;
    const auto equals = std::min(part.find('='), part.size());
    auto name = percent_decoded(part.substr(0, equals));
    auto value = percent_decoded(part.substr(std::min(equals + 1, part.size())));
    if (!name || !value) {
      return refuse("request.malformed", "the query has " + in_quotes(part) +
                                             ", where % begins no two hexadecimal digits");
    }
    fields.emplace_back(std::move(*name), std::move(*value));
  }
  return fields;
}

Outcome<wire::Form> read_form(std::string_view text, std::string_view field) {
  if (text == "float32") return wire::Form::float32;
  if (text == "uint8") return wire::Form::uint8;
  static const std::vector<std::string> words{"float32", "uint8"};
  return refuse("request.malformed",
                fmt::format("found the type {}; allowed are float32 and uint8{}", in_quotes(text),
                            did_you_mean(text, words)),
                std::string(field));
}

Outcome<std::vector<std::int64_t>> read_shape(const Given& given) {
  std::vector<std::int64_t> shape;
  std::string_view rest = given.text;
  for (bool more = true; more;) {
    const auto comma = rest.find(',');
    more = comma != rest.npos;
    const auto extent = number_in<std::int64_t>(trimmed(rest.substr(0, comma)));
    rest.remove_prefix(more ? comma + 1 : rest.size());
    if (!extent || shape.size() == kMaxDimensions) {
      return refuse("request.malformed",
                    fmt::format("found the shape {}; allowed are 1 to {} numbers with commas "
                                "between them, as in 1,28,28",
                                in_quotes(given.text), kMaxDimensions),
                    given.place);
    }
    shape.push_back(*extent);
  }
  return shape;
}

Outcome<std::int64_t> read_label(const Given& given) {
  const auto label = number_in<std::int64_t>(given.text);
  if (label && *label >= 0) return *label;
  return refuse("request.malformed",
                fmt::format("found the label {}; allowed is the number of the right class, from 0; "
                            "leave it out where it is not known",
                            in_quotes(given.text)),
                given.place);
}

Outcome<std::uint32_t> read_patience(const Given& given) {
  const auto milliseconds = number_in<double>(given.text);
  if (milliseconds) return patience_of(*milliseconds, given.place);
  return refuse("request.malformed",
                fmt::format("found the deadline {}; allowed are milliseconds, as in 50 or 0.5",
                            in_quotes(given.text)),
                given.place);
}

Outcome<std::uint32_t> patience_of(double milliseconds, std::string_view field) {
  if (!std::isfinite(milliseconds) || milliseconds > kMaxDeadlineMs) {
    return refuse("request.malformed",
                  fmt::format("found a deadline of {} ms; allowed are up to {} ms", milliseconds,
                              kMaxDeadlineMs),
                  std::string(field));
  }
  if (milliseconds <= 0) {
    return refuse("deadline.past",
                  fmt::format("found a deadline of {} ms; it must lie ahead. Leave it out for the "
                              "service's own",
                              milliseconds),
                  std::string(field));
  }
  // Upwards: zero would stand for the service's own deadline.
  return static_cast<std::uint32_t>(std::ceil(milliseconds * 1000));
}

Outcome<void> check_shape(const std::vector<std::int64_t>& shape, wire::Form form,
                          std::string_view field) {
  const bool possible = !shape.empty() && shape.size() <= kMaxDimensions &&
                        std::ranges::all_of(shape, [](std::int64_t extent) { return extent > 0; });
  if (!possible) {
    return refuse("request.malformed",
                  fmt::format("found the shape [{}]; allowed are 1 to {} extents, each at least 1",
                              fmt::join(shape, ", "), kMaxDimensions),
                  std::string(field));
  }
  const std::size_t elements = wire::elements_of(shape);
  if (elements == 0 || elements * wire::element_size(form) > wire::kMaxPredictData) {
    return refuse(
        "request.too_large",
        fmt::format("found a tensor of shape [{}]; allowed are {} bytes, of {} an element",
                    fmt::join(shape, ", "), wire::kMaxPredictData, wire::element_size(form)),
        std::string(field));
  }
  return {};
}

}  // namespace skerry::gateway
