#include "core/runtime/plugin_host.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>
#include <utility>

#include "core/base/log.hpp"
#include "core/base/try.hpp"
#include "core/runtime/abi_status.hpp"

namespace skerry::runtime {
namespace {

const PluginHost& self(const skerry_host* host) {
  return *static_cast<const PluginHost*>(host->ctx);
}

std::string text(const char* pointer) {
  return pointer ? pointer : "";
}

void log(const skerry_host* host, int32_t level, const char* message) {
  const std::string line = fmt::format("[{}] {}", self(host).name(), text(message));
  if (level <= SKERRY_LOG_DEBUG)
    log_debug(line);
  else if (level == SKERRY_LOG_INFO)
    log_info(line);
  else if (level == SKERRY_LOG_WARN)
    log_warn(line);
  else
    log_error(line);
}

int32_t cancelled(const skerry_host* host, uint64_t call_id) {
  return self(host).services().cancelled(call_id) ? 1 : 0;
}

uint32_t budget(const skerry_host* host) {
  return std::max<std::uint32_t>(1, self(host).services().threads());
}

skerry_status open(const skerry_host* host, const char* slot, skerry_feature* out,
                   skerry_error* error) {
  return answer(error, [&]() -> Status {
    SKERRY_ASSIGN(*out, self(host).services().open(self(host).place(text(slot))));
    return {};
  });
}

// ---- skerry.task/1

Result<TaskServices*> current_task(const skerry_host* host) {
  if (auto* task = self(host).services().task()) return task;
  return fail(Code::internal, fmt::format("{} used {} while none of its tasks runs",
                                          self(host).name(), SKERRY_EXT_TASK));
}

skerry_status input_path(const skerry_host* host, const char* name, const char** path,
                         skerry_error* error) {
  return answer(error, [&]() -> Status {
    SKERRY_ASSIGN(auto* task, current_task(host));
    SKERRY_ASSIGN(*path, task->input_path(text(name)));
    return {};
  });
}

skerry_status input_tensors(const skerry_host* host, const char* name,
                            const skerry_named_tensor** out, uint64_t* count, skerry_error* error) {
  return answer(error, [&]() -> Status {
    SKERRY_ASSIGN(auto* task, current_task(host));
    SKERRY_ASSIGN(auto* tensors, task->input_tensors(text(name)));
    *out = tensors->data();
    *count = tensors->size();
    return {};
  });
}

skerry_status write_tensors(const skerry_host* host, const char* name,
                            const skerry_named_tensor* tensors, uint64_t count,
                            skerry_error* error) {
  return answer(error, [&]() -> Status {
    SKERRY_ASSIGN(auto* task, current_task(host));
    return task->write_tensors(text(name), tensors, count);
  });
}

skerry_status load_data(const skerry_host* host, const char* slot, const char* split,
                        uint32_t index, uint32_t parts, const skerry_data** out,
                        skerry_error* error) {
  return answer(error, [&]() -> Status {
    SKERRY_ASSIGN(auto* task, current_task(host));
    SKERRY_ASSIGN(*out, task->load_data({text(slot), text(split), index, parts}));
    return {};
  });
}

skerry_status aggregate(const skerry_host* host, const char* slot, const char* const* inputs,
                        const skerry_update* updates, uint64_t count, const char* base,
                        const char* output, skerry_error* error) {
  return answer(error, [&]() -> Status {
    SKERRY_ASSIGN(auto* task, current_task(host));
    AggregateRequest request{text(slot), {}, {}, text(base), text(output)};
    for (uint64_t i = 0; i < count; ++i) {
      request.inputs.push_back(text(inputs[i]));
      request.updates.push_back(updates[i]);
    }
    return task->aggregate(request);
  });
}

void metric(const skerry_host* host, const char* name, double value) {
  answer(nullptr, [&]() -> Status {
    SKERRY_ASSIGN(auto* task, current_task(host));
    task->metric(text(name), value);
    return {};
  });
}

void progress(const skerry_host* host, double fraction) {
  answer(nullptr, [&]() -> Status {
    SKERRY_ASSIGN(auto* task, current_task(host));
    task->progress(fraction);
    return {};
  });
}

skerry_status serve(const skerry_host* host, skerry_bytes settings, skerry_error* error) {
  return answer(error, [&]() -> Status {
    SKERRY_ASSIGN(auto* task, current_task(host));
    return task->serve({reinterpret_cast<const char*>(settings.data), settings.size});
  });
}

constexpr skerry_ext_threads kThreads{sizeof(skerry_ext_threads), 0, budget};
constexpr skerry_ext_features kFeatures{sizeof(skerry_ext_features), 0, open};
constexpr skerry_ext_task kTask{sizeof(skerry_ext_task),
                                0,
                                input_path,
                                input_tensors,
                                write_tensors,
                                load_data,
                                aggregate,
                                metric,
                                progress,
                                serve};

const void* get_extension(const skerry_host*, const char* id) {
  const std::string_view wanted = id ? id : "";
  if (wanted == SKERRY_EXT_THREADS) return &kThreads;
  if (wanted == SKERRY_EXT_FEATURES) return &kFeatures;
  if (wanted == SKERRY_EXT_TASK) return &kTask;
  return nullptr;
}

}  // namespace

std::string PluginHost::place(std::string_view slot) const {
  if (slot_.empty() || !slot.starts_with("config.")) return std::string(slot);
  return slot_ + "." + std::string(slot);
}

PluginHost::PluginHost(HostServices& services, std::string name, std::string slot)
    : services_(services),
      name_(std::move(name)),
      slot_(std::move(slot)),
      host_{sizeof(skerry_host), SKERRY_ABI_MAJOR, SKERRY_ABI_MINOR, 0, this, log,
            get_extension,       cancelled} {}

}  // namespace skerry::runtime
