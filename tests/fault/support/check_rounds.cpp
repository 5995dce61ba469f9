// Rounds: the set that was frozen is of distinct nodes, each with the one update that it sent, and
// the published model is what the aggregation makes of that set. Knows how the workflow of
// FederatedLearningJob names its tasks: "ROUND/train/NODE", "ROUND/aggregate", and ROUND.ATTEMPT
// after a round that missed its quorum, "/2" behind a further try.
#include <fmt/format.h>

#include <limits>
#include <optional>
#include <set>

#include "tests/fault/support/checks.hpp"
#include "tests/fault/support/recompute.hpp"

namespace skerry::fault {
namespace {

// "3.2" of "3.2/aggregate" and of "3.2/train/edge-1/2".
std::string prefix_of(const std::string& task) {
  return task.substr(0, task.find('/'));
}

bool is_training(const TaskRow& task) {
  return task.id.find("/train/") != std::string::npos;
}

class Rounds {
 public:
  Rounds(const Examination& examination, const JobRow& job)
      : examination_(examination), job_(job) {}

  void check() {
    check_one_update_a_node();
    if (job_.records.size() != job_.models.size())
      violated("contiguous",
               fmt::format("{} records, {} models", job_.records.size(), job_.models.size()));
    std::int64_t number = 0;
    for (const Json& record : job_.records) check_round(++number, record);
  }

 private:
  void violated(const std::string& rule, const std::string& what) const {
    examination_.violated(rule, fmt::format("job {}: {}", job_.key, what));
  }

  // However often a task of a round was tried on a node, one try at most counts.
  void check_one_update_a_node() const {
    std::map<std::pair<std::string, std::string>, int> counted;
    for (const auto& [id, event] : job_.finished) {
      const auto task = job_.tasks.find(id);
      if (task != job_.tasks.end() && is_training(task->second))
        ++counted[{prefix_of(id), task->second.node}];
    }
    for (const auto& [of, count] : counted)
      if (count > 1)
        violated("once", fmt::format("{} updates of node {} count in round {}", count, of.second,
                                     of.first));
  }

  void check_round(std::int64_t number, const Json& record) {
    ++examination_.report.rounds;
    if (record.value("round", 0) != number)
      violated("contiguous",
               fmt::format("the record of round {} stands where that of round {} belongs",
                           record.value("round", 0), number));
    const auto model = job_.models.find(number);
    if (model == job_.models.end()) return;  // told above
    const std::string digest = model->second.hex();
    if (record.value("model", "") != digest)
      violated("recomputes", fmt::format("round {} published model {}, its record says {}", number,
                                         digest, record.value("model", "")));
    const TaskRow* task = find_aggregation(digest);
    if (task == nullptr)
      return violated("recomputes",
                      fmt::format("no aggregation made model {} of round {}", digest, number));
    if (number > 1) check_base(number, *task);
    check_set(number, *task, record);
    recompute(number, *task, model->second);
  }

  const TaskRow* find_aggregation(const std::string& digest) const {
    for (const auto& [id, event] : job_.finished) {
      const auto task = job_.tasks.find(id);
      if (task == job_.tasks.end() || !task->second.params.contains("updates")) continue;
      for (const auto& [name, artifact] : event.at("artifacts").items())
        if (artifact.at("digest") == digest) return &task->second;
    }
    return nullptr;
  }

  void check_base(std::int64_t number, const TaskRow& task) const {
    const auto last = job_.models.find(number - 1);
    if (last != job_.models.end() && task.inputs.value("base", "") != last->second.hex())
      violated("recomputes",
               fmt::format("round {} goes on from model {}, round {} published {}", number,
                           task.inputs.value("base", ""), number - 1, last->second.hex()));
  }

  void check_set(std::int64_t number, const TaskRow& aggregation, const Json& record) const {
    std::set<std::string> nodes;
    Json participants = Json::array();
    int index = 0;
    for (const Json& update : aggregation.params.at("updates")) {
      const std::string node = update.at("node").get<std::string>();
      participants.push_back(node);
      if (!nodes.insert(node).second)
        violated("once", fmt::format("round {} counts node {} twice", number, node));
      const std::string input = aggregation.inputs.value(fmt::format("u{}", index++), "");
      const Json* sent = find_update(prefix_of(aggregation.id), node);
      if (sent == nullptr) {
        violated("recomputes", fmt::format("round {} counts node {}, whose training did not finish",
                                           number, node));
        continue;
      }
      const Json* decoded = find_decoded(prefix_of(aggregation.id), node);
      const Json& made = decoded != nullptr ? *decoded : *sent;
      if (made.at("artifacts").at("update").at("digest") != input)
        violated("recomputes",
                 fmt::format("round {} counts update {} for node {}, which sent {}", number, input,
                             node, dump_json(made.at("artifacts").at("update"))));
      if (sent->at("result").value("samples", 0ull) != update.value("samples", 0ull))
        violated("recomputes", fmt::format("round {} weighs node {} with {} samples, it sent {}",
                                           number, node, update.value("samples", 0ull),
                                           sent->at("result").value("samples", 0ull)));
    }
    if (record.at("participants") != participants)
      violated("recomputes",
               fmt::format("round {} aggregated {}, its record says {}", number,
                           dump_json(participants), dump_json(record.at("participants"))));
  }

  const Json* find_update(const std::string& prefix, const std::string& node) const {
    for (const auto& [id, event] : job_.finished) {
      const auto task = job_.tasks.find(id);
      if (task != job_.tasks.end() && is_training(task->second) && task->second.node == node &&
          prefix_of(id) == prefix)
        return &event;
    }
    return nullptr;
  }

  // What a task on the cloud made of the node's update where a codec is used; null otherwise.
  const Json* find_decoded(const std::string& prefix, const std::string& node) const {
    const std::string first = prefix + "/decode/" + node;  // and "/2", "/3" of further tries
    for (const auto& [id, event] : job_.finished)
      if (id == first || id.starts_with(first + "/")) return &event;
    return nullptr;
  }

  std::optional<std::string> bytes(const TaskRow& task, const std::string& input) const {
    const auto digest = Digest::from_hex(task.inputs.value(input, ""));
    if (!digest) return std::nullopt;
    return examination_.cloud.bytes(*digest);
  }

  void recompute(std::int64_t number, const TaskRow& task, const Digest& published) {
    std::vector<Recomputer::Update> updates;
    auto base = bytes(task, "base");
    bool all = base.has_value();
    for (const Json& each : task.params.at("updates")) {
      auto update = bytes(task, fmt::format("u{}", updates.size()));
      all = all && update.has_value();
      const auto samples = each.value("samples", 0ull);
      updates.push_back({each.at("node").get<std::string>(), each.value("weight", samples),
                         each.value("loss", std::numeric_limits<double>::quiet_NaN()),
                         std::move(update).value_or("")});
    }
    if (!all) {
      if (examination_.demands.all_recompute)
        violated("recomputes", fmt::format("the updates of round {} are gone", number));
      return;
    }
    if (!recomputer_)
      recomputer_.emplace(Recomputer::open(job_.plan, examination_.demands.plugin_paths));
    auto digest = *recomputer_ ? (*recomputer_)->aggregate(updates, *base)
                               : Result<Digest>(fail(recomputer_->error()));
    if (!digest)
      return violated("recomputes", fmt::format("round {} cannot be computed again: {}", number,
                                                digest.error().text()));
    ++examination_.report.recomputed;
    if (*digest != published)
      violated("recomputes", fmt::format("round {} published {}, its set gives {}", number,
                                         published.hex(), digest->hex()));
  }

  const Examination& examination_;
  const JobRow& job_;
  std::optional<Result<Recomputer>> recomputer_;
};

}  // namespace

void check_rounds(Examination& examination) {
  for (const JobRow& job : examination.jobs) Rounds(examination, job).check();
}

}  // namespace skerry::fault
