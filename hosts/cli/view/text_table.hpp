#pragma once

#include <string>
#include <vector>

namespace skerry::cli {

// Columns aligned with spaces, two between them; a header line first. Numbers belong to the right.
class TextTable {
 public:
  struct Column {
    std::string title;
    bool right = false;
  };

  explicit TextTable(std::vector<Column> columns) : columns_(std::move(columns)) {}
  void add(std::vector<std::string> cells) { rows_.push_back(std::move(cells)); }
  bool empty() const { return rows_.empty(); }
  std::string text() const;

 private:
  std::vector<Column> columns_;
  std::vector<std::vector<std::string>> rows_;
};

std::string pad(const std::string& text, int width, bool right);

}  // namespace skerry::cli
