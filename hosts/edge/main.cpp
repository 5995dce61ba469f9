// The edge host: one outbound connection to a cloud, tasks run in workers, nothing lost when either
// side dies.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <cstdlib>
#include <thread>

#include "core/base/log.hpp"
#include "core/engine/edge/edge.hpp"
#include "core/engine/parent.hpp"
#include "core/version.hpp"

namespace {

constexpr int kBadInput = 2;
// The cloud refuses this node, and will again: there is no sense in starting anew without a person.
constexpr int kRefused = 77;

int refuse(const skerry::Problem& problem) {
  std::fprintf(stderr, "skerry-edge: %s\n", problem.text().c_str());
  return problem.code == skerry::Code::invalid_argument ? kBadInput : EXIT_FAILURE;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Skerry's edge host. Example:\n  skerry-edge --state /var/lib/skerry --join TOKEN");
  app.set_version_flag("--version", skerry::kVersion);
  skerry::engine::edge::EdgeOptions options;
  options.threads = static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
  int parent = 0;
  app.add_option("--state", options.state, "directory of its durable state")->required();
  app.add_option(
      "--join", options.token,
      "the token that an operator of the cloud made with `skerry node token NAME`; once");
  app.add_option("--plugin-path", options.plugin_paths,
                 "a directory with plugins; may be repeated");
  app.add_option("--threads", options.threads, "threads for plugins")->check(CLI::Range(1, 1024));
  app.add_option("--worker-memory", options.workers.memory,
                 "how much data each worker may have, as 4GB; no limit when left out")
      ->transform(CLI::AsSizeValue(false));
  app.add_option(
      "--plugin-allow", options.workers.allow_list,
      "a file with the digests of all plugins that may run, as `b2sum -l 256` writes it");
  std::string sandbox = "on";
  app.add_option("--worker-sandbox", sandbox, "off: workers are not confined; to debug a plugin")
      ->check(CLI::IsMember({"on", "off"}));
  app.add_option("--allow-write", options.workers.writable,
                 "a folder, or a device as /dev/video0, that plugins may write to beside what is "
                 "their own: where sinks write; may be repeated");
  app.add_option("--allow-plugin", options.allowed,
                 "let the plugin with this digest out of quarantine; may be repeated");
  app.add_flag("--rotate-key", options.rotate_key, "change to a new key, once connected");
  int give_up_after = static_cast<int>(options.give_up_after.count());
  app.add_option("--give-up-after", give_up_after,
                 "seconds for which it goes on with a key that the cloud does not know, before it "
                 "ends with status 77; 0: for ever")
      ->check(CLI::Range(0, 1'000'000'000))
      ->capture_default_str();
  app.add_option("--min-free", options.min_free,
                 "space on the state directory's disk below which no new work is taken, as 500MB; "
                 "64 MB or 1 % of the disk when left out")
      ->transform(CLI::AsSizeValue(false));
  app.add_option("--http", options.http.listen,
                 "where applications ask services over HTTP, as 127.0.0.1:8080; nowhere when left "
                 "out");
  app.add_option("--http-token-file", options.http.token_file,
                 "a file with the token that requests must carry; needed where others reach it");
  app.add_option("--http-host", options.http.hosts,
                 "a name by which clients call this machine; may be repeated");
  app.add_option("--http-origin", options.http.origins,
                 "the origin of a web page that may ask, as https://example.org; may be repeated");
  app.add_option("--parent-pid", parent, "end when this process ends");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? EXIT_SUCCESS : kBadInput;
  }

  options.give_up_after = std::chrono::seconds(give_up_after);
  options.workers.sandbox = sandbox == "on";
  options.state = std::filesystem::absolute(options.state);
  if (parent != 0) {
    if (auto following = skerry::engine::follow_parent(parent); !following)
      return refuse(following.error());
  }
  auto edge = skerry::engine::edge::Edge::open(options);
  if (!edge) return refuse(edge.error());
  if (auto ended = (*edge)->run(); !ended) {
    const int status = refuse(ended.error());
    return ended.error().code == skerry::Code::permission_denied ? kRefused : status;
  }
  return EXIT_SUCCESS;
}
