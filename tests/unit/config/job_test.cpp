#include "core/config/job.hpp"

#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>

#include "core/base/file.hpp"
#include "tests/unit/config/catalog.hpp"

namespace skerry::config {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;

const char* const kHead =
    "apiVersion: skerry.dev/v1alpha1\n"
    "kind: TrainingJob\n"
    "metadata: {name: train}\n"
    "spec:\n";  // the spec begins in line 5

class Job : public testing::Test {
 protected:
  tl::expected<ResolvedJob, ResolveFailure> resolve(const std::string& yaml,
                                                    const ResolveOptions& options = {}) {
    const auto documents = parse_documents(yaml, (dir_->path() / "job.yaml").string());
    EXPECT_TRUE(documents) << documents.error().text();
    return resolve_job(*documents, catalog_, options);
  }

  // Of a job with this spec; the folder is left out.
  std::vector<std::string> problems(const std::string& spec, const ResolveOptions& options = {}) {
    const auto job = resolve(kHead + spec, options);
    std::vector<std::string> texts;
    for (const Problem& problem : job ? std::vector<Problem>() : job.error().problems) {
      std::string text = problem.text();
      for (std::size_t at = 0; (at = text.find(folder() + "/", at)) != std::string::npos;) {
        text.erase(at, folder().size() + 1);
      }
      texts.push_back(text);
    }
    return texts;
  }

  std::string folder() const { return dir_->path().string(); }
  void write(const std::string& name, const std::string& text) {
    std::ofstream(dir_->path() / name, std::ios::binary) << text;
  }

  const plugin::Catalog catalog_ = test_catalog();
  const Result<TempDir> dir_ = TempDir::create();
};

TEST_F(Job, IsResolvedWithEveryDefault) {
  const auto job =
      resolve(std::string(kHead) +
              "  model: {plugin: net}\n"
              "  data: {plugin: grid, config: {uri: data/x.png, partition: {by: label}}}\n"
              "  rounds: 3\n");
  ASSERT_TRUE(job) << job.error().text();
  const Json expected{{"apiVersion", "skerry.dev/v1alpha1"},
                      {"kind", "TrainingJob"},
                      {"metadata", {{"name", "train"}}},
                      {"workflow", "rounds"},
                      {"seed", 1},
                      {"pluginPath", Json::array()},
                      {"spec",
                       {{"model", {{"plugin", "net"}, {"config", {{"lr", 0.1}}}}},
                        {"data",
                         {{"plugin", "grid"},
                          {"config",
                           {{"uri", folder() + "/data/x.png"},
                            {"cell", {20, 20}},
                            {"holdout", 0.2},
                            {"partition", {{"by", "label"}, {"alpha", 0.5}}}}}}},
                        {"merge", {{"plugin", "mean"}, {"config", {{"threshold", 0.5}}}}},
                        {"rounds", 3},
                        {"quorum", 1}}}};
  EXPECT_EQ(job->document, expected) << job->document.dump(2);
  EXPECT_EQ(job->name(), "train");
  std::vector<std::string> slots;
  for (const SlotFeature& used : job->features) {
    slots.push_back(used.slot + "=" + used.feature.id);
  }
  EXPECT_THAT(slots, testing::UnorderedElementsAre("workflow=rounds", "model=net", "data=grid",
                                                   "merge=mean"));
}

TEST_F(Job, TakesSeedAndPluginPathOutOfTheSpec) {
  const std::string yaml =
      std::string(kHead) +
      "  {model: {plugin: net}, data: {plugin: grid, config: {uri: x}}, rounds: 1,\n"
      "   seed: 7, pluginPath: [plugins, /opt/p]}\n";
  const auto job = resolve(yaml);
  ASSERT_TRUE(job) << job.error().text();
  EXPECT_EQ(job->document["seed"], 7);
  EXPECT_EQ(job->document["pluginPath"], Json({folder() + "/plugins", "/opt/p"}));
  EXPECT_FALSE(job->document["spec"].contains("seed"));
  const auto documents = parse_documents(yaml, folder() + "/job.yaml");
  EXPECT_THAT(plugin_paths(*documents),
              ElementsAre(fs::path(folder() + "/plugins"), fs::path("/opt/p")));
}

TEST_F(Job, SaysWhichPluginWasMeantAndWhereItLooked) {
  EXPECT_THAT(problems("  model: {plugin: net}\n"
                       "  data: {plugin: grid, config: {uri: x}}\n"
                       "  rounds: 1\n"
                       "  merge:\n"
                       "    plugin: meen\n"),
              ElementsAre("job.yaml:9: spec.merge.plugin: no plugin `meen` of kind aggregation/1. "
                          "Did you mean `mean`? "
                          "Available: mean, clipped. Searched: nowhere: the search path is empty"));
}

TEST_F(Job, TellsAllProblemsInTheOrderOfTheLines) {
  EXPECT_THAT(
      problems("  model: {plugin: net, config: {lr: -1}}\n"
               "  rounds: many\n"
               "  merge: {plugin: mean, config: {treshold: 1}}\n"),
      ElementsAre(
          "job.yaml:4: spec.data: missing, expected a plugin of kind dataset/1, as {plugin: NAME, "
          "config: {...}}",
          "job.yaml:5: spec.model.config.lr: found -1 (integer), expected number > 0",
          "job.yaml:6: spec.rounds: found \"many\" (string), expected integer >= 1",
          "job.yaml:7: spec.merge.config: unknown key `treshold`. Did you mean `threshold`? "
          "Allowed: "
          "threshold (number, 0..1, default 0.5)"));
}

TEST_F(Job, ChecksTheQuorumAgainstTheNodes) {
  ResolveOptions options;
  options.nodes = 4;
  EXPECT_THAT(
      problems("  model: {plugin: net}\n"
               "  data: {plugin: grid, config: {uri: x}}\n"
               "  rounds: 1\n"
               "  quorum: 5\n",
               options),
      ElementsAre(
          "job.yaml:8: spec.quorum: quorum is 5 but there are 4 nodes; use at most 4 or start more "
          "edges"));
}

TEST_F(Job, ChecksThatFilesExistWhereThatIsAsked) {
  const std::string spec =
      "  model: {plugin: net}\n"
      "  data: {plugin: grid, config: {uri: x.png}}\n"
      "  rounds: 1\n";
  ResolveOptions options;
  options.check_files = true;
  EXPECT_THAT(problems(spec), ElementsAre());
  EXPECT_THAT(problems(spec, options),
              ElementsAre("job.yaml:6: spec.data.config.uri: no such file: x.png"));
}

TEST_F(Job, ShowsTheShapeOfASlotThatIsNoMap) {
  EXPECT_THAT(
      problems("  model: net\n"
               "  data: {plugin: grid, confg: {}}\n"
               "  rounds: 1\n"),
      ElementsAre("job.yaml:5: spec.model: found \"net\" (string), expected {plugin: NAME, config: "
                  "{...}} with "
                  "a plugin of kind estimator/1",
                  HasSubstr("job.yaml:6: spec.data: unknown key `confg`. Did you mean `config`?")));
}

TEST_F(Job, ShipsItsFiles) {
  write("net.pt", "weights");
  const auto job = resolve(std::string(kHead) +
                           "  {model: {plugin: net, config: {file: net.pt}}, rounds: 1,\n"
                           "   data: {plugin: grid, config: {uri: x}}}\n");
  ASSERT_TRUE(job) << job.error().text();
  const std::string digest = digest_of(as_bytes("weights")).hex();
  EXPECT_EQ(job->document["spec"]["model"]["config"]["file"],
            Json({{"$artifact", digest}, {"name", "net.pt"}}));
  ASSERT_EQ(job->artifacts.size(), 1U);
  EXPECT_EQ(job->artifacts[0].pointer, "/spec/model/config/file");
  EXPECT_EQ(job->artifacts[0].path, dir_->path() / "net.pt");
  EXPECT_EQ(job->artifacts[0].digest.hex(), digest);
}

TEST_F(Job, NamesNoFileWhereNoneMayBeTaken) {
  write("net.pt", "weights");
  ResolveOptions options;
  options.no_files = "not for you";
  for (const std::string file : {"net.pt", "missing.pt"}) {
    EXPECT_THAT(problems("  model: {plugin: net, config: {file: " + file +
                             "}}\n"
                             "  data: {plugin: grid, config: {uri: x}}\n"
                             "  rounds: 1\n",
                         options),
                ElementsAre("job.yaml:5: spec.model.config.file: not for you"));
  }
}

TEST_F(Job, RefusesAFileToShipThatIsMissing) {
  EXPECT_THAT(problems("  model: {plugin: net, config: {file: net.pt}}\n"
                       "  data: {plugin: grid, config: {uri: x}}\n"
                       "  rounds: 1\n"),
              ElementsAre("job.yaml:5: spec.model.config.file: no such file: net.pt"));
}

const char* const kDataset =
    "---\n"
    "apiVersion: skerry.dev/v1alpha1\n"
    "kind: Dataset\n"
    "metadata: {name: digits}\n"
    "spec:\n"
    "  plugin: grid\n";

TEST_F(Job, PutsADatasetInThePlaceOfItsName) {
  const auto job =
      resolve(std::string(kHead) + "  {model: {plugin: net}, rounds: 1, data: {name: digits}}\n" +
              kDataset + "  config: {uri: x.png}\n");
  ASSERT_TRUE(job) << job.error().text();
  EXPECT_EQ(job->document["spec"]["data"]["plugin"], "grid");
  EXPECT_EQ(job->document["spec"]["data"]["config"]["uri"], folder() + "/x.png");
  EXPECT_EQ(job->source.where("/spec/data/config/uri"), folder() + "/job.yaml:12");
}

TEST_F(Job, TellsTheLineInTheDataset) {
  EXPECT_THAT(
      problems("  {model: {plugin: net}, rounds: 1, data: {name: digits}}\n" +
               std::string(kDataset) +
               "  config:\n"
               "    uri: x.png\n"
               "    cell: [20, x]\n"),
      ElementsAre(
          "job.yaml:14: spec.data.config.cell[1]: found \"x\" (string), expected integer >= 1"));
}

TEST_F(Job, SaysWhichDatasetWasMeant) {
  EXPECT_THAT(
      problems("  {model: {plugin: net}, rounds: 1, data: {name: digts}}\n" +
               std::string(kDataset) + "  config: {uri: x.png}\n"),
      ElementsAre(
          "job.yaml:5: spec.data.name: no Dataset named `digts`. Did you mean `digits`? There are: "
          "digits"));
  EXPECT_THAT(problems("  {model: {plugin: net}, rounds: 1, data: {name: digits}}\n"),
              ElementsAre("job.yaml:5: spec.data.name: no Dataset named `digits`. Add a document "
                          "of that kind to the "
                          "file."));
  EXPECT_THAT(problems("  {model: {plugin: net}, rounds: 1, data: {name: a, plugin: b}}\n"),
              ElementsAre(HasSubstr("spec.data.plugin: stands beside `name`")));
}

TEST_F(Job, KeepsWhatDiffersOnNodes) {
  const auto job =
      resolve(std::string(kHead) + "  {model: {plugin: net}, rounds: 1, data: {name: digits}}\n" +
              kDataset +
              "  config: {cell: [10, 10]}\n"
              "  nodes:\n"
              "    edge-1: {uri: one.png}\n"
              "    edge-2: {uri: two.png, cell: [5, 5]}\n");
  ASSERT_TRUE(job) << job.error().text();
  const Json& data = job->document["spec"]["data"];
  EXPECT_FALSE(data["config"].contains("uri"));
  EXPECT_EQ(data["nodes"]["edge-1"],
            Json({{"uri", folder() + "/one.png"}, {"cell", {10, 10}}, {"holdout", 0.2}}));
  EXPECT_EQ(data["nodes"]["edge-2"]["cell"], Json({5, 5}));
}

TEST_F(Job, ChecksWhatDiffersOnNodes) {
  EXPECT_THAT(problems("  {model: {plugin: net}, rounds: 1, data: {name: digits}}\n" +
                       std::string(kDataset) +
                       "  nodes:\n"
                       "    edge-1: {uri: one.png}\n"
                       "    edge-2: {cell: big}\n"),
              ElementsAre("job.yaml:14: spec.data.nodes.edge-2.cell: found \"big\" (string), "
                          "expected list of integer",
                          "job.yaml:14: spec.data.nodes.edge-2.uri: missing, expected path"));
}

TEST_F(Job, ChecksTheShareOfAPartition) {
  EXPECT_THAT(problems("  {model: {plugin: net}, rounds: 1, data: {plugin: grid, config: {uri: x, "
                       "partition: {parts: 4, "
                       "index: 4}}}}\n"),
              ElementsAre("job.yaml:5: spec.data.config.partition.index: found 4, but there are 4 "
                          "parts, counted from "
                          "0: use at most 3"));
  EXPECT_THAT(
      problems("  {model: {plugin: net}, rounds: 1, data: {plugin: grid, config: {uri: x, holdout: "
               "1}}}\n"),
      ElementsAre(
          "job.yaml:5: spec.data.config.holdout: found 1 (integer), expected number in 0..0.9"));
}

const char* const kModel =
    "---\n"
    "apiVersion: skerry.dev/v1alpha1\n"
    "kind: Model\n"
    "metadata: {name: start}\n"
    "spec: {file: start.safetensors}\n";

TEST_F(Job, PutsTheFileOfAModelInThePlaceOfItsName) {
  write("start.safetensors", "numbers");
  const auto job =
      resolve(std::string(kHead) +
              "  {model: {plugin: net}, rounds: 1, data: {plugin: grid, config: {uri: x}},\n"
              "   initialModel: start}\n" +
              kModel);
  ASSERT_TRUE(job) << job.error().text();
  EXPECT_EQ(
      job->document["spec"]["initialModel"],
      Json({{"$artifact", digest_of(as_bytes("numbers")).hex()}, {"name", "start.safetensors"}}));
  ASSERT_EQ(job->artifacts.size(), 1U);
  EXPECT_EQ(job->artifacts[0].pointer, "/spec/initialModel");
}

TEST_F(Job, TakesAPathForAModelToo) {
  write("start.safetensors", "numbers");
  const std::string spec =
      "  {model: {plugin: net}, rounds: 1, data: {plugin: grid, config: {uri: x}},\n"
      "   initialModel: ";
  const auto job = resolve(kHead + spec + "./start.safetensors}\n");
  ASSERT_TRUE(job) << job.error().text();
  EXPECT_EQ(job->document["spec"]["initialModel"]["name"], "start.safetensors");
  EXPECT_THAT(problems(spec + "./none}\n"),
              ElementsAre("job.yaml:6: spec.initialModel: no such file: none"));
}

TEST_F(Job, TakesAnArtifactThatIsResolvedAlready) {
  const std::string digest = digest_of(as_bytes("weights")).hex();
  const std::string before =
      "  rounds: 1\n"
      "  data: {plugin: grid, config: {uri: x}}\n"
      "  model: {plugin: net, config: {file: {$artifact: ";
  const auto job = resolve(kHead + before + digest + ", name: net.pt}}}\n");
  ASSERT_TRUE(job) << job.error().text();
  EXPECT_EQ(job->document["spec"]["model"]["config"]["file"]["$artifact"], digest);
  EXPECT_TRUE(job->artifacts.empty());
  EXPECT_THAT(
      problems(before + "abc, name: net.pt}}}\n"),
      ElementsAre("job.yaml:7: spec.model.config.file: found a map, expected path of a file to "
                  "send with the job"));
}

TEST_F(Job, TellsTheLineInTheModel) {
  EXPECT_THAT(
      problems("  {model: {plugin: net}, rounds: 1, data: {plugin: grid, config: {uri: x}},\n"
               "   initialModel: start}\n" +
               std::string(kModel)),
      ElementsAre("job.yaml:11: spec.file: no such file: start.safetensors"));
}

TEST_F(Job, ResolvesPluginsWithinPlugins) {
  const std::string spec =
      "  model: {plugin: net}\n"
      "  data: {plugin: grid, config: {uri: x}}\n"
      "  rounds: 1\n"
      "  merge: {plugin: clipped, config: {inner: {plugin: ";
  const auto job = resolve(kHead + spec + "mean}}}\n");
  ASSERT_TRUE(job) << job.error().text();
  EXPECT_EQ(job->document["spec"]["merge"]["config"]["inner"],
            Json({{"plugin", "mean"}, {"config", {{"threshold", 0.5}}}}));
  EXPECT_THAT(
      problems(spec + "meen}}}\n"),
      ElementsAre(HasSubstr("job.yaml:8: spec.merge.config.inner.plugin: no plugin `meen`")));
}

TEST_F(Job, IsOneOfSeveralOnlyByName) {
  const std::string body =
      "  {model: {plugin: net}, rounds: 1, data: {plugin: grid, config: {uri: x}}}\n";
  std::string other = kHead;
  other.replace(other.find("train"), 5, "again");
  const std::string both = kHead + body + "---\n" + other + body;
  EXPECT_THAT(resolve(both).error().text(),
              HasSubstr("holds several jobs: train, again; name one of them"));
  ResolveOptions options;
  options.job = "again";
  EXPECT_EQ(resolve(both, options)->name(), "again");
  options.job = "third";
  EXPECT_THAT(resolve(both, options).error().text(),
              HasSubstr("holds no job `third`; there are: train, again"));
  EXPECT_THAT(resolve(std::string(kModel)).error().text(),
              HasSubstr("holds no job, only datasets and models"));
}

TEST_F(Job, PlacesWhatAPluginComplainsAbout) {
  const auto job = resolve(std::string(kHead) +
                           "  model: {plugin: net}\n"
                           "  rounds: 1\n"
                           "  data:\n"
                           "    plugin: grid\n"
                           "    config:\n"
                           "      uri: x.png\n"
                           "      cell: [20, 21]\n");
  ASSERT_TRUE(job) << job.error().text();
  const std::string file = folder() + "/job.yaml";
  EXPECT_EQ(locate(*job, "data", "cell", "does not fit").text(),
            file + ":11: spec.data.config.cell: does not fit");
  EXPECT_EQ(locate(*job, "data", "cell[1]", "does not fit").where, file + ":11");
  // A default was not written anywhere; the place around it was.
  EXPECT_EQ(locate(*job, "data", "holdout", "is too small").text(),
            file + ":9: spec.data.config.holdout: is too small");
  EXPECT_EQ(locate(*job, "data", "", "is empty").text(), file + ":7: spec.data: is empty");
  EXPECT_EQ(locate(*job, "", "rounds", "are many").text(), file + ":6: spec.rounds: are many");
  EXPECT_EQ(locate(*job, "merge", "threshold", "x").where, file + ":4");
}

}  // namespace
}  // namespace skerry::config
