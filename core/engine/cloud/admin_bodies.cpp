#include "core/engine/cloud/admin_bodies.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace skerry::engine::cloud {
namespace {

using Kind = BodyField::Kind;

BodyField text(std::string_view name) {
  return {name, Kind::text, true};
}
BodyField maybe_text(std::string_view name) {
  return {name, Kind::text, false};
}
BodyField maybe_integer(std::string_view name) {
  return {name, Kind::integer, false};
}

bool fits(Kind kind, const Json& value) {
  switch (kind) {
    case Kind::text:
      return value.is_string();
    case Kind::integer:
      return value.is_number_integer();
    case Kind::integer_or_null:
      return value.is_number_integer() || value.is_null();
    case Kind::any:
      return true;
  }
  return false;
}

Status check_field(std::string_view verb, const BodyField& field, const Json& body) {
  const auto found = body.find(field.name);
  if (found == body.end() && !field.required) return {};
  const char* wanted = field.kind == Kind::text ? "a text" : "a whole number";
  if (found == body.end()) {
    return fail(Code::invalid_argument,
                fmt::format("verb `{}`: `{}` is missing, {}", verb, field.name, wanted), {},
                std::string(field.name));
  }
  if (fits(field.kind, *found)) return {};
  return fail(Code::invalid_argument,
              fmt::format("verb `{}`: `{}` is a {}; it must be {}", verb, field.name,
                          found->type_name(), wanted),
              {}, std::string(field.name));
}

}  // namespace

const std::vector<VerbBody>& verb_bodies() {
  static const std::vector<VerbBody> bodies{
      {"ping", {}},
      {"status", {}},
      {"get", {text("kind"), maybe_text("name")}},
      {"describe", {text("kind"), text("name")}},
      {"logs", {text("job")}},
      {"watch", {text("job"), maybe_integer("after"), maybe_integer("waitMs")}},
      {"apply", {text("text"), text("file"), {"nodes", Kind::integer_or_null, false}}},
      {"signal", {text("job"), text("name"), {"value", Kind::any, false}}},
      {"delete", {text("kind"), text("name")}},
      {"node.ls", {}},
      {"node.token", {text("name"), maybe_integer("seconds"), maybe_text("endpoint")}},
      {"node.revoke", {text("name")}},
      {"node.rotate", {text("name")}},
      {"audit.ls", {maybe_integer("after"), maybe_integer("limit")}},
      {"audit.head", {}},
      {"backup", {text("to")}},
      {"model.export", {text("job"), maybe_integer("version"), text("to")}},
      {"shutdown", {}},
      {"admin.key", {text("name"), text("key")}},
      {"admin.ls", {}},
      {"admin.revoke", {text("name")}},
      {"plugin.quarantined", {}},
      {"plugin.allow", {text("digest")}},
  };
  return bodies;
}

Status check_body(std::string_view verb, const Json& body) {
  const auto& all = verb_bodies();
  const auto row = std::find_if(all.begin(), all.end(),
                                [&](const VerbBody& known) { return known.verb == verb; });
  if (row == all.end()) return fail(Code::invalid_argument, fmt::format("unknown verb `{}`", verb));
  if (!body.is_object()) return fail(Code::invalid_argument, "the body is no JSON object");
  for (const BodyField& field : row->fields)
    if (auto checked = check_field(verb, field, body); !checked) return checked;
  return {};
}

}  // namespace skerry::engine::cloud
