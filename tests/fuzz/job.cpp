// What users and operators write: YAML, resources, jobs, down to the resolved document.
#include "core/config/job.hpp"

#include "core/config/document.hpp"
#include "core/config/resources.hpp"
#include "core/config/yaml_writer.hpp"
#include "tests/fuzz/fuzz.hpp"
#include "tests/unit/config/catalog.hpp"

namespace skerry::config {
namespace {

constexpr DocumentLimits kLimits{.bytes = 64 << 10, .values = 5000, .depth = 64};

void check(std::string_view text) {
  const auto documents = parse_documents(text, "fuzz.yaml", kLimits);
  if (!documents) {
    fuzz::require(!documents.error().text().empty(), "a refusal says why");
    return;
  }
  for (const auto& document : *documents) (void)dump_json(document.value);
  (void)plugin_paths(*documents);
  static const plugin::Catalog catalog = test_catalog();
  const auto resources = parse_resources(*documents, catalog);
  if (!resources) return;
  for (const auto& resource : *resources) {
    (void)check_dataset(resource, catalog);
    const auto job = resolve_job(*documents, catalog, {.nodes = 3, .job = resource.name});
    if (job) (void)dump_json(job->document);
  }
}

}  // namespace
}  // namespace skerry::config

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  skerry::config::check(skerry::fuzz::Input(data, size).rest());
  return 0;
}
