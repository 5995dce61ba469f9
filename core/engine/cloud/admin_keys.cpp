#include "core/engine/cloud/admin_keys.hpp"

#include <fmt/format.h>

#include "core/engine/wall_clock.hpp"
#include "core/wire/keys.hpp"
#include "core/wire/names.hpp"

namespace skerry::engine::cloud {

Status AdminKeys::add(const std::string& name, const std::string& public_key) {
  if (!wire::is_node_name(name)) {
    return fail(
        Code::invalid_argument,
        fmt::format("found \"{}\"; the name of an admin key has 1 to 63 lower-case letters, "
                    "digits and '-', and starts and ends with a letter or digit",
                    name),
        {}, "name");
  }
  if (!wire::is_z85_key(public_key))
    return fail(Code::invalid_argument, "must be a CURVE key: 40 characters of Z85", {}, "key");
  auto taken = unit_.sql(
      "SELECT 1 FROM admin_key WHERE name = ?1 OR public_key = ?2 UNION ALL SELECT 1 FROM node "
      "WHERE public_key = ?2 UNION ALL SELECT 1 FROM invite WHERE public_key = ?2");
  taken.bind(1, name).bind(2, public_key);
  if (must(taken.step())) {
    return fail(Code::already_exists,
                fmt::format("there is or was an admin key `{}`, or this key is somebody's already; "
                            "choose another name",
                            name));
  }
  must(unit_.sql("INSERT INTO admin_key(name, public_key, created) VALUES(?, ?, ?)")
           .bind(1, name)
           .bind(2, public_key)
           .bind(3, wall_clock_text())
           .run());
  unit_.after_commit([this] { nodes_.publish_keys(); });
  return {};
}

Status AdminKeys::revoke(const std::string& name) {
  must(unit_.sql("UPDATE admin_key SET revoked = 1 WHERE name = ?").bind(1, name).run());
  if (unit_.database().changes() == 0)
    return fail(Code::not_found, fmt::format("there is no admin key `{}`", name));
  unit_.after_commit([this] { nodes_.publish_keys(); });
  return {};
}

Json AdminKeys::list() {
  Json list = Json::array();
  auto select = unit_.sql("SELECT name, public_key, revoked, created FROM admin_key ORDER BY name");
  while (must(select.step())) {
    list.push_back({{"name", select.column_text(0)},
                    {"key", wire::key_fingerprint(select.column_text(1))},
                    {"state", select.column_int(2) != 0 ? "revoked" : "active"},
                    {"createdAt", select.column_text(3)}});
  }
  return list;
}

}  // namespace skerry::engine::cloud
