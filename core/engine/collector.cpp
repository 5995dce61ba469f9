#include "core/engine/collector.hpp"

#include <fmt/format.h>

#include <cstdlib>
#include <system_error>

#include "core/base/failpoint.hpp"
#include "core/base/log.hpp"

namespace skerry::engine {
namespace {

namespace fs = std::filesystem;

constexpr std::chrono::milliseconds kEvery = std::chrono::minutes(1);
// A turn takes well under 10 ms: a row that is looked at costs some microseconds.
constexpr int kRowsATurn = 128;
constexpr std::size_t kFilesATurn = 256;
constexpr int kTurnsAPass = 64;
constexpr int kShardsAPass = 32;
constexpr std::size_t kMaxPartials = 4096;

struct Partial {
  std::string name;
  std::uint64_t size = 0;
};

std::vector<Partial> list(const fs::path& folder) {
  std::vector<Partial> found;
  std::error_code error;
  for (fs::directory_iterator entry(folder, error), end;
       !error && entry != end && found.size() < kMaxPartials; entry.increment(error)) {
    std::error_code unknown;
    const auto size = entry->file_size(unknown);
    found.push_back({entry->path().filename().string(), unknown ? 0 : size});
  }
  return found;
}

void remove_aside(Loop& loop, const fs::path& file) {
  loop.aside(
      [file] {
        std::error_code gone_already;
        fs::remove(file, gone_already);
      },
      [] {});
}

}  // namespace

void free_file(Loop& loop, store::BlobStore& blobs, const Digest& digest) {
  if (const auto gone = must(blobs.discard(digest))) remove_aside(loop, *gone);
}

bool keeps_every_blob() {
#ifdef SKERRY_FAILPOINTS
  return std::getenv("SKERRY_KEEP_BLOBS") != nullptr;
#else
  return false;
#endif
}

namespace {

std::chrono::milliseconds pause() {
#ifdef SKERRY_FAILPOINTS
  if (const char* millis = std::getenv("SKERRY_COLLECT_EVERY"))
    return std::chrono::milliseconds(std::strtoul(millis, nullptr, 10));
#endif
  return kEvery;
}

}  // namespace

Collector::Collector(Loop& loop, Unit& unit, store::BlobStore& blobs, Needs needs)
    : loop_(loop),
      unit_(unit),
      blobs_(blobs),
      needs_(std::move(needs)),
      select_(
          fmt::format("SELECT digest, size, {} FROM blob WHERE digest > ? ORDER BY digest LIMIT {}",
                      needs_.blob, kRowsATurn)) {}

void Collector::start() {
  alarm_ = loop_.after(pause(), [this] { pass(); });
}

void Collector::pass() {
  keeps_every_blob() ? look_at_partials() : look_at_rows(kTurnsAPass);
}

void Collector::look_at_rows(int turns) {
  struct Row {
    Digest digest;
    std::uint64_t size;
  };
  std::vector<Row> unneeded;
  int rows = 0;
  {
    auto select = unit_.sql(select_);
    select.bind(1, row_);
    for (; must(select.step()); ++rows) {
      row_ = must(select.column_digest(0));
      if (select.column_int(2) == 0)
        unneeded.push_back({row_, static_cast<std::uint64_t>(select.column_int(1))});
    }
  }
  if (!unneeded.empty()) {
    const Unit::Scope scope(unit_);
    for (const Row& row : unneeded) {
      must(blobs_.forget(row.digest));
      ++freed_.blobs;
      freed_.bytes += row.size;
      unit_.after_commit([this, digest = row.digest] { free_file(loop_, blobs_, digest); });
    }
    SKERRY_FAILPOINT("collector.blobs.forgotten");
  }
  if (rows < kRowsATurn) row_ = Digest{};  // the next pass begins anew
  if (rows < kRowsATurn || turns == 1) return look_at_partials();
  loop_.post([this, turns] { look_at_rows(turns - 1); });
}

void Collector::look_at_partials() {
  const auto found = std::make_shared<std::vector<Partial>>();
  loop_.aside([folder = needs_.partials, found] { *found = list(folder); },
              [this, found] {
                for (const Partial& partial : *found) {
                  if (needs_.partial(partial.name)) continue;
                  remove_aside(loop_, needs_.partials / partial.name);
                  ++freed_.partials;
                  freed_.bytes += partial.size;
                }
                look_at_shards(kShardsAPass);
              });
}

void Collector::look_at_shards(int shards) {
  if (shards == 0) return end_pass();
  const auto files = std::make_shared<Files>();
  const unsigned shard = std::exchange(shard_, (shard_ + 1) % store::BlobStore::kShards);
  loop_.aside([this, files, shard] { *files = blobs_.files_in(shard); },
              [this, files, shards] { look_at_files(files, 0, shards); });
}

void Collector::look_at_files(const std::shared_ptr<Files>& files, std::size_t from, int shards) {
  const std::size_t end = std::min(files->size(), from + kFilesATurn);
  for (std::size_t i = from; i < end; ++i) {
    const auto& file = (*files)[i];
    if (file.age < needs_.grace) continue;
    const auto gone = must(blobs_.discard(file.digest));
    if (!gone) continue;
    remove_aside(loop_, *gone);
    ++freed_.files;
    freed_.bytes += file.size;
  }
  if (end == files->size()) return look_at_shards(shards - 1);
  loop_.post([this, files, end, shards] { look_at_files(files, end, shards); });
}

void Collector::end_pass() {
  if (freed_.bytes != told_.bytes || freed_.blobs != told_.blobs) {
    log_info(fmt::format(
        "freed what nothing needs any more: {} blobs, {} files without a row, {} partial "
        "transfers; {} bytes",
        freed_.blobs - told_.blobs, freed_.files - told_.files, freed_.partials - told_.partials,
        freed_.bytes - told_.bytes));
    told_ = freed_;
  }
  start();
}

}  // namespace skerry::engine
