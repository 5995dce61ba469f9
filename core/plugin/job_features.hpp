#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/base/json.hpp"
#include "core/plugin/catalog.hpp"

namespace skerry::plugin {

// A place of a job's spec that a plugin fills: "aggregation", "edge[0].filter", or in the
// configuration of another plugin "filter.config.filters[1]".
struct SlotPlace {
  std::string path;
  std::string kind;             // of feature, as the schema declares it; empty: it declares none
  const Json* value = nullptr;  // {"plugin", "config"}, of the spec
  const Feature* feature = nullptr;  // null: the catalog does not have it
};

// All of them, in the spec's order; what is inside of another's configuration comes after it. The
// spec must outlive the list.
std::vector<SlotPlace> find_slots(const Catalog& catalog, std::string_view workflow,
                                  const Json& spec);

// The features that a job names and the catalog has: its workflow, and what fills the places of its
// spec. Names that lead nowhere are left out.
std::vector<const Feature*> job_features(const Catalog& catalog, std::string_view workflow,
                                         const Json& spec);

}  // namespace skerry::plugin
