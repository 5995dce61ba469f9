// Which failpoints the hosts have, as the sources name them.
#pragma once

#include <map>
#include <set>
#include <string>

namespace skerry::fault {

// Of a kind of host: the cloud's and an edge's steps are cut each on its own, where both have them.
struct Place {
  std::string side;  // "cloud" or "edge"
  std::string name;
  auto operator<=>(const Place&) const = default;
};
using Places = std::set<Place>;

// All that a power cut must reach.
Places places_to_cut();
// Those that it cannot reach, each with the reason.
const std::map<Place, std::string>& places_out_of_reach();

}  // namespace skerry::fault
