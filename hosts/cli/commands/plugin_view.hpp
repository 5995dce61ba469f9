// Plugins in words and as JSON.
#pragma once

#include <string>

#include "core/base/json.hpp"
#include "core/plugin/catalog.hpp"

namespace skerry::cli {

std::string catalog_text(const plugin::Catalog& catalog, const std::string& kind);
Json catalog_json(const plugin::Catalog& catalog, const std::string& kind);

std::string feature_text(const plugin::Feature& feature);
Json feature_json(const plugin::Feature& feature);

}  // namespace skerry::cli
