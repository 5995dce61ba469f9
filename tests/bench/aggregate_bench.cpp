// How fast is the averaging of 10 updates of 25 M float32 parameters, compared with merely reading
// as many bytes?
//
//   aggregate_bench [--updates N] [--millions N] [--threads N] [--dir DIR] [--plugins DIR] [--rule
//   ID]
//
// "memory": the updates lie in anonymous memory, and the rule is called tile by tile from all
// threads as the driver does, writing the new model to memory. "mapped files": the whole driver,
// from mapped files that the page cache holds to the output file with its digest. Bandwidth counts
// the bytes of the updates, each once. The ratio is to the memory-read bandwidth of the same run,
// threads and memory. Best of several runs each.
#include <sys/mman.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <memory>
#include <thread>
#include <vector>

#include "core/base/digest.hpp"
#include "core/base/file.hpp"
#include "core/base/json.hpp"
#include "core/config/job.hpp"
#include "core/config/schema.hpp"
#include "core/plugin/catalog.hpp"
#include "core/plugin/loader.hpp"
#include "core/runtime/aggregation_driver.hpp"
#include "core/runtime/instance.hpp"
#include "core/tensor/safetensors.hpp"

namespace skerry {
namespace {

constexpr int kRepeats = 5;

struct Options {
  std::size_t updates = 10;
  std::size_t millions = 25;
  std::uint32_t threads = 2;
  std::string dir = "/tmp";
  std::string plugins = SKERRY_PLUGINS;
  std::string rule = "fedavg";
  std::size_t elements() const { return millions * 1'000'000; }
  double bytes() const { return static_cast<double>(updates * elements() * sizeof(float)); }
};

template <class T>
T must(Result<T> result) {
  if (result) return std::move(*result);
  std::fprintf(stderr, "%s\n", result.error().text().c_str());
  std::exit(1);
}

class Services final : public runtime::HostServices {
 public:
  explicit Services(std::uint32_t threads) : threads_(threads) {}
  std::uint32_t threads() const override { return threads_; }
  bool cancelled(std::uint64_t) const override { return false; }
  Result<skerry_feature> open(std::string_view) override {
    return fail(Code::not_found, "no slots here");
  }
  runtime::TaskServices* task() override { return nullptr; }

 private:
  std::uint32_t threads_;
};

// Pages of its own, touched.
class Memory {
 public:
  Memory(std::size_t elements, float seed) : size_(elements * sizeof(float)) {
    void* pages = mmap(nullptr, size_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (pages == MAP_FAILED) std::abort();
    data_ = static_cast<float*>(pages);
    for (std::size_t i = 0; i < elements; ++i)
      data_[i] = seed + static_cast<float>(i % 1000) * 1e-3f;
  }
  ~Memory() { munmap(data_, size_); }
  Memory(const Memory&) = delete;
  Memory& operator=(const Memory&) = delete;
  float* data() const { return data_; }

 private:
  std::size_t size_;
  float* data_ = nullptr;
};

double best_seconds(const std::function<void()>& work) {
  double best = 1e9;
  for (int i = 0; i < kRepeats; ++i) {
    const auto begin = std::chrono::steady_clock::now();
    work();
    best = std::min(
        best, std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count());
  }
  return best;
}

void on_threads(std::uint32_t threads, const std::function<void(std::uint32_t)>& work) {
  std::vector<std::jthread> helpers;
  for (std::uint32_t i = 1; i < threads; ++i) helpers.emplace_back([&work, i] { work(i); });
  work(0);
}

// Reads every byte once; the sum keeps the compiler from leaving it out.
std::uint64_t sum_of(const float* data, std::size_t count) {
  const auto* words = reinterpret_cast<const std::uint64_t*>(data);
  std::uint64_t sums[8] = {};
  for (std::size_t i = 0; i + 8 <= count / 2; i += 8)
    for (std::size_t k = 0; k < 8; ++k) sums[k] += words[i + k];
  std::uint64_t sum = 0;
  for (auto each : sums) sum += each;
  return sum;
}

double read_seconds(const Options& options, const std::vector<std::unique_ptr<Memory>>& updates) {
  std::atomic<std::uint64_t> sink = 0;
  return best_seconds([&] {
    on_threads(options.threads, [&](std::uint32_t thread) {
      const std::size_t begin = options.elements() * thread / options.threads / 2 * 2;
      const std::size_t end = options.elements() * (thread + 1) / options.threads;
      for (const auto& update : updates) sink += sum_of(update->data() + begin, end - begin);
    });
  });
}

std::vector<skerry_update> senders(const Options& options) {
  std::vector<skerry_update> result;
  for (std::size_t i = 0; i < options.updates; ++i) result.push_back({"edge", 100 + i, 0.5});
  return result;
}

std::unique_ptr<runtime::Instance> open_rule(const Options& options,
                                             runtime::HostServices& services) {
  static const auto catalog = plugin::Catalog::scan({options.plugins});
  const auto* feature = must(catalog.find("aggregation/1", options.rule));
  const auto code = must(plugin::Loader().load(*feature));
  std::vector<Problem> problems;
  const auto config =
      config::apply_schema(config::config_schema(*feature), Json::object(), {}, problems);
  return must(runtime::Instance::create(code, *feature, config, services));
}

void expect_ok(skerry_status status, const skerry_error& error) {
  if (status == SKERRY_OK) return;
  std::fprintf(stderr, "the rule failed: %s\n", error.message);
  std::exit(1);
}

double memory_seconds(const Options& options, const runtime::Instance& rule,
                      const std::vector<std::unique_ptr<Memory>>& updates) {
  constexpr std::size_t kTile = 32 * 1024;
  const auto& functions = rule.as<skerry_aggregation_v1>();
  const auto who = senders(options);
  const Memory output(options.elements(), 0);
  const std::int64_t shape[] = {static_cast<std::int64_t>(options.elements())};
  skerry_named_tensor schema{"weights",
                             {nullptr, SKERRY_CPU, 0, 1, SKERRY_FLOAT, 32, 1, shape, nullptr, 0}};
  return best_seconds([&] {
    skerry_error error{};
    error.struct_size = sizeof error;
    expect_ok(functions.begin(rule.get(), &schema, 1, who.data(), who.size(), &error), error);
    std::atomic<std::size_t> next = 0;
    on_threads(options.threads, [&](std::uint32_t) {
      skerry_error failure{};
      failure.struct_size = sizeof failure;
      std::vector<const void*> inputs(updates.size());
      for (std::size_t begin; (begin = next.fetch_add(kTile)) < options.elements();) {
        for (std::size_t i = 0; i < updates.size(); ++i) inputs[i] = updates[i]->data() + begin;
        skerry_tile tile{};
        tile.struct_size = sizeof tile;
        tile.dtype_code = SKERRY_FLOAT;
        tile.dtype_bits = 32;
        tile.clients = static_cast<std::uint32_t>(inputs.size());
        tile.offset = begin;
        tile.count = std::min(kTile, options.elements() - begin);
        tile.inputs = inputs.data();
        tile.output = output.data() + begin;
        expect_ok(functions.combine(rule.get(), &tile, &failure), failure);
      }
    });
  });
}

struct DriverSeconds {
  double all = 0;
  double digest = 0;
};

DriverSeconds driver_seconds(const Options& options, const runtime::Instance& rule,
                             const std::vector<std::unique_ptr<Memory>>& updates) {
  const auto dir = must(TempDir::create(options.dir));
  std::vector<MappedFile> files;
  runtime::AggregationTask task{.rule = &rule.as<skerry_aggregation_v1>(),
                                .instance = rule.get(),
                                .who = rule.who(),
                                .updates = senders(options),
                                .output = dir.path() / "output",
                                .threads = options.threads};
  for (std::size_t i = 0; i < updates.size(); ++i) {
    std::vector<tensor::TensorSpec> specs{
        {.name = "weights",
         .dtype = "F32",
         .shape = {static_cast<std::int64_t>(options.elements())}}};
    const auto path = dir.path() / std::to_string(i);
    std::FILE* file = std::fopen(path.c_str(), "wb");
    const auto header = tensor::encode_header(specs);
    std::fwrite(header.data(), 1, header.size(), file);
    std::fwrite(updates[i]->data(), sizeof(float), options.elements(), file);
    std::fclose(file);
    files.push_back(must(MappedFile::open(path)));
    task.inputs.push_back({path.filename(), files.back().bytes(), true});
  }
  DriverSeconds seconds;
  seconds.all = best_seconds([&] { must(runtime::run_aggregation(task)); });
  seconds.digest = best_seconds([&] { must(digest_of_file(task.output)); });
  return seconds;
}

void print(const char* what, double bytes, double seconds, double reference) {
  std::printf("%-46s %8.3f s %8.2f GB/s   ratio %.2f\n", what, seconds, bytes / seconds * 1e-9,
              reference / seconds);
}

int bench(int argc, char** argv) {
  Options options;
  CLI::App app("Measures the aggregation of large updates");
  app.add_option("--updates", options.updates, "how many updates");
  app.add_option("--millions", options.millions, "millions of float32 parameters in each");
  app.add_option("--threads", options.threads, "threads, for reading and for averaging");
  app.add_option("--dir", options.dir, "where the files of the second measurement go");
  app.add_option("--plugins", options.plugins, "where the rule's plugin is");
  app.add_option("--rule", options.rule, "id of the aggregation");
  CLI11_PARSE(app, argc, argv);

  Services services(options.threads);
  const auto rule = open_rule(options, services);
  std::vector<std::unique_ptr<Memory>> updates;
  for (std::size_t i = 0; i < options.updates; ++i)
    updates.push_back(std::make_unique<Memory>(options.elements(), static_cast<float>(i)));

  std::printf("%s over %zu updates of %zu M float32 (%.2f GB), %u threads, best of %d\n",
              options.rule.c_str(), options.updates, options.millions, options.bytes() * 1e-9,
              options.threads, kRepeats);
  const double read = read_seconds(options, updates);
  print("memory read (sum of all words)", options.bytes(), read, read);
  print("averaging, updates in memory", options.bytes(), memory_seconds(options, *rule, updates),
        read);
  const auto driver = driver_seconds(options, *rule, updates);
  print("averaging from mapped files to a file", options.bytes(), driver.all, read);
  print("  the same without the digest of the output", options.bytes(), driver.all - driver.digest,
        read);
  return 0;
}

}  // namespace
}  // namespace skerry

int main(int argc, char** argv) {
  return skerry::bench(argc, argv);
}
