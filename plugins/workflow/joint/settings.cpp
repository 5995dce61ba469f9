#include "settings.hpp"

namespace joint {
namespace {

// A reference that was resolved is {"$artifact": digest, "name": name}.
std::string digest_of(const Json& owner) {
  const auto model = owner.find("model");
  return model != owner.end() && model->is_object() ? model->value("$artifact", std::string())
                                                    : std::string();
}

std::string input_name(const Json& models) {
  return "model" + std::to_string(models.size() - 1);
}

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
  side["models"].push_back(digest_of(owner));
  if (!side["models"].back().get_ref<const std::string&>().empty())
    into["model"] = input_name(side["models"]);
}

}  // namespace

Json edge_side(const Json& spec) {
  Json edge = side("edge", spec);
  Json& params = edge["params"];
  params["strategy"] = "strategy";
  params["cloud"] = spec.contains("cloud");
  params["deadlineUs"] = 1000 * skerry::milliseconds(spec.value("deadline", "100ms"), "deadline");
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
  return cloud;
}

std::string fault_of(const Json& spec) {
  const Json& edge = spec.at("edge");
  if (spec.contains("choose") && !edge[0].contains("threshold"))
    return "choose: it says what the threshold is to achieve, and edge[0] has no threshold yet; "
           "find "
           "it with `skerry calibrate` and put it there, or take choose away";
  for (std::size_t i = 0; i < edge.size(); ++i)
    if (edge[i].contains("threshold") && !edge[i].contains("filter"))
      return "edge[" + std::to_string(i) +
             "].threshold: there is no filter whose scores it could stand for; add filter, or take "
             "threshold away";
  return "";
}

}  // namespace joint
