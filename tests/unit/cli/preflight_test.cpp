#include "hosts/cli/run/preflight.hpp"

#include <gtest/gtest.h>

using skerry::Json;
using skerry::cli::read_verdict;

namespace {

// A job whose dataset's cell stands on line 7, and whose own configuration for edge-2 on line 9.
skerry::config::ResolvedJob job() {
  skerry::config::ResolvedJob job;
  job.source = skerry::config::SourceMap("job.yaml");
  job.source.set("/spec/dataset", {"job.yaml", 6});
  job.source.set("/spec/dataset/config/cell", {"job.yaml", 7});
  job.source.set("/spec/dataset/nodes/edge-2/uri", {"job.yaml", 9});
  return job;
}

TEST(Preflight, ReadsTheWorkersVerdictAfterAnythingElseThatItPrinted) {
  const auto facts = read_verdict(
      job(), "a library says hello\n{\"ok\":true,\"slots\":{\"dataset\":{\"rows\":5}}}\nbye\n");
  ASSERT_TRUE(facts);
  EXPECT_EQ((*facts)["dataset"]["rows"], 5);
}

TEST(Preflight, PutsAProblemWhereTheUserWroteTheField) {
  const auto facts = read_verdict(
      job(),
      R"({"ok":false,"code":"invalid_argument","slot":"dataset","node":"","field":"cell","message":"too big"})");
  ASSERT_FALSE(facts);
  EXPECT_EQ(facts.error().at(0).text(), "job.yaml:7: spec.dataset.config.cell: too big");
}

TEST(Preflight, PutsAProblemOfOneNodeIntoThatNodesPart) {
  const auto facts = read_verdict(
      job(),
      R"({"ok":false,"code":"not_found","slot":"dataset","node":"edge-2","field":"uri","message":"no file"})");
  ASSERT_FALSE(facts);
  EXPECT_EQ(facts.error().at(0).text(), "job.yaml:9: spec.dataset.nodes.edge-2.uri: no file");
}

TEST(Preflight, NoVerdictIsAProblem) {
  EXPECT_FALSE(read_verdict(job(), ""));
  EXPECT_FALSE(read_verdict(job(), "{\"not\": \"ours\"}\n{broken"));
}

}  // namespace
