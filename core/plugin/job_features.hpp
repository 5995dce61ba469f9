#pragma once

#include <string_view>
#include <vector>

#include "core/base/json.hpp"
#include "core/plugin/catalog.hpp"

namespace skerry::plugin {

// The kind of feature that belongs into a place of a job's spec, as its workflow declares it;
// empty: it declares none.
std::string slot_kind(const Catalog& catalog, std::string_view workflow, std::string_view slot);

// The features that a job names and the catalog has: its workflow, and what fills the places of its
// spec. Names that lead nowhere are left out.
std::vector<const Feature*> job_features(const Catalog& catalog, std::string_view workflow,
                                         const Json& spec);

}  // namespace skerry::plugin
