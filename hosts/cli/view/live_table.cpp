#include "hosts/cli/view/live_table.hpp"

namespace skerry::cli {

void LiveTable::clear() {
  if (shown_.empty()) return;
  std::fputs("\r\033[K", out_);
  std::fflush(out_);
  shown_.clear();
}

void LiveTable::line(const std::string& text) {
  clear();
  std::fputs((text + "\n").c_str(), out_);
  std::fflush(out_);
}

void LiveTable::note(const std::string& text) {
  line(paint(style_, Tone::faint, printable(text)));
}

void LiveTable::record(const Json& record) {
  const std::string header = table_.header(record);
  if (!header.empty()) line(paint(style_, Tone::strong, header));
  line(table_.line(record));
}

void LiveTable::progress(const Progress& progress) {
  if (!style_.live) return;
  std::string text = progress_line(progress, style_);
  if (text == shown_) return;
  std::fputs(("\r\033[K" + text).c_str(), out_);
  std::fflush(out_);
  shown_ = std::move(text);
}

}  // namespace skerry::cli
