// What each command does. main.cpp turns the command line into these calls; each returns the exit
// status.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace skerry::cli {

struct RunOptions {
  std::filesystem::path file;
  int edges = 0;
  std::filesystem::path out;  // empty: a new folder below skerry-out
  std::optional<int> threads_per_edge;
  std::vector<std::filesystem::path> writable;  // for plugins on edges, as sinks
  bool json = false;
  bool quiet = false;
};
int run_command(const RunOptions& options);

int check_command(const std::filesystem::path& file, std::optional<int> edges, bool json);

struct PredictOptions {
  std::string service;
  std::filesystem::path edge;  // the edge host's state directory
  std::filesystem::path file;  // a tensor as JSON, or raw values where `shape` is given; -: stdin
  std::string shape;           // "1,28,28"
  std::string dtype = "float32";
  double deadline_ms = 0;  // 0: as the service says
  bool json = false;
};
int predict_command(const PredictOptions& options);

struct CalibrateOptions {
  std::filesystem::path file;  // of the service
  std::filesystem::path data;
  std::string split = "holdout";
  std::optional<double> target_accuracy, cloud_budget;  // in place of what the file says
  std::filesystem::path out = "calibration";
  bool json = false;
};
int calibrate_command(const CalibrateOptions& options);

// For the commands that ask a cloud.
struct Operator {
  std::filesystem::path state;      // the cloud's state directory; empty: the default one
  std::filesystem::path admin_key;  // ask over the network with this key instead
  bool json = false;
};

int apply_command(const Operator& who, const std::filesystem::path& file, std::optional<int> nodes);
int get_command(const Operator& who, const std::string& kind, const std::string& name);
int describe_command(const Operator& who, const std::string& kind, const std::string& name);
int delete_command(const Operator& who, const std::string& kind, const std::string& name);

int status_command(const Operator& who);

int watch_command(const Operator& who, const std::string& job);
int logs_command(const Operator& who, const std::string& job);
int signal_command(const Operator& who, const std::string& job, const std::string& name,
                   const std::string& value);

// `ttl`: how long the token holds, by the cloud's clock.
int node_token_command(const Operator& who, const std::string& name, const std::string& endpoint,
                       const std::string& ttl);
int node_rotate_command(const Operator& who, const std::string& name);
int node_list_command(const Operator& who);
int node_revoke_command(const Operator& who, const std::string& name);

// `to` empty: NAME.skerry-key here. `endpoint` empty: where the cloud listens.
int admin_key_new_command(const Operator& who, const std::string& name,
                          const std::filesystem::path& to, const std::string& endpoint);
int admin_key_list_command(const Operator& who);
int admin_key_revoke_command(const Operator& who, const std::string& name);

int audit_list_command(const Operator& who, std::int64_t since);  // from this entry on
int audit_head_command(const Operator& who);
// 0: the chain is whole; 1: it is broken; 2: it cannot be read. `kept`: a head to look for, or
// empty.
int audit_verify_command(const Operator& who, const std::string& kept);

// A backup of the cloud, running or not, as a new directory.
int backup_command(const Operator& who, const std::filesystem::path& to);
struct RestoreOptions {
  std::filesystem::path backup;
  std::filesystem::path state;  // empty: the default one
  bool check = false;           // only look whether the backup is whole
  bool json = false;
};
// 1: the backup is damaged, or the directory is not free; 2: there is no backup.
int restore_command(const RestoreOptions& options);

int model_list_command(const Operator& who);
struct ModelGet {
  std::string job;
  std::optional<std::int64_t> version;  // absent: the newest
  std::filesystem::path to;             // empty: JOB.safetensors here
  bool force = false;                   // may a file be replaced?
};
int model_get_command(const Operator& who, const ModelGet& what);

int plugin_list_command(const std::string& kind, bool json);
struct PluginInspect {
  std::string what;      // an id or a file
  bool exists = false;   // print nothing: the exit status is the answer
  std::string at_least;  // the same, for this version or a later one; empty: any
  bool json = false;
};
// With `exists` or `at_least`, 1: there is no such plugin, or only an older one.
int plugin_inspect_command(const PluginInspect& inspect);
struct PluginNew {
  std::string kind, name;
  std::filesystem::path dir;  // the project becomes a folder in it; empty: here
  bool json = false;
};
int plugin_new_command(const PluginNew& what);
// The page about a kind, in Markdown. Empty kind: which kinds there are.
int plugin_reference_command(const std::string& kind, bool json);
struct PluginCheck {
  std::filesystem::path file;
  int strict = 1;                    // up to which level a failure counts, 1..3
  std::string include;               // a regular expression; empty: all checks
  std::vector<std::string> configs;  // "{...}" or "ID={...}"
  std::uint64_t seed = 42;
  int timeout = 60;         // seconds a check
  bool in_process = false;  // for a debugger
  bool list = false;        // print which checks there are, and no more
  bool json = false;
};
// 1: the plugin failed a check that counts.
int plugin_check_command(const PluginCheck& what);
int plugin_quarantined_command(const Operator& who);
int plugin_allow_command(const Operator& who, const std::string& digest);

}  // namespace skerry::cli
