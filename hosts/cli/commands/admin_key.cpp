// admin-key new, ls, revoke.
#include <fmt/format.h>

#include <cstdio>

#include "core/wire/keys.hpp"
#include "hosts/cli/admin/admin_key.hpp"
#include "hosts/cli/commands/commands.hpp"
#include "hosts/cli/commands/operator.hpp"
#include "hosts/cli/view/record.hpp"
#include "hosts/cli/view/terminal.hpp"
#include "hosts/cli/view/text_table.hpp"

namespace skerry::cli {

int admin_key_new_command(const Operator& who, const std::string& name,
                          const std::filesystem::path& to, const std::string& endpoint) {
  const auto file = to.empty() ? std::filesystem::path(name + ".skerry-key") : to;
  std::error_code error;
  if (std::filesystem::exists(file, error)) {
    return complain(
        {Code::already_exists, "the file exists; name another one with --to", file.string(), ""},
        who.json, kBadInput);
  }
  const auto pair = wire::KeyPair::generate();
  if (!pair) return complain(pair.error(), who.json, kFailed);
  return with_cloud(who, [&](AdminClient& cloud) -> int {
    const auto reply = cloud.call("admin.key", {{"name", name}, {"key", pair->public_key}});
    if (!reply) return complain(reply.error(), who.json, exit_for(reply.error()));
    const AdminKey key{name, endpoint.empty() ? text_at(*reply, "endpoint") : endpoint,
                       text_at(*reply, "serverKey"), pair->secret_key};
    if (const auto saved = key.save(file); !saved)
      return complain(saved.error(), who.json, kFailed);
    if (who.json) {
      print_json({{"name", name},
                  {"file", file.string()},
                  {"endpoint", key.endpoint},
                  {"key", wire::key_fingerprint(pair->public_key)}});
    } else {
      std::puts(file.c_str());
      std::fprintf(stderr,
                   "Whoever has this file can do all that an operator can, from anywhere that "
                   "reaches %s:\n  skerry get jobs --admin-key %s\nTake it back with: skerry "
                   "admin-key revoke %s\n",
                   printable(key.endpoint).c_str(), file.c_str(), printable(name).c_str());
    }
    return kOk;
  });
}

int admin_key_list_command(const Operator& who) {
  return ask(who, {"admin.ls", Json::object()}, [](const Json& reply) {
    TextTable table({{"NAME"}, {"STATE"}, {"KEY"}, {"CREATED"}});
    for (const Json& key : reply.value("items", Json::array())) {
      table.add({text_at(key, "name"), text_at(key, "state"), text_at(key, "key"),
                 text_at(key, "createdAt")});
    }
    std::fputs(table.empty() ? "no admin keys\n" : printable(table.text()).c_str(), stdout);
  });
}

int admin_key_revoke_command(const Operator& who, const std::string& name) {
  return ask(who, {"admin.revoke", {{"name", name}}},
             [&](const Json&) { std::printf("admin key %s revoked\n", printable(name).c_str()); });
}

}  // namespace skerry::cli
