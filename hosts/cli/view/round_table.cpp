#include "hosts/cli/view/round_table.hpp"

#include <algorithm>

#include "hosts/cli/view/record.hpp"
#include "hosts/cli/view/terminal.hpp"
#include "hosts/cli/view/text_table.hpp"

namespace skerry::cli {
namespace {

constexpr int kGap = 2;

std::string refusals(const Json& record) {
  std::string text;
  for (const char* what : {"late", "rejected", "failed"}) {
    const auto names = names_at(record, what);
    const auto count = number_at(record, what).value_or(static_cast<double>(names.size()));
    if (count > 0) text += (text.empty() ? "" : ", ") + format_number(count) + " " + what;
  }
  return text;
}

}  // namespace

void RoundTable::choose_columns(const Json& record) {
  using Format = Column::Format;
  columns_.push_back({"round", "round", Format::number, 6});
  if (participant_count(record)) columns_.push_back({"nodes", "participants", Format::nodes, 5});
  if (number_at(record, "samples")) columns_.push_back({"samples", "samples", Format::number, 8});
  for (const std::string& name : metric_names(record)) {
    columns_.push_back({shorten(name, 14), name, Format::metric, 8});
  }
  if (number_at(record, "bytes/up")) columns_.push_back({"up", "bytes/up", Format::bytes, 9});
  if (number_at(record, "bytes/down")) columns_.push_back({"down", "bytes/down", Format::bytes, 9});
  if (number_at(record, "seconds/total")) {
    columns_.push_back({"time", "seconds/total", Format::seconds, 11});
  }
  for (Column& column : columns_) column.width = std::max(column.width, text_width(column.title));
}

std::string RoundTable::cell(const Column& column, const Json& record) {
  if (column.format == Column::Format::nodes) {
    const auto count = participant_count(record);
    return count ? format_number(*count) : "-";
  }
  const auto value = number_at(record, column.path);
  if (!value) return "-";
  switch (column.format) {
    case Column::Format::bytes:
      return format_size(*value);
    case Column::Format::seconds:
      return format_seconds(*value);
    default:
      return format_number(*value);
  }
}

std::string RoundTable::header(const Json& first_record) {
  if (!columns_.empty()) return {};
  choose_columns(first_record);
  std::string text;
  for (const Column& column : columns_) {
    text += std::string(text.empty() ? 0 : kGap, ' ') + pad(column.title, column.width, true);
  }
  return printable(text);
}

std::string RoundTable::line(const Json& record) {
  std::string text;
  for (const Column& column : columns_) {
    std::string shown =
        column.path == "round" ? format_number(round_of(record, lines_)) : cell(column, record);
    text += std::string(text.empty() ? 0 : kGap, ' ') + pad(shown, column.width, true);
  }
  ++lines_;
  const std::string aside = refusals(record);
  return aside.empty() ? text : text + "  (" + aside + ")";
}

}  // namespace skerry::cli
