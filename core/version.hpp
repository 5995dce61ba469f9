#pragma once

namespace skerry {

inline constexpr const char* kVersion = "0.1.0";

}  // namespace skerry
