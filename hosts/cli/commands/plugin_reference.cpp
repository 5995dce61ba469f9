// skerry plugin reference: what a kind's headers, checks and plugins say of it, as one page. It is
// made of them, so that it cannot drift.
#include <algorithm>
#include <cstdio>

#include "core/base/suggest.hpp"
#include "core/config/describe.hpp"
#include "core/config/job.hpp"
#include "core/conformance/check.hpp"
#include "core/plugin/catalog.hpp"
#include "core/plugin/search_path.hpp"
#include "hosts/cli/commands/commands.hpp"
#include "hosts/cli/commands/embedded_files.hpp"
#include "hosts/cli/view/problems.hpp"

namespace skerry::cli {
namespace {

std::string_view header(std::string_view name) {
  for (const EmbeddedFile& each : sdk_headers())
    if (each.name == name) return each.text;
  return {};
}

// Those with a header that begins "// KIND/1: ".
std::vector<std::string> kinds() {
  std::vector<std::string> kinds;
  for (const EmbeddedFile& each : sdk_headers()) {
    const std::string kind(each.name.substr(0, each.name.find('.')));
    if (each.text.starts_with("// " + kind + "/")) kinds.push_back(kind);
  }
  return kinds;
}

// The header's first comment, less its first word, "KIND/1: ".
std::string introduction(std::string_view text) {
  std::string out;
  while (text.starts_with("// ")) {
    const auto end = text.find('\n');
    out += std::string(text.substr(3, end - 3)) + " ";
    text.remove_prefix(end + 1);
  }
  const auto colon = out.find(": ");
  out.erase(0, colon == out.npos ? 0 : colon + 2);
  out.pop_back();
  if (!out.empty()) out[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(out[0])));
  return out;
}

std::string trimmed(std::string_view text) {
  const auto first = text.find_first_not_of('\n'), last = text.find_last_not_of('\n');
  return first == text.npos ? "" : std::string(text.substr(first, last - first + 1)) + "\n";
}

// Of namespace skerry, what comes before the part that no author needs.
std::string declarations(std::string_view text) {
  constexpr std::string_view kBegin = "namespace skerry {\n";
  const auto begin = text.find(kBegin);
  if (begin == text.npos) return {};
  text.remove_prefix(begin + kBegin.size());
  auto end = text.size();
  for (const char* mark :
       {"// ---------", "template <>\nstruct InterfaceKind", "namespace detail {"})
    end = std::min(end, text.find(mark));
  return trimmed(text.substr(0, end));
}

// The part of abi.h under "/* ----- KIND/1 */".
std::string abi_part(const std::string& kind) {
  std::string_view text = header("abi.h");
  const auto title = text.find("- " + kind + "/1 */\n");
  if (title == text.npos) return {};
  text.remove_prefix(text.find('\n', title) + 1);
  return trimmed(text.substr(0, text.find("/* ------")));
}

std::string code(const char* language, const std::string& text) {
  return std::string("```") + language + "\n" + text + "```\n\n";
}

std::string cell(std::string text) {
  for (std::size_t at = 0; (at = text.find('|', at)) != text.npos; at += 2)
    text.replace(at, 1, "\\|");
  return text;
}

std::string checks_of(const std::string& kind) {
  std::string rows;
  for (const auto& check : conformance::all_checks())
    if (check.kind == kind)
      rows += std::string("| `") + check.name + "` | " +
              std::to_string(static_cast<int>(check.level)) + " | " + cell(check.rule) + " |\n";
  if (rows.empty()) return {};
  return "## What `skerry plugin check` looks at\n\nBesides what holds for every plugin (`skerry "
         "plugin check --list`):\n\n| check | level | rule |\n|---|---|---|\n" +
         rows + "\n";
}

void add_keys(std::string& rows, const Json& schema, const std::string& prefix) {
  const Json required = schema.value("required", Json::array());
  const Json properties = schema.value("properties", Json::object());
  for (const auto& [key, property] : properties.items()) {
    const bool needed = std::find(required.begin(), required.end(), key) != required.end();
    rows += "| `" + prefix + key + "` | " + cell(config::describe_property(property, needed)) +
            " | " + cell(property.value("description", "")) + " |\n";
    if (property.contains("properties")) add_keys(rows, property, prefix + key + ".");
  }
}

std::string feature_part(const plugin::Feature& feature) {
  const bool job = feature.resource.is_object();
  std::string text = "### `" + feature.id + "`\n\n" + feature.summary + ".\n\n";
  if (job) text += "Its jobs are of the kind `" + feature.resource.value("kind", "") + "`.\n\n";
  std::string rows;
  add_keys(rows, job ? config::spec_schema(feature) : config::config_schema(feature), "");
  if (!rows.empty()) text += "| key | type | description |\n|---|---|---|\n" + rows + "\n";
  if (feature.kind.starts_with("task/")) return text;
  return text + code("yaml", config::example_fragment(feature));
}

std::string features_of(const std::string& kind) {
  const auto catalog = plugin::Catalog::scan(plugin::search_path({}));
  std::vector<const plugin::Feature*> features;
  for (const auto& feature : catalog.features())
    if (feature.kind.starts_with(kind + "/")) features.push_back(&feature);
  std::sort(features.begin(), features.end(),
            [](const auto* a, const auto* b) { return a->id < b->id; });
  std::string text;
  for (const auto* feature : features) text += feature_part(*feature);
  return text.empty() ? text : "## Plugins of this kind\n\n" + text;
}

std::string page(const std::string& kind) {
  const std::string_view text = header(kind + ".hpp");
  std::string out = "# " + kind + "/1\n\n" + introduction(text) +
                    "\n\n## In C++\n\n`#include <skerry/" + kind + ".hpp>`\n\n" +
                    code("cpp", declarations(text)) +
                    "## At the boundary, in C\n\n`#include "
                    "<skerry/abi.h>`, which begins with the types that all kinds share.\n\n" +
                    code("c", abi_part(kind)) + checks_of(kind) + features_of(kind);
  while (out.ends_with("\n\n")) out.pop_back();
  return out;
}

}  // namespace

int plugin_reference_command(const std::string& kind, bool json) {
  const auto known = kinds();
  std::string all;
  for (const std::string& each : known) all += (all.empty() ? "" : ", ") + each;
  if (!kind.empty() && std::find(known.begin(), known.end(), kind) == known.end())
    return complain({Code::invalid_argument,
                     "no kind \"" + kind + "\"" + did_you_mean(kind, known) + "; there are: " + all,
                     {},
                     "KIND"},
                    json, kBadInput);
  if (json)
    print_json(kind.empty() ? Json{{"kinds", known}} : Json{{"kind", kind}, {"page", page(kind)}});
  else
    std::fputs((kind.empty() ? all + "\n" : page(kind)).c_str(), stdout);
  return kOk;
}

}  // namespace skerry::cli
