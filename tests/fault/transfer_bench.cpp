// A large upload whose connection is cut again and again, and a small job beside it. Real hosts:
// edge-1 trains a large model and brings it to the cloud through a proxy that cuts; edge-2 does
// rounds with a model of 4 KB meanwhile, without a pause.
//
// Prints how many bytes each cut cost, and how long the small job's rounds took before the upload
// and during it. Ends with status 1 where a bound is not kept.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <thread>
#include <vector>

#include "core/base/file.hpp"
#include "tests/fault/support/chaos_proxy.hpp"
#include "tests/fault/support/cluster.hpp"
#include "tests/fault/support/state_copy.hpp"

namespace skerry::fault {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr std::uint64_t kMostACut = 8u << 20;
constexpr const char* kLine = "127.0.0.2";
constexpr milliseconds kPoll{100};
constexpr milliseconds kLong{120'000};

struct Arguments {
  std::filesystem::path folder = std::filesystem::temp_directory_path();
  std::filesystem::path edges_folder;
  std::uint64_t megabytes = 500;
  int cuts = 10;
  std::uint64_t line_rate = 0;  // MB/s
  int least_rounds = 800;       // before the upload
  double max_ratio = 2;
};

std::string job_text(const std::string& name, const std::string& edge, std::uint64_t bytes,
                     int rounds) {
  return fmt::format(
      "apiVersion: skerry.dev/v1alpha1\nkind: FederatedLearningJob\nmetadata: {{name: {}}}\nspec:\n"
      "  pluginPath: [{}/null]\n"
      "  estimator: {{plugin: fixture-null, config: {{bytes: {}}}}}\n"
      "  dataset: {{plugin: fixture-null}}\n"
      "  selection: {{plugin: fixture-named, config: {{prefix: {}}}}}\n"
      "  aggregation: {{plugin: fedavg}}\n  rounds: {}\n  deadline: 1h\n",
      name, SKERRY_FIXTURES_DIR, bytes, edge, rounds);
}

struct Percentiles {
  std::size_t count = 0;
  double median = 0, p99 = 0, longest = 0;  // milliseconds
};

Percentiles percentiles(std::vector<double> seconds) {
  if (seconds.empty()) throw std::runtime_error("no round ended in time");
  std::sort(seconds.begin(), seconds.end());
  const auto at = [&](std::size_t percent) {
    return 1e3 * seconds[std::min(seconds.size() - 1, seconds.size() * percent / 100)];
  };
  return {seconds.size(), at(50), at(99), 1e3 * seconds.back()};
}

class Bench {
 public:
  Bench(const Arguments& arguments, const std::filesystem::path& folder,
        const std::filesystem::path& edges_folder)
      : arguments_(arguments),
        size_(arguments.megabytes * 1'000'000),
        cluster_(folder, 2, edges_folder),
        uploads_(cluster_.state(0) / "uploads") {
    cluster_.reach_cloud_at(1, kLine);
    const int control = cluster_.control_port(), bulk = cluster_.bulk_port();
    line_.emplace(kLine, std::vector<ChaosProxy::Route>{{control, control}, {bulk, bulk}});
    line_->give_way();
    line_->limit(Way::up, arguments.line_rate * 1'000'000);
  }

  int run() {
    cluster_.start();
    await([&] { return online() == 2; }, "the edges do not come online");
    apply("small", "edge-2", 4096, 1'000'000);
    const auto alone = [&] {
      await([&] { return rounds() >= 10; }, "the small job does not run");
      const auto first = rounds();
      await([&] { return rounds() >= first + rounds_wanted(); }, "the small job is slow");
      return std::pair(first, rounds());
    }();
    apply("large", "edge-1", size_, 1);
    await([&] { return carried() > 1'000'000; }, "the upload does not begin");
    const auto first = rounds();
    const auto begun = Clock::now();
    cut();
    await([&] { return partial_size() + (1 << 20) >= size_ || carried() >= size_; },
          "the upload does not end");
    const double seconds = std::chrono::duration<double>(Clock::now() - begun).count();
    const auto last = rounds();
    await([&] { return phase("large") == "Succeeded"; }, "the large job does not end");
    const bool cheap = report_cuts(seconds);
    const bool undisturbed = report_rounds(alone, {first, last});
    cluster_.insist("signal", {{"job", "small"}, {"name", "stop"}});
    await([&] { return phase("small") == "Succeeded"; }, "the small job does not end");
    cluster_.stop();
    const Report state = check(cluster_.states(), {.jobs_have_ended = true});
    fmt::print("{}\n", state.text());
    return cheap && undisturbed && state.ok() ? EXIT_SUCCESS : EXIT_FAILURE;
  }

 private:
  template <class Condition>
  void await(Condition condition, const char* or_else) {
    const auto wanted = [&] {
      heard_ = std::max(heard_, silence());
      cluster_.expect_alive();
      if (condition()) return true;
      std::this_thread::sleep_for(kPoll);
      return false;
    };
    if (!eventually(wanted, kLong)) throw std::runtime_error(or_else);
  }

  void apply(const std::string& name, const std::string& edge, std::uint64_t bytes, int rounds) {
    cluster_.insist("apply", {{"text", job_text(name, edge, bytes, rounds)}, {"file", "job.yaml"}});
  }
  Json job(const std::string& name) {
    return cluster_.insist("get", {{"kind", "jobs"}, {"name", name}}).at("items").at(0);
  }
  std::string phase(const std::string& name) { return job(name).value("phase", ""); }
  std::uint64_t rounds() { return job("small").at("rounds").get<std::uint64_t>(); }
  std::uint64_t rounds_wanted() const {
    return static_cast<std::uint64_t>(arguments_.least_rounds);
  }
  Json nodes() { return cluster_.insist("get", {{"kind", "nodes"}}).at("items"); }
  int online() {
    const Json all = nodes();
    return static_cast<int>(std::count_if(
        all.begin(), all.end(), [](const Json& node) { return node.at("state") == "online"; }));
  }
  // Seconds since edge-2 was heard.
  double silence() {
    for (const Json& node : nodes())
      if (node.at("name") == "edge-2" && node.at("lastSeenSeconds").is_number())
        return node.at("lastSeenSeconds").get<double>();
    return 0;
  }

  std::uint64_t carried() const { return line_->carried(cluster_.bulk_port(), Way::up); }
  // What the cloud has of the upload.
  std::uint64_t partial_size() const {
    std::uint64_t size = 0;
    for (const auto& entry : std::filesystem::directory_iterator(uploads_)) {
      std::error_code gone;
      const auto found = entry.file_size(gone);
      if (!gone) size = std::max<std::uint64_t>(size, found);
    }
    return size;
  }

  // At even distances, which leave half of the upload for what passes while a cut is looked at.
  // What was sent and is not in the file once the connection is gone was lost to the cut.
  void cut() {
    const std::uint64_t distance = size_ / static_cast<std::uint64_t>(2 * (arguments_.cuts + 1));
    for (int i = 0; i < arguments_.cuts; ++i) {
      const auto cuts = line_->cuts();
      line_->cut_after(cluster_.bulk_port(), Way::up, distance);
      await([&] { return line_->cuts() > cuts; }, "the upload stands still");
      const auto sent = carried();
      std::this_thread::sleep_for(kPoll);
      lost_.push_back(sent - std::min(sent, partial_size()));
    }
  }

  bool report_cuts(double seconds) {
    std::uint64_t before = 0, most = 0;
    for (const std::uint64_t sum : lost_) {
      most = std::max(most, sum - std::min(sum, before));
      before = sum;
    }
    const auto beyond = [this](std::uint64_t bytes) {
      return static_cast<double>(bytes - std::min(bytes, size_)) / (1 << 20);
    };
    const auto sent = job("large").at("bytes").at("up").get<std::uint64_t>();
    const auto cuts = std::max<std::size_t>(1, lost_.size());
    fmt::print(
        "upload of {} MB in {:.1f} s, cut {} times: {:.2f} MiB beyond the blob's size went over "
        "the line, frames' headers included; a cut lost {:.2f} MiB at most\n"
        "the edge sent {:.2f} MiB again, {:.2f} MiB a cut; allowed are 8 MiB\n",
        arguments_.megabytes, seconds, lost_.size(), beyond(carried()),
        static_cast<double>(most) / (1 << 20), beyond(sent),
        beyond(sent) / static_cast<double>(cuts));
    return most <= kMostACut && sent >= size_ && sent - size_ <= kMostACut * cuts;
  }

  bool report_rounds(std::pair<std::uint64_t, std::uint64_t> alone,
                     std::pair<std::uint64_t, std::uint64_t> beside) {
    const Json records =
        cluster_.insist("describe", {{"kind", "job"}, {"name", "small"}}).at("records");
    const auto of = [&](std::pair<std::uint64_t, std::uint64_t> span) {
      std::vector<double> seconds;
      for (const Json& record : records) {
        const auto round = record.at("round").get<std::uint64_t>();
        if (round > span.first && round <= span.second)
          seconds.push_back(record.at("seconds").at("total").get<double>());
      }
      return percentiles(std::move(seconds));
    };
    const Percentiles before = of(alone), during = of(beside);
    const auto line = [](const char* when, const Percentiles& p) {
      fmt::print("rounds of 4 KB {}: {}, median {:.1f} ms, p99 {:.1f} ms, longest {:.1f} ms\n",
                 when, p.count, p.median, p.p99, p.longest);
    };
    line("before the upload", before);
    line("during the upload", during);
    const double ratio = during.p99 / before.p99;
    fmt::print(
        "p99 ratio {:.2f}, median ratio {:.2f}; the other edge was heard each {:.1f} s or "
        "sooner\n",
        ratio, during.median / before.median, heard_);
    return arguments_.max_ratio == 0 || ratio < arguments_.max_ratio;
  }

  Arguments arguments_;
  std::uint64_t size_;
  Cluster cluster_;
  std::filesystem::path uploads_;
  std::optional<ChaosProxy> line_;
  std::vector<std::uint64_t> lost_;  // bytes, all cuts so far together
  double heard_ = 0;
};

int run(const Arguments& arguments) {
  const auto folder = TempDir::create(arguments.folder, "skt").value();
  if (arguments.edges_folder.empty()) return Bench(arguments, folder.path(), {}).run();
  const auto edges = TempDir::create(arguments.edges_folder, "skt").value();
  return Bench(arguments, folder.path(), edges.path()).run();
}

}  // namespace
}  // namespace skerry::fault

int main(int argc, char** argv) {
  CLI::App app("Cuts a large upload and times a small job beside it. Example:\n  transfer_bench");
  skerry::fault::Arguments arguments;
  app.add_option("--megabytes", arguments.megabytes, "how large the upload is")
      ->check(CLI::Range(20, 10'000));
  app.add_option("--cuts", arguments.cuts, "how often its connection is cut")
      ->check(CLI::Range(0, 1000));
  app.add_option("--line", arguments.line_rate, "MB/s that the line carries; 0: all that it can");
  app.add_option("--rounds", arguments.least_rounds, "of the small job before the upload");
  app.add_option("--max-ratio", arguments.max_ratio,
                 "of the rounds' p99 during the upload and before; 0: not judged");
  app.add_option("--folder", arguments.folder, "on the disk to measure; its path must be short");
  app.add_option("--edges-folder", arguments.edges_folder,
                 "where edges keep their state: a disk that is not the cloud's");
  CLI11_PARSE(app, argc, argv);
  try {
    return skerry::fault::run(arguments);
  } catch (const std::exception& error) {
    fmt::print("FAILED: {}\n", error.what());
    return EXIT_FAILURE;
  }
}
