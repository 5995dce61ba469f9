#include "hosts/cli/report/sections.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "hosts/cli/report/charts.hpp"
#include "hosts/cli/report/html.hpp"
#include "hosts/cli/run/summary.hpp"
#include "hosts/cli/view/record.hpp"

namespace skerry::cli {
namespace {

struct TimePart {
  const char* name;
  const char* color;
};
constexpr TimePart kParts[] = {
    {"check", "s7"}, {"start", "s6"},  {"prepare", "s8"},   {"wait", "s0"},     {"download", "s2"},
    {"train", "s1"}, {"upload", "s3"}, {"aggregate", "s5"}, {"evaluate", "s4"}, {"other", "s9"}};

bool is_round_part(const char* name) {
  return std::any_of(std::begin(kRoundParts), std::end(kRoundParts),
                     [&](const char* part) { return std::string_view(part) == name; });
}

std::string short_number(double value) {
  return fmt::format("{:.4g}", value);
}

std::vector<double> rounds_of(const std::vector<Json>& records) {
  std::vector<double> rounds;
  for (std::size_t i = 0; i < records.size(); ++i) rounds.push_back(round_of(records[i], i));
  return rounds;
}

std::optional<Series> series_of(const std::vector<Json>& records, const std::string& name,
                                const std::string& path, const std::string& color) {
  Series series{name, color, {}};
  bool any = false;
  for (const Json& record : records) {
    series.values.push_back(number_at(record, path));
    any = any || series.values.back();
  }
  return any ? std::optional(series) : std::nullopt;
}

void add(std::vector<Series>& list, std::optional<Series> series) {
  if (series) list.push_back(std::move(*series));
}

std::string figure(const Chart& chart, const std::string& drawing) {
  if (chart.series.empty()) return {};
  return element("figure", "class=\"card\"",
                 element("figcaption", "", escape_html(chart.title)) + drawing);
}

std::string tile(const std::string& name, const std::string& value, const std::string& note = {}) {
  return element("div", "class=\"tile\"",
                 element("span", "", escape_html(name)) +
                     element("strong", "", escape_html(value)) +
                     (note.empty() ? "" : element("small", "", escape_html(note))));
}

std::set<std::string> all_metrics(const std::vector<Json>& records) {
  std::set<std::string> names;
  for (const Json& record : records) {
    for (const std::string& name : metric_names(record)) names.insert(name);
  }
  return names;
}

std::string names_text(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
  return text;
}

std::string participants_text(const Json& record) {
  const auto names = participants_of(record);
  if (!names.empty()) return names_text(names);
  const auto count = participant_count(record);
  return count ? format_number(*count) : "";
}

// "late: a, b; rejected: c (rejected.nan: ...)"
std::string refused_text(const Json& record) {
  std::string text;
  for (const char* what : {"late", "rejected", "failed"}) {
    const auto names = names_at(record, what);
    for (std::size_t i = 0; i < names.size(); ++i) {
      text += i > 0 ? ", " : (text.empty() ? "" : "; ") + std::string(what) + ": ";
      text += names[i];
      const std::string code = text_at(record[what][i], "code");
      if (!code.empty())
        text += fmt::format(" ({}: {})", code, text_at(record[what][i], "message"));
    }
  }
  return text;
}

struct Cell {
  std::string text;
  bool number = false;
};

std::string row_of(const std::vector<Cell>& cells, const char* tag) {
  std::string out;
  for (const Cell& cell : cells)
    out += element(tag, cell.number ? "class=\"num\"" : "", escape_html(cell.text));
  return element("tr", "", out);
}

std::string table_of(const std::vector<Cell>& head, const std::string& rows) {
  return element(
      "div", "class=\"scroll\"",
      element("table", "", element("thead", "", row_of(head, "th")) + element("tbody", "", rows)));
}

std::string in_format(const Json& record, const std::string& path, const Format& format) {
  const auto value = number_at(record, path);
  return value ? format(*value) : "";
}

// "id version digest file", as the cloud tells what a worker loaded; a file's path may hold spaces.
std::vector<std::string> words_of(const std::string& line) {
  std::vector<std::string> words;
  std::size_t at = 0;
  while (words.size() < 3 && at < line.size()) {
    const std::size_t end = std::min(line.find(' ', at), line.size());
    words.push_back(line.substr(at, end - at));
    at = end + 1;
  }
  words.resize(3);
  words.push_back(at < line.size() ? line.substr(at) : "");
  return words;
}

std::string slot_of(const Json& plugins, const std::string& id) {
  std::string slots;
  for (const Json& plugin : plugins) {
    if (text_at(plugin, "id") == id) slots += (slots.empty() ? "" : ", ") + text_at(plugin, "slot");
  }
  return slots;
}

}  // namespace

std::string card(const std::string& title, const std::string& content, const std::string& note) {
  if (content.empty()) return {};
  return element("section", "class=\"card\"",
                 element("h2", "", escape_html(title)) +
                     (note.empty() ? "" : element("p", "class=\"note\"", escape_html(note))) +
                     content);
}

std::string tiles_section(const Json& summary) {
  std::string tiles;
  const Json metrics = summary.value("metrics", Json::object());
  std::vector<std::string> names = metric_names(metrics);
  std::stable_partition(names.begin(), names.end(),
                        [](const std::string& name) { return name == "accuracy"; });
  for (const std::string& name : names) {
    if (name != "trainLoss")
      tiles += tile(name, in_format(metrics, name, format_number), "last round");
  }
  const auto overhead = number_at(summary, "overhead");
  tiles += tile("rounds", in_format(summary, "rounds", format_number),
                fmt::format("on {} edges", in_format(summary, "edges", format_number)));
  tiles += tile("elapsed", in_format(summary, "elapsedSeconds", format_seconds),
                overhead ? fmt::format("{:.2f} × training", *overhead) : "");
  tiles += tile("training", in_format(summary, "trainingSeconds", format_seconds),
                "on the busiest core");
  tiles += tile("bytes up", in_format(summary, "bytes/up", format_size), "to the cloud");
  tiles += tile("bytes down", in_format(summary, "bytes/down", format_size), "to the edges");
  return element("div", "class=\"tiles\"", tiles);
}

std::string charts_section(const std::vector<Json>& records) {
  if (records.empty()) return {};
  std::string out;
  const auto rounds = rounds_of(records);
  Chart loss{"Loss", rounds, {}, format_number, short_number, true};
  add(loss.series, series_of(records, "held-out data", "loss", "s1"));
  add(loss.series, series_of(records, "training data", "trainLoss", "s3"));
  std::set<std::string> names = all_metrics(records);
  const auto alone = [&](const std::string& title, const std::string& name) {
    Chart chart{title, rounds, {}, format_number, short_number, false};
    add(chart.series, series_of(records, name, name, "s1"));
    out += figure(chart, line_chart(chart));
  };
  if (names.contains("accuracy")) alone("Accuracy on held-out data", "accuracy");
  out += figure(loss, line_chart(loss));
  for (const char* shown : {"accuracy", "loss", "trainLoss"}) names.erase(shown);
  for (const std::string& name : names) alone(name, name);
  Chart bytes{"Bytes a round", rounds, {}, format_size, format_size, true};
  add(bytes.series, series_of(records, "up, to the cloud", "bytes/up", "s1"));
  add(bytes.series, series_of(records, "down, to the edges", "bytes/down", "s2"));
  out += figure(bytes, line_chart(bytes));
  Chart time{"Time a round", rounds, {}, format_seconds, format_seconds, true};
  for (const TimePart& part : kParts) {
    if (is_round_part(part.name)) {
      add(time.series,
          series_of(records, part.name, std::string("seconds/") + part.name, part.color));
    }
  }
  return out + figure(time, stacked_columns(time));
}

std::string time_section(const Json& summary) {
  std::vector<Part> parts;
  for (const TimePart& part : kParts) {
    const auto seconds = number_at(summary, std::string("seconds/") + part.name);
    if (seconds) parts.push_back({part.name, part.color, *seconds});
  }
  return share_bar("Where the whole run's time went", parts, format_seconds);
}

std::string rounds_section(const std::vector<Json>& records) {
  if (records.empty()) return {};
  const auto names = all_metrics(records);
  std::vector<Cell> head{{"Round", true}};
  for (const std::string& name : names) head.push_back({name, true});
  for (const char* title : {"Up", "Down", "Time", "Samples"}) head.push_back({title, true});
  head.push_back({"Took part"});
  head.push_back({"Left out"});
  std::string rows;
  for (std::size_t i = 0; i < records.size(); ++i) {
    const Json& record = records[i];
    std::vector<Cell> cells{{format_number(round_of(record, i)), true}};
    for (const std::string& name : names)
      cells.push_back({in_format(record, name, format_number), true});
    cells.push_back({in_format(record, "bytes/up", format_size), true});
    cells.push_back({in_format(record, "bytes/down", format_size), true});
    cells.push_back({in_format(record, "seconds/total", format_seconds), true});
    cells.push_back({in_format(record, "samples", format_number), true});
    cells.push_back({participants_text(record)});
    cells.push_back({refused_text(record)});
    rows += row_of(cells, "td");
  }
  return table_of(head, rows);
}

std::string plugins_section(const ReportInput& input) {
  const Json loaded = input.description.is_object()
                          ? input.description.value("plugins", Json::array())
                          : Json::array();
  std::string rows;
  std::set<std::string> shown;
  for (const Json& line : loaded) {
    if (!line.is_string()) continue;
    const auto words = words_of(line.get<std::string>());
    shown.insert(words[0]);
    rows += row_of(
        {{words[0]}, {slot_of(input.plugins, words[0])}, {words[1]}, {words[2]}, {words[3]}}, "td");
  }
  for (const Json& plugin : input.plugins) {
    if (!shown.insert(text_at(plugin, "id")).second) continue;
    rows += row_of({{text_at(plugin, "id")},
                    {text_at(plugin, "slot")},
                    {text_at(plugin, "version")},
                    {text_at(plugin, "digest")},
                    {text_at(plugin, "file")}},
                   "td");
  }
  if (rows.empty()) return {};
  return element(
      "div", "class=\"plugins\"",
      table_of({{"Plugin"}, {"Used as"}, {"Version"}, {"BLAKE2b-256 of the file"}, {"File"}},
               rows));
}

std::string conditions_section(const Json& description) {
  if (!description.is_object()) return {};
  std::string rows;
  for (const Json& condition : description.value("conditions", Json::array())) {
    rows += row_of({{text_at(condition, "at")},
                    {text_at(condition, "type")},
                    {text_at(condition, "reason")},
                    {text_at(condition, "message")}},
                   "td");
  }
  return rows.empty() ? "" : table_of({{"At"}, {"Type"}, {"Reason"}, {"Message"}}, rows);
}

}  // namespace skerry::cli
