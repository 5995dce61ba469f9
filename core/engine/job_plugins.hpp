// Which code a job's plugins are on this host, found once for each job. The host keeps a copy of
// each file, so that a job goes on with the code that it began with, whatever becomes of the files
// and however often workers and the host itself start anew.
#pragma once

#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "core/plugin/catalog.hpp"
#include "core/wire/messages.hpp"

namespace skerry::engine {

using PluginFile = wire::JobPlugin;

class JobPlugins {
 public:
  // `folder`: where copies are kept, DIGEST.so, with a list for each job. Empty: none are.
  explicit JobPlugins(std::filesystem::path folder = {}) : folder_(std::move(folder)) {}

  // The workflow and its tasks, what fills the places of the spec, and the task `task` where it is
  // not empty. What is not found is left out: a worker has the better message. Reads and copies a
  // job's files when it is first asked about it.
  std::vector<PluginFile> of(const std::string& job, const std::string& plan,
                             const std::string& task);
  // Of no job yet: no copies.
  static std::vector<PluginFile> named_by(const plugin::Catalog& catalog, const Json& plan);

  void forget(const std::string& job);
  // At start: copies of other jobs go.
  void keep_only(const std::set<std::string>& jobs);

 private:
  struct Known {
    std::vector<PluginFile> files;
  };

  Known& known(const std::string& job, const Json& plan);
  void add(Known& known, const plugin::Feature& feature);
  void add_tasks_of(Known& known, const plugin::Catalog& catalog, const std::string& workflow);
  PluginFile copied(PluginFile file) const;
  std::filesystem::path list_of(const std::string& job) const;
  bool read_list(const std::string& job, Known& known) const;
  void write_list(const std::string& job, const Known& known) const;
  void drop_unused() const;

  std::filesystem::path folder_;
  std::map<std::string, Known> jobs_;
};

}  // namespace skerry::engine
