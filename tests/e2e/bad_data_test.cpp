// Jobs that are well written and whose data is not: found before anything starts, by a worker that
// opens the data.
#include <filesystem>

#include "tests/e2e/refusal.hpp"
#include "tests/support/data.hpp"

namespace skerry::testing {
namespace {

class BadData : public RefusalTest {
 protected:
  JobText csv_job(const std::string& content) const {
    scratch.write("data.csv", content);
    return JobText().set("dataset", "{plugin: csv, config: {uri: data.csv, label: class}}");
  }
  JobText idx_job(const std::string& images, const std::string& labels) const {
    scratch.write("images", images);
    scratch.write("labels", labels);
    return JobText().set("dataset", "{plugin: idx, config: {images: images, labels: labels}}");
  }
  std::string path(const std::string& name) const { return (scratch / name).string(); }
};

TEST_F(BadData, AMissingFileIsNamedWithItsFullPath) {
  expect_refused(
      JobText().set("dataset", "{plugin: csv, config: {uri: nowhere.csv, label: class}}"),
      {"dataset", "spec.dataset.config.uri", {"no such file: " + path("nowhere.csv")}});
}

TEST_F(BadData, ARaggedRowIsNamedWithItsLine) {
  expect_refused(csv_job("x,y,class\n1,2,a\n1,a\n3,4,b\n"),
                 {"dataset",
                  "spec.dataset.config.uri",
                  {path("data.csv") + ":3: 2 fields, the header has 3"}});
}

TEST_F(BadData, AMissingLabelIsNamedWithItsLine) {
  expect_refused(csv_job("x,y,class\n1,2,a\n3,4,\n"),
                 {"dataset",
                  "spec.dataset.config.uri",
                  {path("data.csv") + ":3: the label \"class\" is missing"}});
}

TEST_F(BadData, AMissingLabelColumnGetsTheColumnsThereAre) {
  expect_refused(csv_job("x,y,klass\n1,2,a\n3,4,b\n"),
                 {"dataset", "spec.dataset.config.label", {"no column \"class\"", "klass"}});
}

TEST_F(BadData, ATruncatedIdxFileIsToldWithWhatIsMissing) {
  const std::string images = idx_file({10, 4, 4}, std::string(10 * 4 * 4, 'x'));
  expect_refused(idx_job(images.substr(0, images.size() - 7), idx_file({10}, std::string(10, 1))),
                 {"dataset", "spec.dataset.config.images", {path("images"), "truncated", "160"}});
}

TEST_F(BadData, LabelsThatAreFewerThanTheImagesAreRefused) {
  expect_refused(
      idx_job(idx_file({10, 4, 4}, std::string(160, 'x')), idx_file({9}, std::string(9, 1))),
      {"dataset", "spec.dataset.config.labels", {path("labels"), "9", "10"}});
}

TEST_F(BadData, APartitionWithoutRowsIsRefusedWithTheNode) {
  expect_refused(
      JobText().set("dataset",
                    "{plugin: fixture-null, config: {rows: 2, holdout: 0, partition: {by: iid}}}"),
      {"dataset",
       "spec.dataset.config.partition",
       {"of 3 (counted from 0) has no rows", "2 rows", "use fewer parts, more rows"}});
}

TEST_F(BadData, AnImageThatIsNoMultipleOfTheCellIsRefusedWithBothSizes) {
  const std::filesystem::path digits = SKERRY_SOURCE_DIR "/examples/data/digits.png";
  if (!std::filesystem::exists(digits))
    GTEST_SKIP() << "needs " << digits << ": scripts/digits fetches it";
  if (!std::filesystem::exists(program("plugins/image-grid.so")))
    GTEST_SKIP() << "built without OpenCV";
  expect_refused(JobText().set("dataset", "{plugin: image-grid, config: {uri: " + digits.string() +
                                              ", cell: [21, 20], rowsPerClass: 5}}"),
                 {"dataset", "spec.dataset.config.cell", {"2000", "1000", "21"}});
}

}  // namespace
}  // namespace skerry::testing
