// Cuts the power of real hosts at their failpoints: at each by its name, on both sides, then at
// places drawn from a seed. Checks after each cut what must be true whatever died and whenever; the
// jobs must come to the models, bit for bit, that undisturbed ones come to.
#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdio>
#include <cstdlib>

#include "core/base/crypto.hpp"
#include "tests/fault/power_cut/campaign.hpp"

namespace {

using namespace skerry;
using namespace skerry::fault;

void tell(const Campaign& campaign, double seconds) {
  const Tally& sum = campaign.sum();
  std::printf("cuts of the cloud and of edges, by place:\n");
  std::map<std::string, std::map<std::string, int>> rows;
  for (const auto& [place, count] : sum.places) rows[place.name][place.side] = count;
  for (auto& [name, sides] : rows)
    std::printf("  %5d %5d  %s\n", sides["cloud"], sides["edge"], name.c_str());
  std::map<std::string, std::string> reasons;
  for (const auto& [place, reason] : places_out_of_reach()) reasons[place.name] = reason;
  for (const auto& [name, reason] : reasons)
    std::printf("out of reach: %s: %s\n", name.c_str(), reason.c_str());
  for (const Place& place : campaign.missed())
    std::printf("never hit: %s on the %s\n", place.name.c_str(), place.side.c_str());
  const std::size_t places = places_to_cut().size();
  std::printf(
      "%zu of %zu places hit, %d cuts (%d of the whole site), %d sites, %d failures; files cut "
      "%d, names undone %d, unsynced effects that survived %d; %.0f s\n",
      places - campaign.missed().size(), places, sum.cuts, sum.outages, campaign.sites(),
      campaign.failures(), sum.lost.files_cut, sum.lost.names_undone, sum.lost.survived, seconds);
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Cuts the power of hosts. Example:\n  power_cut --cuts 1000 --seed 1");
  Campaign::Options options;
  app.add_option("--cuts", options.cuts, "how many, at least")->check(CLI::PositiveNumber);
  app.add_option("--seed", options.seed, "of the places; site N has seed + N");
  app.add_option("--lanes", options.lanes, "how many sites at a time")->check(CLI::Range(1, 64));
  app.add_option("--synchronous", options.synchronous, "of SQLite, in place of FULL");
  app.add_flag("--expect-loss", options.expect_loss,
               "succeed when something is lost: a test of this test");
  app.add_option("--keep", options.keep, "where the folders of failures go");
  CLI11_PARSE(app, argc, argv);
  if (!init_sodium()) return EXIT_FAILURE;
  std::setvbuf(stdout, nullptr, _IOLBF, 0);

  const auto begin = std::chrono::steady_clock::now();
  std::printf("seed %llu\n", static_cast<unsigned long long>(options.seed));
  Campaign campaign(options);
  campaign.run();
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
  tell(campaign, took.count());
  if (options.expect_loss) return campaign.failures() > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
  return campaign.failures() == 0 && campaign.missed().empty() ? EXIT_SUCCESS : EXIT_FAILURE;
}
