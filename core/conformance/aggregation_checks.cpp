// aggregation/1: rounds of made-up updates.
#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <thread>

#include "core/conformance/subject.hpp"

namespace skerry::conformance {
namespace {

using Floats = std::vector<float>;
constexpr std::size_t kElements = 5000;

// One tensor of float32, and what each client made of it.
struct Round {
  std::vector<Floats> inputs;
  Floats base;
  std::vector<std::uint64_t> samples;

  static Round random(std::mt19937_64& random, std::size_t clients) {
    Round round;
    round.base = random_floats(random, kElements);
    for (std::size_t i = 0; i < clients; ++i) {
      round.inputs.push_back(random_floats(random, kElements));
      round.samples.push_back(1 + random() % 1000);
    }
    return round;
  }
};

// Plays rounds with one instance.
class Player {
 public:
  explicit Player(Subject& subject) : subject_(subject), instance_(subject.create()) {}

  Status begin(const Round& round, std::uint8_t bits = 32) {
    const std::int64_t shape[] = {static_cast<std::int64_t>(kElements)};
    skerry_named_tensor schema{"weight", {}};
    schema.tensor.device_type = SKERRY_CPU;
    schema.tensor.ndim = 1;
    schema.tensor.dtype_code = SKERRY_FLOAT;
    schema.tensor.dtype_bits = bits;
    schema.tensor.dtype_lanes = 1;
    schema.tensor.shape = shape;
    std::vector<std::string> names;
    std::vector<skerry_update> updates;
    for (std::size_t i = 0; i < round.samples.size(); ++i)
      names.push_back("edge-" + std::to_string(i + 1));
    for (std::size_t i = 0; i < round.samples.size(); ++i)
      updates.push_back({names[i].c_str(), round.samples[i], 0.5});
    return subject_.call(*instance_, &skerry_aggregation_v1::begin, "begin",
                         static_cast<const skerry_named_tensor*>(&schema), std::uint64_t{1},
                         static_cast<const skerry_update*>(updates.data()),
                         static_cast<std::uint64_t>(updates.size()));
  }

  bool observes() const { return instance_->as<skerry_aggregation_v1>().observe != nullptr; }

  // Elements from..from+count of the round's tensor. T: float or double.
  template <class T>
  Status tile(bool observe, const std::vector<std::vector<T>>& inputs, const std::vector<T>& base,
              std::size_t from, std::size_t count, T* output) {
    std::vector<const void*> pointers;
    for (const auto& input : inputs) pointers.push_back(input.data() + from);
    skerry_tile tile{};
    tile.struct_size = sizeof tile;
    tile.dtype_code = SKERRY_FLOAT;
    tile.dtype_bits = 8 * sizeof(T);
    tile.clients = static_cast<std::uint32_t>(inputs.size());
    tile.offset = from;
    tile.count = count;
    tile.inputs = pointers.data();
    tile.base = base.data() + from;
    tile.output = observe ? nullptr : output;
    return subject_.call(
        *instance_, observe ? &skerry_aggregation_v1::observe : &skerry_aggregation_v1::combine,
        observe ? "observe" : "combine", static_cast<const skerry_tile*>(&tile));
  }

  Status finish() {
    if (instance_->as<skerry_aggregation_v1>().finish == nullptr) return {};
    return subject_.call(*instance_, &skerry_aggregation_v1::finish, "finish");
  }

  // A whole round, in tiles that end at `cuts`, each observed and combined in the given order.
  Status play(const Round& round, const std::vector<std::size_t>& ends, Floats& output) {
    output.assign(kElements, 0);
    if (auto status = begin(round); !status) return status;
    for (const bool observe : {true, false}) {
      if (observe && !observes()) continue;
      for (const auto& [from, count] : tiles(ends)) {
        if (auto status =
                tile(observe, round.inputs, round.base, from, count, output.data() + from);
            !status)
          return status;
      }
    }
    return finish();
  }

 private:
  static std::vector<std::pair<std::size_t, std::size_t>> tiles(
      const std::vector<std::size_t>& ends) {
    std::vector<std::pair<std::size_t, std::size_t>> tiles;
    std::size_t from = 0;
    for (const std::size_t end : ends) {
      if (end > from) tiles.emplace_back(from, end - from);
      from = end;
    }
    return tiles;
  }

  Subject& subject_;
  std::unique_ptr<runtime::Instance> instance_;
};

Floats played(Player& player, const Round& round,
              const std::vector<std::size_t>& ends = {kElements}) {
  Floats output;
  // Some rules ask for more clients than a check has; finite-in-finite-out sees to it that there
  // are rounds which they take.
  if (const Status status = player.play(round, ends, output); !status)
    throw Skipped{"refuses " + std::to_string(round.inputs.size()) +
                  " clients: " + status.error().text()};
  return output;
}

void zero_clients(Subject& subject) {
  Player player(subject);
  Floats output;
  static_cast<void>(player.play(Round::random(subject.random(), 0), {kElements}, output));
}

void one_client(Subject& subject) {
  Player player(subject);
  const Round round = Round::random(subject.random(), 1);
  const Floats output = played(player, round);
  expect(std::all_of(output.begin(), output.end(), [](float x) { return std::isfinite(x); }),
         "one client with finite weights gives a model that is not finite");
}

void finite_in_finite_out(Subject& subject) {
  Player player(subject);
  int played = 0;
  std::string refusal;
  for (const std::size_t clients : {1, 2, 3, 10, 50}) {
    Floats output;
    const Status status =
        player.play(Round::random(subject.random(), clients), {kElements}, output);
    if (!status) {
      refusal = status.error().text();
      continue;
    }
    ++played;
    const auto bad =
        std::find_if(output.begin(), output.end(), [](float x) { return !std::isfinite(x); });
    expect(bad == output.end(), "element " + std::to_string(bad - output.begin()) + " of " +
                                    std::to_string(clients) + " finite updates became " +
                                    std::to_string(bad == output.end() ? 0 : *bad));
  }
  expect(played > 0, "refuses rounds of 1, 2, 3, 10 and 50 clients: " + refusal);
}

void nan_inf_inputs(Subject& subject) {
  Player player(subject);
  Round round = Round::random(subject.random(), 3);
  for (const float odd :
       {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity(),
        -std::numeric_limits<float>::max()}) {
    for (std::size_t i = 0; i < kElements; i += 7) round.inputs[1][i] = odd;
    Floats output;
    static_cast<void>(player.play(round, {kElements}, output));
  }
}

void weights_permutation_invariant(Subject& subject) {
  Player player(subject);
  const Round round = Round::random(subject.random(), 7);
  const Floats once = played(player, round);
  std::vector<std::size_t> order(7);
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::shuffle(order.begin(), order.end(), subject.random());
  Round other{{}, round.base, {}};
  for (const std::size_t i : order) {
    other.inputs.push_back(round.inputs[i]);
    other.samples.push_back(round.samples[i]);
  }
  const Floats twice = played(player, other);
  for (std::size_t i = 0; i < kElements; ++i) {
    expect(std::abs(once[i] - twice[i]) <= 1e-4F * (1 + std::abs(once[i])),
           "the order of the clients matters: element " + std::to_string(i) + " is " +
               std::to_string(once[i]) + " in one order and " + std::to_string(twice[i]) +
               " in another");
  }
}

void tiles_agree(Subject& subject) {
  Player player(subject);
  const Round round = Round::random(subject.random(), 5);
  const Floats whole = played(player, round);
  for (int i = 0; i < 5; ++i) {
    std::vector<std::size_t> ends{kElements};
    for (int cut = 0; cut < 6; ++cut) ends.push_back(subject.random()() % kElements);
    std::sort(ends.begin(), ends.end());
    expect(same_bits(whole, played(player, round, ends)),
           "the result depends on how the tensor is cut into tiles; each element may depend on its "
           "own inputs, and on "
           "what observe() saw of all");
  }
}

void writes_only_its_tile(Subject& subject) {
  Player player(subject);
  const Round round = Round::random(subject.random(), 3);
  const Round before = round;
  expect_ok(player.begin(round), "begin");
  if (player.observes())
    expect_ok(player.tile<float>(true, round.inputs, round.base, 0, kElements, nullptr), "observe");
  Fenced<float> output(100);
  expect_ok(player.tile(false, round.inputs, round.base, 50, 100, output.data()), "combine");
  expect(output.whole(),
         "combine() writes before or after its tile's output; write `count` elements");
  for (std::size_t i = 0; i < round.inputs.size(); ++i)
    expect(same_bits(round.inputs[i], before.inputs[i]),
           "combine() changes its inputs, which it may only read");
  expect(same_bits(round.base, before.base), "combine() changes the base, which it may only read");
}

void rounds_repeat(Subject& subject) {
  Player player(subject);
  const Round round = Round::random(subject.random(), 4);
  const Floats once = played(player, round);
  Player other(subject);
  expect(same_bits(once, played(other, round)),
         "two new instances make other models of the same updates");
}

void concurrent_combine(Subject& subject) {
  Player player(subject);
  const Round round = Round::random(subject.random(), 6);
  const Floats alone = played(player, round);
  expect_ok(player.begin(round), "begin");
  if (player.observes())
    expect_ok(player.tile<float>(true, round.inputs, round.base, 0, kElements, nullptr), "observe");
  constexpr std::size_t kThreads = 4, kPart = kElements / kThreads;
  Floats output(kElements);
  std::vector<std::string> problems(kThreads);
  std::vector<std::thread> threads;
  for (std::size_t t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      for (std::size_t from = t * kPart; from < (t + 1) * kPart; from += 50) {
        try {
          const Status status =
              player.tile(false, round.inputs, round.base, from, 50, output.data() + from);
          if (!status) problems[t] = status.error().text();
        } catch (const Failed& failed) {
          problems[t] = failed.message;
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (const std::string& problem : problems)
    expect(problem.empty(), "combine() on four threads: " + problem);
  expect_ok(player.finish(), "finish");
  expect(same_bits(alone, output),
         "combine() on four threads at once gives another model than on one");
}

void float64_tiles(Subject& subject) {
  Player player(subject);
  const Round round = Round::random(subject.random(), 3);
  expect_ok(player.begin(round, 64), "begin");
  std::vector<std::vector<double>> inputs;
  for (const Floats& input : round.inputs) inputs.emplace_back(input.begin(), input.end());
  const std::vector<double> base(round.base.begin(), round.base.end());
  std::vector<double> output(kElements);
  if (player.observes())
    expect_ok(player.tile<double>(true, inputs, base, 0, kElements, nullptr), "observe");
  expect_ok(player.tile(false, inputs, base, 0, kElements, output.data()), "combine of float64");
  Player other(subject);
  const Floats floats = played(other, round);
  for (std::size_t i = 0; i < kElements; ++i) {
    const double expected = floats[i];
    expect(std::abs(output[i] - expected) <= 1e-3 * (1 + std::abs(expected)),
           "combine() of float64 gives " + std::to_string(output[i]) + " for element " +
               std::to_string(i) + ", of the same numbers as float32 " + std::to_string(expected) +
               "; read tiles by their dtype_bits");
  }
}

}  // namespace

std::vector<Check> aggregation_checks() {
  constexpr const char* kKind = "aggregation";
  return {
      {"zero-clients", kKind, Level::required,
       "A round without updates is refused, or does nothing.", zero_clients},
      {"one-client", kKind, Level::required, "A round of one client gives a finite model.",
       one_client},
      {"finite-in-finite-out", kKind, Level::required, "Finite updates give a finite model.",
       finite_in_finite_out},
      {"nan-inf-inputs", kKind, Level::required,
       "Updates with NaN, infinities and the largest numbers do no harm.", nan_inf_inputs},
      {"tiles-agree", kKind, Level::required,
       "The model does not depend on how tensors are cut into tiles.", tiles_agree},
      {"writes-only-its-tile", kKind, Level::required,
       "combine() writes its tile's output and nothing else.", writes_only_its_tile},
      {"rounds-repeat", kKind, Level::required, "The same updates give the same bits.",
       rounds_repeat},
      {"concurrent-combine", kKind, Level::required,
       "Tiles that are combined at the same time give the same bits.", concurrent_combine},
      {"float64-tiles", kKind, Level::required,
       "Combines float64, as which tensors of integers come too.", float64_tiles},
      {"weights-permutation-invariant", kKind, Level::expected,
       "The order of the clients does not matter.", weights_permutation_invariant},
  };
}

}  // namespace skerry::conformance
