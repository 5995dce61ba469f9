// What there is to say on the command line, and which function does it.
#include "hosts/cli/command_line.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <string>
#include <vector>

#include "core/base/suggest.hpp"
#include "core/version.hpp"
#include "hosts/cli/commands/commands.hpp"
#include "hosts/cli/view/problems.hpp"

namespace skerry::cli {
namespace {

constexpr const char* kWelcome = R"(Skerry: machine learning across a cloud and many edges.

  skerry run -f job.yaml --edges 4    run a job here, with a cloud and four edges on this machine
  skerry check job.yaml               find out what is wrong with a job before it runs
  skerry plugin ls                    see what jobs can be made of

All commands: skerry --help. One command: skerry run --help.
)";

std::string example(const std::string& text) {
  return "\nExample:\n  " + text + "\n";
}

class CommandLine {
 public:
  CommandLine() {
    app_.require_subcommand(0, 1);
    app_.set_version_flag("--version", std::string("skerry ") + skerry::kVersion);
    app_.get_formatter()->column_width(34);
    add_run();
    add_check();
    add_predict();
    add_calibrate();
    add_plugin();
    add_resources();
    add_watching();
    add_node();
    add_model();
    add_audit();
    add_backup();
    add_admin_key();
    app_.add_option("--admin-key", who_.admin_key, "as of the commands that ask a cloud")
        ->group("");
  }

  int execute(int argc, char** argv) {
    try {
      app_.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
      if (error.get_exit_code() == 0) return app_.exit(error);  // --help, --version
      return usage_error(error, argc, argv);
    }
    if (action_) return action_();
    std::fputs(kWelcome, stdout);
    return kOk;
  }

 private:
  // An option must stand for the command whose help shows it, so each has its own, bound to the
  // same variable.
  CLI::App* command(CLI::App& parent, const char* name, const char* what, const std::string& shown,
                    std::function<int()> action) {
    CLI::App* added = parent.add_subcommand(name, what);
    added->footer(example(shown));
    added->add_flag("--json", who_.json, "print JSON instead of text");
    added->callback([this, action = std::move(action)] { action_ = action; });
    return added;
  }

  CLI::App* operator_command(CLI::App& parent, const char* name, const char* what,
                             const std::string& shown, std::function<int()> action) {
    CLI::App* added = command(parent, name, what, shown, std::move(action));
    added->add_option(
        "--state", who_.state,
        "the cloud's state directory (default: $SKERRY_STATE or ~/.local/state/skerry/cloud)");
    added->add_option("--admin-key", who_.admin_key,
                      "ask a cloud on another machine, with a key that `skerry admin-key new` made "
                      "there");
    return added;
  }

  CLI::App* group(const char* name, const char* what) {
    CLI::App* added = app_.add_subcommand(name, what);
    added->require_subcommand(1);
    return added;
  }

  void add_run() {
    CLI::App* run =
        command(app_, "run", "Run a job on this machine: a cloud and N edges as local processes",
                "skerry run -f examples/digits/job.yaml --edges 4", [this] {
                  run_.json = who_.json;
                  return run_command(run_);
                });
    run->add_option("-f,--file", run_.file, "the job file")->required();
    run->add_option("--edges", run_.edges, "how many edges")->required();
    run->add_option("--out", run_.out, "the result folder (default: skerry-out/JOB-TIME)");
    run->add_option("--threads-per-edge", run_.threads_per_edge,
                    "default: the processor's cores shared among the edges");
    run->add_option("--allow-write", run_.writable,
                    "a folder that plugins on the edges may write to, as sinks; may be repeated");
    run->add_flag("-q,--quiet", run_.quiet, "no table and no summary");
  }

  void add_check() {
    CLI::App* check = command(app_, "check", "Check a job file without running it",
                              "skerry check job.yaml --edges 4",
                              [this] { return check_command(file_, edges_, who_.json); });
    check->add_option("FILE", file_, "the job file")->required();
    check
        ->add_option("--edges", edges_,
                     "how many edges there will be, to check a quorum and the like")
        ->check(CLI::Range(1, 1'000'000));
  }

  void add_predict() {
    CLI::App* predict = command(
        app_, "predict", "Ask a service of an edge on this machine about one example",
        "skerry predict digits --edge /var/lib/skerry --shape 1,28,28 --dtype uint8 seven.raw",
        [this] {
          predict_.json = who_.json;
          return predict_command(predict_);
        });
    predict->add_option("SERVICE", predict_.service, "the service's name")->required();
    predict
        ->add_option(
            "FILE", predict_.file,
            "the example: JSON as {\"tensor\": [...]}, a picture's file, or raw values with "
            "--shape; - is standard input")
        ->required();
    predict->add_option("--edge", predict_.edge, "the edge host's state directory")->required();
    predict->add_option("--shape", predict_.shape, "of raw values, as 1,28,28");
    predict->add_option("--dtype", predict_.dtype, "of raw values")
        ->check(CLI::IsMember({"float32", "uint8"}))
        ->capture_default_str();
    predict
        ->add_option("--deadline-ms", predict_.deadline_ms,
                     "how long to wait; as the service says when left out")
        ->check(CLI::Range(0.001, 600'000.0));
  }

  void add_calibrate() {
    CLI::App* calibrate = command(
        app_, "calibrate", "Find the threshold that a service needs for an accuracy or a budget",
        "skerry calibrate -f service.yaml --data holdout.yaml --target-accuracy 0.95", [this] {
          calibrate_.json = who_.json;
          return calibrate_command(calibrate_);
        });
    calibrate->add_option("-f,--file", calibrate_.file, "the service's job file")->required();
    calibrate
        ->add_option("--data", calibrate_.data,
                     "a file with one Dataset: labelled examples that neither model has seen")
        ->required();
    calibrate
        ->add_option("--split", calibrate_.split,
                     "which of its rows: holdout, or train (the others)")
        ->check(CLI::IsMember({"holdout", "train"}))
        ->capture_default_str();
    auto* target = calibrate->add_option("--target-accuracy", calibrate_.target_accuracy,
                                         "least to the cloud for this share of right answers");
    calibrate
        ->add_option("--cloud-budget", calibrate_.cloud_budget,
                     "best accuracy with at most this share to the cloud")
        ->excludes(target);
    calibrate->add_option("--out", calibrate_.out, "where the curve is written")
        ->capture_default_str();
  }

  void add_plugin() {
    CLI::App* plugin = group("plugin", "See what plugins there are, start one, check one");
    CLI::App* list =
        command(*plugin, "ls", "List plugins, those that are shadowed and those that are refused",
                "skerry plugin ls --kind dataset",
                [this] { return plugin_list_command(kind_, who_.json); });
    list->add_option("--kind", kind_, "only this kind, as dataset or dataset/1");
    CLI::App* inspect =
        command(*plugin, "inspect", "Show all about a plugin: its keys, their ranges, an example",
                "skerry plugin inspect ./libmine.so", [this] {
                  inspect_.json = who_.json;
                  return plugin_inspect_command(inspect_);
                });
    inspect->add_option("ID|FILE", inspect_.what, "a plugin's id, or a file")->required();
    inspect->add_flag("--exists", inspect_.exists,
                      "only say by the exit status whether it is there: 0 or 1");
    inspect->add_option("--at-least", inspect_.at_least,
                        "the same, for this version or a later one, as 1.2.0");
    CLI::App* fresh = command(
        *plugin, "new", "Start a plugin: a small project that builds, passes its checks and runs",
        "skerry plugin new aggregation my_average", [this] {
          new_.json = who_.json;
          return plugin_new_command(new_);
        });
    fresh
        ->add_option("KIND", new_.kind,
                     "aggregation, codec, dataset, estimator, inference, payload, sampling, "
                     "selection, sink, "
                     "source or workflow")
        ->required();
    fresh->add_option("NAME", new_.name, "its name, as my_average")->required();
    fresh->add_option("--dir", new_.dir, "where its folder is made (default: here)");
    CLI::App* reference =
        command(*plugin, "reference", "Print all about a kind of plugin, as a page in Markdown",
                "skerry plugin reference sampling",
                [this] { return plugin_reference_command(kind_, who_.json); });
    reference->add_option("KIND", kind_, "as aggregation; without one, which there are");
    CLI::App* check =
        command(*plugin, "check", "Try a plugin out: does it keep to what its kind promises?",
                "skerry plugin check ./mine.so --strict 3", [this] {
                  check_.json = who_.json;
                  return plugin_check_command(check_);
                });
    check->add_option("FILE", check_.file, "the plugin");
    check
        ->add_option("--strict", check_.strict,
                     "which checks count: 1 what hosts rely on, 2 what users expect as well, 3 all")
        ->check(CLI::Range(1, 3))
        ->capture_default_str();
    check->add_option("--include", check_.include,
                      "only checks whose name matches this regular expression");
    check->add_option(
        "--config", check_.configs,
        "a configuration to create it with, as '{\"key\": 1}'; with several features 'ID={...}'");
    check->add_option("--seed", check_.seed, "of what is made up; a failure repeats with its seed")
        ->capture_default_str();
    check->add_option("--timeout", check_.timeout, "seconds that a check may take")
        ->check(CLI::Range(1, 86'400))
        ->capture_default_str();
    check->add_flag("--in-process", check_.in_process, "in this process, for a debugger");
    check->add_flag("--list", check_.list, "say which checks there are");
    operator_command(
        *plugin, "quarantined", "List plugins that ended too many workers of the cloud",
        "skerry plugin quarantined", [this] { return plugin_quarantined_command(who_); });
    operator_command(*plugin, "allow", "Let a plugin out of the cloud's quarantine",
                     "skerry plugin allow 3f1c90aa2b5d77e4",
                     [this] { return plugin_allow_command(who_, name_); })
        ->add_option("DIGEST", name_, "its digest, or the first digits of it")
        ->required();
  }

  void add_resources() {
    CLI::App* apply = operator_command(app_, "apply", "Give a cloud the resources in a file",
                                       "skerry apply -f job.yaml",
                                       [this] { return apply_command(who_, file_, edges_); });
    apply->add_option("-f,--file", file_, "the file")->required();
    apply
        ->add_option("--nodes", edges_,
                     "how many edges are expected, to check a quorum and the like")
        ->check(CLI::Range(1, 1'000'000));
    CLI::App* get =
        operator_command(app_, "get", "List jobs, nodes, models or datasets", "skerry get jobs",
                         [this] { return get_command(who_, kind_, name_); });
    get->add_option("KIND", kind_, "jobs, nodes, models or datasets")->required();
    get->add_option("NAME", name_, "only this one");
    for (const bool describing : {true, false}) {
      CLI::App* one = operator_command(
          app_, describing ? "describe" : "delete",
          describing ? "Show all about a job, node, model or dataset"
                     : "Delete a job, node, model or dataset; a running job is stopped",
          describing ? "skerry describe job digits" : "skerry delete job digits",
          [this, describing] {
            return describing ? describe_command(who_, kind_, name_)
                              : delete_command(who_, kind_, name_);
          });
      one->add_option("KIND", kind_, "job, node, model or dataset")->required();
      one->add_option("NAME", name_, "its name")->required();
    }
  }

  void add_watching() {
    operator_command(
        app_, "status",
        "Show how a cloud is: what it has counted since it started, what keeps it from "
        "working",
        "skerry status", [this] { return status_command(who_); });
    CLI::App* watch = operator_command(
        app_, "watch", "Follow a job until it ends; the exit status tells how it ended",
        "skerry watch digits", [this] { return watch_command(who_, name_); });
    CLI::App* logs =
        operator_command(app_, "logs", "Show the logs of a job's workers on the cloud",
                         "skerry logs digits", [this] { return logs_command(who_, name_); });
    CLI::App* signal = operator_command(
        app_, "signal", "Tell a running job something that its workflow understands",
        "skerry signal digits pause",
        [this] { return signal_command(who_, name_, signal_, value_); });
    for (CLI::App* one : {watch, logs, signal})
      one->add_option("JOB", name_, "the job's name")->required();
    signal->add_option("SIGNAL", signal_, "the signal's name")->required();
    signal->add_option("VALUE", value_, "text or JSON");
  }

  void add_node() {
    CLI::App* node = group("node", "Let edges in, see them, throw them out");
    CLI::App* token =
        operator_command(*node, "token", "Make a token with which one edge can join",
                         "skerry node token edge-1 --endpoint tcp://cloud.example.org:7443",
                         [this] { return node_token_command(who_, name_, endpoint_, ttl_); });
    token->add_option("--endpoint", endpoint_,
                      "where the edge finds the cloud (default: where it listens)");
    token->add_option("--ttl", ttl_, "how long it holds, by the cloud's clock")
        ->capture_default_str();
    operator_command(*node, "ls", "List nodes", "skerry node ls",
                     [this] { return node_list_command(who_); });
    CLI::App* revoke =
        operator_command(*node, "revoke", "Cut a node off for good", "skerry node revoke edge-1",
                         [this] { return node_revoke_command(who_, name_); });
    CLI::App* rotate = operator_command(*node, "rotate", "Let a node change to a new key",
                                        "skerry node rotate edge-1",
                                        [this] { return node_rotate_command(who_, name_); });
    for (CLI::App* one : {token, revoke, rotate})
      one->add_option("NAME", name_, "the node's name")->required();
  }

  void add_model() {
    CLI::App* model = group("model", "See and take home what jobs have made");
    operator_command(*model, "ls", "List models", "skerry model ls",
                     [this] { return model_list_command(who_); });
    CLI::App* get = operator_command(*model, "get", "Save a job's model as a safetensors file",
                                     "skerry model get digits --to digits.safetensors",
                                     [this] { return model_get_command(who_, model_); });
    get->add_option("JOB", model_.job, "the job's name")->required();
    get->add_option("--version", model_.version, "which version (default: the newest)");
    get->add_option("--to", model_.to, "the file (default: JOB.safetensors)");
    get->add_flag("--force", model_.force, "replace the file if it exists");
  }

  void add_audit() {
    CLI::App* audit = group("audit", "See and check the log of who did what");
    CLI::App* list =
        operator_command(*audit, "ls", "List what was done, by whom", "skerry audit ls --since 100",
                         [this] { return audit_list_command(who_, since_); });
    list->add_option("--since", since_, "from this entry on (default: all)")
        ->check(CLI::Range(std::int64_t{1}, std::int64_t{1} << 53));
    CLI::App* verify =
        operator_command(*audit, "verify", "Check that no entry was changed, dropped or slipped in",
                         "skerry audit verify --head 42:5f0c...",
                         [this] { return audit_verify_command(who_, head_); });
    verify->add_option("--head", head_,
                       "SEQ:HASH, as `skerry audit head` once printed it: finds an end that was "
                       "cut off");
    operator_command(*audit, "head", "Print number and hash of the last entry, to keep elsewhere",
                     "skerry audit head", [this] { return audit_head_command(who_); });
  }

  void add_backup() {
    operator_command(app_, "backup", "Copy the cloud's state to a new directory; jobs go on",
                     "skerry backup /backups/2026-01-31",
                     [this] { return backup_command(who_, file_); })
        ->add_option("DIR", file_, "the new directory, on the cloud's machine")
        ->required();
    CLI::App* restore = command(
        app_, "restore", "Check a backup, and make a cloud's state directory of it",
        "skerry restore /backups/2026-01-31 --state /var/lib/skerry", [this] {
          return restore_command(
              {.backup = file_, .state = who_.state, .check = only_check_, .json = who_.json});
        });
    restore->add_option("BACKUP", file_, "a directory that `skerry backup` made")->required();
    restore->add_option("--state", who_.state,
                        "the cloud's state directory, empty or not there yet (default: "
                        "$SKERRY_STATE or ~/.local/state/skerry/cloud)");
    restore->add_flag("--check", only_check_, "only check that the backup is whole");
  }

  void add_admin_key() {
    CLI::App* keys = group("admin-key", "Let operators ask from other machines");
    CLI::App* fresh = operator_command(
        *keys, "new", "Make a key with which `skerry` reaches this cloud from another machine",
        "skerry admin-key new laptop --to laptop.skerry-key",
        [this] { return admin_key_new_command(who_, name_, file_, endpoint_); });
    fresh->add_option("--to", file_, "the file (default: NAME.skerry-key)");
    fresh->add_option("--endpoint", endpoint_,
                      "where the key's owner finds the cloud (default: where it listens)");
    operator_command(*keys, "ls", "List admin keys", "skerry admin-key ls",
                     [this] { return admin_key_list_command(who_); });
    CLI::App* revoke = operator_command(*keys, "revoke", "Take an admin key back, for good",
                                        "skerry admin-key revoke laptop",
                                        [this] { return admin_key_revoke_command(who_, name_); });
    for (CLI::App* one : {fresh, revoke})
      one->add_option("NAME", name_, "the key's name")->required();
  }

  // The first words that are no options name the command; a misspelt one deserves a guess.
  int usage_error(const CLI::ParseError& error, int argc, char** argv) {
    const CLI::App* at = &app_;
    for (int i = 1; i < argc; ++i) {
      const std::string word = argv[i];
      const auto commands = commands_of(*at);
      if (commands.empty() || word.starts_with("-")) break;
      const auto next =
          std::find_if(commands.begin(), commands.end(),
                       [&](const CLI::App* command) { return command->get_name() == word; });
      if (next == commands.end()) return unknown_command(*at, word);
      at = *next;
    }
    std::fprintf(stderr, "error: %s\nSee: %s --help\n", error.what(), full_name(at).c_str());
    return kBadInput;
  }

  static std::vector<const CLI::App*> commands_of(const CLI::App& app) {
    return app.get_subcommands([](const CLI::App*) { return true; });
  }

  static int unknown_command(const CLI::App& at, const std::string& word) {
    std::vector<std::string> names;
    for (const CLI::App* known : commands_of(at)) names.push_back(known->get_name());
    std::fprintf(stderr, "error: no command \"%s\"%s\nSee: %s --help\n", word.c_str(),
                 skerry::did_you_mean(word, names).c_str(), full_name(&at).c_str());
    return kBadInput;
  }

  static std::string full_name(const CLI::App* app) {
    if (app->get_parent() == nullptr) return "skerry";
    return full_name(app->get_parent()) + " " + app->get_name();
  }

  CLI::App app_{"Skerry: machine learning across a cloud and many edges", "skerry"};
  std::function<int()> action_;
  Operator who_;
  PredictOptions predict_;
  CalibrateOptions calibrate_;
  RunOptions run_;
  ModelGet model_;
  PluginInspect inspect_;
  PluginNew new_;
  PluginCheck check_;
  std::filesystem::path file_;
  std::optional<int> edges_;
  std::string kind_, name_, signal_, value_, endpoint_, head_;
  std::string ttl_ = "24h";
  std::int64_t since_ = 0;
  bool only_check_ = false;
};

}  // namespace

int run_command_line(int argc, char** argv) {
  return CommandLine().execute(argc, argv);
}

}  // namespace skerry::cli
