// Which files a job's plugins are on this host, found once for each job: its later tasks run the
// same code or none.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "core/plugin/catalog.hpp"

namespace skerry::engine {

struct PluginFile {
  std::string kind, id;
  std::string digest;  // in hex
};

class JobPlugins {
 public:
  // The workflow, what fills the places of the spec, and the task itself when `task` is not empty.
  // What is not found is left out: a worker has the better message. Reads the files of a job when
  // it is first asked about it.
  std::vector<PluginFile> of(const std::string& job, const std::string& plan,
                             const std::string& task);
  // Of no job yet.
  static std::vector<PluginFile> named_by(const plugin::Catalog& catalog, const Json& plan);
  void forget(const std::string& job) { jobs_.erase(job); }

 private:
  struct Known {
    std::unique_ptr<plugin::Catalog> catalog;
    std::vector<PluginFile> files;
    std::map<std::string, std::vector<PluginFile>> tasks;  // by kind of task
  };
  std::map<std::string, Known> jobs_;
};

// As workers are told: "KIND ID DIGEST".
std::vector<std::string> lines_of(const std::vector<PluginFile>& files);

}  // namespace skerry::engine
