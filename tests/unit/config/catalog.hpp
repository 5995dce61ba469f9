#pragma once

#include <string>
#include <vector>

#include "core/plugin/catalog.hpp"

namespace skerry::config {

// Features as plugins would describe them, with names of their own.
inline plugin::Catalog test_catalog() {
  const std::string text = R"({"name": "test", "version": "1.0.0", "features": [
    {"id": "rounds", "kind": "workflow/1", "resource": {"kind": "TrainingJob", "spec": {
       "type": "object", "required": ["model", "data", "rounds"],
       "properties": {
         "model": {"slot": "estimator/1"},
         "data": {"slot": "dataset/1"},
         "merge": {"slot": "aggregation/1", "default": {"plugin": "mean"}},
         "rounds": {"type": "integer", "minimum": 1},
         "quorum": {"type": "integer", "minimum": 1, "atMost": "nodes", "default": 1},
         "initialModel": {"type": "string", "reference": "Model"}}}}},
    {"id": "net", "kind": "estimator/1", "config": {"type": "object", "properties": {
       "lr": {"type": "number", "exclusiveMinimum": 0, "default": 0.1},
       "file": {"type": "string", "format": "artifact"}}}},
    {"id": "grid", "kind": "dataset/1", "config": {"type": "object", "required": ["uri"], "properties": {
       "uri": {"type": "string", "format": "path"},
       "cell": {"type": "array", "items": {"type": "integer", "minimum": 1}, "default": [20, 20],
                "description": "height and width of a cell"}}}},
    {"id": "mean", "kind": "aggregation/1", "config": {"type": "object", "properties": {
       "threshold": {"type": "number", "minimum": 0, "maximum": 1, "default": 0.5}}}},
    {"id": "clipped", "kind": "aggregation/1", "config": {"type": "object", "required": ["inner"], "properties": {
       "inner": {"slot": "aggregation/1"}}}}]})";
  return plugin::Catalog::of(plugin::parse_manifest(text, "test.so").value().features);
}

inline plugin::Feature test_feature(const std::string& id) {
  const plugin::Catalog catalog = test_catalog();
  for (const plugin::Feature& feature : catalog.features()) {
    if (feature.id == id) {
      return feature;
    }
  }
  return {};
}

}  // namespace skerry::config
