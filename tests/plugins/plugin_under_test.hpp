// Opens a built plugin and calls it through the C ABI, as a worker does, with a host of the test's
// own.
//
//   PluginUnderTest plugin("idx");
//   Instance<skerry_dataset_v1> dataset = plugin.create<skerry_dataset_v1>("idx", {{"images",
//   path}, ...}); Outcome outcome = dataset.call(&skerry_dataset_v1::info, &info);
//   EXPECT_TRUE(outcome.ok()) << outcome;
#pragma once

#include <dlfcn.h>
#include <skerry/abi.h>
#include <stdlib.h>

#include <atomic>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <ostream>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace skerry_test {

// How a call ended.
struct Outcome {
  skerry_status status = SKERRY_OK;
  std::string field, message;

  bool ok() const { return status == SKERRY_OK; }
  friend std::ostream& operator<<(std::ostream& out, const Outcome& outcome) {
    return out << "status " << outcome.status << ", field \"" << outcome.field
               << "\": " << outcome.message;
  }
};

template <class Call>
Outcome outcome_of(Call&& call) {
  skerry_error error = {};
  error.struct_size = sizeof(error);
  const skerry_status status = call(&error);
  if (status == SKERRY_OK) return {};
  return {status, error.field, error.message};
}

// A host with a thread budget, a switch that cancels, and the log lines it was given.
class TestHost {
 public:
  TestHost() {
    host_.struct_size = sizeof(host_);
    host_.abi_major = SKERRY_ABI_MAJOR;
    host_.abi_minor = SKERRY_ABI_MINOR;
    host_.ctx = this;
    host_.log = [](const skerry_host* host, std::int32_t, const char* text) {
      of(host).lines.emplace_back(text);
    };
    host_.cancelled = [](const skerry_host* host, std::uint64_t) {
      return of(host).cancel.load() ? 1 : 0;
    };
    host_.get_extension = [](const skerry_host* host, const char* id) -> const void* {
      const auto found = of(host).extensions.find(id);
      return found == of(host).extensions.end() ? nullptr : found->second;
    };
    threads_ = {sizeof(threads_), 0, [](const skerry_host* host) { return of(host).threads; }};
    extensions[SKERRY_EXT_THREADS] = &threads_;
  }
  TestHost(const TestHost&) = delete;
  TestHost& operator=(const TestHost&) = delete;

  const skerry_host* abi() const { return &host_; }

  std::uint32_t threads = 1;
  std::atomic<bool> cancel{false};
  std::vector<std::string> lines;
  std::map<std::string, const void*> extensions;  // add to it what a test needs; borrowed

 private:
  static TestHost& of(const skerry_host* host) { return *static_cast<TestHost*>(host->ctx); }

  skerry_host host_ = {};
  skerry_ext_threads threads_ = {};
};

// A created feature, destroyed with this object.
template <class Interface>
class Instance {
 public:
  Instance(const skerry_entry& entry, skerry_instance* raw, const Interface* functions)
      : raw_(raw, entry.destroy), functions_(functions) {}

  // functions->*function(instance, arguments..., &error)
  template <class... Parameters, class... Arguments>
  Outcome call(skerry_status (*Interface::*function)(skerry_instance*, Parameters...),
               Arguments... arguments) {
    return outcome_of([&](skerry_error* error) {
      return (functions_->*function)(raw_.get(), arguments..., error);
    });
  }

  const Interface& functions() const { return *functions_; }
  skerry_instance* raw() const { return raw_.get(); }

 private:
  std::unique_ptr<skerry_instance, void (*)(skerry_instance*)> raw_;
  const Interface* functions_;
};

inline const char* kind_of(const skerry_aggregation_v1*) {
  return "aggregation/1";
}
inline const char* kind_of(const skerry_codec_v1*) {
  return "codec/1";
}
inline const char* kind_of(const skerry_inference_v1*) {
  return "inference/1";
}
inline const char* kind_of(const skerry_sampling_v1*) {
  return "sampling/1";
}
inline const char* kind_of(const skerry_selection_v1*) {
  return "selection/1";
}
inline const char* kind_of(const skerry_dataset_v1*) {
  return "dataset/1";
}
inline const char* kind_of(const skerry_estimator_v1*) {
  return "estimator/1";
}
inline const char* kind_of(const skerry_payload_v1*) {
  return "payload/1";
}
inline const char* kind_of(const skerry_source_v1*) {
  return "source/1";
}
inline const char* kind_of(const skerry_sink_v1*) {
  return "sink/1";
}
inline const char* kind_of(const skerry_workflow_v1*) {
  return "workflow/1";
}
inline const char* kind_of(const skerry_task_v1*) {
  return "task/1";
}

// NAME.so of the build tree. Stays open for the life of the process, as in a worker.
class PluginUnderTest {
 public:
  explicit PluginUnderTest(const std::string& name) {
    const std::string path = std::string(SKERRY_BIN_DIR) + "/plugins/" + name + ".so";
    void* library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (library == nullptr) throw std::runtime_error(dlerror());
    entry_ = static_cast<const skerry_entry*>(dlsym(library, SKERRY_ENTRY_SYMBOL));
    if (entry_ == nullptr) throw std::runtime_error(path + " has no " SKERRY_ENTRY_SYMBOL);
  }

  const skerry_entry& entry() const { return *entry_; }
  nlohmann::json manifest() const {
    return nlohmann::json::parse(entry_->manifest, entry_->manifest + entry_->manifest_size);
  }

  // Throws where the feature refuses the configuration; create_outcome() is for tests of that.
  template <class Interface>
  Instance<Interface> create(const std::string& id,
                             const nlohmann::json& config = nlohmann::json::object()) {
    const char* kind = kind_of(static_cast<const Interface*>(nullptr));
    skerry_instance* instance = nullptr;
    const Outcome outcome = make(id, kind, config.dump(), &instance);
    if (!outcome.ok()) throw std::runtime_error(id + ": " + outcome.field + ": " + outcome.message);
    return {*entry_, instance,
            static_cast<const Interface*>(entry_->get_interface(instance, kind))};
  }

  Outcome create_outcome(const std::string& id, const std::string& kind,
                         const nlohmann::json& config) {
    skerry_instance* instance = nullptr;
    Outcome outcome = make(id, kind.c_str(), config.dump(), &instance);
    if (instance != nullptr) entry_->destroy(instance);
    return outcome;
  }

  TestHost host;

 private:
  Outcome make(const std::string& id, const char* kind, const std::string& config,
               skerry_instance** out) {
    const skerry_bytes bytes = {reinterpret_cast<const std::uint8_t*>(config.data()),
                                config.size()};
    return outcome_of([&](skerry_error* error) {
      return entry_->create(host.abi(), id.c_str(), kind, bytes, out, error);
    });
  }

  const skerry_entry* entry_ = nullptr;
};

// A private folder, removed with the object.
class Folder {
 public:
  Folder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "skerry-test-XXXXXX").string();
    if (mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("mkdtemp failed");
    path_ = pattern;
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  ~Folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }

  std::string path(const std::string& name) const { return (path_ / name).string(); }

  // Writes a file, with the folders above it, and gives its path.
  std::string write(const std::string& name, const std::string& content) const {
    const std::filesystem::path file = path_ / name;
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file, std::ios::binary) << content;
    return file.string();
  }

 private:
  std::filesystem::path path_;
};

// A file of ../shared/data, or "" where it is absent and the test should skip.
inline std::string shared_data(const std::string& name) {
  const char* root = getenv("SKERRY_SHARED_DATA");
  const auto path =
      std::filesystem::path(root != nullptr ? root : SKERRY_SOURCE_DIR "/../shared/data") / name;
  return std::filesystem::exists(path) ? path.string() : "";
}

}  // namespace skerry_test
