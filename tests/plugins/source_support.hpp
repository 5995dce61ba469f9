// A source as a worker uses it: opened, asked for examples, told when they are done with.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <limits>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "plugin_under_test.hpp"

namespace skerry_test {

// A host whose log any thread may write to, and a test wait for.
class LoggingHost {
 public:
  LoggingHost() {
    host_.struct_size = sizeof(host_);
    host_.abi_major = SKERRY_ABI_MAJOR;
    host_.abi_minor = SKERRY_ABI_MINOR;
    host_.ctx = this;
    host_.log = [](const skerry_host* host, std::int32_t, const char* text) {
      auto& self = *static_cast<LoggingHost*>(host->ctx);
      const std::lock_guard lock(self.mutex_);
      self.lines_.emplace_back(text);
      self.changed_.notify_all();
    };
    host_.cancelled = [](const skerry_host*, std::uint64_t) { return 0; };
    host_.get_extension = [](const skerry_host*, const char*) -> const void* { return nullptr; };
  }
  LoggingHost(const LoggingHost&) = delete;
  LoggingHost& operator=(const LoggingHost&) = delete;

  const skerry_host* abi() const { return &host_; }

  // How many lines so far have this in them.
  std::size_t count(const std::string& text) {
    const std::lock_guard lock(mutex_);
    return count_locked(text);
  }
  // False where none came within 20 s.
  bool wait_for(const std::string& text) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds(20),
                             [&] { return count_locked(text) > 0; });
  }

 private:
  std::size_t count_locked(const std::string& text) const {
    return static_cast<std::size_t>(std::count_if(
        lines_.begin(), lines_.end(),
        [&](const std::string& line) { return line.find(text) != std::string::npos; }));
  }

  skerry_host host_ = {};
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::string> lines_;
};

// An example, copied.
struct Given {
  std::uint64_t number = 0;
  double seconds = 0;
  std::int64_t label = 0;
  std::string name;
  std::vector<std::int64_t> shape;
  std::vector<std::uint8_t> levels;

  int mean() const {
    std::uint64_t sum = 0;
    for (const std::uint8_t each : levels) sum += each;
    return static_cast<int>(sum / levels.size());
  }
};

class SourceUnderTest {
 public:
  using Shape = std::vector<std::int64_t>;

  SourceUnderTest(PluginUnderTest& plugin, const std::string& id, const nlohmann::json& config)
      : instance_(create(plugin.entry(), id, config)) {}

  Outcome open(const Shape& shape) {
    skerry_service_form form = {};
    form.struct_size = sizeof(form);
    form.ndim = static_cast<std::uint32_t>(shape.size());
    std::copy(shape.begin(), shape.end(), form.shape);
    form.classes = 10;
    form.scale = 1.0F / 255;
    return instance_->call(&skerry_source_v1::open, static_cast<const skerry_service_form*>(&form));
  }
  void must_open(const Shape& shape) {
    const Outcome outcome = open(shape);
    ASSERT_TRUE(outcome.ok()) << outcome;
  }

  // The next example; nothing where none came within `timeout`, or the source has ended.
  std::optional<Given> next(std::chrono::milliseconds timeout = std::chrono::seconds(20)) {
    skerry_item item = {};
    item.struct_size = sizeof(item);
    item.seconds = std::numeric_limits<double>::quiet_NaN();
    item.name = "";
    const Outcome outcome = instance_->call(
        &skerry_source_v1::next, static_cast<std::uint64_t>(timeout.count()) * 1000, &item);
    EXPECT_TRUE(outcome.ok() || outcome.status == SKERRY_RETRY) << outcome;
    ended_ = outcome.ok() && item.tensor.data == nullptr;
    if (!outcome.ok() || ended_) return std::nullopt;
    EXPECT_EQ(item.tensor.dtype_code, SKERRY_UINT);
    EXPECT_EQ(item.tensor.dtype_bits, 8);
    Given given{item.number, item.seconds, item.label, item.name, {}, {}};
    given.shape.assign(item.tensor.shape, item.tensor.shape + item.tensor.ndim);
    std::size_t size = 1;
    for (const std::int64_t extent : given.shape) size *= static_cast<std::size_t>(extent);
    const auto* levels = static_cast<const std::uint8_t*>(item.tensor.data);
    given.levels.assign(levels, levels + size);
    return given;
  }

  // All that come until the end.
  std::vector<Given> all() {
    std::vector<Given> given;
    while (auto each = next()) given.push_back(std::move(*each));
    EXPECT_TRUE(ended_) << "nothing came for 20 s";
    return given;
  }

  // Said by the last call of next().
  bool ended() const { return ended_; }

  void done(std::uint64_t number) {
    const Outcome outcome = instance_->call(&skerry_source_v1::done, number);
    EXPECT_TRUE(outcome.ok()) << outcome;
  }

  LoggingHost& host() { return host_; }
  void destroy() { instance_.reset(); }

 private:
  std::unique_ptr<Instance<skerry_source_v1>> create(const skerry_entry& entry,
                                                     const std::string& id,
                                                     const nlohmann::json& config) {
    const std::string text = config.dump();
    skerry_instance* raw = nullptr;
    const Outcome outcome = outcome_of([&](skerry_error* error) {
      return entry.create(host_.abi(), id.c_str(), "source/1",
                          {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()}, &raw,
                          error);
    });
    if (!outcome.ok()) throw std::runtime_error(outcome.field + ": " + outcome.message);
    return std::make_unique<Instance<skerry_source_v1>>(
        entry, raw, static_cast<const skerry_source_v1*>(entry.get_interface(raw, "source/1")));
  }

  LoggingHost host_;
  std::unique_ptr<Instance<skerry_source_v1>> instance_;
  bool ended_ = false;
};

}  // namespace skerry_test
