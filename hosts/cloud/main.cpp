// The cloud host: keeps jobs, decides what happens next through workflow plugins, serves edges.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <cstdlib>
#include <thread>

#include "core/base/log.hpp"
#include "core/engine/cloud/cloud.hpp"
#include "core/engine/parent.hpp"
#include "core/version.hpp"

namespace {

constexpr int kBadInput = 2;

int refuse(const skerry::Problem& problem) {
  std::fprintf(stderr, "skerry-cloud: %s\n", problem.text().c_str());
  return problem.code == skerry::Code::invalid_argument ? kBadInput : EXIT_FAILURE;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app(
      "Skerry's cloud host. Example:\n  skerry-cloud --state /var/lib/skerry --listen "
      "tcp://0.0.0.0:7443");
  app.set_version_flag("--version", skerry::kVersion);
  skerry::engine::cloud::CloudOptions options;
  options.threads = static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
  int parent = 0;
  app.add_option("--state", options.state, "directory of its durable state")->required();
  app.add_option("--listen", options.listen,
                 "where edges connect, as tcp://ADDRESS:PORT; port * takes any free one")
      ->required();
  app.add_option("--bulk-listen", options.bulk_listen,
                 "where blobs travel; the same address and any free port when left out");
  app.add_option("--request-listen", options.request_listen,
                 "where questions to services arrive; the same address and any free port when left "
                 "out");
  app.add_option("--admin-listen", options.admin_listen,
                 "where operators on other machines connect with an admin key; nowhere when left "
                 "out");
  app.add_option("--advertise", options.advertise, "host name or address that goes into tokens");
  app.add_option("--plugin-path", options.plugin_paths,
                 "a directory with plugins; may be repeated");
  app.add_option("--threads", options.threads, "threads for plugins that run here")
      ->check(CLI::Range(1, 1024));
  app.add_option("--worker-memory", options.workers.memory,
                 "how much data each worker may have, as 4GB; no limit when left out")
      ->transform(CLI::AsSizeValue(false));
  app.add_option(
      "--plugin-allow", options.workers.allow_list,
      "a file with the digests of all plugins that may run, as `b2sum -l 256` writes it");
  std::string sandbox = "on";
  app.add_option("--worker-sandbox", sandbox, "off: workers are not confined; to debug a plugin")
      ->check(CLI::IsMember({"on", "off"}));
  app.add_option("--min-free", options.min_free,
                 "space on the state directory's disk below which no new work is taken, as 500MB; "
                 "64 MB or 1 % of the disk when left out")
      ->transform(CLI::AsSizeValue(false));
  app.add_option("--parent-pid", parent, "end when this process ends");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? EXIT_SUCCESS : kBadInput;
  }

  options.workers.sandbox = sandbox == "on";
  options.state = std::filesystem::absolute(options.state);
  if (parent != 0) {
    if (auto following = skerry::engine::follow_parent(parent); !following)
      return refuse(following.error());
  }
  auto cloud = skerry::engine::cloud::Cloud::open(options);
  if (!cloud) return refuse(cloud.error());
  (*cloud)->run();
  return EXIT_SUCCESS;
}
