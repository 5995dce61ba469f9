// kill -9 of hosts and workers, thousands of times, under real jobs. Each job must end with the
// bits that it ends with undisturbed, and leave states in which all invariants hold.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdlib>
#include <random>
#include <thread>

#include "tests/fault/support/memory_folder.hpp"
#include "tests/fault/support/state_copy.hpp"
#include "tests/fault/support/storm.hpp"

namespace skerry::fault {
namespace {

using Clock = std::chrono::steady_clock;

struct Arguments {
  int kills = 200;
  std::uint64_t seed = std::random_device{}();
  int parallel = 2;
  int pause_ms = 150;
  StormOptions storm;
};

int run(Arguments arguments) {
  TempDir folder;
  if (arguments.storm.folder.empty()) {
    folder = expect(memory_folder());
    arguments.storm.folder = folder.path();
  }
  arguments.storm.pause = std::chrono::milliseconds(arguments.pause_ms);
  fmt::print("seed {}, state in {}\n", arguments.seed, arguments.storm.folder.string());
  const Calm calm = run_calm(arguments.storm);
  Tally tally(arguments.kills);
  const auto begun = Clock::now();
  std::vector<std::jthread> threads;
  for (int number = 1; number <= arguments.parallel; ++number)
    threads.emplace_back(
        [&, number] { Storm(arguments.storm, calm, tally, arguments.seed, number).run(); });
  threads.clear();
  const double seconds = std::chrono::duration<double>(Clock::now() - begun).count();
  fmt::print(
      "kills {}, jobs {}, rounds {}, lost {}, double {}, recomputed {}, failures {}, seed {}; "
      "{:.0f} "
      "s, {:.1f} kills/s\n",
      tally.kills.load(), tally.jobs.load(), tally.rounds.load(), tally.lost.load(),
      tally.doubled.load(), tally.recomputed.load(), tally.failures.load(), arguments.seed, seconds,
      tally.kills / seconds);
  if (tally.failures == 0) return EXIT_SUCCESS;
  folder.release();
  fmt::print("to repeat: kill_loop --kills {} --seed {} --edges {} --parallel {} --pause {}\n",
             arguments.kills, arguments.seed, arguments.storm.edges, arguments.parallel,
             arguments.pause_ms);
  return EXIT_FAILURE;
}

}  // namespace
}  // namespace skerry::fault

int main(int argc, char** argv) {
  CLI::App app(
      "Kills hosts and workers under real jobs. Example:\n  kill_loop --kills 2000 --parallel 4");
  skerry::fault::Arguments arguments;
  app.add_option("--kills", arguments.kills, "how many");
  app.add_option("--seed", arguments.seed, "decides who is killed and after what pause");
  app.add_option("--edges", arguments.storm.edges, "of each cluster")->check(CLI::Range(1, 64));
  app.add_option("--rounds", arguments.storm.rounds, "of each job");
  app.add_option("--parallel", arguments.parallel, "clusters at a time")->check(CLI::Range(1, 64));
  app.add_option("--pause", arguments.pause_ms,
                 "milliseconds between the kills in a cluster, on average")
      ->check(CLI::Range(1, 60000));
  app.add_option("--keep", arguments.storm.folder,
                 "an empty folder for the states, kept; its path must be short");
  CLI11_PARSE(app, argc, argv);
  // Every round is computed again from its updates.
  ::setenv("SKERRY_KEEP_BLOBS", "1", 1);
  try {
    return skerry::fault::run(arguments);
  } catch (const std::exception& error) {
    fmt::print("FAILED: {}\n", error.what());
    return EXIT_FAILURE;
  }
}
