#pragma once

#include <string>

#include "core/base/json.hpp"
#include "core/plugin/manifest.hpp"

namespace skerry::config {

// "number, 0..1, default 0.5"
std::string describe_property(const Json& property, bool required = false);

// What is allowed, for "found ..., expected ...": "integer >= 1", "one of: sgd, adam".
std::string describe_expected(const Json& property);

// What was found: "\"abc\" (string)", "3.5 (number)", "a list", "nothing".
std::string describe_value(const Json& value);

// "threshold (number, 0..1, default 0.5), seed (integer, >= 0)": every key of an object schema.
std::string describe_keys(const Json& schema);

// A value that the schema allows: required keys with a value to replace, the others left out.
Json example_value(const Json& schema);

// YAML for the keys of an object schema: required ones with a value to replace, optional ones with
// their defaults, each with a comment that describes it. Indented by `indent` spaces.
std::string example_fragment(const Json& schema, int indent = 0);

// The same for a feature as it stands in a job: its slot with plugin and config, or a whole job for
// a workflow.
std::string example_fragment(const plugin::Feature& feature);

}  // namespace skerry::config
