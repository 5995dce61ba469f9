#include "core/runtime/preflight.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <exception>
#include <optional>
#include <regex>
#include <vector>

#include "core/base/file.hpp"
#include "core/base/json.hpp"
#include "core/base/try.hpp"
#include "core/runtime/abi_status.hpp"
#include "core/runtime/job.hpp"
#include "core/runtime/sink.hpp"
#include "core/tensor/layout.hpp"

namespace skerry::runtime {
namespace {

struct Request {
  Plan plan;
  std::uint32_t nodes = 1;
  std::map<std::string, std::string> artifacts;
};

Result<Request> read_request(const std::filesystem::path& file) {
  SKERRY_ASSIGN(const auto text, read_file(file));
  SKERRY_ASSIGN(const auto json, parse_json(text, file.string()));
  try {
    Request request;
    SKERRY_ASSIGN(request.plan, Plan::from_json(json.at("plan")));
    request.nodes = std::max<std::uint32_t>(1, json.value("nodes", std::uint32_t{1}));
    request.artifacts = json.value("artifacts", std::map<std::string, std::string>());
    for (const auto& path : json.value("pluginPath", std::vector<std::string>()))
      request.plan.plugin_path.emplace_back(path);
    return request;
  } catch (const Json::exception& exception) {
    return fail(Code::invalid_argument, std::string("not a preflight request: ") + exception.what(),
                file.string());
  }
}

// One job as one node sees it.
class Inspection {
 public:
  Inspection(const Request& request, std::string node)
      : node_(std::move(node)), nodes_(request.nodes), job_(request.plan, node_, 1, calls_) {
    for (const auto& [digest, path] : request.artifacts) job_.features().add_artifact(digest, path);
  }

  Json run() {
    auto workflow = job_.features().open_feature("workflow/1", job_.plan().workflow);
    if (!workflow) return failure("workflow", workflow.error());
    if (const auto refused = refused_at_start(**workflow)) return failure("workflow", *refused);
    auto slots = job_.features().slots();
    // Datasets first: estimators are built for the data.
    std::stable_partition(slots.begin(), slots.end(),
                          [](const auto& slot) { return slot.kind == "dataset/1"; });
    Json told = Json::object();
    for (const auto& slot : slots) {
      auto result = inspect(slot);
      if (!result) return failure(slot.name, result.error());
      told[slot.name] = std::move(*result);
    }
    return {{"ok", true}, {"slots", told}};
  }

 private:
  // A workflow is a pure function: what it would say of the job's start can be asked beforehand.
  // Only a no to a field of the spec counts, as "field: what is wrong": others may be about the
  // nodes that are there.
  std::optional<Problem> refused_at_start(const Instance& workflow) const {
    const std::string event = dump_json({{"type", "Started"},
                                         {"at_ms", 0},
                                         {"spec", job_.plan().spec},
                                         {"job", "check"},
                                         {"seed", job_.plan().seed},
                                         {"nodes", Json::array({node_})}});
    StringSink state, commands;
    const auto calling = workflow.calling("decide");
    const auto decided = call(workflow.who(), [&](skerry_error* error) {
      return workflow.as<skerry_workflow_v1>().decide(
          workflow.get(), {nullptr, 0}, abi_bytes(event), state.get(), commands.get(), error);
    });
    const auto list = decided ? parse_json(commands.text()) : Result<Json>(Json());
    if (!list || !list->is_array()) return std::nullopt;
    for (const Json& command : *list) {
      if (!command.is_object() || command.value("phase", "") != "Failed") continue;
      const std::string said = command.value("message", "");
      static const std::regex form(R"(([A-Za-z][A-Za-z0-9.\[\]]*): ([^]*))");
      std::smatch parts;
      if (!std::regex_match(said, parts, form) || !is_in_spec(parts[1])) continue;
      return Problem{Code::invalid_argument, parts[2], {}, parts[1]};
    }
    return std::nullopt;
  }

  bool is_in_spec(const std::string& field) const {
    return job_.plan().spec.contains(field.substr(0, field.find_first_of(".[")));
  }

  Json failure(const std::string& slot, const Problem& problem) const {
    return {{"ok", false},
            {"code", std::string(status_name(to_abi(problem.code)))},
            {"slot", slot},
            {"node", node_},
            {"field", problem.field},
            {"message",
             problem.where.empty() ? problem.message : problem.where + ": " + problem.message}};
  }

  Result<Json> inspect(const FeaturePool::Slot& slot) {
    SKERRY_ASSIGN(const Instance* instance, job_.features().open_slot(slot.name, slot.kind));
    Json told = {{"plugin", instance->id()}, {"kind", instance->kind()}};
    if (slot.kind == "dataset/1") SKERRY_TRY(inspect_dataset(slot.name, told));
    if (slot.kind == "estimator/1") SKERRY_TRY(inspect_estimator(*instance, told));
    return told;
  }

  Status inspect_dataset(const std::string& slot, Json& told) {
    SKERRY_ASSIGN(const auto overview, job_.data().overview(slot, nodes_));
    told.update({{"rows", overview.info.rows},
                 {"train", overview.train},
                 {"holdout", overview.holdout},
                 {"parts", overview.parts},
                 {"classes", overview.info.classes}});
    if (!data_ || slot == "dataset") data_ = overview.info;
    return {};
  }

  Status inspect_estimator(const Instance& estimator, Json& told) {
    if (!data_) return {};
    const auto& interface = estimator.as<skerry_estimator_v1>();
    SKERRY_TRY(call(estimator.who(), [&](skerry_error* error) {
      return interface.prepare(estimator.get(), &*data_, job_.plan().seed, error);
    }));
    const skerry_named_tensor* tensors = nullptr;
    std::uint64_t count = 0;
    SKERRY_TRY(call(estimator.who(), [&](skerry_error* error) {
      return interface.weights(estimator.get(), &tensors, &count, error);
    }));
    std::uint64_t parameters = 0;
    for (std::uint64_t i = 0; i < count; ++i) {
      const auto& tensor = tensors[i].tensor;
      SKERRY_ASSIGN(const auto elements,
                    tensor::element_count({tensor.shape, tensor.shape + tensor.ndim}));
      parameters += elements;
    }
    told.update({{"tensors", count}, {"parameters", parameters}});
    return {};
  }

  const std::string node_;
  const std::uint32_t nodes_;
  Calls calls_;
  Job job_;
  std::optional<skerry_dataset_info> data_;
};

// The nodes whose configuration differs in some slot; at the end, for all others, "".
std::vector<std::string> kinds_of_nodes(const Request& request) {
  std::vector<std::string> names;
  for (const auto& slot : request.plan.spec) {
    if (!slot.is_object() || !slot.contains("plugin") || !slot.contains("nodes")) continue;
    for (const auto& [node, config] : slot["nodes"].items()) names.push_back(node);
  }
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  if (names.size() < request.nodes) names.emplace_back();
  return names;
}

Json inspect_all(const Request& request) {
  Json told;
  for (const auto& node : kinds_of_nodes(request)) {
    told = Inspection(request, node).run();
    if (!told["ok"].get<bool>()) break;
  }
  return told;
}

}  // namespace

Json preflight(const std::filesystem::path& file) {
  const auto fault = [](std::string_view code, const std::string& message) {
    return Json{{"ok", false}, {"code", std::string(code)}, {"slot", ""}, {"node", ""},
                {"field", ""}, {"message", message}};
  };
  try {
    const auto request = read_request(file);
    if (!request) return fault(status_name(to_abi(request.error().code)), request.error().text());
    return inspect_all(*request);
  } catch (const std::exception& exception) {
    return fault("internal", exception.what());
  }
}

}  // namespace skerry::runtime
