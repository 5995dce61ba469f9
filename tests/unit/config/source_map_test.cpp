#include "core/config/source_map.hpp"

#include <gtest/gtest.h>

namespace skerry::config {
namespace {

TEST(SourceMap, FallsBackToTheValueAround) {
  SourceMap source("job.yaml");
  source.set("/spec", {"job.yaml", 4});
  source.set("/spec/rounds", {"job.yaml", 7});
  EXPECT_EQ(source.where("/spec/rounds"), "job.yaml:7");
  EXPECT_EQ(source.where("/spec/quorum"), "job.yaml:4");
  EXPECT_EQ(source.where("/kind"), "job.yaml");
  EXPECT_EQ(SourceMap().where("/kind"), "");
}

TEST(SourceMap, TakesOverPartsOfAnother) {
  SourceMap other("data.yaml");
  other.set("/spec", {"data.yaml", 3});
  other.set("/spec/config/cell", {"data.yaml", 5});
  other.set("/specs", {"data.yaml", 9});
  SourceMap source("job.yaml");
  source.graft(other, "/spec", "/spec/dataset");
  EXPECT_EQ(source.where("/spec/dataset/config/cell"), "data.yaml:5");
  EXPECT_EQ(source.where("/spec/dataset/plugin"), "data.yaml:3");
  EXPECT_EQ(source.where("/spec/other"), "job.yaml");
}

TEST(SourceMap, WritesPointersAsPeopleWriteFields) {
  EXPECT_EQ(field_of("/spec/dataset/config/cell/0"), "spec.dataset.config.cell[0]");
  EXPECT_EQ(field_of(child("/a", "b/c~d")), "a.b/c~d");
  EXPECT_EQ(field_of(""), "");
}

}  // namespace
}  // namespace skerry::config
