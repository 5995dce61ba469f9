// Job documents for tests with the fixture plugins.
#pragma once

#include <string>

#include "core/base/json.hpp"

namespace skerry::runtime {

inline Json fixture_plan(const Json& dataset = Json::object(),
                         const Json& estimator = Json::object()) {
  return {{"apiVersion", "skerry.dev/v1alpha1"},
          {"kind", "FixtureJob"},
          {"metadata", {{"name", "test"}}},
          {"workflow", "fixture-echo"},
          {"seed", 1},
          {"pluginPath", {SKERRY_FIXTURES}},
          {"spec",
           {{"dataset", {{"plugin", "fixture-null"}, {"config", dataset}}},
            {"estimator", {{"plugin", "fixture-null"}, {"config", estimator}}}}}};
}

}  // namespace skerry::runtime
