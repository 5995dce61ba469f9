// frozen/layout.def as a table, once for each of several skerry/abi.h.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace skerry_test {

struct LayoutRow {
  enum Kind { kFrozen, kGrowing, kMember, kNumber, kText };
  Kind kind;
  std::string name;         // "skerry_tile" or "skerry_tile.offset"
  std::uint64_t place = 0;  // a member's offset, or a number
  std::uint64_t size = 0;
  std::string type;  // a member's, as the compiler writes it; or a text
};
using LayoutTable = std::vector<LayoutRow>;

LayoutTable layout_of_frozen();
LayoutTable layout_of_today();
LayoutTable layout_of_next();
LayoutTable layout_of_broken();

}  // namespace skerry_test
