// "Did you mean": the closest of a list of names, for error messages.
#pragma once

#include <algorithm>
#include <cstddef>
#include <numeric>
#include <string>
#include <vector>

namespace skerry {
namespace detail {

inline std::size_t edit_distance(const std::string& a, const std::string& b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t substituted = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, substituted});
    }
  }
  return row[b.size()];
}

}  // namespace detail

// " Did you mean \"label\"?" when one of the names is close to `wanted`, else "".
inline std::string did_you_mean(const std::string& wanted, const std::vector<std::string>& names) {
  std::size_t best = wanted.size() / 3 + 2;
  const std::string* closest = nullptr;
  for (const std::string& name : names) {
    const std::size_t distance = detail::edit_distance(wanted, name);
    if (distance < best) {
      best = distance;
      closest = &name;
    }
  }
  return closest == nullptr ? "" : " Did you mean \"" + *closest + "\"?";
}

// "a, b, c", and "a, b, ... (97 in all)" when there are more than `most`.
inline std::string listed(const std::vector<std::string>& names, std::size_t most = 12) {
  std::string text;
  for (std::size_t i = 0; i < names.size() && i < most; ++i)
    text += (i == 0 ? "" : ", ") + names[i];
  if (names.size() > most) text += ", ... (" + std::to_string(names.size()) + " in all)";
  return text;
}

}  // namespace skerry
