// The plugin that is checked, opened and called as a worker does it.
#pragma once

#include <skerry/abi.h>

#include <atomic>
#include <cstddef>
#include <cstring>
#include <filesystem>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/json.hpp"
#include "core/base/result.hpp"
#include "core/conformance/check.hpp"
#include "core/plugin/elf_file.hpp"
#include "core/plugin/loader.hpp"
#include "core/plugin/manifest.hpp"
#include "core/runtime/abi_status.hpp"
#include "core/runtime/instance.hpp"
#include "core/runtime/services.hpp"

namespace skerry::conformance {

// A host without a job: threads to use, a switch that cancels, and no other feature.
class Host : public runtime::HostServices {
 public:
  std::uint32_t threads() const override { return 2; }
  bool cancelled(std::uint64_t) const override { return cancel; }
  Result<skerry_feature> open(std::string_view slot) override;
  runtime::TaskServices* task() override { return nullptr; }

  std::atomic<bool> cancel{false};
};

// The file, read; none of its code has run. Copied freely.
struct PluginFile {
  static Result<PluginFile> read(const std::filesystem::path& file);

  std::filesystem::path path;
  std::string manifest_text;
  plugin::Manifest manifest;
};

// One check's view of one feature, or of the file. Not thread-safe but for call().
class Subject {
 public:
  // `feature`: null for a check of the file. `config` is checked and completed when it is used.
  Subject(const PluginFile& file, const plugin::Feature* feature, Json config, std::uint64_t seed)
      : file_(file), feature_(feature), config_(std::move(config)), random_(seed) {}

  const PluginFile& file() const { return file_; }
  const plugin::Feature& feature() const { return *feature_; }
  plugin::ElfFile elf() const;
  std::mt19937_64& random() { return random_; }
  Host& host() { return host_; }

  // The plugin's code. Failed where a worker would not load it; Skipped after forbid_code().
  const plugin::Loaded& code();
  void forbid_code() { code_forbidden_ = true; }
  // As a host gives it: the given one with defaults. Failed where the schema refuses that, and
  // Skipped where none was given and the schema asks for one.
  Json config();
  // With config(). Failed where the plugin refuses it.
  std::unique_ptr<runtime::Instance> create();
  Result<std::unique_ptr<runtime::Instance>> try_create(const Json& config);
  // As a workflow or a task is, whose parameters come with each call.
  std::unique_ptr<runtime::Instance> create_without_config();
  // Of a workflow: the spec of a job, which is the given configuration with defaults, or an
  // example.
  Json spec();
  // As it stands, past everything that a host does. The instance is destroyed.
  Status create_raw(const char* id, const char* kind, std::string_view config);

  // interface->*function(instance, arguments..., &error), noted as the call in progress. Failed
  // where the plugin leaves the function out, or reports a fault of its own; any other refusal is
  // returned. Any thread.
  template <class Interface, class... Parameters, class... Arguments>
  Status call(runtime::Instance& instance,
              skerry_status (*Interface::*function)(skerry_instance*, Parameters...),
              const char* name, Arguments... arguments) {
    const Interface& interface = instance.as<Interface>();
    const auto member = interface.*function;
    expect(member != nullptr, std::string("has no function `") + name + "`; set it");
    const auto scope = instance.calling(name);
    return checked(name, runtime::call("", [&](skerry_error* error) {
                     return member(instance.get(), arguments..., error);
                   }));
  }
  // For calls that make no sense: how they are answered does not matter.
  template <class Call>
  void survive(Call&& senseless) {
    try {
      static_cast<void>(senseless());
    } catch (const Failed&) {
    }
  }

 private:
  static Status checked(const char* name, Status status);
  static std::unique_ptr<runtime::Instance> created(
      Result<std::unique_ptr<runtime::Instance>> result);

  const PluginFile& file_;
  const plugin::Feature* feature_;
  Json config_;
  std::mt19937_64 random_;
  Host host_;
  plugin::Loader loader_;
  std::optional<plugin::Loaded> code_;
  bool code_forbidden_ = false;
};

// Failed with what the plugin said, where a call that has to succeed did not.
void expect_ok(const Status& status, std::string_view call);

// Memory with a pattern before and after it, to see whether somebody writes beside it.
template <class T>
class Fenced {
 public:
  explicit Fenced(std::size_t count)
      : memory_((2 * kFence + count * sizeof(T)), std::byte{kPattern}), count_(count) {}

  T* data() { return reinterpret_cast<T*>(memory_.data() + kFence); }
  std::size_t size() const { return count_; }
  std::vector<T> values() { return {data(), data() + count_}; }
  bool whole() const {
    for (std::size_t i = 0; i < kFence; ++i) {
      if (memory_[i] != std::byte{kPattern} ||
          memory_[memory_.size() - 1 - i] != std::byte{kPattern})
        return false;
    }
    return true;
  }

 private:
  static constexpr std::size_t kFence = 256;  // bytes; keeps the alignment of new
  static constexpr unsigned char kPattern = 0xA5;
  std::vector<std::byte> memory_;
  std::size_t count_;
};

// Bit for bit: NaNs are equal to themselves, zeros of different signs are not equal.
template <class T>
bool same_bits(const std::vector<T>& a, const std::vector<T>& b) {
  return a.size() == b.size() &&
         (a.empty() || std::memcmp(a.data(), b.data(), a.size() * sizeof(T)) == 0);
}

// The first byte of a dense tensor that a plugin gave. Failed where it is none; `what` names it.
const std::uint8_t* data_of(const skerry_tensor& tensor, const std::string& what);

// Normally distributed.
std::vector<float> random_floats(std::mt19937_64& random, std::size_t count);

}  // namespace skerry::conformance
