// What the body of each admin verb holds. It is checked as a whole before anything is done: a verb
// that found out half way would leave half of what it means in a transaction that others share.
#pragma once

#include <string_view>
#include <vector>

#include "core/base/json.hpp"
#include "core/base/result.hpp"

namespace skerry::engine::cloud {

struct BodyField {
  enum class Kind { text, integer, integer_or_null, any };
  std::string_view name;
  Kind kind = Kind::text;
  bool required = true;
};

struct VerbBody {
  std::string_view verb;
  std::vector<BodyField> fields;
};

const std::vector<VerbBody>& verb_bodies();

// Every field that the verb reads is there, if it must be, and of its kind. What the verb does not
// read is let pass. A verb of no row in verb_bodies() is refused.
Status check_body(std::string_view verb, const Json& body);

}  // namespace skerry::engine::cloud
