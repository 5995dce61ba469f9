#include "core/config/core_schemas.hpp"

namespace skerry::config {
namespace {

Json parse(const char* text) {
  return Json::parse(text);
}

}  // namespace

const Json& envelope_schema() {
  static const Json schema = parse(R"({
    "type": "object",
    "required": ["apiVersion", "kind", "metadata", "spec"],
    "properties": {
      "apiVersion": {"type": "string"},
      "kind": {"type": "string"},
      "metadata": {
        "type": "object",
        "required": ["name"],
        "properties": {
          "name": {"type": "string"},
          "labels": {"type": "object", "additionalProperties": {"type": "string"}},
          "annotations": {"type": "object", "additionalProperties": {"type": "string"}}
        }
      },
      "spec": {"type": "object", "additionalProperties": true}
    }})");
  return schema;
}

const Json* core_spec_schema(const std::string& kind) {
  static const Json model = parse(R"({
    "type": "object",
    "required": ["file"],
    "properties": {
      "file": {"type": "string", "format": "artifact"},
      "format": {"type": "string", "enum": ["safetensors", "torchscript"], "default": "safetensors"}
    }})");
  if (kind == kModelKind) {
    return &model;
  }
  return kind == kDatasetKind ? &slot_schema(true) : nullptr;
}

const Json& slot_schema(bool by_node) {
  static const Json plain = parse(R"({
    "type": "object",
    "required": ["plugin"],
    "properties": {
      "plugin": {"type": "string"},
      "config": {"type": "object", "additionalProperties": true, "default": {}}
    }})");
  static const Json with_nodes = [] {
    Json schema = plain;
    schema["properties"]["nodes"] = parse(R"({
      "type": "object",
      "additionalProperties": {"type": "object", "additionalProperties": true},
      "description": "what differs from config on single nodes, by their names"})");
    return schema;
  }();
  return by_node ? with_nodes : plain;
}

const Json& dataset_properties() {
  static const Json properties = parse(R"({
    "partition": {
      "type": "object",
      "description": "which share of the rows a node has, so that one machine can play many",
      "examples": [{"by": "iid"}],
      "properties": {
        "by": {"type": "string", "enum": ["iid", "label", "dirichlet"], "default": "iid"},
        "parts": {"type": "integer", "minimum": 1, "description": "default: the number of nodes"},
        "index": {"type": "integer", "minimum": 0, "description": "default: the node's own"},
        "alpha": {"type": "number", "exclusiveMinimum": 0, "default": 0.5,
                  "description": "of dirichlet: small is uneven"},
        "seed": {"type": "integer", "minimum": 0, "description": "default: the job's seed"}
      }
    },
    "holdout": {"type": "number", "minimum": 0, "maximum": 0.9, "default": 0.2,
                "description": "the share of rows kept for evaluation"}
    })");
  return properties;
}

const Json& workflow_properties() {
  static const Json properties = parse(R"({
    "seed": {"type": "integer", "minimum": 0, "default": 1,
             "description": "the same seed gives the same result"},
    "pluginPath": {
      "type": "array",
      "items": {"type": "string", "format": "path"},
      "default": [],
      "description": "directories to look for plugins in, before all others"
    }})");
  return properties;
}

}  // namespace skerry::config
