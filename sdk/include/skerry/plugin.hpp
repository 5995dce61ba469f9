// The C++17 layer over skerry/abi.h, compiled into each plugin. A whole plugin:
//
//   #include <skerry/selection.hpp>
//   class Everyone : public skerry::Selection {
//     std::vector<std::uint32_t> select(const std::vector<skerry::Candidate>& nodes, std::uint32_t,
//     std::uint64_t) override;
//   };
//   SKERRY_PLUGIN(skerry::feature<Everyone>("all"));
//
// The ids stand in plugin.json too, with version, summary and the schema of the configuration. A
// class is constructed from (const skerry::Config&, skerry::Host&), from (const skerry::Config&),
// or from nothing; a constructor that throws skerry::Error refuses the configuration. Every
// exception of a plugin ends at the boundary as a skerry_error.
#pragma once

#include <skerry/abi.h>
#include <skerry/config.hpp>
#include <skerry/error.hpp>
#include <skerry/host.hpp>
#include <skerry/tensor.hpp>

#include <cstring>
#include <memory>
#include <string>
#include <type_traits>

namespace skerry {

// Connects the C++ class of a kind with the C interface. The class states `using KindBase =
// Itself;` and its header specialises
//   template <> struct Kind<Itself> {
//     static constexpr const char* id = "aggregation/1";
//     template <class T> static const void* table();   // the skerry_..._v1 struct for a feature
//     class T
//   };
// whose functions reach the object through object_of<Itself>(instance) inside detail::guard().
template <class Base>
struct Kind;

namespace detail {

// What a skerry_instance* of this layer points to. `object` is a pointer to the kind's base class.
struct Instance {
  Host host;
  const char* kind = nullptr;
  const void* table = nullptr;
  void* object = nullptr;
  void (*destroy)(void* object) = nullptr;

  explicit Instance(const skerry_host* raw) : host(raw) {}
  Instance(const Instance&) = delete;
  Instance& operator=(const Instance&) = delete;
  ~Instance() {
    if (object != nullptr) destroy(object);
  }
};

struct Feature {
  const char* id;
  const char* kind;
  void (*make)(Instance&, const Config&);
};

template <class T>
std::unique_ptr<T> construct(const Config& config, Host& host) {
  if constexpr (std::is_constructible_v<T, const Config&, Host&>) {
    return std::make_unique<T>(config, host);
  } else if constexpr (std::is_constructible_v<T, const Config&>) {
    return std::make_unique<T>(config);
  } else {
    static_assert(
        std::is_default_constructible_v<T>,
        "a feature is constructed from (const Config&, Host&), (const Config&) or nothing");
    return std::make_unique<T>();
  }
}

template <class T>
void make_instance(Instance& instance, const Config& config) {
  using Base = typename T::KindBase;
  static_assert(std::is_base_of_v<Base, T> && std::has_virtual_destructor_v<Base>);
  static_assert(!std::is_abstract_v<T>,
                "the class lacks a function of its kind, or has it with another signature: compare "
                "with the kind's header");
  instance.kind = Kind<Base>::id;
  instance.table = Kind<Base>::template table<T>();
  instance.destroy = [](void* object) { delete static_cast<Base*>(object); };
  instance.object = static_cast<Base*>(construct<T>(config, instance.host).release());
}

template <std::size_t N>
const Feature* find_feature(const Feature (&features)[N], const char* id, const char* kind) {
  for (const Feature& each : features) {
    if (std::strcmp(each.id, id) == 0 && std::strcmp(each.kind, kind) == 0) return &each;
  }
  return nullptr;
}

template <std::size_t N>
skerry_status create(const Feature (&features)[N], const skerry_host* host, const char* id,
                     const char* kind, skerry_bytes config, skerry_instance** out,
                     skerry_error* error) noexcept {
  return guard(error, [&] {
    *out = nullptr;
    const Feature* found = find_feature(features, id, kind);
    if (found == nullptr) {
      std::string all;
      for (const Feature& each : features)
        all += std::string(all.empty() ? "" : ", ") + each.id + " (" + each.kind + ")";
      throw Error(
          SKERRY_UNSUPPORTED, "",
          "this plugin's code has no " + std::string(id) + " (" + kind + "); it has " + all);
    }
    auto json = nlohmann::json::parse(config.data, config.data + config.size, nullptr, false);
    if (json.is_discarded()) throw invalid("", "the configuration is not valid JSON");
    auto instance = std::make_unique<Instance>(host);
    found->make(*instance, Config(std::move(json)));
    *out = reinterpret_cast<skerry_instance*>(instance.release());
  });
}

inline const void* get_interface(skerry_instance* raw, const char* kind) noexcept {
  const auto* instance = reinterpret_cast<const Instance*>(raw);
  return std::strcmp(instance->kind, kind) == 0 ? instance->table : nullptr;
}

inline void destroy(skerry_instance* instance) noexcept {
  delete reinterpret_cast<Instance*>(instance);
}

}  // namespace detail

// The object behind an instance, as its kind's base class.
template <class Base>
Base& object_of(skerry_instance* instance) {
  return *static_cast<Base*>(reinterpret_cast<detail::Instance*>(instance)->object);
}

// A row of SKERRY_PLUGIN: class T, known to jobs as `id`.
template <class T>
constexpr detail::Feature feature(const char* id) {
  return {id, Kind<typename T::KindBase>::id, &detail::make_instance<T>};
}

}  // namespace skerry

// Defines the plugin's one exported symbol from a list of skerry::feature<Class>("id"). Once a
// plugin, outside of any namespace. skerry_add_plugin() links the manifest in.
#define SKERRY_PLUGIN(...)                                                                 \
  extern "C" {                                                                             \
  extern const unsigned char skerry_manifest_text[];                                       \
  extern const std::uint64_t skerry_manifest_size;                                         \
  extern const skerry_entry skerry_plugin_entry_v1 __attribute__((visibility("default"))); \
  }                                                                                        \
  static skerry_status skerry_plugin_create(const skerry_host* host, const char* id,       \
                                            const char* kind, skerry_bytes config,         \
                                            skerry_instance** out, skerry_error* error) {  \
    static constexpr skerry::detail::Feature features[] = {__VA_ARGS__};                   \
    return skerry::detail::create(features, host, id, kind, config, out, error);           \
  }                                                                                        \
  const skerry_entry skerry_plugin_entry_v1 = {                                            \
      sizeof(skerry_entry),                                                                \
      SKERRY_ABI_MAJOR,                                                                    \
      SKERRY_ABI_MINOR,                                                                    \
      0,                                                                                   \
      reinterpret_cast<const char*>(skerry_manifest_text),                                 \
      skerry_manifest_size,                                                                \
      skerry_plugin_create,                                                                \
      skerry::detail::get_interface,                                                       \
      skerry::detail::destroy}
