#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/json.hpp"
#include "core/base/result.hpp"

namespace skerry::runtime {

// The resolved document of a job, as the engine stores it and every worker gets it.
struct Plan {
  std::string workflow;
  std::uint64_t seed = 0;
  Json spec;
  std::vector<std::filesystem::path> plugin_path;

  static Result<Plan> parse(std::string_view text);
  static Result<Plan> from_json(const Json& document);
};

}  // namespace skerry::runtime
