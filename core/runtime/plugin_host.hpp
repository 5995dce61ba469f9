#pragma once

#include <skerry/abi.h>

#include <string>

#include "core/runtime/services.hpp"

namespace skerry::runtime {

// The skerry_host that one plugin instance sees. Must outlive the instance and stay where it is.
class PluginHost {
 public:
  // `name` stands before each line that the plugin logs.
  PluginHost(HostServices& services, std::string name);
  PluginHost(const PluginHost&) = delete;
  PluginHost& operator=(const PluginHost&) = delete;

  const skerry_host* get() const { return &host_; }
  HostServices& services() const { return services_; }
  const std::string& name() const { return name_; }

 private:
  HostServices& services_;
  std::string name_;
  skerry_host host_;
};

}  // namespace skerry::runtime
