#include "state.hpp"

#include <nlohmann/json.hpp>

namespace skerry {

NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(TaskSeconds, queue, download, run, upload)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(TaskBytes, down, up)

}  // namespace skerry

namespace federated {

using skerry::Json;

NLOHMANN_JSON_SERIALIZE_ENUM(Phase, {{Phase::starting, "starting"},
                                     {Phase::gathering, "gathering"},
                                     {Phase::training, "training"},
                                     {Phase::aggregating, "aggregating"},
                                     {Phase::evaluating, "evaluating"},
                                     {Phase::done, "done"}})

using Status = Assignment::Status;
NLOHMANN_JSON_SERIALIZE_ENUM(Status, {{Status::running, "running"},
                                      {Status::done, "done"},
                                      {Status::failed, "failed"},
                                      {Status::rejected, "rejected"},
                                      {Status::late, "late"}})

// States of jobs that began before a member was added lack it.
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(Assignment, node, task, tries, status, code,
                                                message, artifact, samples, metrics, seconds, bytes,
                                                cpu_seconds, answer, clipped, encoded)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(Refusal, node, code, message)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(Round, number, attempt, started_ms, closed_ms, aggregated_ms,
                                   selected, updates, late, rejected, failed, model, evaluations)

static void write(Json& json, const char* key, const std::optional<double>& value) {
  if (value) json[key] = *value;
}

static std::optional<double> read_number(const Json& json, const char* key) {
  const auto found = json.find(key);
  if (found == json.end()) return std::nullopt;
  return found->get<double>();
}

static void to_json(Json& json, const Member& member) {
  json = {{"name", member.name},
          {"online", member.online},
          {"samples", member.samples},
          {"last_round", member.last_round}};
  write(json, "loss", member.loss);
  write(json, "seconds", member.seconds);
}

static void from_json(const Json& json, Member& member) {
  json.at("name").get_to(member.name);
  json.at("online").get_to(member.online);
  json.at("samples").get_to(member.samples);
  json.at("last_round").get_to(member.last_round);
  member.loss = read_number(json, "loss");
  member.seconds = read_number(json, "seconds");
}

NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(State, settings, job, seed, phase, init_attempt, waiting,
                                   members, parts, model, rounds_done, good_metrics, refused, timer,
                                   work, round, last_metrics)

skerry::Json State::to_json() const {
  return Json(*this);
}

State State::from_json(const skerry::Json& json) {
  return json.get<State>();
}

}  // namespace federated
