#include "core/config/yaml_writer.hpp"

#include <gtest/gtest.h>

#include "core/config/document.hpp"

namespace skerry::config {
namespace {

TEST(YamlWriter, WritesWhatPeopleWouldWrite) {
  const Json value = Json::parse(R"({
    "kind": "Job", "metadata": {"name": "digits"},
    "spec": {"cell": [20, 20], "lr": 0.1, "deadline": "60s", "operator": ">=", "none": [], "empty": {},
             "inner": {"a": 1, "b": {"c": true}}, "list": [{"x": 1, "y": [{"z": 2}]}]}})");
  EXPECT_EQ(to_yaml(value),
            "kind: Job\n"
            "metadata: {name: digits}\n"
            "spec:\n"
            "  cell: [20, 20]\n"
            "  deadline: 60s\n"
            "  empty: {}\n"
            "  inner:\n"
            "    a: 1\n"
            "    b: {c: true}\n"
            "  list:\n"
            "    - x: 1\n"
            "      y:\n"
            "        - z: 2\n"
            "  lr: 0.1\n"
            "  none: []\n"
            "  operator: \">=\"\n");
}

TEST(YamlWriter, WritesWhatIsReadBackAsTheSame) {
  const Json value = Json::parse(R"({
    "quoted": ["1", "true", "null", "", "a: b", "- x", "-", "~", "#no", "line\nbreak", "é \u0001 \"q\"", "0x1f", "1e3",
               "*a", "{", "$artifact", "---", "yes"],
    "numbers": [0, -1, 18446744073709551615, 0.1, 1e-300, 2.0], "1": "key", "": {"a: b": null},
    "deep": [[1, [2, [3, {"a": [[]]}]]], [{}, {"b": {"c": {"d": {"e": [{"f": 1}]}}}}]]})");
  for (const std::string& text : {to_yaml(value), to_yaml_line(value)}) {
    const auto documents = parse_documents(text, "x.yaml");
    ASSERT_TRUE(documents) << documents.error().text() << "\n" << text;
    EXPECT_EQ(documents->at(0).value, value) << text;
  }
}

}  // namespace
}  // namespace skerry::config
