#pragma once

#include <string>
#include <vector>

#include "core/base/json.hpp"

namespace skerry::cli {

// Who took part: a row a node, a cell a round. Nodes that the records never name do not appear.
std::string participation_grid(const std::vector<Json>& records);

}  // namespace skerry::cli
