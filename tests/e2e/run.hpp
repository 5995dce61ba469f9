#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "tests/support/job.hpp"
#include "tests/support/skerry.hpp"

namespace skerry::testing {

// A test of `skerry run`, which leaves its results in scratch/out.
class RunTest : public SkerryTest {
 protected:
  std::vector<std::string> arguments(const JobText& job, int edges) const {
    const auto file = scratch.write("job.yaml", job.yaml());
    return {
        "run",   "-f", file.string(), "--edges", std::to_string(edges), "--out", results().string(),
        "--json"};
  }
  Process start_run(const JobText& job, int edges) const {
    return start("skerry", arguments(job, edges));
  }
  Output run(const JobText& job, int edges) const { return skerry(arguments(job, edges)); }

  std::filesystem::path results() const { return scratch / "out"; }
  std::string result(const std::string& name) const { return read_text(results() / name); }
  std::vector<Json> records() const { return json_lines(result("metrics.jsonl")); }
  // So far, while a run goes on.
  std::size_t rounds_done() const {
    const auto file = results() / "metrics.jsonl";
    if (!std::filesystem::exists(file)) return 0;
    const std::string text = read_text(file);
    return static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
  }

  void expect_nothing_left() const {
    EXPECT_EQ(text_of(running()), "");
    EXPECT_TRUE(temporary_files().empty()) << temporary_files().front();
  }
  void expect_rounds(int count) const {
    const auto lines = records();
    ASSERT_EQ(lines.size(), static_cast<std::size_t>(count));
    for (int round = 1; round <= count; ++round)
      EXPECT_EQ(lines[static_cast<std::size_t>(round - 1)].at("round"), round);
  }
};

}  // namespace skerry::testing
