#pragma once

#include <skerry/abi.h>

#include <memory>
#include <string>

#include "core/base/json_fwd.hpp"
#include "core/base/result.hpp"
#include "core/plugin/loader.hpp"
#include "core/plugin/manifest.hpp"
#include "core/runtime/call_record.hpp"
#include "core/runtime/services.hpp"

namespace skerry::runtime {

class PluginHost;

// A created feature with the interface of its kind. Destroyed with this object.
class Instance {
 public:
  // `config` is checked and has its defaults. `slot`: its place in the job's spec, for the features
  // that its configuration names; empty: it has none.
  static Result<std::unique_ptr<Instance>> create(const plugin::Loaded& code,
                                                  const plugin::Feature& feature,
                                                  const Json& config, HostServices& services,
                                                  const std::string& slot = {});
  ~Instance();
  Instance(const Instance&) = delete;
  Instance& operator=(const Instance&) = delete;

  skerry_instance* get() const { return instance_; }
  const void* interface() const { return interface_; }
  const std::string& id() const { return id_; }
  const std::string& kind() const { return kind_; }
  const std::string& digest() const { return digest_; }  // of its file, in hex
  const std::string& who() const { return who_; }        // "plugin x 1.0.0 (FILE)", for problems

  // To be kept while the function `entry` of its interface runs.
  CallScope calling(std::string_view entry) const { return {id_, digest_, kind_, entry}; }

  // The struct of its kind, `Interface` being the right one for kind().
  template <class Interface>
  const Interface& as() const {
    return *static_cast<const Interface*>(interface_);
  }

 private:
  Instance() = default;

  const skerry_entry* entry_ = nullptr;
  std::unique_ptr<PluginHost> host_;
  skerry_instance* instance_ = nullptr;
  const void* interface_ = nullptr;
  std::string id_, kind_, who_, digest_;
};

}  // namespace skerry::runtime
