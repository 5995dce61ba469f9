#include "settings.hpp"

#include <cstdint>

namespace joint {
namespace {

constexpr double kMostElements = 8 << 20;

Json side(const char* role, const Json& spec) {
  return {{"params", {{"role", role}, {"input", spec.at("input")}}},
          {"slots", Json::array()},
          {"models", Json::array()},
          {"replicas", 1},
          {"version", 1}};
}

// Its estimator in `slot`, and its weights where it has some.
void add_model(Json& side, Json& into, const Json& owner, const std::string& slot) {
  into["estimator"] = slot;
  side["slots"].push_back(slot);
  side["models"].push_back(digest_of_model(owner));
}

void use_model(Json& into, const Json& models, std::size_t i) {
  if (models[i].get_ref<const std::string&>().empty())
    into.erase("model");
  else
    into["model"] = "model" + std::to_string(i);
}

std::int64_t deadline_ms(const Json& spec) {
  return skerry::milliseconds(spec.value("deadline", "100ms"), "deadline");
}

bool has_any(const Json& spec, const char* list) {
  return spec.contains(list) && !spec[list].empty();
}

// A plugin whose place has the same name in the spec and in the parameters.
void add_slot(Json& side, const Json& spec, const char* slot) {
  if (!spec.contains(slot)) return;
  side["params"][slot] = slot;
  side["slots"].push_back(slot);
}

// "sources[0]", "sources[1]", ...
void add_slots(Json& side, const Json& spec, const std::string& list) {
  Json& names = side["params"][list] = Json::array();
  for (std::size_t i = 0; i < spec.value(list, Json::array()).size(); ++i) {
    names.push_back(list + "[" + std::to_string(i) + "]");
    side["slots"].push_back(names.back());
  }
}

// Elements of one byte each, at the least.
bool can_be_asked(const Json& shape) {
  double elements = 1;
  for (const Json& extent : shape) elements *= extent.get<double>();
  return elements <= kMostElements;
}

// Of members that are of no use without another one.
std::string fault_of_missing(const Json& spec) {
  if (has_any(spec, "sinks") && !has_any(spec, "sources"))
    return "sinks: there are no sources whose examples they could get; add sources, or take sinks "
           "away";
  if (spec.value("endWithSources", false) && !has_any(spec, "sources"))
    return "endWithSources: there are no sources that could come to their end; add sources, or "
           "take endWithSources away";
  if (spec.contains("payloadWhen") && !spec.contains("payload"))
    return "payloadWhen: there is no payload that could be sent; add payload, or take payloadWhen "
           "away";
  if (spec.contains("payloadWhen") && !spec.contains("cloud"))
    return "payloadWhen: there is no cloud to send hard examples to; add cloud, or take "
           "payloadWhen away";
  if (spec.contains("labels") && !spec.contains("cloud"))
    return "labels: there is no cloud whose answers it could get; add cloud, or take labels away";
  return "";
}

}  // namespace

// A reference that was resolved is {"$artifact": digest, "name": name}.
std::string digest_of_model(const Json& owner) {
  const auto model = owner.find("model");
  return model != owner.end() && model->is_object() ? model->value("$artifact", std::string())
                                                    : std::string();
}

void use_models(Json& side, const Json& models) {
  side["models"] = models;
  Json& params = side["params"];
  if (!params.contains("stages")) return use_model(params, models, 0);
  for (std::size_t i = 0; i < models.size(); ++i) use_model(params["stages"][i], models, i);
}

Json edge_side(const Json& spec) {
  Json edge = side("edge", spec);
  Json& params = edge["params"];
  params["strategy"] = "strategy";
  params["cloud"] = spec.contains("cloud");
  params["deadlineUs"] = 1000 * deadline_ms(spec);
  params["fallback"] = spec.value("fallback", "edge");
  params["audit"] = spec.value("audit", 0.01);
  params["stages"] = Json::array();
  edge["slots"].push_back("strategy");
  for (std::size_t i = 0; i < spec.at("edge").size(); ++i) {
    const Json& owner = spec.at("edge")[i];
    const std::string place = "edge[" + std::to_string(i) + "]";
    Json stage = Json::object();
    add_model(edge, stage, owner, place + ".estimator");
    if (owner.contains("filter")) {
      stage["filter"] = place + ".filter";
      edge["slots"].push_back(stage["filter"]);
    }
    if (owner.contains("threshold")) stage["threshold"] = owner["threshold"];
    params["stages"].push_back(std::move(stage));
  }
  add_slot(edge, spec, "payload");
  if (spec.contains("payloadWhen")) params["payloadWhen"] = spec["payloadWhen"];
  add_slot(edge, spec, "labels");
  use_models(edge, Json(edge["models"]));
  return edge;
}

Json cloud_side(const Json& spec) {
  const Json& owner = spec.at("cloud");
  Json cloud = side("cloud", spec);
  add_model(cloud, cloud["params"], owner, "cloud.estimator");
  const Json batch = owner.value("batch", Json::object());
  cloud["params"]["batch"] = {{"most", batch.value("max", 8)},
                              {"delayUs", batch.value("delayUs", 200)}};
  cloud["replicas"] = owner.value("replicas", 1);
  add_slot(cloud, spec, "payload");
  use_models(cloud, Json(cloud["models"]));
  return cloud;
}

bool has_sources(const Json& spec) {
  return has_any(spec, "sources");
}

Json feed_side(const Json& spec) {
  Json feed = side("feed", spec);
  add_slots(feed, spec, "sources");
  add_slots(feed, spec, "sinks");
  if (spec.value("endWithSources", false)) feed["ends"] = true;
  return feed;
}

std::string fault_of(const Json& spec) {
  const Json& edge = spec.at("edge");
  if (!can_be_asked(spec.at("input").at("shape")))
    return "input.shape: a question has 8 MiB at most, and this shape has more elements than that";
  if (deadline_ms(spec) <= 0)
    return "deadline: nothing can be answered in no time; give it 1ms or more";
  if (spec.contains("choose") && !edge.at(0).contains("threshold"))
    return "choose: it says what the threshold is to achieve, and edge[0] has no threshold yet; "
           "find it with `skerry calibrate` and put it there, or take choose away";
  return fault_of_missing(spec);
}

}  // namespace joint
