#include "hosts/cli/report/participation.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <map>

#include "hosts/cli/report/html.hpp"
#include "hosts/cli/view/record.hpp"

namespace skerry::cli {
namespace {

constexpr std::size_t kMostCells = 20'000;  // above, only the counts are shown
constexpr double kWidest = 18, kRowHeight = 18, kGridWidth = 560;

struct State {
  const char* name;  // in the records, and the class of the cell
  const char* words;
};
// A node that appears in several lists of a round shows as the last of them here.
constexpr State kStates[] = {
    {"took", "took part"}, {"late", "late"}, {"failed", "failed"}, {"rejected", "rejected"}};

// "edge-10" comes after "edge-9": digits compare as numbers.
bool natural_less(const std::string& a, const std::string& b) {
  const auto key = [](const std::string& text) {
    std::string out, digits;
    const auto flush = [&] {
      if (!digits.empty())
        out += std::string(digits.size() < 12 ? 12 - digits.size() : 0, '0') + digits;
      digits.clear();
    };
    for (const char c : text) {
      if (std::isdigit(static_cast<unsigned char>(c)) != 0) {
        digits += c;
      } else {
        flush();
        out += c;
      }
    }
    flush();
    return out;
  };
  const std::string left = key(a), right = key(b);
  return left != right ? left < right : a < b;
}

struct NaturalLess {
  bool operator()(const std::string& a, const std::string& b) const { return natural_less(a, b); }
};

// For each node, what it did in each round; null: nothing.
using Grid = std::map<std::string, std::vector<const State*>, NaturalLess>;

Grid grid_of(const std::vector<Json>& records) {
  Grid grid;
  for (std::size_t i = 0; i < records.size(); ++i) {
    for (const State& state : kStates) {
      const bool took = &state == &kStates[0];
      for (const std::string& node :
           took ? participants_of(records[i]) : names_at(records[i], state.name)) {
        auto& row = grid[node];
        row.resize(records.size(), nullptr);
        row[i] = &state;
      }
    }
  }
  return grid;
}

std::string strip(const std::string& node, const std::vector<const State*>& row,
                  const std::vector<Json>& records) {
  const double width = std::min(kWidest, kGridWidth / static_cast<double>(row.size()));
  const double inner = width > 5 ? width - 2 : width * 0.8;
  std::string cells;
  for (std::size_t i = 0; i < row.size(); ++i) {
    const char* name = row[i] != nullptr ? row[i]->name : "idle";
    const char* words = row[i] != nullptr ? row[i]->words : "did not take part";
    const double x = static_cast<double>(i) * width;
    cells += fmt::format(
        "<rect class=\"{}\" x=\"{:.2f}\" y=\"1\" width=\"{:.2f}\" height=\"{}\" rx=\"{}\" "
        "data-tip=\"{}\"/>",
        name, x, inner, kRowHeight - 2, width > 8 ? 3 : 0,
        escape_html(fmt::format("Round {:.0f}\n{}: {}", round_of(records[i], i), node, words)));
    // Colour is not the only sign.
    if (row[i] != nullptr && row[i] != &kStates[0] && width > 8) {
      cells +=
          fmt::format("<text class=\"mark\" x=\"{:.2f}\" y=\"{}\" text-anchor=\"middle\">{}</text>",
                      x + inner / 2, kRowHeight - 5,
                      name[0] == 'l'   ? "–"
                      : name[0] == 'f' ? "!"
                                       : "×");
    }
  }
  return fmt::format(
      "<svg class=\"cells\" width=\"{:.0f}\" height=\"{}\" aria-hidden=\"true\">{}</svg>",
      width * static_cast<double>(row.size()), kRowHeight, cells);
}

std::string counts(const std::vector<const State*>& row) {
  std::string out =
      fmt::format("{} of {}", std::count(row.begin(), row.end(), &kStates[0]), row.size());
  for (const State& state : kStates) {
    const auto count = std::count(row.begin(), row.end(), &state);
    if (&state != &kStates[0] && count > 0) out += fmt::format(", {} {}", count, state.words);
  }
  return out;
}

std::string grid_legend() {
  std::string keys;
  for (const State& state : kStates) {
    keys +=
        fmt::format("<span class=\"key\"><i class=\"{}\"></i>{}</span>", state.name, state.words);
  }
  return element("div", "class=\"legend\"",
                 keys + "<span class=\"key\"><i class=\"idle\"></i>not in the round</span>");
}

}  // namespace

std::string participation_grid(const std::vector<Json>& records) {
  const Grid grid = grid_of(records);
  if (grid.empty()) return {};
  const bool with_cells = grid.size() * records.size() <= kMostCells;
  std::string rows;
  for (const auto& [node, row] : grid) {
    rows += element("tr", "",
                    element("th", "scope=\"row\"", escape_html(node)) +
                        (with_cells ? element("td", "", strip(node, row, records)) : "") +
                        element("td", "class=\"num\"", escape_html(counts(row))));
  }
  const std::string head = std::string("<tr><th>Node</th>") +
                           (with_cells ? "<th>Rounds</th>" : "") +
                           "<th class=\"num\">Took part</th></tr>";
  return (with_cells ? grid_legend() : "") +
         element("div", "class=\"scroll\"",
                 element("table", "class=\"grid\"",
                         element("thead", "", head) + element("tbody", "", rows)));
}

}  // namespace skerry::cli
