#pragma once

#include <skerry/abi.h>

#include <string>
#include <string_view>

#include "core/runtime/services.hpp"

namespace skerry::runtime {

// The skerry_host that one plugin instance sees. Must outlive the instance and stay where it is.
class PluginHost {
 public:
  // `name` stands before each line that the plugin logs. `slot`: the instance's place in the spec.
  PluginHost(HostServices& services, std::string name, std::string slot = {});
  PluginHost(const PluginHost&) = delete;
  PluginHost& operator=(const PluginHost&) = delete;

  const skerry_host* get() const { return &host_; }
  HostServices& services() const { return services_; }
  const std::string& name() const { return name_; }
  // A place of the spec. One that begins with "config." is in the instance's own configuration.
  std::string place(std::string_view slot) const;

 private:
  HostServices& services_;
  std::string name_;
  std::string slot_;
  skerry_host host_;
};

}  // namespace skerry::runtime
