#include <gtest/gtest.h>

#include "core/config/describe.hpp"
#include "core/config/document.hpp"
#include "core/config/job.hpp"
#include "core/config/schema.hpp"
#include "tests/unit/config/catalog.hpp"

namespace skerry::config {
namespace {

TEST(Example, ShowsAPluginAsItStandsInAJob) {
  EXPECT_EQ(example_fragment(test_feature("mean")),
            "aggregation:\n"
            "  plugin: mean\n"
            "  config:\n"
            "    threshold: 0.5              # number, 0..1\n");
}

TEST(Example, PutsWhatIsRequiredFirstAndWhatIsOptionalInComments) {
  EXPECT_EQ(
      example_fragment(test_feature("grid")),
      "dataset:\n"
      "  plugin: grid\n"
      "  config:\n"
      "    uri: path/to/file           # path, required\n"
      "    cell: [20, 20]              # list of integer: height and width of a cell\n"
      "    holdout: 0.2                # number, 0..0.9: the share of rows kept for evaluation\n"
      "    # partition: {by: iid}      # map: which share of the rows a node has, so that one "
      "machine can play "
      "many\n");
}

TEST(Example, OfAFeatureIsAValidConfiguration) {
  const plugin::Catalog catalog = test_catalog();
  for (const plugin::Feature& feature : catalog.features()) {
    const auto documents = parse_documents(example_fragment(feature), "example.yaml");
    ASSERT_TRUE(documents) << documents.error().text();
    const bool workflow = feature.resource.is_object();
    const Json& all = documents->at(0).value;
    const Json value = workflow ? all.at("spec") : all.begin()->value("config", Json::object());
    std::vector<Problem> problems;
    apply_schema(workflow ? spec_schema(feature) : config_schema(feature), value, {}, problems);
    EXPECT_TRUE(problems.empty()) << feature.id << ": " << problems[0].text();
  }
}

}  // namespace
}  // namespace skerry::config
