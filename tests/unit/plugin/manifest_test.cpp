#include "core/plugin/manifest.hpp"

#include <gmock/gmock.h>

namespace skerry::plugin {
namespace {

std::string message(std::string_view text) {
  const auto manifest = parse_manifest(text, "x.so");
  return manifest ? "no problem" : manifest.error().text();
}

TEST(Manifest, GivesItsFeaturesWithWhatStandsAboveThem) {
  const auto manifest = parse_manifest(R"({
      "name": "pair", "version": "1.2.0", "summary": "Two things", "license": "MIT", "url": "https://a.example",
      "build": {"compiler": "GNU 12"},
      "features": [
        {"id": "one", "kind": "aggregation/1", "summary": "The first",
         "config": {"type": "object", "properties": {"tile": {"type": "integer", "minimum": 1}}}},
        {"id": "two", "kind": "workflow/1", "requires": ["task/1"],
         "resource": {"kind": "PairJob", "spec": {"type": "object"}}}]})",
                                       "x.so");
  ASSERT_TRUE(manifest) << manifest.error().text();
  ASSERT_EQ(manifest->features.size(), 2U);
  const Feature& one = manifest->features[0];
  EXPECT_EQ(one.id, "one");
  EXPECT_EQ(one.kind, "aggregation/1");
  EXPECT_EQ(one.version, "1.2.0");
  EXPECT_EQ(one.summary, "The first");
  EXPECT_EQ(one.license, "MIT");
  EXPECT_TRUE(one.resource.is_null());
  const Feature& two = manifest->features[1];
  EXPECT_EQ(two.summary, "Two things");
  EXPECT_EQ(two.resource["kind"], "PairJob");
  EXPECT_EQ(two.requires_, Json::array({"task/1"}));
  EXPECT_EQ(two.schema, Json({{"type", "object"}}));
}

TEST(Manifest, SaysWhereTheJsonIsBroken) {
  EXPECT_THAT(message("{\"name\": "), testing::HasSubstr("x.so: plugin.json: not valid JSON"));
}

TEST(Manifest, NamesTheMemberThatIsMissingOrWrong) {
  EXPECT_EQ(message("[]"), "x.so: plugin.json: expected a JSON object");
  EXPECT_EQ(message(R"({"version": "1"})"), "x.so: plugin.json: name: missing");
  EXPECT_EQ(message(R"({"name": "a", "version": 1})"),
            "x.so: plugin.json: version: found 1, expected text");
  EXPECT_EQ(message(R"({"name": "a", "version": "1", "features": []})"),
            "x.so: plugin.json: features: expected a list with at least one feature");
  EXPECT_EQ(message(R"({"name": "a", "version": "1", "feature": []})"),
            "x.so: plugin.json: unknown key `feature`; did you mean \"features\"?");
}

std::string feature_message(const std::string& feature) {
  return message(R"({"name": "a", "version": "1", "features": [)" + feature + "]}");
}

TEST(Manifest, NamesTheFeatureThatIsWrong) {
  EXPECT_EQ(
      feature_message(R"({"id": "Big", "kind": "task/1"})"),
      "x.so: plugin.json: features[0].id: found \"Big\", expected lower-case letters, digits, '-', "
      "'_' and '.'");
  EXPECT_EQ(feature_message(R"({"id": "a", "kind": "task"})"),
            "x.so: plugin.json: features[0] (a).kind: found \"task\", expected NAME/VERSION, as "
            "\"aggregation/1\"");
  EXPECT_EQ(feature_message(R"({"id": "a", "kind": "task/1"}, {"id": "a", "kind": "task/1"})"),
            "x.so: plugin.json: features[1]: `a` (task/1) occurs twice");
  EXPECT_EQ(
      feature_message(R"({"id": "a", "kind": "task/1", "resource": {}})"),
      "x.so: plugin.json: features[0] (a).resource: only a workflow declares a resource kind; this "
      "feature is task/1");
  EXPECT_EQ(feature_message(R"({"id": "a", "kind": "task/1", "config": {"tipe": "object"}})"),
            "x.so: plugin.json: features[0] (a).config: unknown word \"tipe\" in the schema; did "
            "you mean "
            "\"type\"?; a newer Skerry may know it");
}

}  // namespace
}  // namespace skerry::plugin
