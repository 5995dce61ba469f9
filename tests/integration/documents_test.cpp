// Documents that show code show the code that is built and run, and pages that are made are made of
// what is there.
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>

#include "tests/support/skerry.hpp"

namespace skerry::testing {
namespace {

namespace fs = std::filesystem;

const fs::path kSource = SKERRY_SOURCE_DIR;

std::string text_of(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  EXPECT_TRUE(in) << file;
  return {std::istreambuf_iterator<char>(in), {}};
}

struct Fence {
  std::string language, code;
};
std::vector<Fence> fences_of(const std::string& text) {
  std::vector<Fence> fences;
  constexpr std::string_view kMark = "```";
  for (std::size_t at = text.find(kMark); at != text.npos; at = text.find(kMark, at)) {
    const std::size_t code = text.find('\n', at) + 1;
    const std::size_t end = text.find(kMark, code);
    if (end == text.npos) break;
    fences.push_back({text.substr(at + kMark.size(), code - 1 - at - kMark.size()),
                      text.substr(code, end - code)});
    at = end + kMark.size();
  }
  return fences;
}

// Is it in one of the files, as it stands?
bool holds(const fs::path& folder, const std::string& code) {
  for (const auto& entry : fs::directory_iterator(folder))
    if (entry.is_regular_file() && text_of(entry.path()).find(code) != std::string::npos)
      return true;
  return false;
}

TEST(Tutorials, ShowTheCodeThatIsBuiltAndRun) {
  int shown = 0;
  for (const auto& entry : fs::directory_iterator(kSource / "docs/tutorials")) {
    const fs::path example = kSource / "examples/plugins" / entry.path().stem();
    for (const Fence& fence : fences_of(text_of(entry.path()))) {
      if (fence.language != "cpp" && fence.language != "json") continue;
      ++shown;
      EXPECT_TRUE(holds(example, fence.code)) << entry.path() << " shows\n" << fence.code;
    }
  }
  EXPECT_GE(shown, 10);
}

class ReferencePages : public SkerryTest {};

TEST_F(ReferencePages, AreWhatTheCommandPrints) {
#if !SKERRY_WITH_ALL_PLUGINS
  GTEST_SKIP() << "some plugins are not built here: libtorch or OpenCV is left out";
#endif
  const Json kinds = skerry({"plugin", "reference", "--json"}).json().at("kinds");
  ASSERT_GE(kinds.size(), 9u);
  for (const std::string kind : kinds) {
    const fs::path page = kSource / "docs/reference" / (kind + ".md");
    EXPECT_EQ(text_of(page), skerry({"plugin", "reference", kind}).out)
        << page << " is out of date; make it again with scripts/reference";
  }
}

TEST_F(ReferencePages, AreThereForEachKind) {
  const Json kinds = skerry({"plugin", "reference", "--json"}).json().at("kinds");
  for (const std::string kind : kinds) {
    const std::string page = skerry({"plugin", "reference", kind}).out;
    const std::vector<std::string> parts = {"# " + kind + "/1\n", "## In C++\n",
                                            "typedef struct skerry_" + kind + "_v1 {", "class ",
                                            "| check | level | rule |"};
    for (const std::string& part : parts)
      EXPECT_NE(page.find(part), page.npos) << kind << " lacks " << part;
  }
}

TEST_F(ReferencePages, SayWhichKindsThereAre) {
  const Output output = skerry({"plugin", "reference", "agregation"});
  EXPECT_EQ(output.ending.status, 2);
  EXPECT_NE(output.err.find("did you mean \"aggregation\""), output.err.npos) << output.err;
}

}  // namespace
}  // namespace skerry::testing
