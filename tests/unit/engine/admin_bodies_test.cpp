#include "core/engine/cloud/admin_bodies.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace skerry::engine::cloud {
namespace {

using ::testing::HasSubstr;
using Kind = BodyField::Kind;

Json whole(const VerbBody& verb) {
  Json body = Json::object();
  for (const BodyField& field : verb.fields)
    body[std::string(field.name)] = field.kind == Kind::text ? Json("a text") : Json(1);
  return body;
}

TEST(AdminBodies, AWholeOneIsTaken) {
  for (const VerbBody& verb : verb_bodies())
    EXPECT_TRUE(check_body(verb.verb, whole(verb))) << verb.verb;
}

TEST(AdminBodies, OnlyWhatMayBeLeftOutMayBeMissing) {
  for (const VerbBody& verb : verb_bodies()) {
    for (const BodyField& field : verb.fields) {
      Json body = whole(verb);
      body.erase(std::string(field.name));
      EXPECT_EQ(check_body(verb.verb, body).has_value(), !field.required)
          << verb.verb << " without " << field.name;
    }
  }
}

TEST(AdminBodies, AFieldOfAnotherKindIsRefusedByItsName) {
  for (const VerbBody& verb : verb_bodies()) {
    for (const BodyField& field : verb.fields) {
      if (field.kind == Kind::any) continue;
      for (const Json& wrong : {Json::array(), Json::object(), Json(true), Json(1.5),
                                field.kind == Kind::text ? Json(1) : Json("1")}) {
        Json body = whole(verb);
        body[std::string(field.name)] = wrong;
        const auto checked = check_body(verb.verb, body);
        ASSERT_FALSE(checked) << verb.verb << " with " << body;
        EXPECT_EQ(checked.error().field, field.name);
      }
    }
  }
}

TEST(AdminBodies, WhatIsNoObjectOrNoVerbIsRefused) {
  EXPECT_FALSE(check_body("ping", Json::array()));
  const auto unknown = check_body("explode", Json::object());
  ASSERT_FALSE(unknown);
  EXPECT_THAT(unknown.error().message, HasSubstr("unknown verb `explode`"));
}

}  // namespace
}  // namespace skerry::engine::cloud
