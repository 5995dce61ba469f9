#include "core/base/suggest.hpp"

#include <algorithm>
#include <cctype>
#include <vector>

namespace skerry {
namespace {

constexpr std::size_t kLongestWord = 128;  // keeps a hostile word from costing time

bool same_letter(char a, char b) {
  return std::tolower(static_cast<unsigned char>(a)) == std::tolower(static_cast<unsigned char>(b));
}

// Edits that turn one word into the other: insert, delete, replace, swap two neighbours. Case does
// not count.
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> before_last(b.size() + 1);
  std::vector<std::size_t> last(b.size() + 1);
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) last[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replace = last[j - 1] + (same_letter(a[i - 1], b[j - 1]) ? 0 : 1);
      row[j] = std::min({last[j] + 1, row[j - 1] + 1, replace});
      const bool swapped =
          i > 1 && j > 1 && same_letter(a[i - 1], b[j - 2]) && same_letter(a[i - 2], b[j - 1]);
      if (swapped) row[j] = std::min(row[j], before_last[j - 2] + 1);
    }
    before_last.swap(last);
    last.swap(row);
  }
  return last[b.size()];
}

}  // namespace

std::optional<std::string> closest(std::string_view wanted, std::span<const std::string> known) {
  if (wanted.empty() || wanted.size() > kLongestWord) return std::nullopt;
  const std::string* best = nullptr;
  std::size_t best_distance = std::max<std::size_t>(1, wanted.size() / 3) + 1;
  for (const std::string& word : known) {
    if (word.size() > kLongestWord) continue;
    const std::size_t edits = distance(wanted, word);
    // With every letter replaced, nothing of the word is left that it could have been meant by.
    if (edits < best_distance && edits < std::max(word.size(), wanted.size())) {
      best = &word;
      best_distance = edits;
    }
  }
  if (best == nullptr) return std::nullopt;
  return *best;
}

std::string did_you_mean(std::string_view wanted, std::span<const std::string> known) {
  const auto word = closest(wanted, known);
  return word ? "; did you mean \"" + *word + "\"?" : std::string();
}

}  // namespace skerry
