// Plays seeds until their number or the time is up. Prints what a broken promise needs to be seen
// again.
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <thread>

#include "core/base/crypto.hpp"
#include "core/base/failpoint.hpp"
#include "core/base/file.hpp"
#include "core/base/log.hpp"
#include "core/engine/unit.hpp"
#include "scenario.hpp"

namespace {

using namespace skerry;

// What the processes that play share; one that dies leaves the seed that killed it.
struct Board {
  std::atomic<std::uint64_t> next{0}, played{0}, crashes{0}, rounds{0}, failed{0};
  std::atomic<std::uint64_t> playing[64]{};
};

std::filesystem::path scratch() {
  return std::filesystem::exists("/dev/shm") ? "/dev/shm" : std::filesystem::temp_directory_path();
}

void tell(std::uint64_t seed, const simulator::Outcome& outcome) {
  for (const std::string& what : outcome.broken)
    std::printf("seed %llu: %s\n", static_cast<unsigned long long>(seed), what.c_str());
  std::fflush(stdout);
}

void play_some(Board& board, int player, std::uint64_t end, std::uint64_t most_failures,
               std::chrono::steady_clock::time_point until) {
  const auto directory = scratch() / fmt::format("skerry-simulator-{}", getpid());
  while (std::chrono::steady_clock::now() < until && board.failed < most_failures) {
    const std::uint64_t seed = board.next++;
    if (seed >= end) break;
    board.playing[player] = seed + 1;
    const auto outcome = simulator::play(seed, directory);
    board.playing[player] = 0;
    ++board.played;
    board.crashes += static_cast<std::uint64_t>(outcome.crashes);
    board.rounds += static_cast<std::uint64_t>(outcome.rounds);
    if (outcome.broken.empty()) continue;
    ++board.failed;
    tell(seed, outcome);
  }
  std::filesystem::remove_all(directory);
}

// How many failed.
std::uint64_t play_all(std::uint64_t first, std::uint64_t seeds, int players,
                       std::uint64_t most_failures, double seconds) {
  void* shared =
      mmap(nullptr, sizeof(Board), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  Board& board = *new (shared) Board;
  board.next = first;
  const auto begun = std::chrono::steady_clock::now();
  const auto until = begun + std::chrono::duration_cast<std::chrono::steady_clock::duration>(
                                 std::chrono::duration<double>(seconds));
  std::vector<pid_t> processes;
  for (int i = 0; i < players; ++i) {
    const pid_t pid = fork();
    if (pid == 0) {
      play_some(board, i, first + seeds, most_failures, until);
      std::_Exit(0);
    }
    processes.push_back(pid);
  }
  for (int i = 0; i < players; ++i) {
    int status = 0;
    waitpid(processes[static_cast<std::size_t>(i)], &status, 0);
    if (status == 0) continue;
    ++board.failed;
    std::printf("seed %llu: the process ended with status %d\n",
                static_cast<unsigned long long>(board.playing[i] - 1), status);
    std::filesystem::remove_all(
        scratch() / fmt::format("skerry-simulator-{}", processes[static_cast<std::size_t>(i)]));
  }
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begun;
  std::printf(
      "%llu seeds from %llu on: %llu crashes, %llu rounds, %llu failures; %.0f s, %.0f seeds an "
      "hour\n",
      static_cast<unsigned long long>(board.played), static_cast<unsigned long long>(first),
      static_cast<unsigned long long>(board.crashes), static_cast<unsigned long long>(board.rounds),
      static_cast<unsigned long long>(board.failed), took.count(),
      3600 * static_cast<double>(board.played) / took.count());
  return board.failed;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app(
      "Plays a cloud, its edges and a job in virtual time, with crashes at every step, lost, late, "
      "doubled and overtaken messages, and links that break or fall silent. Example:\n"
      "  simulator --seeds 1000\n  simulator --seed 42   plays that one again, with its log");
  std::uint64_t first = 1, seeds = 1000, most_failures = 1;
  std::int64_t one = -1;
  int players = static_cast<int>(std::thread::hardware_concurrency());
  double seconds = 1e9;
  std::string bug;
  app.add_option("--seeds", seeds, "how many to play");
  app.add_option("--first", first, "the first one");
  app.add_option("--seed", one, "play this one alone, with its log");
  app.add_option("--seconds", seconds, "stop after this time");
  app.add_option("--processes", players, "how many play at once")->check(CLI::Range(1, 64));
  app.add_option("--failures", most_failures, "stop after so many");
  app.add_option("--bug", bug,
                 "break the program on purpose (skip-dedup, ack-before-commit, forget-frozen-set) "
                 "and succeed when that is found");
  CLI11_PARSE(app, argc, argv);
  engine::must(init_sodium());
  failpoint::plant_bug(bug);
  engine::must(init_log({.name = "simulator", .file = {}, .level = one >= 0 ? "debug" : "off"}));
  if (one < 0) {
    const bool failed = play_all(first, seeds, players, most_failures, seconds) > 0;
    if (!bug.empty())
      std::printf("the planted bug %s was %s\n", bug.c_str(), failed ? "found" : "not found");
    return failed == bug.empty() ? EXIT_FAILURE : EXIT_SUCCESS;
  }
  const TempDir directory = engine::must(TempDir::create());
  const auto outcome = simulator::play(static_cast<std::uint64_t>(one), directory.path() / "run");
  tell(static_cast<std::uint64_t>(one), outcome);
  std::printf("seed %lld: %.1f s of virtual time, %d crashes, %d rounds, %zu promises broken\n",
              static_cast<long long>(one), outcome.seconds, outcome.crashes, outcome.rounds,
              outcome.broken.size());
  return outcome.broken.empty() ? EXIT_SUCCESS : EXIT_FAILURE;
}
