// Numbers for texts: the classes of a label, the values of a categorical column.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

class Dictionary {
 public:
  // Grows with the texts it meets. Codes are final only after sort().
  Dictionary() = default;
  // Knows these texts and no other.
  explicit Dictionary(std::vector<std::string> texts);

  // nullopt: the text is not in a fixed dictionary.
  std::optional<std::uint32_t> code_of(const std::string& text);

  // Renumbers a growing dictionary: as whole numbers when all texts are, else by bytes. Gives each
  // old code's new one.
  std::vector<std::uint32_t> sort();

  bool fixed() const { return fixed_; }
  const std::vector<std::string>& texts() const { return texts_; }

 private:
  bool fixed_ = false;
  std::vector<std::string> texts_;  // by code
  std::unordered_map<std::string, std::uint32_t> codes_;
};
