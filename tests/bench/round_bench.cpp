// Whole rounds with a training plugin that does nothing: what the rest costs. Everything is real:
// `skerry run` with its processes, sockets under CURVE, SQLite with full sync, workers.
//
// Prints the time of a round and, for large models, the peak memory of the cloud: its host and its
// worker together, which must not grow with the number of edges. Beside them stand Flower's figures
// for the same cases.
#include <dirent.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "core/base/json.hpp"

extern char** environ;

namespace {

namespace fs = std::filesystem;

struct Case {
  int edges;
  std::uint64_t bytes;  // of the model
  int rounds;
  const char* peers;  // measured elsewhere, for the same case
};

constexpr Case kCases[] = {
    {10, 4096, 60,
     "Flower: 23 ms on its legacy path, which stores nothing; 12.2 s on its current one"},
    {2, 100'000'000, 5, ""},
    {10, 100'000'000, 5,
     "Flower: 7.8 s and 7.66 GB on its legacy path; 66 s and 3.4 GB on its current one"},
};

std::string read_text(const fs::path& path) {
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

long status_number(pid_t pid, const std::string& key) {
  std::istringstream status(read_text(fs::path("/proc") / std::to_string(pid) / "status"));
  for (std::string line; std::getline(status, line);)
    if (line.starts_with(key + ":")) return std::stol(line.substr(key.size() + 1));
  return 0;
}

std::vector<pid_t> children_of(pid_t parent) {
  std::vector<pid_t> children;
  for (const auto& entry : fs::directory_iterator("/proc")) {
    const std::string name = entry.path().filename();
    if (name.find_first_not_of("0123456789") != std::string::npos) continue;
    const auto pid = static_cast<pid_t>(std::stol(name));
    if (status_number(pid, "PPid") == parent) children.push_back(pid);
  }
  return children;
}

// Peak resident memory in kB, per process of the cloud: the host and its workers.
void sample_cloud(pid_t run, std::map<pid_t, long>& peaks) {
  for (const pid_t host : children_of(run)) {
    if (read_text(fs::path("/proc") / std::to_string(host) / "comm") != "skerry-cloud\n") continue;
    peaks[host] = std::max(peaks[host], status_number(host, "VmHWM"));
    for (const pid_t worker : children_of(host))
      peaks[worker] = std::max(peaks[worker], status_number(worker, "VmHWM"));
  }
}

std::string job_text(const Case& wanted) {
  std::ostringstream job;
  job << "apiVersion: skerry.dev/v1alpha1\nkind: FederatedLearningJob\nmetadata: {name: "
         "rounds}\nspec:\n"
      << "  pluginPath: [" << SKERRY_FIXTURES << "]\n"
      << "  estimator: {plugin: fixture-null, config: {bytes: " << wanted.bytes << "}}\n"
      << "  dataset: {plugin: fixture-null, config: {rows: 1000}}\n"
      << "  aggregation: {plugin: fedavg}\n  rounds: " << wanted.rounds
      << "\n  nodes: " << wanted.edges << "\n  quorum: " << wanted.edges
      << "\n  evaluation: {where: none}\n";
  return job.str();
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values.empty() ? 0 : values[values.size() / 2];
}

int run_case(const Case& wanted) {
  char name[] = "/tmp/skerry-round-bench-XXXXXX";
  if (mkdtemp(name) == nullptr) return 1;
  const fs::path dir = name;
  std::ofstream(dir / "job.yaml") << job_text(wanted);
  const std::string skerry = std::string(SKERRY_BIN) + "/skerry", job = dir / "job.yaml",
                    out = dir / "out";
  const std::string edges = std::to_string(wanted.edges);
  const char* args[] = {skerry.c_str(), "run",   "-f",        job.c_str(), "--edges",
                        edges.c_str(),  "--out", out.c_str(), "--quiet",   nullptr};
  pid_t pid = 0;
  if (posix_spawn(&pid, skerry.c_str(), nullptr, nullptr, const_cast<char**>(args), environ) != 0)
    return 1;
  std::map<pid_t, long> peaks;
  int status = 0;
  while (waitpid(pid, &status, WNOHANG) == 0) {
    if (wanted.bytes > 1'000'000) sample_cloud(pid, peaks);
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  std::vector<double> totals;
  std::map<std::string, std::vector<double>> parts;
  std::ifstream records(fs::path(out) / "metrics.jsonl");
  for (std::string line; std::getline(records, line);) {
    const auto record = skerry::parse_json(line);
    if (!record) continue;
    if (record->at("round") == 1 && wanted.rounds > 2) continue;  // workers start in it
    for (const auto& [part, seconds] : record->at("seconds").items())
      (part == "total" ? totals : parts[part]).push_back(seconds.get<double>() * 1e3);
  }
  const bool ok = WIFEXITED(status) && WEXITSTATUS(status) == 0;
  std::printf(
      "%2d edges, model of %9llu bytes: %s, %zu rounds, median %.1f ms, min %.1f ms, max %.1f ms\n",
      wanted.edges, static_cast<unsigned long long>(wanted.bytes), ok ? "ok" : "FAILED",
      totals.size(), median(totals),
      totals.empty() ? 0 : *std::min_element(totals.begin(), totals.end()),
      totals.empty() ? 0 : *std::max_element(totals.begin(), totals.end()));
  std::printf("   medians in ms:");
  for (auto& [part, values] : parts) std::printf(" %s %.1f", part.c_str(), median(values));
  std::printf("\n");
  if (!peaks.empty()) {
    long sum = 0;
    for (const auto& [process, kilobytes] : peaks) sum += kilobytes;
    std::printf("   cloud's peak memory, host and workers together: %.0f MB = %.2f x the model\n",
                sum / 1e3, static_cast<double>(sum) * 1024 / static_cast<double>(wanted.bytes));
  }
  if (*wanted.peers != '\0') std::printf("   %s\n", wanted.peers);
  std::fflush(stdout);
  fs::remove_all(dir);
  return ok ? 0 : 1;
}

}  // namespace

int main() {
  int failures = 0;
  for (const Case& wanted : kCases) failures += run_case(wanted);
  return failures == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
