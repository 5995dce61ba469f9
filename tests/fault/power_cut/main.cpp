// Cuts the power of real hosts at failpoints drawn from a seed, and checks after each cut what must
// be true whatever died and whenever. Each job of a few rounds lives through some 25 cuts and must
// come to the model, bit for bit, that an undisturbed job comes to.
#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdio>
#include <cstdlib>

#include "core/base/crypto.hpp"
#include "tests/fault/power_cut/site.hpp"
#include "tests/fault/support/memory_folder.hpp"

namespace {

using namespace skerry;
using namespace skerry::fault;

constexpr int kCutsOfAJob = 25;

Tally run(const Plan& plan, const std::filesystem::path& keep) {
  auto folder = memory_folder();
  if (!folder) {
    Tally tally;
    tally.failures.push_back(folder.error().text());
    return tally;
  }
  Tally tally;
  {
    Site site(plan, folder->path());
    tally = site.run();
  }
  if (!tally.failures.empty() && !keep.empty()) {
    std::filesystem::create_directories(keep);
    std::filesystem::copy(folder->path(), keep / std::to_string(plan.seed),
                          std::filesystem::copy_options::recursive |
                              std::filesystem::copy_options::overwrite_existing);
  }
  return tally;
}

void add(Tally& sum, const Tally& one) {
  sum.cuts += one.cuts;
  sum.outages += one.outages;
  sum.restarts += one.restarts;
  sum.lost.files_cut += one.lost.files_cut;
  sum.lost.names_undone += one.lost.names_undone;
  sum.lost.survived += one.lost.survived;
  for (const auto& [place, count] : one.places) sum.places[place] += count;
}

void tell(const Tally& sum, int jobs, int failures, double seconds) {
  std::printf("places:\n");
  for (const auto& [place, count] : sum.places) std::printf("  %5d  %s\n", count, place.c_str());
  std::printf(
      "%d cuts at %zu places (%d of the whole site), %d jobs, %d failures; files cut %d, names "
      "undone %d, unsynced effects that survived %d; %.0f s\n",
      sum.cuts, sum.places.size(), sum.outages, jobs, failures, sum.lost.files_cut,
      sum.lost.names_undone, sum.lost.survived, seconds);
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Cuts the power of hosts. Example:\n  power_cut --cuts 1000 --seed 1");
  int cuts = 40;
  std::uint64_t seed = 1;
  bool expect_loss = false;
  std::string synchronous;
  std::filesystem::path keep;
  app.add_option("--cuts", cuts, "how many, at least")->check(CLI::PositiveNumber);
  app.add_option("--seed", seed, "of the places; job N has seed + N");
  app.add_option("--synchronous", synchronous, "of SQLite, in place of FULL");
  app.add_flag("--expect-loss", expect_loss, "succeed when something is lost: a test of this test");
  app.add_option("--keep", keep, "where the folders of failures go");
  CLI11_PARSE(app, argc, argv);
  if (!init_sodium()) return EXIT_FAILURE;
  std::setvbuf(stdout, nullptr, _IOLBF, 0);

  const auto begin = std::chrono::steady_clock::now();
  std::printf("seed %llu\n", static_cast<unsigned long long>(seed));
  Plan plan;
  const Tally undisturbed = run(plan, keep);
  for (const std::string& failure : undisturbed.failures)
    std::printf("undisturbed: %s\n", failure.c_str());
  if (undisturbed.model.empty() || !undisturbed.failures.empty()) return EXIT_FAILURE;

  Tally sum;
  int jobs = 0, failures = 0;
  plan.synchronous = synchronous;
  while (sum.cuts < cuts && !(expect_loss && failures > 0)) {
    plan.seed = seed + static_cast<std::uint64_t>(jobs++);
    plan.cuts = std::min(kCutsOfAJob, cuts - sum.cuts);
    Tally one = run(plan, keep);
    if (one.failures.empty() && one.model != undisturbed.model)
      one.failures.push_back("the model is " + one.model + ", undisturbed it is " +
                             undisturbed.model);
    for (const std::string& failure : one.failures)
      std::printf("job of seed %llu: %s\n", static_cast<unsigned long long>(plan.seed),
                  failure.c_str());
    std::printf("job of seed %llu: %d cuts, %zu failures\n",
                static_cast<unsigned long long>(plan.seed), one.cuts, one.failures.size());
    std::fflush(stdout);
    failures += one.failures.empty() ? 0 : 1;
    add(sum, one);
    // Not to go on for ever where the hosts cannot even start.
    if (one.cuts == 0 && !one.failures.empty()) break;
  }
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
  tell(sum, jobs, failures, took.count());
  return (failures > 0) == expect_loss ? EXIT_SUCCESS : EXIT_FAILURE;
}
