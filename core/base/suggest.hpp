#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace skerry {

// The known word that `wanted` was probably meant to be; nothing where none is near.
std::optional<std::string> closest(std::string_view wanted, std::span<const std::string> known);

// `; did you mean "WORD"?` to put at the end of a message, or empty.
std::string did_you_mean(std::string_view wanted, std::span<const std::string> known);

}  // namespace skerry
