#include "core/engine/cloud/claims.hpp"

#include <fmt/format.h>

#include <cmath>

#include "core/base/try.hpp"

namespace skerry::engine::cloud {
namespace {

Status wrong(const std::string& task, const std::string& field, const Json& found,
             const char* allowed) {
  return fail(Code::invalid_argument, fmt::format("task {}: `limits.{}` is {}; {}", task, field,
                                                  dump_json(found), allowed));
}

Status check_norm(const std::string& task, const std::string& field, const Json& norm) {
  if (!norm.is_object()) return wrong(task, field, norm, "it must be an object");
  for (const auto& [name, value] : norm.items()) {
    const std::string place = field + "." + name;
    if (name == "max") {
      if (!value.is_number() || !(value.get<double>() > 0))
        return wrong(task, place, value, "it must be a number above 0");
    } else if (name == "policy") {
      if (value != "reject" && value != "clip")
        return wrong(task, place, value, "it must be \"reject\" or \"clip\"");
    } else if (name == "base") {
      if (!value.is_string() || !Digest::from_hex(value.get<std::string>()))
        return wrong(task, place, value, "it must be a digest of 64 hexadecimal digits");
    } else {
      return wrong(task, place, value, "known here: max, policy, base");
    }
  }
  if (!norm.contains("max")) return wrong(task, field, norm, "it needs a `max`");
  return {};
}

Status check_samples(const std::string& task, const std::string& field, const Json& samples) {
  if (!samples.is_object()) return wrong(task, field, samples, "it must be an object");
  for (const auto& [name, value] : samples.items()) {
    const std::string place = field + "." + name;
    if (name != "min" && name != "max") return wrong(task, place, value, "known here: min, max");
    if (!value.is_number_unsigned()) return wrong(task, place, value, "it must be 0 or more");
  }
  if (!samples.contains("min") || !samples.contains("max") || samples["min"] > samples["max"])
    return wrong(task, field, samples, "it needs a `min` and a `max` that is no less");
  return {};
}

}  // namespace

Verdict check_claims(const std::string& plan, const Json& inputs, const wire::TaskFinished& what) {
  if (what.plan != digest_of(as_bytes(plan)))
    return {false,
            "rejected.plan",
            "it was made for another plan than the job's; the node's state may come from a backup",
            {}};
  for (const auto& [name, digest] : inputs.items()) {
    const auto told = what.inputs.find(name);
    if (told == what.inputs.end())
      return {
          false, "rejected.base", fmt::format("it does not say what its input `{}` was", name), {}};
    if (told->second.hex() != digest.get<std::string>())
      return {false,
              "rejected.base",
              fmt::format("it was made from another input `{}`: {}, the task's is {}", name,
                          told->second.hex(), digest.get<std::string>()),
              {}};
  }
  return {};
}

Verdict check_form(const wire::TaskFinished& what) {
  for (const auto& output : what.outputs) {
    if (output.inline_data.size() != output.size) continue;  // it was uploaded, and hashed then
    if (digest_of(as_bytes(output.inline_data)) != output.digest)
      return {false,
              "rejected.malformed",
              fmt::format("output `{}` does not match its digest", output.name),
              {}};
  }
  if (const auto result = parse_result(what.result); !result)
    return {false, "rejected.malformed", result.error().text(), {}};
  return {};
}

Result<Json> parse_result(const std::string& text) {
  if (text.empty()) return Json::object();
  auto result = parse_json(text, "result");
  if (result && !result->is_object())
    return fail(Code::invalid_argument, "it must be a JSON object", "result");
  return result;
}

std::uint64_t samples_in(const std::string& result) {
  const auto json = parse_result(result);
  const Json told = json ? json->value("samples", Json()) : Json();
  return told.is_number_unsigned() ? told.get<std::uint64_t>() : 0;
}

Status check_limits(const std::string& task, const Json& limits) {
  if (!limits.is_object())
    return fail(Code::invalid_argument,
                fmt::format("task {}: `limits` is {}; it must be an object with a member for each "
                            "output that is limited",
                            task, dump_json(limits)));
  for (const auto& [output, limit] : limits.items()) {
    if (!limit.is_object()) return wrong(task, output, limit, "it must be an object");
    for (const auto& [name, value] : limit.items()) {
      const std::string field = output + "." + name;
      if (name == "bytes") {
        if (!value.is_number_unsigned() || value == 0)
          return wrong(task, field, value, "it must be a number of bytes above 0");
      } else if (name == "norm") {
        SKERRY_TRY(check_norm(task, field, value));
      } else if (name == "samples") {
        SKERRY_TRY(check_samples(task, field, value));
      } else if (name == "encoded") {
        if (!value.is_boolean()) return wrong(task, field, value, "it must be true or false");
        if (value == true && limit.contains("norm"))
          return wrong(task, field, value,
                       "the norm is known when it is decoded; limit that task's output");
      } else {
        return wrong(task, field, value, "known here: bytes, encoded, norm, samples");
      }
    }
  }
  return {};
}

}  // namespace skerry::engine::cloud
