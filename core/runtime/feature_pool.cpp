#include "core/runtime/feature_pool.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "core/base/log.hpp"
#include "core/base/try.hpp"
#include "core/config/job.hpp"
#include "core/config/schema.hpp"
#include "core/plugin/search_path.hpp"
#include "core/runtime/crash_report.hpp"

namespace skerry::runtime {
namespace {

constexpr std::string_view kDatasetKind = "dataset/1";

// "nodes" holds the whole configuration of each node that differs.
Json config_of(const Json& slot, const std::string& node) {
  if (const auto nodes = slot.find("nodes"); nodes != slot.end() && nodes->contains(node))
    return nodes->at(node);
  return slot.value("config", Json::object());
}

}  // namespace

FeaturePool::FeaturePool(const Plan& plan, std::string node, HostServices& services)
    : plan_(plan),
      node_(std::move(node)),
      services_(services),
      catalog_(plugin::Catalog::scan(plugin::search_path(plan.plugin_path))) {
  for (const auto& problem : catalog_.problems()) log_debug(problem.text());
}

void FeaturePool::add_artifact(std::string digest, std::filesystem::path path) {
  artifacts_[std::move(digest)] = std::move(path);
}

FeaturePool::~FeaturePool() {
  while (!task_instances_.empty()) task_instances_.pop_back();
  while (!slot_instances_.empty()) slot_instances_.pop_back();
}

void FeaturePool::pin(const wire::JobPlugin& plugin) {
  if (!pins_.emplace(plugin.kind + " " + plugin.id, plugin.digest).second || plugin.copy.empty())
    return;
  // Without its copy the file itself is read, and refused where it was replaced.
  const auto used = catalog_.use_copy(plugin.kind, plugin.id, plugin.copy, plugin.file);
  if (!used) log_warn("a plugin's copy cannot be used: " + used.error().text());
}

// Looked up anew each time: a copy of a plugin's file may have changed the catalog.
std::vector<plugin::SlotPlace> FeaturePool::places() const {
  return plugin::find_slots(catalog_, plan_.workflow, plan_.spec);
}

Result<plugin::SlotPlace> FeaturePool::place_of(std::string_view slot) const {
  const auto places = this->places();
  const auto place = std::find_if(places.begin(), places.end(),
                                  [&](const auto& each) { return each.path == slot; });
  if (place == places.end())
    return fail(
        Code::invalid_argument,
        fmt::format("the job names no plugin for \"{}\"; add {}: {{plugin: ...}} to its spec", slot,
                    slot),
        {}, std::string(slot));
  if (place->feature != nullptr) return *place;
  const std::string id = place->value->at("plugin");
  if (!place->kind.empty()) return fail(catalog_.find(place->kind, id).error());
  return fail(Code::not_found,
              fmt::format("no plugin \"{}\"; looked in {}", id, catalog_.describe_places()), {},
              std::string(slot));
}

Result<Instance*> FeaturePool::open_slot(std::string_view slot) {
  if (auto found = by_slot_.find(slot); found != by_slot_.end()) return found->second;
  SKERRY_ASSIGN(const auto place, place_of(slot));
  const plugin::Feature* feature = place.feature;
  SKERRY_ASSIGN(auto config, slot_config(slot));
  if (feature->kind == kDatasetKind) {  // the runtime's own words, not the plugin's
    config.erase("partition");
    config.erase("holdout");
  }
  SKERRY_ASSIGN(auto instance, create(*feature, config, slot));
  slot_instances_.push_back(std::move(instance));
  return by_slot_[std::string(slot)] = slot_instances_.back().get();
}

Result<Instance*> FeaturePool::open_slot(std::string_view slot, std::string_view kind) {
  SKERRY_ASSIGN(Instance * instance, open_slot(slot));
  if (instance->kind() != kind)
    return fail(Code::invalid_argument,
                fmt::format("\"{}\" is a feature of kind {}, but one of kind {} is needed here",
                            instance->id(), instance->kind(), kind),
                {}, std::string(slot));
  return instance;
}

Result<Instance*> FeaturePool::open_feature(std::string_view kind, std::string_view id) {
  const std::pair key{std::string(kind), std::string(id)};
  if (auto found = by_kind_and_id_.find(key); found != by_kind_and_id_.end()) return found->second;
  SKERRY_ASSIGN(const auto* feature, catalog_.find(kind, id));
  SKERRY_ASSIGN(const auto config, checked_config(*feature, Json::object()));
  SKERRY_ASSIGN(auto instance, create(*feature, config));
  task_instances_.push_back(std::move(instance));
  return by_kind_and_id_[key] = task_instances_.back().get();
}

Result<Json> FeaturePool::slot_config(std::string_view slot) const {
  SKERRY_ASSIGN(const auto place, place_of(slot));
  return checked_config(*place.feature, config_of(*place.value, node_));
}

Result<Json> FeaturePool::checked_config(const plugin::Feature& feature, const Json& config) const {
  SKERRY_ASSIGN(const auto local, with_local_paths(config));
  std::vector<Problem> problems;
  auto result = config::apply_schema(config::config_schema(feature), local, {}, problems);
  if (!problems.empty()) return fail(problems.front());
  return result;
}

Result<Json> FeaturePool::with_local_paths(const Json& value) const {
  if (!value.is_structured()) return value;
  if (value.is_object() && value.contains("$artifact")) {
    const auto digest = value["$artifact"].get<std::string>();
    const auto found = artifacts_.find(digest);
    if (found == artifacts_.end())
      return fail(Code::internal, fmt::format("the file {} ({}) did not come with the task",
                                              value.value("name", std::string()), digest));
    return Json(found->second.string());
  }
  Json result = value;
  for (auto& item : result) {
    SKERRY_ASSIGN(item, with_local_paths(item));
  }
  return result;
}

Result<std::unique_ptr<Instance>> FeaturePool::create(const plugin::Feature& feature,
                                                      const Json& config, std::string_view slot) {
  const auto pin = pins_.find(feature.kind + " " + feature.id);
  plugin::Loaded code;
  {
    std::optional<CallScope> loading;
    SKERRY_ASSIGN(code, loader_.load(feature, pin == pins_.end() ? std::string() : pin->second,
                                     [&](const std::string& digest, const std::string& mapped) {
                                       loading.emplace(feature.id, digest, feature.kind, "load");
                                       if (!mapped.empty())
                                         name_in_reports(mapped, feature.file.string());
                                     }));
  }
  record(feature, code.digest);
  return Instance::create(code, feature, config, services_, std::string(slot));
}

void FeaturePool::record(const plugin::Feature& feature, const std::string& digest) {
  if (!recorded_.emplace(feature.kind + " " + feature.id, feature.file).second) return;
  auto line =
      fmt::format("{} {} {} {}", feature.id, feature.version, digest, feature.file.string());
  log_info("loaded " + line);
  loaded_.push_back(std::move(line));
}

std::vector<FeaturePool::Slot> FeaturePool::slots() const {
  std::vector<Slot> result;
  for (const plugin::SlotPlace& place : places())
    if (!place.kind.empty()) result.push_back({place.path, place.kind});
  return result;
}

}  // namespace skerry::runtime
