// Checks the state directories of a cloud and its edges, which must have stopped.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <cstdlib>

#include "tests/fault/support/invariants.hpp"

int main(int argc, char** argv) {
  CLI::App app(
      "Checks what must be true of hosts that have stopped. Example:\n  check_state --cloud "
      "/var/lib/skerry --edge edge-1 --edge edge-2");
  skerry::fault::States states;
  skerry::fault::Demands demands;
  app.add_option("--cloud", states.cloud, "state directory of the cloud")->required();
  app.add_option("--edge", states.edges, "state directory of an edge; may be repeated");
  app.add_option("--plugin-path", demands.plugin_paths, "where the jobs' plugins are");
  app.add_flag("--ended", demands.jobs_have_ended, "every job must have ended");
  app.add_flag("--all-recompute", demands.all_recompute, "every round must recompute");
  CLI11_PARSE(app, argc, argv);
  const auto report = skerry::fault::check(states, demands);
  std::fputs(report.text().c_str(), stdout);
  return report.ok() ? EXIT_SUCCESS : EXIT_FAILURE;
}
