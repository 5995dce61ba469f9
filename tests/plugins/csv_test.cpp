#include <gtest/gtest.h>

#include <cmath>

#include "dataset_under_test.hpp"

using namespace skerry_test;
using nlohmann::json;

namespace {

class Csv : public testing::Test {
 protected:
  DatasetUnderTest open(const std::string& content, json config) {
    config["uri"] = folder.write("data.csv", content);
    return {plugin, "csv", config};
  }
  Outcome refused(const std::string& content, json config) {
    config["uri"] = folder.write("data.csv", content);
    Outcome outcome = plugin.create_outcome("csv", "dataset/1", config);
    EXPECT_EQ(outcome.status, SKERRY_INVALID_ARGUMENT) << outcome;
    return outcome;
  }
  // The message without the folder's name.
  std::string message(const Outcome& outcome) {
    const std::string prefix = folder.path("");
    return outcome.message.rfind(prefix, 0) == 0 ? outcome.message.substr(prefix.size())
                                                 : outcome.message;
  }

  Folder folder;
  PluginUnderTest plugin{"csv"};
};

TEST_F(Csv, TakesEveryOtherColumnAsNumericByDefault) {
  DatasetUnderTest data =
      open("a,y,b\n1,no,10\n2,yes,20\n", {{"label", "y"}, {"standardize", false}});
  EXPECT_EQ(data.info.rows, 2U);
  EXPECT_EQ(data.shape(), std::vector<std::int64_t>{2});
  EXPECT_EQ(data.read({1, 0, 1}), (std::vector<float>{2, 20, 1, 10, 2, 20}));
}

TEST_F(Csv, NumbersTextLabelsInTheirSortedOrder) {
  DatasetUnderTest data = open("x,y\n1,pear\n1,apple\n1,zebra\n1,apple\n", {{"label", "y"}});
  EXPECT_EQ(data.info.label_kind, static_cast<std::uint32_t>(SKERRY_LABEL_CLASS));
  EXPECT_EQ(data.info.classes, 3U);
  EXPECT_EQ(data.classes(), (std::vector<std::int64_t>{1, 0, 2, 0}));
}

TEST_F(Csv, SortsWholeNumbersAsNumbers) {
  DatasetUnderTest data = open("x,y\n1,10\n1,9\n1,-1\n", {{"label", "y"}});
  EXPECT_EQ(data.classes(), (std::vector<std::int64_t>{2, 1, 0}));
}

TEST_F(Csv, TakesTheOrderOfClassesFromTheConfiguration) {
  DatasetUnderTest data = open("x,y\n1,b\n1,c\n", {{"label", "y"}, {"classes", {"c", "a", "b"}}});
  EXPECT_EQ(data.info.classes, 3U);
  EXPECT_EQ(data.classes(), (std::vector<std::int64_t>{2, 0}));
  EXPECT_EQ(
      message(refused("x,y\n1,b\n1,d\n", {{"label", "y"}, {"classes", {"a", "b"}}})).substr(0, 43),
      "data.csv:3: column \"y\": \"d\" is not one of a");
}

TEST_F(Csv, ReadsRealLabels) {
  DatasetUnderTest data = open("x,y\n1,0.5\n2,-3e2\n", {{"label", "y"}, {"labelKind", "real"}});
  EXPECT_EQ(data.info.classes, 0U);
  EXPECT_EQ(data.reals(), (std::vector<float>{0.5F, -300}));
}

TEST_F(Csv, StandardizesNumericColumnsAndLeavesConstantOnesAtZero) {
  DatasetUnderTest data = open("x,c,y\n1,0.1,0\n2,0.1,0\n3,0.1,1\n", {{"label", "y"}});
  const std::vector<float> values = data.read_all();
  EXPECT_FLOAT_EQ(values[0], -std::sqrt(1.5F));
  EXPECT_FLOAT_EQ(values[2], 0);
  EXPECT_FLOAT_EQ(values[4], std::sqrt(1.5F));
  for (int row : {0, 1, 2}) EXPECT_EQ(values[2 * row + 1], 0);
}

TEST_F(Csv, MakesOneFeatureOfEachCategoryAfterTheNumericOnes) {
  DatasetUnderTest data =
      open("season,x,y\nwinter,5,0\nautumn,6,1\n",
           {{"label", "y"}, {"categorical", {"season"}}, {"standardize", false}});
  EXPECT_EQ(data.read_all(), (std::vector<float>{5, 0, 1, 6, 1, 0}));
}

TEST_F(Csv, TakesCategoriesFromTheConfiguration) {
  const json config = {{"label", "y"},
                       {"categorical", {"season"}},
                       {"categories", {{"season", {"winter", "spring", "summer"}}}}};
  DatasetUnderTest data = open("season,y\nsummer,0\nwinter,1\n", config);
  EXPECT_EQ(data.read_all(), (std::vector<float>{0, 0, 1, 1, 0, 0}));
  EXPECT_EQ(message(refused("season,y\nwintr,0\n", config)),
            "data.csv:2: column \"season\": \"wintr\" is not one of winter, spring, summer. Did "
            "you mean \"winter\"?");
}

TEST_F(Csv, ReadsQuotedFieldsCrLfAndAByteOrderMark) {
  DatasetUnderTest data =
      open("\xEF\xBB\xBF\"x\",\"the \"\"label\"\"\"\r\n1,\"a, b\nc\"\r\n\r\n\"2\",d",
           {{"label", "the \"label\""}, {"standardize", false}});
  EXPECT_EQ(data.info.classes, 2U);
  EXPECT_EQ(data.read_all(), (std::vector<float>{1, 2}));
}

TEST_F(Csv, NamesTheLineOfARaggedRow) {
  EXPECT_EQ(message(refused("a,b,y\n1,2,x\n\"1\n1\",2\n", {{"label", "y"}})),
            "data.csv:3: 2 fields, the header has 3");
  EXPECT_EQ(message(refused("a,b,y\n1,2,3,4\n", {{"label", "y"}})),
            "data.csv:2: 4 fields, the header has 3");
}

TEST_F(Csv, NamesTheLineOfAMissingLabel) {
  const Outcome outcome = refused("x,y\n1,0\n2,\n", {{"label", "y"}});
  EXPECT_EQ(message(outcome), "data.csv:3: the label \"y\" is missing");
  EXPECT_EQ(outcome.field, "uri");
}

TEST_F(Csv, NamesTheLineAndColumnOfWhatIsNoNumber) {
  for (const std::string text : {"", "abc", "1.5x", "nan", "inf", "1e400", " 1"}) {
    EXPECT_EQ(message(refused("x,y\n1,0\n" + text + ",0\n", {{"label", "y"}})),
              "data.csv:3: column \"x\": \"" + text + "\" is not a number");
  }
}

TEST_F(Csv, SuggestsAColumnForAnUnknownOne) {
  const Outcome label = refused("age,weight,vote\n1,2,3\n", {{"label", "vot"}});
  EXPECT_EQ(label.field, "label");
  EXPECT_EQ(
      message(label),
      "the file has no column \"vot\". Did you mean \"vote\"? Its columns: age, weight, vote");
  EXPECT_EQ(refused("age,y\n1,2\n", {{"label", "y"}, {"numeric", {"age", "size"}}}).field,
            "numeric[1]");
  EXPECT_EQ(refused("age,y\n1,2\n", {{"label", "y"}, {"categorical", {"y"}}}).field,
            "categorical[0]");
  EXPECT_EQ(refused("age,y\n1,2\n", {{"label", "y"}, {"categories", {{"age", {"1"}}}}}).field,
            "categories.age");
}

TEST_F(Csv, RefusesFilesThatAreNoTable) {
  const json config = {{"label", "y"}};
  EXPECT_EQ(message(refused("", config)),
            "data.csv:1: the file is empty; its first line must be the column names");
  EXPECT_EQ(message(refused("x,y\n", config)), "data.csv:2: no rows after the header");
  EXPECT_EQ(message(refused("x,x,y\n", config)), "data.csv:1: two columns are named \"x\"");
  EXPECT_EQ(message(refused("x,,y\n", config)), "data.csv:1: column 2 has no name");
  EXPECT_EQ(message(refused("y\n1\n", config)), "no column is left as a feature");
  EXPECT_EQ(message(refused("x,y\n1,\"2\n3,4\n", config)), "data.csv:2: a quote is never closed");
  EXPECT_EQ(message(refused("x,y\n1,\"2\"3\n", config)).substr(0, 38),
            "data.csv:2: text after a closing quote");
  EXPECT_EQ(message(refused("x,y\n1,a\"b\n", config)),
            "data.csv:2: a quote inside of a field that does not begin with one");
  EXPECT_EQ(message(refused("x,y\n1,a\rb\n", config)),
            "data.csv:2: a carriage return inside of the line; lines end with LF or CRLF");
  EXPECT_EQ(message(refused(std::string("x,y\n1,a\0b\n", 10), config)),
            "data.csv:2: a zero byte: this is not a text file in UTF-8");
  EXPECT_EQ(message(plugin.create_outcome("csv", "dataset/1",
                                          {{"label", "y"}, {"uri", folder.path("no.csv")}})),
            "no.csv: no such file");
}

TEST_F(Csv, RefusesARowThatIsNotThere) {
  DatasetUnderTest data = open("x,y\n1,0\n", {{"label", "y"}});
  float value = 0;
  EXPECT_EQ(data.read_outcome({1}, &value).message, "row 1 of a dataset of 1 rows");
}

TEST_F(Csv, ReadsTheThermalComfortVotes) {
  const std::string path = shared_data("thermal/test.csv");
  if (path.empty()) GTEST_SKIP() << "../shared/data/thermal is absent";
  DatasetUnderTest data(plugin, "csv",
                        {{"uri", path},
                         {"label", "thermal_preference"},
                         {"categorical", {"city", "season", "cooling_type"}}});
  EXPECT_EQ(data.info.rows, 7689U);
  EXPECT_EQ(data.info.classes, 3U);
  std::vector<double> sums(5, 0.0);
  const std::vector<float> values = data.read_all();
  for (std::size_t row = 0; row < data.info.rows; ++row) {
    double ones = 0;
    for (std::size_t i = 0; i < data.row_size(); ++i)
      (i < 5 ? sums[i] : ones) += values[row * data.row_size() + i];
    ASSERT_EQ(ones, 3) << "one value of each categorical column";
  }
  for (double sum : sums) EXPECT_NEAR(sum / 7689, 0, 1e-5);
}

}  // namespace
