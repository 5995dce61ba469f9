#pragma once

#include <string>
#include <vector>

#include "core/config/job.hpp"
#include "core/config/resources.hpp"
#include "core/config/schema.hpp"

namespace skerry::config {

// Fills in what stands behind names in a job: plugins and their configurations, resources, files.
// Collects the artifacts and the features on its way. Lives as long as one resolve_job().
class SlotResolver : public SchemaHooks {
 public:
  // `source` is the job's; where a resource takes the place of its name, its locations are added.
  SlotResolver(const plugin::Catalog& catalog, const std::vector<Resource>& resources,
               const ResolveOptions& options, SourceMap& source)
      : catalog_(catalog), resources_(resources), options_(options), source_(source) {}

  Json slot(const std::string& kind, const Json& value, const std::string& pointer,
            Problems& problems) override;
  Json reference(const std::string& kind, const std::string& name, const std::string& pointer,
                 Problems& problems) override;
  Json artifact(const std::string& path, const std::string& pointer, Problems& problems) override;

  // For values of this job at `pointer`.
  SchemaContext context(std::string pointer);

  std::vector<ArtifactFile> artifacts;
  std::vector<SlotFeature> features;

 private:
  Json read_artifact(const std::string& path, const std::string& pointer, Problems& problems);
  const Resource* find_resource(const std::string& kind, const std::string& name,
                                const std::string& pointer, Problems& problems);
  Json named_dataset(const Json& value, const std::string& pointer, Problems& problems);
  Json fill(const plugin::Feature& feature, Json slot, const std::string& pointer,
            Problems& problems);
  Json fill_nodes(const Json& schema, const Json& slot, bool check_files,
                  const std::string& pointer, Problems& problems);
  void check_partition(const Json& config, const std::string& pointer, Problems& problems);
  Problem at(const std::string& pointer, std::string message,
             Code code = Code::invalid_argument) const;

  const plugin::Catalog& catalog_;
  const std::vector<Resource>& resources_;
  const ResolveOptions& options_;
  SourceMap& source_;
  int depth_ = 0;  // of slots in slots
};

}  // namespace skerry::config
