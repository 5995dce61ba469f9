#include "hosts/cli/view/text_table.hpp"

#include <algorithm>

#include "hosts/cli/view/terminal.hpp"

namespace skerry::cli {

std::string pad(const std::string& text, int width, bool right) {
  const std::string space(static_cast<std::size_t>(std::max(0, width - text_width(text))), ' ');
  return right ? space + text : text + space;
}

std::string TextTable::text() const {
  std::vector<std::string> titles;
  for (const Column& column : columns_) titles.push_back(column.title);
  std::vector<std::vector<std::string>> lines{titles};
  for (const auto& row : rows_) {
    lines.push_back(row);
    for (std::string& cell : lines.back()) cell = printable(cell);
  }
  std::vector<int> widths(columns_.size(), 0);
  for (const auto& line : lines) {
    for (std::size_t i = 0; i < line.size(); ++i)
      widths[i] = std::max(widths[i], text_width(line[i]));
  }
  std::string out;
  for (const auto& line : lines) {
    std::string row;
    for (std::size_t i = 0; i < line.size(); ++i) {
      if (i > 0) row += "  ";
      row += pad(line[i], widths[i], columns_[i].right);
    }
    row.erase(row.find_last_not_of(' ') + 1);
    out += row + '\n';
  }
  return out;
}

}  // namespace skerry::cli
