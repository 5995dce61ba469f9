// What holds for every feature, of whatever kind.
#include <unistd.h>
#include <filesystem>
#include <fstream>
#include <thread>

#include "core/base/sanitizer.hpp"
#include "core/config/schema.hpp"
#include "core/conformance/subject.hpp"

namespace skerry::conformance {
namespace {

using Clock = std::chrono::steady_clock;

std::size_t count_of(const char* folder) {
  std::size_t count = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    static_cast<void>(entry);
    ++count;
  }
  return count;
}
std::size_t threads() {
  return count_of("/proc/self/task");
}
std::size_t descriptors() {
  return count_of("/proc/self/fd");
}

// Bytes in memory now.
std::size_t resident() {
  std::size_t pages = 0;
  std::ifstream statm("/proc/self/statm");
  statm >> pages >> pages;
  return pages * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
}

void create_and_destroy(Subject& subject) {
  subject.create();
}

void create_destroy_1000(Subject& subject) {
  constexpr int kTimes = 1000, kWarm = 20;
  constexpr std::size_t kGrowth = 16u << 20;
  const Json config = subject.config();
  std::size_t memory = 0, files = 0;
  const auto limit = Clock::now() + std::chrono::seconds(10);
  int times = 0;
  for (; times < kTimes && Clock::now() < limit; ++times) {
    if (times == 1 || times == kWarm) {
      memory = resident();
      files = descriptors();
    }
    const auto created = subject.try_create(config);
    if (!created)
      throw Failed{"create() number " + std::to_string(times + 1) +
                   " failed: " + created.error().text()};
  }
  expect(files == 0 || descriptors() <= files,
         "each instance leaves files open; close them in the destructor");
  expect(kSanitized || memory == 0 || resident() < memory + kGrowth,
         "created and destroyed again and again, it takes more and more memory: " +
             std::to_string((resident() - memory) >> 20) + " MiB more after " +
             std::to_string(times) + " times");
}

// Libraries keep threads of their own for the next use; what grows with each instance is a leak.
void threads_joined(Subject& subject) {
  const Json config = subject.config();
  const auto cycle = [&] {
    if (const auto created = subject.try_create(config); !created)
      throw Failed{"create() failed: " + created.error().text()};
    const auto limit = Clock::now() + std::chrono::milliseconds(200);
    std::size_t now = threads();
    for (; Clock::now() < limit && now > 1; now = threads())
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    return now;
  };
  const std::size_t once = cycle();
  const std::size_t twice = cycle();
  expect(twice <= once,
         "each instance leaves a thread behind: " + std::to_string(twice - once) +
             " more after one more create() and destroy(); join it in the destructor");
}

void unknown_key_rejected(Subject& subject) {
  std::vector<Problem> problems;
  Json config = {{"no-such-key", 1}};
  config::apply_schema(subject.feature().schema, config, {.check_required = false}, problems);
  expect(!problems.empty(),
         "its schema takes any key, so that a misspelt one is silently ignored; list its keys");
}

void unknown_feature_refused(Subject& subject) {
  const Status status = subject.create_raw("no-such-feature", subject.feature().kind.c_str(), "{}");
  expect(!status.has_value(),
         "creates a feature that it does not have; refuse ids other than its own");
  const Status kind = subject.create_raw(subject.feature().id.c_str(), "no-such-kind/1", "{}");
  expect(!kind.has_value(),
         "creates its feature as one of an unknown kind; refuse kinds other than its own");
}

void unknown_interface_is_null(Subject& subject) {
  const auto instance = subject.create();
  const auto scope = instance->calling("get_interface");
  expect(subject.code().entry->get_interface(instance->get(), "no-such-kind/1") == nullptr,
         "get_interface() gives functions for a kind that it does not have; return NULL");
}

std::vector<Json> odd_values(std::mt19937_64& random) {
  return {nullptr,
          true,
          -1,
          0,
          static_cast<std::int64_t>(random()),
          1e308,
          -0.5,
          "",
          "text",
          std::string(5000, 'x'),
          Json::array(),
          Json::array({nullptr, "a", 1}),
          Json::object(),
          Json{{"a", Json::array({1})}}};
}

// A host checks a configuration before the plugin sees it; a plugin must survive one all the same.
void no_exception_escapes(Subject& subject) {
  const std::string id = subject.feature().id, kind = subject.feature().kind;
  const auto given = [&](const std::string& config) {
    const Status status = subject.create_raw(id.c_str(), kind.c_str(), config);
    expect(status.has_value() || !status.error().message.empty(),
           "refuses a configuration without a word; say why");
  };
  for (const char* text : {"", "{", "[]", "null", "1", "\"text\"", "{}", "{\"a\":", "\xff\xfe"})
    given(text);
  const Json properties = subject.feature().schema.value("properties", Json::object());
  for (const auto& [key, property] : properties.items()) {
    for (const Json& value : odd_values(subject.random())) given(dump_json({{key, value}}));
  }
}

// The path of a key that has no description, or "".
std::string undescribed(const Json& schema, const std::string& above) {
  const Json properties = schema.value("properties", Json::object());
  for (const auto& [key, property] : properties.items()) {
    if (property.value("description", "").empty()) return above + key;
    if (const std::string below = undescribed(property, above + key + "."); !below.empty())
      return below;
  }
  return {};
}

void keys_described(Subject& subject) {
  const std::string key = undescribed(subject.feature().schema, "");
  expect(key.empty(),
         "plugin.json: `" + key + "` has no description; say what it does, in its unit");
}

void summary_given(Subject& subject) {
  expect(!subject.feature().summary.empty(),
         "plugin.json: the feature has no summary; say in a sentence what it does");
}

}  // namespace

std::vector<Check> feature_checks() {
  return {
      {"create-destroy", "*", Level::required,
       "Is created with a configuration that its schema allows, and destroyed.",
       create_and_destroy},
      {"create-destroy-1000", "*", Level::required,
       "Created and destroyed a thousand times, or for ten seconds, it leaves no open file and at "
       "most 16 MiB behind.",
       create_destroy_1000},
      {"threads-joined", "*", Level::required, "When destroy() returns, its threads have ended.",
       threads_joined},
      {"unknown-key-rejected", "*", Level::required,
       "Its schema refuses a key that it does not know.", unknown_key_rejected},
      {"unknown-feature-refused", "*", Level::required,
       "Refuses to create a feature or a kind that it does not have.", unknown_feature_refused},
      {"unknown-interface-is-null", "*", Level::required,
       "Has no functions for a kind that it does not know.", unknown_interface_is_null},
      {"no-exception-escapes", "*", Level::required,
       "Whatever configuration it is given, create() answers: with an instance, or with an error "
       "that says why.",
       no_exception_escapes},
      {"keys-described", "*", Level::polished, "Each key of its configuration has a description.",
       keys_described},
      {"summary-given", "*", Level::polished, "The feature has a summary.", summary_given},
  };
}

}  // namespace skerry::conformance
