#include <chrono>
#include <cstdio>

#include "core/base/units.hpp"
#include "hosts/cli/commands/commands.hpp"
#include "hosts/cli/commands/operator.hpp"
#include "hosts/cli/view/record.hpp"
#include "hosts/cli/view/terminal.hpp"

namespace skerry::cli {

int node_token_command(const Operator& who, const std::string& name, const std::string& endpoint,
                       const std::string& ttl) {
  const auto life = parse_duration(ttl);
  if (!life || *life < std::chrono::seconds(1)) {
    return complain(
        {Code::invalid_argument,
         "found \"" + ttl + "\"; it must be a time as 30m, 24h or 7d, a second at least", "",
         "--ttl"},
        who.json, kBadInput);
  }
  Json body{{"name", name},
            {"seconds", std::chrono::duration_cast<std::chrono::seconds>(*life).count()}};
  if (!endpoint.empty()) body["endpoint"] = endpoint;
  return ask(who, {"node.token", body}, [&](const Json& reply) {
    std::puts(text_at(reply, "token").c_str());
    std::fprintf(stderr,
                 "On the edge, once: skerry-edge --state DIR --join TOKEN\n"
                 "The token lets one machine in, as \"%s\", only once and within %s. Keep it as "
                 "you would a password.\n",
                 printable(name).c_str(), ttl.c_str());
    if (reply.value("replaces", false))
      std::fprintf(stderr, "The token that \"%s\" had before lets nobody in any more.\n",
                   printable(name).c_str());
  });
}

int node_list_command(const Operator& who) {
  return get_command(who, "nodes", "");
}

int node_rotate_command(const Operator& who, const std::string& name) {
  return ask(who, {"node.rotate", {{"name", name}}}, [&](const Json&) {
    std::printf(
        "node %s changes to a new key as soon as it is connected; `skerry audit ls` tells "
        "when it has\n",
        printable(name).c_str());
  });
}

int node_revoke_command(const Operator& who, const std::string& name) {
  return ask(who, {"node.revoke", {{"name", name}}}, [&](const Json&) {
    std::printf("node %s revoked: it is cut off now and its key is refused from now on\n",
                printable(name).c_str());
  });
}

}  // namespace skerry::cli
