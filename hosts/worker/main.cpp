// Runs plugin code for a host: started by skerry-cloud, skerry-edge and skerry, not by hand.
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "core/base/crypto.hpp"
#include "core/base/json.hpp"
#include "core/base/log.hpp"
#include "core/base/try.hpp"
#include "core/plugin/allow_list.hpp"
#include "core/runtime/call_record.hpp"
#include "core/runtime/confine.hpp"
#include "core/runtime/crash_report.hpp"
#include "core/runtime/memory_watch.hpp"
#include "core/runtime/preflight.hpp"
#include "core/runtime/worker_loop.hpp"

namespace {

// Numeric libraries read these when they are loaded; their own default is every core of the
// machine.
void limit_threads(unsigned threads) {
  const std::string count = std::to_string(threads);
  setenv("OMP_NUM_THREADS", count.c_str(), 0);
  setenv("OPENBLAS_NUM_THREADS", count.c_str(), 0);
  // Threads that spin for work would take it from the other workers of this machine.
  setenv("OMP_WAIT_POLICY", "passive", 0);
}

// Ends without running the destructors of plugins' static objects, which are never unloaded and may
// depend on threads that are gone.
[[noreturn]] void leave(int status) {
  skerry::flush_log();
  std::fflush(nullptr);
  std::_Exit(status);
}

int check(const std::string& file) {
  // Plugins may print; the answer alone goes to standard output.
  const int answer = dup(STDOUT_FILENO);
  dup2(STDERR_FILENO, STDOUT_FILENO);
  const auto told = skerry::runtime::preflight(file);
  std::fflush(stdout);
  dup2(answer, STDOUT_FILENO);
  std::puts(skerry::dump_json(told).c_str());
  return told.at("ok").get<bool>() ? EXIT_SUCCESS : 2;
}

// What lies in the host's directory is opened before it is hidden.
skerry::Status prepare(const skerry::runtime::Confinement& confinement,
                       const std::string& call_record) {
  SKERRY_TRY(skerry::init_sodium());
  skerry::runtime::report_crashes();
  if (!call_record.empty()) SKERRY_TRY(skerry::runtime::open_call_record(call_record));
  skerry::plugin::allow_list();
  SKERRY_TRY(skerry::runtime::confine_worker(confinement));
  skerry::runtime::watch_memory();
  return {};
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Runs Skerry's plugins for a host, which starts it");
  skerry::runtime::WorkerOptions options;
  std::string role = "task";
  std::string preflight_file;
  int parent = 0;
  auto* connect =
      app.add_option("--connect", options.endpoint, "the host's local socket, as ipc://PATH");
  app.add_option("--serving", options.serving, "where questions to what it serves come from");
  auto* id = app.add_option("--id", options.id, "this worker's name at its host");
  app.add_option("--role", role, "what it is for")->check(CLI::IsMember({"task", "decide"}));
  app.add_option("--threads", options.threads, "how many threads plugins may use")
      ->check(CLI::Range(1, 4096));
  auto* parent_pid =
      app.add_option("--parent-pid", parent, "the host's process id: the worker ends with it");
  std::string call_record;
  app.add_option("--call-record", call_record, "a file to tell the host which plugin is called");
  skerry::runtime::Confinement confinement;
  app.add_option("--memory", confinement.memory, "how many bytes of data it may have");
  bool sandbox = false;
  skerry::runtime::FileAccess files;
  app.add_flag("--sandbox", sandbox, "give up what plugins do not need");
  app.add_option("--hide", files.hide, "in the sandbox: the directory that it cannot read");
  app.add_option("--read", files.read, "in the sandbox: what it can read in there nevertheless");
  app.add_option("--write", files.write, "in the sandbox: where it can write");
  auto* preflight =
      app.add_option("--preflight", preflight_file, "check the job in this file and exit");
  connect->needs(id)->needs(parent_pid);
  preflight->excludes(connect);
  CLI11_PARSE(app, argc, argv);

  const char* level = std::getenv("SKERRY_LOG_LEVEL");
  const skerry::LogOptions log{.name = preflight_file.empty() ? options.id : "preflight",
                               .file = {},
                               .level = level                    ? level
                                        : preflight_file.empty() ? "info"
                                                                 : "warn"};
  if (auto status = skerry::init_log(log); !status) skerry::log_error(status.error().text());
  // A check that is run by hand has no host.
  if (parent > 0) {
    confinement.parent = parent;
    if (sandbox) confinement.files = files;
    options.sandbox = sandbox;
    if (auto status = prepare(confinement, call_record); !status) {
      skerry::log_error(status.error().text());
      leave(EXIT_FAILURE);
    }
  }
  limit_threads(options.threads);
  if (!preflight_file.empty()) leave(check(preflight_file));
  if (options.endpoint.empty()) {
    std::fputs("nothing to do: --connect or --preflight is missing\n", stderr);
    return 2;
  }
  options.role =
      role == "decide" ? skerry::runtime::WorkerRole::decide : skerry::runtime::WorkerRole::task;
  leave(skerry::runtime::run_worker(options));
}
