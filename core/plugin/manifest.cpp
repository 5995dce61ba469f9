#include "core/plugin/manifest.hpp"

#include <set>
#include <span>
#include <utility>

#include "core/base/suggest.hpp"
#include "core/base/try.hpp"
#include "core/plugin/schema_words.hpp"

namespace skerry::plugin {
namespace {

tl::unexpected<Problem> wrong(const std::string& field, const std::string& message) {
  return fail(Code::invalid_argument, message, {}, field);
}

bool is_lower(char c) {
  return c >= 'a' && c <= 'z';
}
bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

// A name in a job file and in file names: "my-data", "acme.krum".
bool is_id(std::string_view text) {
  if (text.empty() || text.size() > 63 || (!is_lower(text[0]) && !is_digit(text[0]))) {
    return false;
  }
  for (const char c : text) {
    if (!is_lower(c) && !is_digit(c) && c != '-' && c != '_' && c != '.') {
      return false;
    }
  }
  return true;
}

// "aggregation/1"
bool is_kind(std::string_view text) {
  const std::size_t slash = text.find('/');
  if (slash == std::string_view::npos || slash == 0 || slash + 1 == text.size()) {
    return false;
  }
  for (const char c : text.substr(slash + 1)) {
    if (!is_digit(c)) {
      return false;
    }
  }
  return is_id(text.substr(0, slash));
}

Status allow_only(const Json& object, std::span<const std::string> allowed,
                  const std::string& field) {
  for (const auto& [key, value] : object.items()) {
    bool known = false;
    for (const std::string& name : allowed) {
      known = known || name == key;
    }
    if (!known) {
      return wrong(field, "unknown key `" + key + "`" + did_you_mean(key, allowed));
    }
  }
  return {};
}

Result<std::string> text_of(const Json& object, const std::string& key, const std::string& field,
                            bool required) {
  const auto found = object.find(key);
  const std::string place = field.empty() ? key : field + "." + key;
  if (found == object.end()) {
    return required ? Result<std::string>(wrong(place, "missing")) : Result<std::string>("");
  }
  if (!found->is_string() || (required && found->get_ref<const std::string&>().empty())) {
    return wrong(place, "found " + found->dump() + ", expected text");
  }
  return found->get<std::string>();
}

Result<Json> resource_of(const Json& object, const std::string& kind, const std::string& field) {
  const auto found = object.find("resource");
  if (found == object.end()) {
    return Json();
  }
  const std::string place = field + ".resource";
  if (!kind.starts_with("workflow/")) {
    return wrong(place, "only a workflow declares a resource kind; this feature is " + kind);
  }
  if (!found->is_object()) {
    return wrong(place, "found " + found->dump() + ", expected {\"kind\": ..., \"spec\": {...}}");
  }
  static const std::vector<std::string> keys{"kind", "spec"};
  SKERRY_TRY(allow_only(*found, keys, place));
  SKERRY_TRY(text_of(*found, "kind", place, true));
  if (!found->contains("spec")) {
    return wrong(place + ".spec", "missing");
  }
  SKERRY_TRY(check_schema((*found)["spec"], place + ".spec"));
  return *found;
}

Result<Feature> feature_of(const Json& object, const Manifest& manifest, std::string field) {
  static const std::vector<std::string> keys{"id",     "kind",     "summary",
                                             "config", "resource", "requires"};
  if (!object.is_object()) {
    return wrong(field, "found " + object.dump() + ", expected an object");
  }
  Feature feature;
  SKERRY_ASSIGN(feature.id, text_of(object, "id", field, true));
  if (!is_id(feature.id)) {
    return wrong(field + ".id", "found \"" + feature.id +
                                    "\", expected lower-case letters, digits, '-', '_' and '.'");
  }
  field += " (" + feature.id + ")";
  SKERRY_TRY(allow_only(object, keys, field));
  SKERRY_ASSIGN(feature.kind, text_of(object, "kind", field, true));
  if (!is_kind(feature.kind)) {
    return wrong(field + ".kind",
                 "found \"" + feature.kind + "\", expected NAME/VERSION, as \"aggregation/1\"");
  }
  SKERRY_ASSIGN(feature.summary, text_of(object, "summary", field, false));
  if (feature.summary.empty()) {
    feature.summary = manifest.summary;
  }
  feature.version = manifest.version;
  feature.license = manifest.license;
  feature.url = manifest.url;
  feature.requires_ = object.value("requires", Json());
  feature.schema = object.value("config", Json{{"type", "object"}});
  SKERRY_TRY(check_schema(feature.schema, field + ".config"));
  SKERRY_ASSIGN(feature.resource, resource_of(object, feature.kind, field));
  return feature;
}

Status read_features(const Json& list, Manifest& manifest) {
  if (!list.is_array() || list.empty()) {
    return wrong("features", "expected a list with at least one feature");
  }
  std::set<std::pair<std::string, std::string>> seen;
  for (std::size_t i = 0; i < list.size(); ++i) {
    const std::string field = "features[" + std::to_string(i) + "]";
    SKERRY_ASSIGN(Feature feature, feature_of(list[i], manifest, field));
    if (!seen.insert({feature.kind, feature.id}).second) {
      return wrong(field, "`" + feature.id + "` (" + feature.kind + ") occurs twice");
    }
    manifest.features.push_back(std::move(feature));
  }
  return {};
}

Result<Manifest> manifest_of(const Json& object) {
  static const std::vector<std::string> keys{"name", "version", "summary", "license",
                                             "url",  "build",   "features"};
  if (!object.is_object()) {
    return wrong("", "expected a JSON object");
  }
  SKERRY_TRY(allow_only(object, keys, ""));
  Manifest manifest;
  SKERRY_ASSIGN(manifest.name, text_of(object, "name", "", true));
  SKERRY_ASSIGN(manifest.version, text_of(object, "version", "", true));
  SKERRY_ASSIGN(manifest.summary, text_of(object, "summary", "", false));
  SKERRY_ASSIGN(manifest.license, text_of(object, "license", "", false));
  SKERRY_ASSIGN(manifest.url, text_of(object, "url", "", false));
  manifest.build = object.value("build", Json());
  SKERRY_TRY(read_features(object.value("features", Json()), manifest));
  return manifest;
}

}  // namespace

Result<Manifest> parse_manifest(std::string_view text, const std::string& where) {
  auto object = parse_json(text, where);
  if (!object) {
    object.error().message = "plugin.json: " + object.error().message;
    return fail(std::move(object).error());
  }
  auto manifest = manifest_of(*object);
  if (!manifest) {
    Problem problem = std::move(manifest).error();
    problem.where = where;
    problem.field = problem.field.empty() ? "plugin.json" : "plugin.json: " + problem.field;
    return fail(std::move(problem));
  }
  return manifest;
}

}  // namespace skerry::plugin
