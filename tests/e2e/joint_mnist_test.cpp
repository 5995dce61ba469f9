// Joint inference on MNIST: a small model on the edge and a large one on the cloud, both trained by
// a FederatedLearningJob, a threshold found by `skerry calibrate`, and what it achieves on digits
// that neither training nor calibration has seen.
#include <gmock/gmock.h>
#include <zlib.h>

#include <algorithm>
#include <cstdlib>

#include "core/base/file.hpp"
#include "core/client/client.hpp"
#include "tests/integration/host_processes.hpp"
#include "tests/support/wait.hpp"

namespace skerry::testing {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kFresh = 10'000;  // digits to ask about
constexpr std::size_t kPixels = 28 * 28;

fs::path shared_data(const std::string& name) {
  const char* root = std::getenv("SKERRY_SHARED_DATA");
  return fs::path(root != nullptr ? root : SKERRY_SOURCE_DIR "/../shared/data") / "mnist" / name;
}

// What an IDX file holds behind its header of `header` bytes.
std::string idx_values(const fs::path& file, std::size_t header, std::size_t count) {
  std::string values(header + count, '\0');
  gzFile opened = gzopen(file.c_str(), "rb");
  const int read = gzread(opened, values.data(), static_cast<unsigned>(values.size()));
  gzclose(opened);
  EXPECT_EQ(read, static_cast<int>(values.size()));
  return values.substr(header);
}

class JointMnist : public HostsTest {
 protected:
  void SetUp() override {
    if (!fs::exists(shared_data("train-images-idx3-ubyte.gz"))) GTEST_SKIP() << "MNIST is not here";
  }

  // 10,000 digits of which a fifth is held out: for training, and for the calibration.
  std::string dataset() const {
    return "{plugin: idx, config: {images: " + shared_data("t10k-images-idx3-ubyte.gz").string() +
           ", labels: " + shared_data("t10k-labels-idx1-ubyte.gz").string() + ", holdout: 0.2}}";
  }
  static std::string estimator(const std::string& hidden, int epochs) {
    return "{plugin: torch, config: {architecture: mlp, hidden: " + hidden +
           ", optimizer: {name: adam, lr: 0.001}, batch: 128, epochs: " + std::to_string(epochs) +
           "}}";
  }

  void train(const std::string& name, const std::string& hidden, int epochs) const {
    const auto job = scratch.write(
        name + ".yaml",
        "apiVersion: skerry.dev/v1alpha1\nkind: FederatedLearningJob\nmetadata: {name: " + name +
            "}\nspec:\n  estimator: " + estimator(hidden, epochs) + "\n  dataset: " + dataset() +
            "\n  aggregation: {plugin: fedavg}\n  rounds: 1\n  seed: 3\n");
    const auto ran = skerry(
        {"run", "-f", job.string(), "--edges", "1", "--out", (scratch / name).string(), "--quiet"});
    ASSERT_TRUE(ran.ok()) << ran.all();
  }

  std::string service(const std::string& filter, const std::string& threshold) const {
    return "apiVersion: skerry.dev/v1alpha1\nkind: JointInferenceService\nmetadata: {name: "
           "digits}\n"
           "spec:\n  input: {shape: [1, 28, 28], classes: 10}\n  edge:\n    - estimator: " +
           estimator("[8]", 1) +
           "\n      model: " + (scratch / "small/model.safetensors").string() +
           "\n      filter: {plugin: " + filter + "}\n" +
           (threshold.empty() ? "" : "      threshold: " + threshold + "\n") +
           "  cloud:\n    estimator: " + estimator("[400, 400]", 1) +
           "\n    model: " + (scratch / "large/model.safetensors").string() +
           "\n    batch: {max: 32}\n  deadline: 2s\n  audit: 0\n  seed: 3\n";  // as they were
                                                                               // trained: the same
                                                                               // rows are held out
  }

  Json calibrate(const std::string& filter, const std::string& wish,
                 const std::string& value) const {
    const auto job = scratch.write("service.yaml", service(filter, ""));
    const auto data = scratch.write("data.yaml",
                                    "apiVersion: skerry.dev/v1alpha1\nkind: Dataset\nmetadata: "
                                    "{name: held-out}\nspec: " +
                                        dataset() + "\n");
    const auto out = skerry({"calibrate", "-f", job.string(), "--data", data.string(), wish, value,
                             "--out", (scratch / "calibration").string(), "--json"});
    EXPECT_TRUE(out.ok()) << out.all();
    return out.json();
  }

  struct Realised {
    double accuracy = 0, share = 0;
  };
  // The service with this threshold, on fresh digits, through real hosts.
  Realised serve(const std::string& threshold) const {
    const auto job = scratch.write("served.yaml", service("margin", threshold));
    EXPECT_TRUE(ask({"apply", "-f", job.string()}).ok());
    const std::string images =
        idx_values(shared_data("train-images-idx3-ubyte.gz"), 16, kFresh * kPixels);
    const std::string labels = idx_values(shared_data("train-labels-idx1-ubyte.gz"), 8, kFresh);
    auto client = client::Client::connect((scratch / "edge-1").string()).value();
    const wire::PredictRequest request{"digits", 0, wire::Form::uint8, {1, 28, 28}};
    EXPECT_TRUE(eventually([&] {
      const std::string told = ask({"get", "jobs"}).out;
      return told.find("1 of 1 edges serve, 1 of 1 workers on the cloud") != std::string::npos;
    }));
    std::map<std::uint64_t, std::size_t> asked;
    std::size_t right = 0, by_cloud = 0, answered = 0;
    const auto take = [&] {
      const auto answer = client.next(std::chrono::steady_clock::now() + std::chrono::seconds(5));
      if (!answer) return false;
      const auto& outputs = answer->outputs;
      const auto said = std::max_element(outputs.begin(), outputs.end()) - outputs.begin();
      EXPECT_EQ(answer->reply.code, "") << answer->reply.message;
      EXPECT_FALSE(answer->reply.fallback);
      right += said == labels[asked[answer->id]];
      by_cloud += answer->reply.by_cloud;
      ++answered;
      return true;
    };
    for (std::size_t i = 0; i < kFresh; ++i) {
      asked[client.ask(request, as_bytes(std::string_view(images).substr(i * kPixels, kPixels)))] =
          i;
      if (client.under_way() >= 16) take();
    }
    while (client.under_way() > 0 && take()) continue;
    EXPECT_EQ(answered, kFresh);
    EXPECT_TRUE(ask({"delete", "job", "digits"}).ok());
    return {static_cast<double>(right) / kFresh, static_cast<double>(by_cloud) / kFresh};
  }
};

double at(const Json& calibration, double share, const char* what) {
  double found = 0;
  for (const Json& point : calibration["points"])
    if (point["share"].get<double>() <= share) found = point[what].get<double>();
  return found;
}

}  // namespace

TEST_F(JointMnist, TheThresholdThatIsFoundDoesWhatWasAskedOfIt) {
  train("small", "[8]", 13);
  train("large", "[400, 400]", 40);
  const Json budget = calibrate("margin", "--cloud-budget", "0.2");
  const double edge = budget["edgeAccuracy"], cloud = budget["cloudAccuracy"];
  std::printf("edge %.4f, cloud %.4f; margin recovers %.3f of the gap at 20 %%, AUROC %.3f\n", edge,
              cloud, budget["gapRecoveredAt20"].get<double>(), budget["auroc"].get<double>());
  for (const double share : {0.05, 0.1, 0.2, 0.3, 0.4})
    std::printf("  %2.0f %%: margin %.4f, random %.4f, oracle %.4f\n", 100 * share,
                at(budget, share, "accuracy"), at(budget, share, "random"),
                at(budget, share, "oracle"));
  EXPECT_GE(budget["gapRecoveredAt20"].get<double>(), 0.75);
  for (const double share : {0.05, 0.1, 0.2, 0.3, 0.4}) {
    EXPECT_GT(at(budget, share, "accuracy"), at(budget, share, "random")) << share;
    EXPECT_LE(at(budget, share, "accuracy"), at(budget, share, "oracle")) << share;
  }

  Process cloud_host = start_cloud();
  Process edge_host = start_joined_edge("edge-1");
  const Realised spent = serve(budget["choice"]["threshold"].dump());
  std::printf("budget 0.20: %.4f to the cloud, %.4f right, on %zu fresh digits\n", spent.share,
              spent.accuracy, kFresh);
  EXPECT_NEAR(spent.share, 0.2, 0.02);

  const double wanted = std::floor(100 * (edge + 0.6 * (cloud - edge))) / 100;
  const Json target = calibrate("margin", "--target-accuracy", std::to_string(wanted));
  ASSERT_TRUE(target["choice"]["reached"].get<bool>()) << target["choice"].dump();
  const Realised reached = serve(target["choice"]["threshold"].dump());
  std::printf("target %.2f: %.4f right, %.4f to the cloud\n", wanted, reached.accuracy,
              reached.share);
  EXPECT_NEAR(reached.accuracy, wanted, 0.01);
  stop(edge_host);
  stop(cloud_host);
}

}  // namespace skerry::testing
