#include "core/plugin/job_features.hpp"

#include <algorithm>

namespace skerry::plugin {
namespace {

constexpr int kMaxDepth = 32;

bool fills_slot(const Json& value) {
  const auto plugin = value.is_object() ? value.find("plugin") : value.end();
  return plugin != value.end() && plugin->is_string();
}

const Json& member(const Json& schema, const char* key) {
  static const Json none = Json::object();
  const auto found = schema.is_object() ? schema.find(key) : schema.end();
  return found == schema.end() ? none : *found;
}

class Walk {
 public:
  explicit Walk(const Catalog& catalog) : catalog_(catalog) {}

  void object(const Json& schema, const Json& value, const std::string& path, int depth) {
    const Json& properties = member(schema, "properties");
    for (const auto& [key, item] : value.items())
      visit(member(properties, key.c_str()), item, path.empty() ? key : path + "." + key, depth);
  }
  std::vector<SlotPlace> take() { return std::move(found_); }

 private:
  void visit(const Json& schema, const Json& value, const std::string& path, int depth) {
    if (depth > kMaxDepth) return;
    const Json& kind = member(schema, "slot");
    // At the top a plugin may stand where the workflow's schema declares nothing.
    if (fills_slot(value) && (kind.is_string() || depth == 0))
      return add(kind.is_string() ? kind.get<std::string>() : std::string(), value, path, depth);
    if (value.is_object()) return object(schema, value, path, depth + 1);
    if (!value.is_array()) return;
    for (std::size_t i = 0; i < value.size(); ++i)
      visit(member(schema, "items"), value[i], path + "[" + std::to_string(i) + "]", depth + 1);
  }

  void add(std::string kind, const Json& value, const std::string& path, int depth) {
    const auto& id = value["plugin"].get_ref<const std::string&>();
    const auto& all = catalog_.features();
    const auto feature = std::find_if(all.begin(), all.end(), [&](const Feature& each) {
      return each.id == id && (kind.empty() || each.kind == kind);
    });
    found_.push_back({path, std::move(kind), &value, feature == all.end() ? nullptr : &*feature});
    if (feature == all.end()) return;
    const auto config = value.find("config");
    if (config != value.end() && config->is_object())
      object(feature->schema, *config, path + ".config", depth + 1);
  }

  const Catalog& catalog_;
  std::vector<SlotPlace> found_;
};

}  // namespace

std::vector<SlotPlace> find_slots(const Catalog& catalog, std::string_view workflow,
                                  const Json& spec) {
  if (!spec.is_object()) return {};
  const auto feature = catalog.find("workflow/1", workflow);
  Walk walk(catalog);
  walk.object(feature ? member((*feature)->resource, "spec") : Json(), spec, "", 0);
  return walk.take();
}

std::vector<const Feature*> job_features(const Catalog& catalog, std::string_view workflow,
                                         const Json& spec) {
  std::vector<const Feature*> found;
  if (const auto feature = catalog.find("workflow/1", workflow)) found.push_back(*feature);
  for (const SlotPlace& place : find_slots(catalog, workflow, spec))
    if (place.feature != nullptr) found.push_back(place.feature);
  return found;
}

}  // namespace skerry::plugin
