#include "core/config/yaml_scalar.hpp"

#include <charconv>
#include <cmath>
#include <cstdint>
#include <optional>
#include <string_view>
#include <system_error>

namespace skerry::config {
namespace {

bool is_one_of(std::string_view text, std::initializer_list<std::string_view> words) {
  for (const std::string_view word : words) {
    if (text == word) {
      return true;
    }
  }
  return false;
}

bool all_digits(std::string_view text, std::string_view digits) {
  return !text.empty() && text.find_first_not_of(digits) == std::string_view::npos;
}

std::string_view without_sign(std::string_view text) {
  return !text.empty() && (text[0] == '+' || text[0] == '-') ? text.substr(1) : text;
}

// [-+]? ( \. [0-9]+ | [0-9]+ ( \. [0-9]* )? ) ( [eE] [-+]? [0-9]+ )?
bool looks_like_number(std::string_view text) {
  constexpr std::string_view digits = "0123456789";
  text = without_sign(text);
  if (const std::size_t exponent = text.find_first_of("eE"); exponent != std::string_view::npos) {
    if (!all_digits(without_sign(text.substr(exponent + 1)), digits)) {
      return false;
    }
    text = text.substr(0, exponent);
  }
  const std::size_t dot = text.find('.');
  const std::string_view whole = text.substr(0, dot);
  const std::string_view rest = dot == std::string_view::npos ? "" : text.substr(dot + 1);
  return (whole.empty() || all_digits(whole, digits)) &&
         (rest.empty() || all_digits(rest, digits)) && !(whole.empty() && rest.empty());
}

template <class T>
std::optional<T> parse_whole(std::string_view text, int base) {
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (error != std::errc() || end != text.data() + text.size()) {
    return std::nullopt;
  }
  return value;
}

Result<Json> integer(std::string_view text, int base) {
  if (!text.empty() && text[0] == '-') {
    if (const auto value = parse_whole<std::int64_t>(text, base)) {
      return Json(*value);
    }
  } else if (const auto value = parse_whole<std::uint64_t>(without_sign(text), base)) {
    return Json(*value);
  }
  return fail(Code::invalid_argument,
              "found " + std::string(text) + ", which is too large for a 64-bit integer");
}

Result<Json> number(std::string_view text) {
  if (text[0] == '+') {
    text.remove_prefix(1);
  }
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error == std::errc::result_out_of_range || !std::isfinite(value)) {
    return fail(Code::invalid_argument,
                "found " + std::string(text) + ", which is out of the range of a 64-bit number");
  }
  return Json(value);
}

}  // namespace

Result<Json> typed_scalar(const std::string& text) {
  if (is_one_of(text, {"", "~", "null", "Null", "NULL"})) {
    return Json();
  }
  if (is_one_of(text, {"true", "True", "TRUE"})) {
    return Json(true);
  }
  if (is_one_of(text, {"false", "False", "FALSE"})) {
    return Json(false);
  }
  if (is_one_of(without_sign(text), {".inf", ".Inf", ".INF"}) ||
      is_one_of(text, {".nan", ".NaN", ".NAN"})) {
    return fail(Code::invalid_argument, "found " + text + "; numbers must be finite");
  }
  if (all_digits(without_sign(text), "0123456789")) {
    return integer(text, 10);
  }
  if (text.starts_with("0x") && all_digits(text.substr(2), "0123456789abcdefABCDEF")) {
    return integer(std::string_view(text).substr(2), 16);
  }
  if (text.starts_with("0o") && all_digits(text.substr(2), "01234567")) {
    return integer(std::string_view(text).substr(2), 8);
  }
  if (looks_like_number(text)) {
    return number(text);
  }
  return Json(text);
}

}  // namespace skerry::config
