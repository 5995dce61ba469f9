#include <cstdio>

#include "hosts/cli/commands/commands.hpp"
#include "hosts/cli/commands/operator.hpp"
#include "hosts/cli/view/record.hpp"
#include "hosts/cli/view/terminal.hpp"

namespace skerry::cli {
namespace {

constexpr std::chrono::milliseconds kExport{600'000};

}  // namespace

int model_list_command(const Operator& who) {
  return get_command(who, "models", "");
}

int model_get_command(const Operator& who, const ModelGet& what) {
  const std::filesystem::path wanted =
      what.to.empty() ? std::filesystem::path(what.job + ".safetensors") : what.to;
  const auto to = std::filesystem::absolute(wanted).lexically_normal();
  std::error_code error;
  if (!what.force && std::filesystem::exists(to, error)) {
    return complain({Code::already_exists,
                     "the file exists; name another one with --to, or replace it with --force",
                     to.string(), ""},
                    who.json, kBadInput);
  }
  Json body{{"job", what.job}, {"to", to.string()}};
  if (what.version) body["version"] = *what.version;
  return ask(who, {"model.export", body, kExport}, [&](const Json& reply) {
    std::printf("%s\nversion %.0f, %s, blake2b-256 %s\n",
                printable(text_at(reply, "path", to.string())).c_str(),
                number_at(reply, "version").value_or(0),
                format_size(number_at(reply, "size").value_or(0)).c_str(),
                printable(text_at(reply, "digest")).c_str());
  });
}

}  // namespace skerry::cli
