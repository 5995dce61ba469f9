#include "core/config/job_slots.hpp"

#include <filesystem>
#include <utility>

#include "core/base/suggest.hpp"
#include "core/config/core_schemas.hpp"
#include "core/config/describe.hpp"
#include "core/config/paths.hpp"

namespace skerry::config {
namespace {

constexpr int kMaxSlotDepth = 8;

bool is_dataset(const std::string& kind) {
  return kind.starts_with("dataset/");
}

// What lies on a node itself, a folder or a camera, lies elsewhere on another.
bool differs_by_node(const std::string& kind) {
  return is_dataset(kind) || kind.starts_with("source/") || kind.starts_with("sink/");
}

}  // namespace

Problem SlotResolver::at(const std::string& pointer, std::string message, Code code) const {
  return {code, std::move(message), source_.where(pointer), field_of(pointer)};
}

SchemaContext SlotResolver::context(std::string pointer) {
  SchemaContext context;
  context.source = &source_;
  context.pointer = std::move(pointer);
  context.nodes = options_.nodes;
  context.check_files = options_.check_files;
  context.hooks = this;
  return context;
}

Json SlotResolver::slot(const std::string& kind, const Json& value, const std::string& pointer,
                        Problems& problems) {
  if (!value.is_object()) {
    problems.push_back(at(pointer, "found " + describe_value(value) +
                                       ", expected {plugin: NAME, config: {...}} with a plugin of "
                                       "kind " +
                                       kind));
    return value;
  }
  if (depth_ >= kMaxSlotDepth) {
    problems.push_back(at(pointer, "plugins within plugins are nested too deeply"));
    return value;
  }
  const std::size_t before = problems.size();
  Json slot =
      is_dataset(kind) && value.contains("name") ? named_dataset(value, pointer, problems) : value;
  if (problems.size() == before) {
    slot = apply_schema(slot_schema(differs_by_node(kind)), slot, context(pointer), problems);
  }
  if (problems.size() > before) {
    return slot;
  }
  const auto feature = catalog_.find(kind, slot["plugin"].get<std::string>());
  if (!feature) {
    const std::string place = child(pointer, "plugin");
    problems.push_back(at(place, feature.error().message, feature.error().code));
    return slot;
  }
  std::string name = field_of(pointer);
  if (name.starts_with("spec.")) {
    name.erase(0, 5);
  }
  features.push_back({std::move(name), **feature});
  ++depth_;
  slot = fill(**feature, std::move(slot), pointer, problems);
  --depth_;
  return slot;
}

Json SlotResolver::fill(const plugin::Feature& feature, Json slot, const std::string& pointer,
                        Problems& problems) {
  const Json schema = config_schema(feature);
  const std::string config_pointer = child(pointer, "config");
  const Json raw = slot["config"];
  const bool on_nodes = slot.contains("nodes") && !slot["nodes"].empty();
  SchemaContext config_context = context(config_pointer);
  // Each node may give what is missing here.
  config_context.check_required = !on_nodes;
  // What a source or a sink names lies on the edges.
  const bool check_files = options_.check_files && is_dataset(feature.kind);
  config_context.check_files = check_files;
  const std::size_t before = problems.size();
  slot["config"] = apply_schema(schema, raw, config_context, problems);
  if (problems.size() == before && is_dataset(feature.kind)) {
    check_partition(slot["config"], config_pointer, problems);
  }
  if (problems.size() == before && on_nodes) {
    Json whole = slot;
    whole["config"] = raw;
    slot["nodes"] = fill_nodes(schema, whole, check_files, pointer, problems);
  }
  return slot;
}

// Each node's configuration in full: `config` with what is different there.
Json SlotResolver::fill_nodes(const Json& schema, const Json& slot, bool check_files,
                              const std::string& pointer, Problems& problems) {
  Json nodes = Json::object();
  for (const auto& [node, overrides] : slot["nodes"].items()) {
    const std::string place = child(child(pointer, "nodes"), node);
    Json config = slot["config"];
    config.merge_patch(overrides);
    SchemaContext on_node = context(place);
    on_node.check_files = check_files;
    nodes[node] = apply_schema(schema, config, on_node, problems);
    check_partition(nodes[node], place, problems);
  }
  return nodes;
}

void SlotResolver::check_partition(const Json& config, const std::string& pointer,
                                   Problems& problems) {
  const auto found = config.find("partition");
  if (found == config.end() || !found->is_object() || !found->contains("parts") ||
      !found->contains("index")) {
    return;
  }
  const Json& parts = (*found)["parts"];
  const Json& index = (*found)["index"];
  if (parts.is_number_integer() && index.is_number_integer() && index >= parts) {
    problems.push_back(at(child(child(pointer, "partition"), "index"),
                          "found " + index.dump() + ", but there are " + parts.dump() +
                              " parts, counted from 0: use at most " +
                              std::to_string(parts.get<std::int64_t>() - 1)));
  }
}

Json SlotResolver::named_dataset(const Json& value, const std::string& pointer,
                                 Problems& problems) {
  for (const auto& [key, item] : value.items()) {
    if (key != "name") {
      problems.push_back(at(child(pointer, key),
                            "stands beside `name`; a dataset has either the "
                            "name of a Dataset, or a plugin and a config"));
      return value;
    }
  }
  const std::string place = child(pointer, "name");
  if (!value["name"].is_string()) {
    problems.push_back(
        at(place, "found " + describe_value(value["name"]) + ", expected the name of a Dataset"));
    return value;
  }
  const Resource* resource =
      find_resource(kDatasetKind, value["name"].get<std::string>(), place, problems);
  if (resource == nullptr) {
    return value;
  }
  source_.graft(resource->source, "/spec", pointer);
  return resource->spec();
}

const Resource* SlotResolver::find_resource(const std::string& kind, const std::string& name,
                                            const std::string& pointer, Problems& problems) {
  std::vector<std::string> names;
  for (const Resource& resource : resources_) {
    if (resource.kind != kind) {
      continue;
    }
    if (resource.name == name) {
      return &resource;
    }
    names.push_back(resource.name);
  }
  std::string list;
  for (const std::string& one : names) {
    list += (list.empty() ? " There are: " : ", ") + one;
  }
  const auto near = closest(name, names);
  problems.push_back(
      at(pointer,
         "no " + kind + " named `" + name + "`." + (near ? " Did you mean `" + *near + "`?" : "") +
             (list.empty() ? " Add a document of that kind to the file." : list) +
             (name.ends_with(".safetensors") ? " A file is told by a slash: ./" + name
                                             : std::string()),
         Code::not_found));
  return nullptr;
}

Json SlotResolver::reference(const std::string& kind, const std::string& name,
                             const std::string& pointer, Problems& problems) {
  // No name holds a slash, so that this can only be a path.
  if (kind == kModelKind && name.find('/') != std::string::npos) {
    return artifact(absolute_path(name, &source_, pointer), pointer, problems);
  }
  const Resource* resource = find_resource(kind, name, pointer, problems);
  if (resource == nullptr || kind != kModelKind) {
    return name;
  }
  const Json& file = resource->spec().at("file");
  if (!file.is_string()) {
    return file;  // resolved before
  }
  const std::size_t before = problems.size();
  const std::string path = absolute_path(file.get<std::string>(), &resource->source, "/spec/file");
  Json artifact_of_model = read_artifact(path, pointer, problems);
  if (problems.size() > before) {
    problems.back().where = resource->source.where("/spec/file");
    problems.back().field = "spec.file";
  }
  return artifact_of_model;
}

Json SlotResolver::artifact(const std::string& path, const std::string& pointer,
                            Problems& problems) {
  if (options_.no_files.empty()) return read_artifact(path, pointer, problems);
  problems.push_back(at(pointer, options_.no_files, Code::permission_denied));
  return path;
}

Json SlotResolver::read_artifact(const std::string& path, const std::string& pointer,
                                 Problems& problems) {
  std::error_code error;
  if (!std::filesystem::is_regular_file(path, error)) {
    problems.push_back(at(pointer, "no such file: " + path, Code::not_found));
    return path;
  }
  const auto digest = digest_of_file(path);
  if (!digest) {
    problems.push_back(at(pointer, digest.error().text(), digest.error().code));
    return path;
  }
  const std::string name = std::filesystem::path(path).filename().string();
  artifacts.push_back({pointer, path, name, *digest});
  return {{"$artifact", digest->hex()}, {"name", name}};
}

}  // namespace skerry::config
