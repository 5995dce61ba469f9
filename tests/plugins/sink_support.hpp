// Gives a sink outcomes through the C ABI.
//
//   SinkUnderTest sink("jsonl", {{"path", folder.path("a.jsonl")}});
//   sink.open({1, 2, 2}, 10);
//   sink.write(answer({0.1F, 0.9F}));
#pragma once

#include <gtest/gtest.h>
#include <sched.h>
#include <skerry/abi.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "plugin_under_test.hpp"

namespace sink_test {

using Json = nlohmann::json;
using skerry_test::Folder;
using skerry_test::Instance;
using skerry_test::Outcome;
using skerry_test::PluginUnderTest;

// What a service said of an example; the example is `levels`, or where there are none `values`.
struct Said {
  std::string service = "digits", source = "sources[0]";
  std::uint64_t number = 0;
  double seconds = std::numeric_limits<double>::quiet_NaN();
  std::int64_t label = -1;
  std::string name;
  std::vector<std::uint8_t> levels;
  std::vector<float> values;
  std::string code, message;
  std::vector<float> outputs;
  bool by_cloud = false, hard = false, fallback = false, late = false;
  double score = 0.5;
  std::uint64_t version = 1;
  std::uint32_t total_us = 0, wire_us = 0, queue_us = 0, compute_us = 0;
};

inline Said answer(std::vector<float> outputs) {
  Said said;
  said.outputs = std::move(outputs);
  return said;
}
inline Said of_cloud(std::vector<float> outputs) {
  Said said = answer(std::move(outputs));
  said.by_cloud = said.hard = true;
  return said;
}
inline Said refusal(const std::string& code, const std::string& message) {
  Said said;
  said.code = code;
  said.message = message;
  return said;
}

class SinkUnderTest {
 public:
  SinkUnderTest(const std::string& id, const Json& config)
      : plugin_(std::make_unique<PluginUnderTest>(id)),
        sink_(plugin_->create<skerry_sink_v1>(id, config)) {}

  Outcome open(const std::vector<std::int64_t>& shape, std::uint32_t classes,
               float scale = 1 / 255.0F) {
    shape_ = shape;
    skerry_service_form form = {};
    form.struct_size = sizeof form;
    form.ndim = static_cast<std::uint32_t>(shape.size());
    std::copy(shape.begin(), shape.end(), form.shape);
    form.classes = classes;
    form.scale = scale;
    return sink_.call(&skerry_sink_v1::open, &form);
  }

  Outcome write(Said said) { return write(std::move(said), shape_); }
  // An example that has no elements is black.
  Outcome write(Said said, const std::vector<std::int64_t>& shape) {
    std::size_t elements = 1;
    for (const std::int64_t extent : shape) elements *= static_cast<std::size_t>(extent);
    if (said.levels.empty() && said.values.empty()) said.levels.resize(elements);
    const skerry_item item = item_of(said, shape);
    const skerry_outcome outcome = outcome_of(said, item);
    return sink_.call(&skerry_sink_v1::write, &outcome);
  }

  Outcome close() { return sink_.call(&skerry_sink_v1::close); }

 private:
  // Both borrow what they are made of.
  static skerry_item item_of(Said& said, const std::vector<std::int64_t>& shape) {
    const bool levels = said.values.empty();
    skerry_item item = {};
    item.struct_size = sizeof item;
    item.number = said.number;
    item.seconds = said.seconds;
    item.label = said.label;
    item.name = said.name.c_str();
    item.tensor.data = levels ? static_cast<void*>(said.levels.data()) : said.values.data();
    item.tensor.device_type = SKERRY_CPU;
    item.tensor.ndim = static_cast<std::int32_t>(shape.size());
    item.tensor.dtype_code = levels ? SKERRY_UINT : SKERRY_FLOAT;
    item.tensor.dtype_bits = levels ? 8 : 32;
    item.tensor.dtype_lanes = 1;
    item.tensor.shape = shape.data();
    return item;
  }
  static skerry_outcome outcome_of(const Said& said, const skerry_item& item) {
    skerry_outcome outcome = {};
    outcome.struct_size = sizeof outcome;
    outcome.count = static_cast<std::uint32_t>(said.outputs.size());
    outcome.service = said.service.c_str();
    outcome.source = said.source.c_str();
    outcome.item = &item;
    outcome.code = said.code.c_str();
    outcome.message = said.message.c_str();
    outcome.outputs = said.outputs.data();
    outcome.by_cloud = said.by_cloud;
    outcome.hard = said.hard;
    outcome.fallback = said.fallback;
    outcome.late = said.late;
    outcome.score = said.score;
    outcome.version = said.version;
    outcome.total_us = said.total_us;
    outcome.wire_us = said.wire_us;
    outcome.queue_us = said.queue_us;
    outcome.compute_us = said.compute_us;
    return outcome;
  }

  std::unique_ptr<PluginUnderTest> plugin_;
  Instance<skerry_sink_v1> sink_;
  std::vector<std::int64_t> shape_;
};

inline std::string content_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

// Names in a folder, hidden ones too, sorted.
inline std::vector<std::string> names_in(const std::string& folder) {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(folder))
    names.push_back(entry.path().filename().string());
  std::sort(names.begin(), names.end());
  return names;
}

// While it lives no file of this process grows beyond so many bytes, as on a full disk: the write
// that would pass the limit writes up to it, and the next one fails.
class FullDisk {
 public:
  explicit FullDisk(rlim_t bytes) : signal_(std::signal(SIGXFSZ, SIG_IGN)) {
    ::getrlimit(RLIMIT_FSIZE, &before_);
    const rlimit limit{bytes, before_.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &limit);
  }
  FullDisk(const FullDisk&) = delete;
  FullDisk& operator=(const FullDisk&) = delete;
  ~FullDisk() {
    ::setrlimit(RLIMIT_FSIZE, &before_);
    std::signal(SIGXFSZ, signal_);
  }

 private:
  void (*signal_)(int);
  rlimit before_{};
};

// A folder with a disk of its own, of so many bytes, where this process may mount one: root may. It
// is seen by nobody else, and gone with the process.
class SmallDisk {
 public:
  SmallDisk(std::string folder, std::size_t bytes) : folder_(std::move(folder)) {
    static const bool may = ::unshare(CLONE_NEWNS) == 0 &&
                            ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0;
    std::filesystem::create_directories(folder_);
    const std::string size = "size=" + std::to_string(bytes);
    mounted_ = may && ::mount("tmpfs", folder_.c_str(), "tmpfs", 0, size.c_str()) == 0;
  }
  SmallDisk(const SmallDisk&) = delete;
  SmallDisk& operator=(const SmallDisk&) = delete;
  ~SmallDisk() {
    if (mounted_) ::umount2(folder_.c_str(), MNT_DETACH);
  }
  bool mounted() const { return mounted_; }

 private:
  std::string folder_;
  bool mounted_ = false;
};

// Root may write anywhere: while this lives, root is another user.
class NotRoot {
 public:
  NotRoot() : was_root_(::geteuid() == 0) {
    if (was_root_ && ::seteuid(65534) != 0) ADD_FAILURE() << "root cannot become another user";
  }
  NotRoot(const NotRoot&) = delete;
  NotRoot& operator=(const NotRoot&) = delete;
  ~NotRoot() {
    if (was_root_ && ::seteuid(0) != 0) std::abort();
  }

 private:
  bool was_root_;
};

}  // namespace sink_test
