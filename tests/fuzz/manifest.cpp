// A plugin's manifest, and its schemas applied to a value. The input is two JSON texts with a NUL
// between: the manifest, and a configuration for each of its features.
#include "core/plugin/manifest.hpp"

#include "core/config/schema.hpp"
#include "tests/fuzz/fuzz.hpp"

namespace {

void apply(const skerry::Json& schema, const skerry::Json& value) {
  std::vector<skerry::Problem> problems;
  const auto result = skerry::config::apply_schema(schema, value, {}, problems);
  if (!problems.empty()) return;
  (void)skerry::config::apply_schema(schema, result, {}, problems);
  skerry::fuzz::require(problems.empty(), "a value that was completed is accepted again");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace skerry;
  const std::string_view all = fuzz::Input(data, size).rest();
  const auto end = std::min(all.find('\0'), all.size());
  const auto manifest = plugin::parse_manifest(all.substr(0, end), "fuzz.so");
  if (!manifest) return 0;
  const auto given = parse_json(all.substr(std::min(end + 1, all.size())), "value");
  const Json value = given ? *given : Json::object();
  for (const auto& feature : manifest->features) {
    apply(feature.schema, value);
    if (feature.resource.is_object()) apply(feature.resource.at("spec"), value);
  }
  return 0;
}
