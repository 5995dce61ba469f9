// What a plugin can ask of the host that loaded it.
#pragma once

#include <skerry/abi.h>
#include <skerry/error.hpp>

#include <algorithm>
#include <cstring>
#include <string>

namespace skerry {

// The kind that an interface struct belongs to. A header that brings a kind specialises it:
//   template <> struct InterfaceKind<skerry_estimator_v1> { static constexpr const char* id =
//   "estimator/1"; };
template <class Interface>
struct InterfaceKind;

// Another feature of the job, through the C interface of its kind:
//   auto estimator = host.feature<skerry_estimator_v1>("estimator");
//   estimator.call(&skerry_estimator_v1::evaluate, data, &sink);
// The host owns the feature; it stays valid as long as this instance.
template <class Interface>
class FeatureRef {
 public:
  explicit FeatureRef(const skerry_feature& feature)
      : instance_(feature.instance),
        interface_(static_cast<const Interface*>(feature.interface)),
        id_(feature.id == nullptr ? "" : feature.id) {}

  const std::string& id() const { return id_; }

  // Calls interface->*function(instance, arguments..., &error) and throws Error as the function
  // reports it; SKERRY_UNSUPPORTED when the plugin leaves the function out.
  template <class... Parameters, class... Arguments>
  void call(skerry_status (*Interface::*function)(skerry_instance*, Parameters...),
            Arguments... arguments) const {
    if (!has(function))
      throw Error(SKERRY_UNSUPPORTED, "", id_ + " does not provide this function");
    check_call([&](skerry_error* error) {
      return (interface_->*function)(instance_, arguments..., error);
    });
  }

  template <class Member>
  bool has(Member Interface::*member) const {
    const auto offset = reinterpret_cast<const char*>(&(interface_->*member)) -
                        reinterpret_cast<const char*>(interface_);
    return interface_->struct_size >= static_cast<std::size_t>(offset) + sizeof(Member) &&
           interface_->*member != nullptr;
  }

 private:
  skerry_instance* instance_;
  const Interface* interface_;
  std::string id_;
};

// Given to a feature's constructor; lives until after its destructor, so a feature may keep a
// reference.
class Host {
 public:
  explicit Host(const skerry_host* host) : host_(host) {}

  // [any-thread] level: SKERRY_LOG_DEBUG and so on.
  void log(std::int32_t level, const std::string& message) const {
    if (host_->log != nullptr) host_->log(host_, level, message.c_str());
  }
  void info(const std::string& message) const { log(SKERRY_LOG_INFO, message); }
  void warn(const std::string& message) const { log(SKERRY_LOG_WARN, message); }

  // [any-thread] True once the host wants the call to end; ask a few times a second, then call
  // throw_if_cancelled().
  bool cancelled(std::uint64_t call_id) const {
    return host_->cancelled != nullptr && host_->cancelled(host_, call_id) != 0;
  }
  void throw_if_cancelled(std::uint64_t call_id) const {
    if (cancelled(call_id)) throw Error(SKERRY_CANCELLED, "", "stopped by the host");
  }

  // [any-thread] How many threads this feature may use at once, the calling one included; >= 1.
  std::uint32_t threads() const {
    const auto* service = extension<skerry_ext_threads>(SKERRY_EXT_THREADS);
    return service == nullptr ? 1 : std::max<std::uint32_t>(1, service->budget(host_));
  }

  // The feature in a slot of the job's spec ("estimator"), created on first use. Throws Error as
  // its creation does, and SKERRY_INVALID_ARGUMENT when what is there is of another kind. [serial]
  template <class Interface>
  FeatureRef<Interface> feature(const std::string& slot) const {
    const auto* service = extension<skerry_ext_features>(SKERRY_EXT_FEATURES);
    if (service == nullptr)
      throw Error(SKERRY_UNSUPPORTED, slot, "this host offers no features of the job");
    skerry_feature found = {};
    check_call(
        [&](skerry_error* error) { return service->open(host_, slot.c_str(), &found, error); });
    const char* wanted = InterfaceKind<Interface>::id;
    if (found.interface == nullptr || found.kind == nullptr ||
        std::strcmp(found.kind, wanted) != 0) {
      throw invalid(slot, "needs a feature of kind " + std::string(wanted) + ", found " +
                              (found.kind == nullptr ? "none" : found.kind));
    }
    return FeatureRef<Interface>(found);
  }

  // A service of the host by its id, or nullptr where this host does not offer it. [any-thread]
  template <class Extension>
  const Extension* extension(const char* id) const {
    return host_->get_extension == nullptr
               ? nullptr
               : static_cast<const Extension*>(host_->get_extension(host_, id));
  }

  // For calls of an extension's functions.
  const skerry_host* abi() const { return host_; }

 private:
  const skerry_host* host_;
};

}  // namespace skerry
