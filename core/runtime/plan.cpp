#include "core/runtime/plan.hpp"

#include "core/base/try.hpp"

namespace skerry::runtime {

Result<Plan> Plan::parse(std::string_view text) {
  SKERRY_ASSIGN(const auto document, parse_json(text, "plan"));
  return from_json(document);
}

Result<Plan> Plan::from_json(const Json& document) {
  try {
    Plan plan;
    plan.workflow = document.at("workflow").get<std::string>();
    plan.seed = document.value("seed", std::uint64_t{0});
    plan.spec = document.at("spec");
    for (const auto& path : document.value("pluginPath", Json::array()))
      plan.plugin_path.emplace_back(path.get<std::string>());
    if (!plan.spec.is_object())
      return fail(Code::invalid_argument, "spec must be an object", "plan", "spec");
    return plan;
  } catch (const Json::exception& exception) {
    return fail(Code::invalid_argument,
                std::string("not a resolved job document: ") + exception.what(), "plan");
  }
}

}  // namespace skerry::runtime
