#pragma once

#include <map>
#include <string>
#include <string_view>

namespace skerry::cli {

// Safe as text and inside quoted attributes. Bytes that are not UTF-8, and control characters,
// become U+FFFD.
std::string escape_html(std::string_view text);

// <tag attributes>content</tag>; the content is markup already.
std::string element(std::string_view tag, std::string_view attributes, std::string_view content);

// Puts values in place of {{name}} in one pass, so that a value may hold braces itself. Unknown
// names become empty.
std::string fill_template(std::string_view page, const std::map<std::string, std::string>& values);

}  // namespace skerry::cli
