#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/base/json.hpp"
#include "core/base/result.hpp"
#include "core/plugin/catalog.hpp"
#include "core/plugin/job_features.hpp"
#include "core/plugin/loader.hpp"
#include "core/runtime/instance.hpp"
#include "core/runtime/plan.hpp"
#include "core/runtime/services.hpp"
#include "core/wire/messages.hpp"

namespace skerry::runtime {

// The features that a job names, created when first asked for and kept. Not thread-safe.
class FeaturePool {
 public:
  struct Slot {
    std::string name;
    std::string kind;
  };

  // Scans the plan's places for plugins. `node` decides where a slot differs from node to node. The
  // plan and the services must outlive the pool.
  FeaturePool(const Plan& plan, std::string node, HostServices& services);
  ~FeaturePool();

  // What the host found in a feature's file when the job began: other code is not loaded under that
  // name. Nothing changes for a feature that is pinned already.
  void pin(const wire::JobPlugin& plugin);

  // Where the files that travel with the job are on this machine, by digest in hex.
  void add_artifact(std::string digest, std::filesystem::path path);

  // The feature in a place of the job's spec: "aggregation", "edge[0].filter".
  Result<Instance*> open_slot(std::string_view slot);
  // The same, told by the kind's struct; refuses a feature of another kind.
  Result<Instance*> open_slot(std::string_view slot, std::string_view kind);
  // A feature that has no place in the spec: the workflow itself, or one of its tasks.
  Result<Instance*> open_feature(std::string_view kind, std::string_view id);

  // A slot's configuration with defaults and local paths, what the core adds to it included.
  Result<Json> slot_config(std::string_view slot) const;

  // The places that schemas declare and the plan fills.
  std::vector<Slot> slots() const;

  // "id version digest file" of each plugin whose code was loaded.
  const std::vector<std::string>& loaded() const { return loaded_; }

 private:
  std::vector<plugin::SlotPlace> places() const;
  Result<plugin::SlotPlace> place_of(std::string_view slot) const;
  Result<Json> checked_config(const plugin::Feature& feature, const Json& config) const;
  Result<Json> with_local_paths(const Json& value) const;
  Result<std::unique_ptr<Instance>> create(const plugin::Feature& feature, const Json& config,
                                           std::string_view slot = {});
  void record(const plugin::Feature& feature, const std::string& digest);

  const Plan& plan_;
  const std::string node_;
  HostServices& services_;
  plugin::Catalog catalog_;
  plugin::Loader loader_;
  std::map<std::string, std::filesystem::path> artifacts_;
  std::map<std::string, std::string, std::less<>> pins_;  // "KIND ID" and digest
  std::map<std::string, std::filesystem::path> recorded_;
  std::vector<std::string> loaded_;
  // Destroyed from the end: a feature may use another one as long as it lives, and what fills a
  // slot is used by tasks and by what was created after it.
  std::vector<std::unique_ptr<Instance>> slot_instances_;
  std::vector<std::unique_ptr<Instance>> task_instances_;
  std::map<std::string, Instance*, std::less<>> by_slot_;
  std::map<std::pair<std::string, std::string>, Instance*> by_kind_and_id_;
};

}  // namespace skerry::runtime
