#include "core/plugin/job_features.hpp"

#include <algorithm>

namespace skerry::plugin {

std::string slot_kind(const Catalog& catalog, std::string_view workflow, std::string_view slot) {
  const auto feature = catalog.find("workflow/1", workflow);
  if (!feature || !(*feature)->resource.is_object()) return {};
  const auto pointer = Json::json_pointer("/spec/properties") / std::string(slot) / "slot";
  return (*feature)->resource.value(pointer, std::string());
}

std::vector<const Feature*> job_features(const Catalog& catalog, std::string_view workflow,
                                         const Json& spec) {
  std::vector<const Feature*> found;
  if (const auto feature = catalog.find("workflow/1", workflow)) found.push_back(*feature);
  if (!spec.is_object()) return found;
  for (const auto& [slot, value] : spec.items()) {
    if (!value.is_object() || !value.contains("plugin") || !value["plugin"].is_string()) continue;
    const std::string kind = slot_kind(catalog, workflow, slot);
    const auto& id = value["plugin"].get_ref<const std::string&>();
    const auto& all = catalog.features();
    const auto feature = std::find_if(all.begin(), all.end(), [&](const Feature& each) {
      return each.id == id && (kind.empty() || each.kind == kind);
    });
    if (feature != all.end()) found.push_back(&*feature);
  }
  return found;
}

}  // namespace skerry::plugin
