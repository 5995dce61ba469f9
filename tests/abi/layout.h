/* The layout of every struct of the boundary on 64-bit machines, asserted while this compiles: C11
 * or C++11. A change breaks plugins that were built before: members may only be appended, and never
 * to structs that travel in arrays. */
#ifndef SKERRY_TESTS_ABI_LAYOUT_H
#define SKERRY_TESTS_ABI_LAYOUT_H

#include <skerry/abi.h>

#if defined(__cplusplus)
#define LAYOUT_ASSERT(condition, message) static_assert(condition, message);
#else
#define LAYOUT_ASSERT(condition, message) _Static_assert(condition, message);
#endif

#if defined(__LP64__)
#define FROZEN(type, bytes) LAYOUT_ASSERT(sizeof(type) == (bytes), "the size of " #type " changed")
/* Whoever appends a member raises the minor. */
#define GROWING(type, bytes)                                                                 \
  LAYOUT_ASSERT(sizeof(type) == (bytes) || (SKERRY_ABI_MINOR > 0 && sizeof(type) > (bytes)), \
                "the size of " #type " changed")
#define MEMBER(type, member, offset) \
  LAYOUT_ASSERT(offsetof(type, member) == (offset), #type "." #member " moved")
#else
#define FROZEN(type, bytes)
#define GROWING(type, bytes)
#define MEMBER(type, member, offset)
#endif
#define VALUE(name, number) LAYOUT_ASSERT((name) == (number), #name " was renumbered")
#define TEXT(name, text) LAYOUT_ASSERT(sizeof(name) == sizeof(text), #name " changed")

#include "frozen/layout.def"

#undef FROZEN
#undef GROWING
#undef MEMBER
#undef VALUE
#undef TEXT
#undef LAYOUT_ASSERT

#endif
