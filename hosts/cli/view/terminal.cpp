#include "hosts/cli/view/terminal.hpp"

#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdlib>

namespace skerry::cli {
namespace {

bool locale_is_utf8() {
  for (const char* name : {"LC_ALL", "LC_CTYPE", "LANG"}) {
    const char* value = std::getenv(name);
    if (value == nullptr || *value == '\0') continue;
    const std::string_view text(value);
    return text.find("UTF-8") != text.npos || text.find("utf8") != text.npos;
  }
  return false;
}

std::string_view code_of(Tone tone) {
  switch (tone) {
    case Tone::plain:
      return "";
    case Tone::strong:
      return "\033[1m";
    case Tone::faint:
      return "\033[2m";
    case Tone::good:
      return "\033[32m";
    case Tone::bad:
      return "\033[31m";
    case Tone::warning:
      return "\033[33m";
  }
  return "";
}

bool continues_character(char c) {
  return (static_cast<unsigned char>(c) & 0xC0) == 0x80;
}

}  // namespace

Style style_of(std::FILE* out) {
  Style style;
  style.unicode = locale_is_utf8();
  const char* term = std::getenv("TERM");
  if (isatty(fileno(out)) == 0 || term == nullptr || std::string_view(term) == "dumb") return style;
  style.live = true;
  const char* no_color = std::getenv("NO_COLOR");
  style.color = no_color == nullptr || *no_color == '\0';
  winsize size{};
  if (ioctl(fileno(out), TIOCGWINSZ, &size) == 0 && size.ws_col >= 20) style.width = size.ws_col;
  return style;
}

std::string paint(const Style& style, Tone tone, std::string_view text) {
  if (!style.color || tone == Tone::plain || text.empty()) return std::string(text);
  return std::string(code_of(tone)).append(text).append("\033[0m");
}

std::string printable(std::string_view text) {
  std::string clean(text);
  for (std::size_t i = 0; i < clean.size(); ++i) {
    const auto byte = static_cast<unsigned char>(clean[i]);
    // U+0080 to U+009F, two bytes in UTF-8, are control characters as well.
    const bool c1 =
        byte == 0xC2 && i + 1 < clean.size() && static_cast<unsigned char>(clean[i + 1]) < 0xA0;
    if ((byte < 0x20 && byte != '\n') || byte == 0x7F || c1) clean[i] = '?';
    if (c1) clean.erase(i + 1, 1);
  }
  return clean;
}

int text_width(std::string_view text) {
  int width = 0;
  for (const char c : text) width += continues_character(c) ? 0 : 1;
  return width;
}

std::string shorten(std::string_view text, int columns) {
  if (text_width(text) <= columns) return std::string(text);
  std::string cut;
  int width = 0;
  for (const char c : text) {
    if (!continues_character(c) && ++width > columns - 3) break;
    cut += c;
  }
  return cut + "...";
}

}  // namespace skerry::cli
