#include "hosts/cli/commands/operator.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdlib>

#include "core/base/suggest.hpp"
#include "core/base/try.hpp"
#include "hosts/cli/admin/admin_key.hpp"

namespace skerry::cli {
namespace {

const char* environment(const char* name) {
  const char* value = std::getenv(name);
  return value != nullptr && *value != '\0' ? value : nullptr;
}

}  // namespace

std::filesystem::path default_state_dir() {
  if (const char* state = environment("SKERRY_STATE")) return state;
  if (const char* base = environment("XDG_STATE_HOME"))
    return std::filesystem::path(base) / "skerry/cloud";
  const char* home = environment("HOME");
  return std::filesystem::path(home != nullptr ? home : "/var/lib") / ".local/state/skerry/cloud";
}

Result<AdminClient> connect_to_cloud(const Operator& who) {
  if (who.admin_key.empty())
    return AdminClient::connect(who.state.empty() ? default_state_dir() : who.state);
  SKERRY_ASSIGN(const auto key, AdminKey::load(who.admin_key));
  return AdminClient::connect(key);
}

int with_cloud(const Operator& who, const std::function<int(AdminClient&)>& work) {
  auto client = connect_to_cloud(who);
  if (!client) return complain(client.error(), who.json, exit_for({client.error()}));
  return work(*client);
}

int ask(const Operator& who, const Question& question,
        const std::function<void(const Json&)>& show) {
  return with_cloud(who, [&](AdminClient& cloud) -> int {
    const auto reply = cloud.call(question.verb, question.body, question.patience);
    if (!reply) return complain(reply.error(), who.json, exit_for(reply.error()));
    if (who.json) {
      print_json(*reply);
    } else {
      show(*reply);
    }
    return kOk;
  });
}

std::string singular_kind(const std::string& given) {
  static const std::array<std::string, 4> kKinds{"job", "node", "model", "dataset"};
  std::string kind = given;
  std::transform(kind.begin(), kind.end(), kind.begin(),
                 [](unsigned char c) { return std::tolower(c); });
  if (kind.size() > 1 && kind.back() == 's') kind.pop_back();
  if (std::find(kKinds.begin(), kKinds.end(), kind) != kKinds.end()) return kind;
  complain({Code::invalid_argument,
            "found \"" + given + "\", expected one of: job, node, model, dataset" +
                did_you_mean(kind, kKinds),
            "", "KIND"},
           false, kBadInput);
  return {};
}

}  // namespace skerry::cli
