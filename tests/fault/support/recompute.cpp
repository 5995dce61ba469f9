#include "tests/fault/support/recompute.hpp"

#include <stdexcept>

#include "core/base/file.hpp"
#include "core/base/try.hpp"
#include "core/runtime/aggregation_driver.hpp"
#include "core/runtime/feature_pool.hpp"
#include "tests/fault/support/memory_folder.hpp"

namespace skerry::fault {
namespace {

constexpr const char* kSlot = "aggregation";

class NoServices : public runtime::HostServices {
 public:
  std::uint32_t threads() const override { return 1; }
  bool cancelled(std::uint64_t) const override { return false; }
  Result<skerry_feature> open(std::string_view) override {
    return fail(Code::failed_precondition, "an aggregation is run again here, and nothing else");
  }
  runtime::TaskServices* task() override { return nullptr; }
};

}  // namespace

struct Recomputer::Impl {
  explicit Impl(runtime::Plan its_plan)
      : plan(std::move(its_plan)), pool(plan, "cloud", services) {}

  runtime::Plan plan;
  NoServices services;
  runtime::FeaturePool pool;
  TempDir folder;
};

Recomputer::Recomputer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Recomputer::Recomputer(Recomputer&&) noexcept = default;
Recomputer::~Recomputer() = default;

Result<Recomputer> Recomputer::open(const std::string& text,
                                    const std::vector<std::filesystem::path>& plugin_paths) {
  SKERRY_ASSIGN(auto plan, runtime::Plan::parse(text));
  for (const auto& path : plugin_paths) plan.plugin_path.push_back(path);
  plan.plugin_path.emplace_back(SKERRY_PLUGIN_DIR);
  auto impl = std::make_unique<Impl>(std::move(plan));
  SKERRY_ASSIGN(impl->folder, memory_folder());
  SKERRY_TRY(impl->pool.open_slot(kSlot, "aggregation/1"));
  return Recomputer(std::move(impl));
}

Result<Digest> Recomputer::aggregate(const std::vector<Update>& updates, const std::string& base) {
  SKERRY_ASSIGN(const auto* rule, impl_->pool.open_slot(kSlot, "aggregation/1"));
  runtime::AggregationTask task{.rule = &rule->as<skerry_aggregation_v1>(),
                                .instance = rule->get(),
                                .who = rule->who(),
                                .base = runtime::AggregationSource{"base", as_bytes(base)},
                                .output = impl_->folder.path() / "model"};
  for (const Update& update : updates) {
    task.inputs.push_back({update.node, as_bytes(update.bytes)});
    task.updates.push_back({update.node.c_str(), update.samples, update.loss});
  }
  SKERRY_ASSIGN(const auto result, runtime::run_aggregation(task));
  return result.digest;
}

}  // namespace skerry::fault
