// What plugins cost their host: finding 500 of them, opening one, calling one.
//
// Prints each beside what it is compared with. Ends with status 1 where finding or opening takes
// longer than it may.
#include <dlfcn.h>
#include <fmt/format.h>
#include <skerry/abi.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "core/base/file.hpp"
#include "core/plugin/catalog.hpp"
#include "core/plugin/loader.hpp"
#include "core/runtime/abi_status.hpp"
#include "core/runtime/call_record.hpp"
#include "core/runtime/instance.hpp"

namespace skerry {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

struct Arguments {
  fs::path plugin = SKERRY_PLUGINS "/all.so";
  int files = 500;
  int calls = 1'000'000;
};

double milliseconds_since(Clock::time_point begin) {
  return std::chrono::duration<double, std::milli>(Clock::now() - begin).count();
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

std::string text_of(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

// Copies with an id each of the same length, so that the manifest keeps its size.
void make_copies(const fs::path& plugin, const fs::path& folder, int count) {
  const std::string original = text_of(plugin);
  const std::string id = "\"id\": \"all\"";
  for (int i = 0; i < count; ++i) {
    std::string copy = original;
    const std::string letters{static_cast<char>('a' + i / 676),
                              static_cast<char>('a' + i / 26 % 26),
                              static_cast<char>('a' + i % 26)};
    for (std::size_t at = copy.find(id); at != copy.npos; at = copy.find(id, at + 1))
      copy.replace(at, id.size(), "\"id\": \"" + letters + "\"");
    const fs::path file = folder / (letters + ".so");
    std::ofstream(file, std::ios::binary) << copy;
    fs::permissions(file, fs::perms(0755));
  }
}

bool is_mapped(const fs::path& folder) {
  return text_of("/proc/self/maps").find(folder.string()) != std::string::npos;
}

bool find_all(const fs::path& folder, int files) {
  constexpr double kMost = 200;
  std::vector<double> times, reads;
  for (int i = 0; i < 5; ++i) {
    auto begin = Clock::now();
    const auto catalog = plugin::Catalog::scan({folder});
    times.push_back(milliseconds_since(begin));
    if (catalog.features().size() != static_cast<std::size_t>(files)) {
      fmt::print("FAILED: found {} of {}\n", catalog.features().size(), files);
      return false;
    }
    begin = Clock::now();
    std::size_t bytes = 0;
    for (const auto& entry : fs::directory_iterator(folder)) bytes += text_of(entry.path()).size();
    reads.push_back(milliseconds_since(begin));
    if (bytes == 0) return false;
  }
  const bool opened = is_mapped(folder);
  fmt::print(
      "finding {} plugins: {:.1f} ms, {} of them opened; reading the files whole takes {:.1f} ms\n",
      files, median(times), opened ? "some" : "none", median(reads));
  return median(times) < kMost && !opened;
}

// Each copy is other code to the linker, as each plugin is.
bool open_each(const fs::path& folder) {
  constexpr double kMost = 2;
  const auto catalog = plugin::Catalog::scan({folder});
  plugin::Loader loader;
  std::vector<double> times, bare;
  for (std::size_t i = 0; i < 40; ++i) {
    const plugin::Feature& feature = catalog.features()[i];
    const auto begin = Clock::now();
    if (i % 2 == 0) {
      if (const auto loaded = loader.load(feature); !loaded) {
        fmt::print("FAILED: {}\n", loaded.error().text());
        return false;
      }
      times.push_back(milliseconds_since(begin));
    } else {
      if (::dlopen(feature.file.c_str(), RTLD_NOW | RTLD_LOCAL) == nullptr) return false;
      bare.push_back(milliseconds_since(begin));
    }
  }
  fmt::print("opening one: {:.2f} ms with all checks and a sealed copy; dlopen alone {:.2f} ms\n",
             median(times), median(bare));
  return median(times) < kMost;
}

skerry_status nothing(skerry_instance*, skerry_error*) {
  return SKERRY_OK;
}

// As the worker makes a call: noted for a crash report, its error turned into the core's.
void call_one(const fs::path& folder, int calls) {
  const fs::path record = folder / "calls";
  if (!runtime::create_call_record(record) || !runtime::open_call_record(record)) return;
  runtime::record_calls_of_this_thread();
  skerry_status (*volatile function)(skerry_instance*, skerry_error*) = nothing;
  const std::string who = "plugin x 1.0.0 (FILE)", digest(64, '0');
  skerry_error error = runtime::empty_error();
  const auto nanoseconds = [&](auto&& call) {
    std::vector<double> rounds;
    for (int round = 0; round < 7; ++round) {
      const auto begin = Clock::now();
      for (int i = 0; i < calls; ++i) call();
      rounds.push_back(1e6 * milliseconds_since(begin) / calls);
    }
    return median(rounds);
  };
  const double direct = nanoseconds([&] { return function(nullptr, &error); });
  const double hosted = nanoseconds([&] {
    const runtime::CallScope scope("x", digest, "aggregation/1", "combine");
    return runtime::call(who, [&](skerry_error* out) { return function(nullptr, out); })
        .has_value();
  });
  fmt::print("calling one: {:.0f} ns by the host, {:.1f} ns through the bare pointer\n", hosted,
             direct);
}

int run(const Arguments& arguments) {
  const auto folder = TempDir::create().value();
  fs::create_directory(folder.path() / "plugins");
  make_copies(arguments.plugin, folder.path() / "plugins", arguments.files);
  const bool found = find_all(folder.path() / "plugins", arguments.files);
  const bool opened = open_each(folder.path() / "plugins");
  call_one(folder.path(), arguments.calls);
  return found && opened ? EXIT_SUCCESS : EXIT_FAILURE;
}

}  // namespace
}  // namespace skerry

int main(int argc, char** argv) {
  CLI::App app("Measures what plugins cost their host. Example:\n  plugin_bench");
  skerry::Arguments arguments;
  app.add_option("--plugin", arguments.plugin, "all.so, to copy");
  app.add_option("--files", arguments.files, "how many to find")->check(CLI::Range(40, 17'000));
  app.add_option("--calls", arguments.calls, "in each of seven rounds")
      ->check(CLI::Range(1000, 100'000'000));
  CLI11_PARSE(app, argc, argv);
  return skerry::run(arguments);
}
