// Where a job's spec names plugins.
#include "core/plugin/job_features.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/plugin/catalog.hpp"

namespace skerry::plugin {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

Feature feature(const std::string& kind, const std::string& id, Json properties = Json::object()) {
  Feature made;
  made.kind = kind;
  made.id = id;
  made.schema = {{"type", "object"}, {"properties", std::move(properties)}};
  return made;
}

Json slot(const std::string& kind) {
  return {{"type", "object"}, {"slot", kind}};
}

Json list_of(Json items) {
  return {{"type", "array"}, {"items", std::move(items)}};
}

Json object_of(Json properties) {
  return {{"type", "object"}, {"properties", std::move(properties)}};
}

Json plugin(const std::string& id) {
  return {{"plugin", id}};
}

class JobFeatures : public testing::Test {
 protected:
  static Catalog catalog() {
    Feature workflow = feature("workflow/1", "joint");
    workflow.resource = {
        {"kind", "Service"},
        {"spec", object_of({{"strategy", slot("inference/1")},
                            {"edge", list_of(object_of({{"estimator", slot("estimator/1")},
                                                        {"filter", slot("sampling/1")}}))},
                            {"cloud", object_of({{"estimator", slot("estimator/1")}})},
                            {"rows", list_of(list_of(slot("sampling/1")))},
                            {"duration", {{"type", "string"}}}})}};
    return Catalog::of({workflow, feature("inference/1", "cascade"), feature("estimator/1", "net"),
                        feature("sampling/1", "net"), feature("sampling/1", "margin"),
                        feature("sampling/1", "both",
                                {{"filters", list_of(slot("sampling/1"))},
                                 {"after", slot("sampling/1")},
                                 {"free", {{"type", "object"}}}})});
  }

  // "PATH KIND ID", and "?" behind what the catalog has not.
  std::vector<std::string> places(const Json& spec, const std::string& workflow = "joint") {
    std::vector<std::string> list;
    for (const SlotPlace& each : find_slots(catalog_, workflow, spec)) {
      const std::string id = (*each.value)["plugin"];
      list.push_back(each.path + " " + each.kind + " " + id + (each.feature ? "" : "?"));
      if (!each.feature) continue;
      EXPECT_EQ(each.feature->id, id);
      if (!each.kind.empty()) {
        EXPECT_EQ(each.feature->kind, each.kind);
      }
    }
    return list;
  }
  std::vector<std::string> features(const Json& spec, const std::string& workflow = "joint") {
    std::vector<std::string> list;
    for (const Feature* each : job_features(catalog_, workflow, spec))
      list.push_back(each->kind + " " + each->id);
    return list;
  }

  const Catalog catalog_ = catalog();
};

TEST_F(JobFeatures, FillPlacesAtTheTopInListsAndInObjects) {
  const Json spec = {{"cloud", {{"estimator", plugin("net")}}},
                     {"duration", "1h"},
                     {"edge",
                      {{{"estimator", plugin("net")}, {"filter", plugin("margin")}},
                       {{"estimator", plugin("net")}}}},
                     {"strategy", plugin("cascade")}};
  EXPECT_THAT(places(spec),
              ElementsAre("cloud.estimator estimator/1 net", "edge[0].estimator estimator/1 net",
                          "edge[0].filter sampling/1 margin", "edge[1].estimator estimator/1 net",
                          "strategy inference/1 cascade"));
  EXPECT_THAT(features(spec),
              ElementsAre("workflow/1 joint", "estimator/1 net", "estimator/1 net",
                          "sampling/1 margin", "estimator/1 net", "inference/1 cascade"));
}

TEST_F(JobFeatures, AreOfTheKindThatTheirPlaceIsFor) {
  EXPECT_THAT(places({{"edge", {{{"estimator", plugin("net")}, {"filter", plugin("net")}}}}}),
              ElementsAre("edge[0].estimator estimator/1 net", "edge[0].filter sampling/1 net"));
  EXPECT_THAT(places({{"strategy", plugin("margin")}}),
              ElementsAre("strategy inference/1 margin?"));
}

TEST_F(JobFeatures, FillPlacesInListsOfLists) {
  EXPECT_THAT(
      places({{"rows", {{plugin("margin")}, Json::array(), {plugin("net"), plugin("both")}}}}),
      ElementsAre("rows[0][0] sampling/1 margin", "rows[2][0] sampling/1 net",
                  "rows[2][1] sampling/1 both"));
}

TEST_F(JobFeatures, FillPlacesInTheConfigurationOfOthers) {
  Json inner = plugin("both");
  inner["config"] = {{"filters", {plugin("margin")}}};
  Json outer = plugin("both");
  outer["config"] = {{"after", plugin("nothing")}, {"filters", {plugin("margin"), inner}}};
  EXPECT_THAT(places({{"edge", {{{"filter", outer}}}}}),
              ElementsAre("edge[0].filter sampling/1 both",
                          "edge[0].filter.config.after sampling/1 nothing?",
                          "edge[0].filter.config.filters[0] sampling/1 margin",
                          "edge[0].filter.config.filters[1] sampling/1 both",
                          "edge[0].filter.config.filters[1].config.filters[0] sampling/1 margin"));
}

TEST_F(JobFeatures, AreNotLookedForInTheConfigurationOfWhatIsNotThere) {
  Json unknown = plugin("nothing");
  unknown["config"] = {{"filters", {plugin("margin")}}};
  EXPECT_THAT(places({{"edge", {{{"filter", unknown}}}}}),
              ElementsAre("edge[0].filter sampling/1 nothing?"));
  EXPECT_THAT(features({{"edge", {{{"filter", unknown}}}}}), ElementsAre("workflow/1 joint"));
}

TEST_F(JobFeatures, MayStandAtTheTopWhereNothingIsDeclared) {
  EXPECT_THAT(places({{"extra", plugin("margin")}, {"more", plugin("nothing")}}),
              ElementsAre("extra  margin", "more  nothing?"));
  // The id has to say it all: the first of that name.
  EXPECT_THAT(features({{"extra", plugin("net")}}),
              ElementsAre("workflow/1 joint", "estimator/1 net"));
  EXPECT_THAT(places({{"extra", plugin("margin")}}, "unknown"), ElementsAre("extra  margin"));
}

TEST_F(JobFeatures, DoNotStandDeeperWhereNothingIsDeclared) {
  EXPECT_THAT(places({{"extra", {{"deeper", plugin("margin")}}}}), IsEmpty());
  EXPECT_THAT(places({{"extra", {plugin("margin")}}}), IsEmpty());
  EXPECT_THAT(places({{"cloud", {{"other", plugin("margin")}}}}), IsEmpty());
  Json both = plugin("both");
  both["config"] = {{"free", plugin("margin")}, {"unknown", plugin("margin")}};
  EXPECT_THAT(places({{"edge", {{{"filter", both}}}}}),
              ElementsAre("edge[0].filter sampling/1 both"));
}

TEST_F(JobFeatures, HaveANameThatIsText) {
  EXPECT_THAT(places({{"strategy", {{"plugin", 7}}}}), IsEmpty());
  EXPECT_THAT(places({{"strategy", "cascade"}, {"extra", {{"plugin", nullptr}}}}), IsEmpty());
  EXPECT_THAT(places({{"strategy", Json::array({plugin("cascade")})}}), IsEmpty());
}

TEST_F(JobFeatures, SurviveASpecThatIsNone) {
  for (const Json& spec : {Json(), Json("text"), Json::array({plugin("net")}), Json::object()}) {
    EXPECT_THAT(places(spec), IsEmpty());
    EXPECT_THAT(features(spec), ElementsAre("workflow/1 joint"));
  }
}

TEST_F(JobFeatures, SurviveASpecThatIsVeryDeep) {
  Json deep = plugin("both");
  for (int i = 0; i < 1000; ++i) {
    Json around = plugin("both");
    around["config"] = {{"after", std::move(deep)}};
    deep = std::move(around);
  }
  const auto found = places({{"edge", {{{"filter", std::move(deep)}}}}});
  EXPECT_GT(found.size(), 10u);
  EXPECT_LT(found.size(), 100u);
  Json lists = Json::array();
  for (int i = 0; i < 1000; ++i) lists = Json::array({std::move(lists)});
  EXPECT_THAT(places({{"rows", std::move(lists)}}), IsEmpty());
}

TEST_F(JobFeatures, PointIntoTheSpecThatTheyAreOf) {
  const Json spec = {{"edge", {{{"filter", plugin("margin")}}}}};
  const auto found = find_slots(catalog_, "joint", spec);
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].value, &spec["edge"][0]["filter"]);
}

}  // namespace
}  // namespace skerry::plugin
