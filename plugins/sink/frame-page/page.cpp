#include "page.hpp"

#include <cmath>
#include <cstdio>
#include <nlohmann/json.hpp>

namespace page {
namespace {

constexpr const char* kHead = R"(<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8"/>
<meta name="viewport" content="width=device-width, initial-scale=1"/>
<meta name="color-scheme" content="light dark"/>
<title>Frames</title>
<style>
:root { --back: #f6f6f4; --card: #ffffff; --text: #1c1c1a; --dim: #5c5c58; --line: #deded8;
        --edge: #8a5a00; --cloud: #0b5c8f; --error: #a83c00; }
@media (prefers-color-scheme: dark) {
  :root { --back: #161615; --card: #222220; --text: #ecece8; --dim: #a6a6a0; --line: #3a3a36;
          --edge: #f0b040; --cloud: #6cc0f2; --error: #ff8a50; }
}
body { margin: 0; padding: 1.5rem; background: var(--back); color: var(--text);
       font: 15px/1.45 system-ui, sans-serif; }
h1 { margin: 0; font-size: 1.4rem; }
header p { margin: .25rem 0 1.25rem; color: var(--dim); }
main { display: grid; gap: 1rem; grid-template-columns: repeat(auto-fill, minmax(min(20rem, 100%), 1fr)); }
figure { margin: 0; overflow: hidden; background: var(--card); border: 1px solid var(--line);
         border-top: 4px solid var(--who); border-radius: 6px; }
figure.edge { --who: var(--edge); }
figure.cloud { --who: var(--cloud); }
figure.error { --who: var(--error); }
img { display: block; width: 100%; height: auto; max-height: 24rem; object-fit: contain; background: #000; }
figcaption { padding: .6rem .8rem .8rem; overflow-wrap: anywhere; }
figcaption p { margin: 0; }
figcaption p + p { margin-top: .2rem; color: var(--dim); font-size: .87rem; }
b { margin-right: .4rem; font-size: 1.05rem; }
span { display: inline-block; margin-right: .25rem; padding: 0 .45rem; border: 1px solid var(--line);
       border-radius: 1rem; color: var(--dim); font-size: .8rem; }
span.who { border-color: var(--who); color: var(--who); font-weight: 600; }
</style>
</head>
<body>
)";

std::string number(const char* format, double value) {
  char text[64];
  std::snprintf(text, sizeof text, format, value);
  return text;
}

// Facts side by side.
class Facts {
 public:
  void add(const std::string& fact) {
    if (!fact.empty()) text_ += (text_.empty() ? "" : " · ") + fact;
  }
  std::string paragraph() const { return text_.empty() ? "" : "<p>" + escaped(text_) + "</p>"; }

 private:
  std::string text_;
};

const char* who(const skerry::Outcome& outcome) {
  if (!outcome.ok()) return "error";
  return outcome.by_cloud ? "cloud" : "edge";
}

std::string marks(const skerry::Outcome& outcome) {
  std::string text = std::string("<span class=\"who\">") + who(outcome) + "</span>";
  if (outcome.hard) text += "<span>hard</span>";
  if (outcome.fallback) text += "<span>fallback</span>";
  if (outcome.late) text += "<span>late</span>";
  return text;
}

std::string measured(const skerry::Outcome& outcome) {
  Facts facts;
  facts.add("frame " + std::to_string(outcome.item.number));
  if (std::isfinite(outcome.item.seconds)) facts.add(number("%.2f s", outcome.item.seconds));
  facts.add(number("score %.3g", outcome.score));
  facts.add(number("%.1f ms", static_cast<double>(outcome.total.count()) / 1000));
  if (outcome.ok()) facts.add("model version " + std::to_string(outcome.version));
  return facts.paragraph();
}

std::string origin(const Frame& frame, const skerry::Outcome& outcome) {
  Facts facts;
  facts.add(outcome.item.name);
  if (!frame.label.empty()) facts.add("label " + frame.label);
  facts.add(outcome.service + (outcome.source.empty() ? "" : ", " + outcome.source));
  facts.add(frame.time);
  return facts.paragraph();
}

}  // namespace

std::string escaped(const std::string& text) {
  using nlohmann::json;
  const std::string utf8 =
      json::parse(json(text).dump(-1, ' ', false, json::error_handler_t::replace))
          .get<std::string>();
  std::string html;
  for (const char each : utf8) {
    const auto byte = static_cast<unsigned char>(each);
    if (each == '&')
      html += "&amp;";
    else if (each == '<')
      html += "&lt;";
    else if (each == '>')
      html += "&gt;";
    else if (each == '"')
      html += "&quot;";
    else if (each == '\'')
      html += "&#39;";
    else
      html += byte < ' ' || byte == 0x7F ? ' ' : each;
  }
  return html;
}

std::string figure(const Frame& frame, const skerry::Outcome& outcome) {
  const std::string size = "\" width=\"" + std::to_string(frame.width) + "\" height=\"" +
                           std::to_string(frame.height) + "\"";
  std::string html = std::string("<figure class=\"") + who(outcome) + "\">";
  html += "<img src=\"" + escaped(frame.picture) + "\" alt=\"frame " +
          std::to_string(outcome.item.number) + size + " loading=\"lazy\"/>";
  html += "<figcaption><p><b>" + escaped(frame.answer) + "</b>" + marks(outcome) + "</p>";
  if (!outcome.message.empty()) html += "<p>" + escaped(outcome.message) + "</p>";
  return html + measured(outcome) + origin(frame, outcome) + "</figcaption></figure>";
}

std::string document(const std::vector<std::string>& figures, const std::string& time) {
  std::string html = kHead;
  html += "<header><h1>Frames</h1><p>" + std::to_string(figures.size()) +
          (figures.size() == 1 ? " frame" : " frames, the newest first") + "; written " +
          escaped(time) + "</p></header>\n<main>\n";
  for (const std::string& each : figures) html += each + "\n";
  return html + "</main>\n</body>\n</html>\n";
}

}  // namespace page
