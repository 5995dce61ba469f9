// Compiled once for each skerry/abi.h: the target says which by its include path, and defines
// LAYOUT_OF as the function's name.
#include "layout_table.hpp"

#include <cstddef>
#include <string_view>

namespace {  // or the types of one name would be the same to the linker

#include <skerry/abi.h>

// Types of member functions tell more than sizes: a parameter may have changed.
template <class T>
std::string type_text() {
  return __PRETTY_FUNCTION__;
}

}  // namespace

skerry_test::LayoutTable skerry_test::LAYOUT_OF() {
  return {
#define FROZEN(type, bytes) {LayoutRow::kFrozen, #type, 0, sizeof(type), ""},
#define GROWING(type, bytes) {LayoutRow::kGrowing, #type, 0, sizeof(type), ""},
#define MEMBER(type, member, offset)                              \
  {LayoutRow::kMember, #type "." #member, offsetof(type, member), \
   sizeof(static_cast<type*>(nullptr)->member), type_text<decltype(type::member)>()},
#define VALUE(name, number) {LayoutRow::kNumber, #name, name, 0, ""},
#define TEXT(name, text) {LayoutRow::kText, #name, 0, 0, name},
#include "frozen/layout.def"
  };
}
