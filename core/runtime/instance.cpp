#include "core/runtime/instance.hpp"

#include <fmt/format.h>

#include "core/base/json.hpp"
#include "core/base/try.hpp"
#include "core/runtime/abi_status.hpp"
#include "core/runtime/plugin_host.hpp"

namespace skerry::runtime {
namespace {

// Members that the worker calls without asking whether they are there. (What plugins call of each
// other is asked for: skerry::FeatureRef.)
template <class Interface, class... Members>
bool provides(const void* raw, Members Interface::*... members) {
  const auto& table = *static_cast<const Interface*>(raw);
  const auto there = [&](auto member) {
    const auto* place = &(table.*member);
    const auto end = reinterpret_cast<const char*>(place + 1) - static_cast<const char*>(raw);
    return table.struct_size >= static_cast<std::size_t>(end) && *place != nullptr;
  };
  return (there(members) && ...);
}

bool is_complete(const std::string& kind, const void* table) {
  if (kind == "aggregation/1")
    return provides(table, &skerry_aggregation_v1::begin, &skerry_aggregation_v1::combine);
  if (kind == "dataset/1")
    return provides(table, &skerry_dataset_v1::info, &skerry_dataset_v1::labels,
                    &skerry_dataset_v1::read);
  if (kind == "workflow/1") return provides(table, &skerry_workflow_v1::decide);
  if (kind == "task/1") return provides(table, &skerry_task_v1::run);
  if (kind == "sampling/1")
    return provides(table, &skerry_sampling_v1::needs, &skerry_sampling_v1::judge);
  if (kind == "inference/1") return provides(table, &skerry_inference_v1::next);
  if (kind == "payload/1")
    return provides(table, &skerry_payload_v1::encode, &skerry_payload_v1::decode);
  if (kind == "source/1") return provides(table, &skerry_source_v1::open, &skerry_source_v1::next);
  if (kind == "sink/1") return provides(table, &skerry_sink_v1::open, &skerry_sink_v1::write);
  return true;
}

}  // namespace

Result<std::unique_ptr<Instance>> Instance::create(const plugin::Loaded& code,
                                                   const plugin::Feature& feature,
                                                   const Json& config, HostServices& services,
                                                   const std::string& slot) {
  std::unique_ptr<Instance> result(new Instance);
  const skerry_entry* entry = code.entry;
  result->entry_ = entry;
  result->digest_ = code.digest;
  result->id_ = feature.id;
  result->kind_ = feature.kind;
  result->who_ =
      fmt::format("plugin {} {} ({})", feature.id, feature.version, feature.file.string());
  result->host_ = std::make_unique<PluginHost>(services, feature.id, slot);

  const std::string text = dump_json(config);
  const skerry_bytes bytes{reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
  const auto creating = result->calling("create");
  SKERRY_TRY(call(result->who_, [&](skerry_error* error) {
    return entry->create(result->host_->get(), feature.id.c_str(), feature.kind.c_str(), bytes,
                         &result->instance_, error);
  }));
  if (!result->instance_)
    return fail(Code::internal, fmt::format("{} says that it created {} but gave no instance",
                                            result->who_, feature.kind));
  result->interface_ = entry->get_interface(result->instance_, feature.kind.c_str());
  if (!result->interface_)
    return fail(
        Code::internal,
        fmt::format(
            "{} offers {} in its manifest, but its code has no interface of that kind; rebuild the "
            "plugin from one state of its sources",
            result->who_, feature.kind));
  if (!is_complete(feature.kind, result->interface_))
    return fail(
        Code::failed_precondition,
        fmt::format("{}: its table of {} lacks a function that every plugin of the kind has, "
                    "or its struct_size is too small; set struct_size to the struct's size, "
                    "and all functions that abi.h does not call optional",
                    result->who_, feature.kind));
  return result;
}

Instance::~Instance() {
  if (!instance_) return;
  const auto destroying = calling("destroy");
  entry_->destroy(instance_);
}

}  // namespace skerry::runtime
