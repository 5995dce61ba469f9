// Early return on failure, for functions that return a Result or a Status.
#pragma once

#include <utility>

#include "core/base/result.hpp"

#define SKERRY_CONCAT_INNER(a, b) a##b
#define SKERRY_CONCAT(a, b) SKERRY_CONCAT_INNER(a, b)

#define SKERRY_TRY_INNER(name, ...)                            \
  do {                                                         \
    auto name = (__VA_ARGS__);                                 \
    if (!name) return ::skerry::fail(std::move(name).error()); \
  } while (false)

#define SKERRY_ASSIGN_INNER(name, target, ...)               \
  auto name = (__VA_ARGS__);                                 \
  if (!name) return ::skerry::fail(std::move(name).error()); \
  target = std::move(*name)

// SKERRY_TRY(write());  returns the problem of a failed Status.
#define SKERRY_TRY(...) SKERRY_TRY_INNER(SKERRY_CONCAT(skerry_status_, __COUNTER__), __VA_ARGS__)

// SKERRY_ASSIGN(auto text, read_file(path));  Two statements: not for the body of an if without
// braces.
#define SKERRY_ASSIGN(target, ...) \
  SKERRY_ASSIGN_INNER(SKERRY_CONCAT(skerry_result_, __COUNTER__), target, __VA_ARGS__)
