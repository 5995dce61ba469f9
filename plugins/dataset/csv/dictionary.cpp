#include "dictionary.hpp"

#include <algorithm>
#include <charconv>
#include <numeric>
#include <utility>

namespace {

std::optional<std::int64_t> whole_number(const std::string& text) {
  std::int64_t value = 0;
  const char* end = text.data() + text.size();
  const auto [stop, problem] = std::from_chars(text.data(), end, value);
  if (problem != std::errc() || stop != end) return std::nullopt;
  return value;
}

}  // namespace

Dictionary::Dictionary(std::vector<std::string> texts) : fixed_(true), texts_(std::move(texts)) {
  for (std::uint32_t code = 0; code < texts_.size(); ++code) codes_.emplace(texts_[code], code);
}

std::optional<std::uint32_t> Dictionary::code_of(const std::string& text) {
  const auto found = codes_.find(text);
  if (found != codes_.end()) return found->second;
  if (fixed_) return std::nullopt;
  const auto code = static_cast<std::uint32_t>(texts_.size());
  codes_.emplace(text, code);
  texts_.push_back(text);
  return code;
}

std::vector<std::uint32_t> Dictionary::sort() {
  std::vector<std::uint32_t> order(texts_.size());
  std::iota(order.begin(), order.end(), 0U);
  if (!fixed_) {
    const bool numbers = std::all_of(texts_.begin(), texts_.end(),
                                     [](const auto& text) { return whole_number(text); });
    std::sort(order.begin(), order.end(), [&](std::uint32_t a, std::uint32_t b) {
      if (numbers && whole_number(texts_[a]) != whole_number(texts_[b])) {
        return whole_number(texts_[a]) < whole_number(texts_[b]);
      }
      return texts_[a] < texts_[b];
    });
  }
  std::vector<std::uint32_t> new_codes(texts_.size());
  std::vector<std::string> sorted;
  for (std::uint32_t code = 0; code < order.size(); ++code) {
    new_codes[order[code]] = code;
    sorted.push_back(texts_[order[code]]);
    codes_[texts_[order[code]]] = code;
  }
  texts_ = std::move(sorted);
  return new_codes;
}
