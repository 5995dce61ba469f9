// What the output goes to, and so how it may look.
#pragma once

#include <cstdio>
#include <string>
#include <string_view>

namespace skerry::cli {

struct Style {
  bool live = false;     // a terminal: lines may be redrawn in place
  bool color = false;    // a terminal that wants colours (see NO_COLOR)
  bool unicode = false;  // the locale is UTF-8
  int width = 80;
};

Style style_of(std::FILE* out);

enum class Tone { plain, strong, faint, good, bad, warning };
std::string paint(const Style& style, Tone tone, std::string_view text);

// Text that came from elsewhere must not command the terminal: control characters become "?".
std::string printable(std::string_view text);

// Columns that the text takes: UTF-8 code points.
int text_width(std::string_view text);
// At most `columns` wide, with an ellipsis where it was cut.
std::string shorten(std::string_view text, int columns);

}  // namespace skerry::cli
