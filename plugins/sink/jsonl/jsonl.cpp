// A line of JSON for each outcome, appended to a file.
#include "../outcomes.hpp"
#include "line.hpp"
#include "log_file.hpp"

namespace {

constexpr std::int64_t kLeastBytes = 1024;

class Jsonl : public skerry::Sink {
 public:
  explicit Jsonl(const skerry::Config& config)
      : only_(config, {"all", "hard", "cloud", "late", "fallback"}, "all"),
        content_{config.boolean("outputs", true), config.boolean("example", false)},
        file_(config.string("path"), most_bytes(config)) {}

  void open(const skerry::ServiceForm& form) override {
    content_.classes = form.classes > 0;
    file_.open();
  }

  void write(const skerry::Outcome& outcome) override {
    if (only_.takes(outcome))
      file_.append(jsonl::line_of(outcome, content_, std::chrono::system_clock::now()));
  }

  void close() override { file_.close(); }

 private:
  static std::uint64_t most_bytes(const skerry::Config& config) {
    if (!config.has("maxBytes")) return 0;
    const std::int64_t bytes = config.integer("maxBytes");
    if (bytes < kLeastBytes)
      throw skerry::invalid("maxBytes", "must be at least " + std::to_string(kLeastBytes));
    return static_cast<std::uint64_t>(bytes);
  }

  const sink::Only only_;
  jsonl::Content content_;
  jsonl::LogFile file_;
};

}  // namespace

SKERRY_PLUGIN(skerry::feature<Jsonl>("jsonl"));
