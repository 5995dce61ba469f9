#include "tests/fault/power_cut/campaign.hpp"

#include <algorithm>
#include <cstdio>
#include <thread>
#include <vector>

#include "tests/fault/support/memory_folder.hpp"

namespace skerry::fault {
namespace {

namespace fs = std::filesystem;

constexpr int kCutsOfASite = 25;
// Of a site that has places to cut, besides them.
constexpr int kCutsBesideAims = 8;
// A host may have died of something else just before it came to its last place.
constexpr int kTries = 3;

// Folders and files; not the sockets.
void keep(const fs::path& from, const fs::path& to) {
  std::error_code ignored;
  for (const auto& entry : fs::recursive_directory_iterator(from)) {
    const fs::path copy = to / entry.path().lexically_relative(from);
    if (entry.is_directory()) fs::create_directories(copy, ignored);
    if (entry.is_regular_file())
      fs::copy_file(entry.path(), copy, fs::copy_options::overwrite_existing, ignored);
  }
}

}  // namespace

void Campaign::run() {
  waiting_.push_back({});
  for (int tried = 0; tried < kTries && !aims_.empty() && !is_over(); ++tried) {
    aim(tried == 0 ? options_.lanes : 1);
    play_all();
  }
  compare_models();
}

// Dealt out like cards, so that each site has some of every kind.
void Campaign::aim(int shares) {
  std::vector<Places> hands(static_cast<std::size_t>(shares));
  std::size_t next = 0;
  for (const Place& place : aims_) hands[next++ % hands.size()].insert(place);
  for (Places& hand : hands) {
    if (hand.empty()) continue;
    promised_ += static_cast<int>(hand.size()) + kCutsBesideAims;
    waiting_.push_back({.aims = std::move(hand), .cuts = kCutsBesideAims});
  }
}

void Campaign::play_all() {
  std::vector<std::jthread> lanes;
  for (int i = 0; i < options_.lanes; ++i) {
    lanes.emplace_back([this] {
      while (const auto plan = next()) take(*plan, play(*plan));
    });
  }
}

std::optional<Plan> Campaign::next() {
  const std::lock_guard lock(mutex_);
  if (is_over()) return std::nullopt;
  if (waiting_.empty()) {
    if (promised_ >= options_.cuts) return std::nullopt;
    const int cuts = std::min(kCutsOfASite, options_.cuts - promised_);
    promised_ += cuts;
    waiting_.push_back({.cuts = cuts});
  }
  Plan plan = std::move(waiting_.front());
  waiting_.pop_front();
  plan.seed = options_.seed + static_cast<std::uint64_t>(given_++);
  // The site that nobody disturbs loses nothing whatever its databases sync.
  if (!plan.aims.empty() || plan.cuts > 0) plan.synchronous = options_.synchronous;
  return plan;
}

Tally Campaign::play(const Plan& plan) const {
  Tally tally;
  const auto folder = memory_folder();
  if (!folder) {
    tally.failures.push_back(folder.error().text());
    return tally;
  }
  try {
    tally = Site(plan, folder->path()).run();
  } catch (const std::exception& error) {
    tally.failures.push_back(error.what());
  }
  if (!tally.failures.empty() && !options_.keep.empty())
    keep(folder->path(), options_.keep / std::to_string(plan.seed));
  return tally;
}

void Campaign::take(const Plan& plan, const Tally& tally) {
  const std::lock_guard lock(mutex_);
  ++sites_;
  promised_ += tally.cuts - static_cast<int>(plan.aims.size()) - plan.cuts;
  sum_.cuts += tally.cuts;
  sum_.outages += tally.outages;
  sum_.restarts += tally.restarts;
  sum_.lost.files_cut += tally.lost.files_cut;
  sum_.lost.names_undone += tally.lost.names_undone;
  sum_.lost.survived += tally.lost.survived;
  for (const auto& [place, count] : tally.places) {
    sum_.places[place] += count;
    aims_.erase(place);
  }
  std::printf("site of seed %llu: %d cuts, %zu failures\n",
              static_cast<unsigned long long>(plan.seed), tally.cuts, tally.failures.size());
  if (tally.failures.empty()) {
    models_[plan.seed] = tally.models;
  } else {
    failed(plan.seed, tally.failures);
    hopeless_ = hopeless_ || tally.cuts == 0;
  }
}

// The first site was not disturbed: its models are what the jobs must come to, bit for bit.
void Campaign::compare_models() {
  const auto right = models_.find(options_.seed);
  if (right == models_.end()) return;
  if (right->second.empty()) failed(right->first, {"no job has made a model"});
  for (const auto& [seed, models] : models_)
    if (models != right->second)
      failed(seed, {"its jobs made other models than those of a site that nobody disturbs"});
}

void Campaign::failed(std::uint64_t seed, const std::vector<std::string>& what) {
  ++failures_;
  for (const std::string& each : what)
    std::printf("site of seed %llu: %s\n", static_cast<unsigned long long>(seed), each.c_str());
}

}  // namespace skerry::fault
