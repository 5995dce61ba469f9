#include "core/runtime/instance.hpp"

#include <fmt/format.h>

#include "core/base/json.hpp"
#include "core/base/try.hpp"
#include "core/runtime/abi_status.hpp"
#include "core/runtime/plugin_host.hpp"

namespace skerry::runtime {

Result<std::unique_ptr<Instance>> Instance::create(const plugin::Loaded& code,
                                                   const plugin::Feature& feature,
                                                   const Json& config, HostServices& services) {
  std::unique_ptr<Instance> result(new Instance);
  const skerry_entry* entry = code.entry;
  result->entry_ = entry;
  result->digest_ = code.digest;
  result->id_ = feature.id;
  result->kind_ = feature.kind;
  result->who_ =
      fmt::format("plugin {} {} ({})", feature.id, feature.version, feature.file.string());
  result->host_ = std::make_unique<PluginHost>(services, feature.id);

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
  return result;
}

Instance::~Instance() {
  if (!instance_) return;
  const auto destroying = calling("destroy");
  entry_->destroy(instance_);
}

}  // namespace skerry::runtime
