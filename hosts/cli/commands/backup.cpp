// backup, restore. A running cloud makes its backup itself, while it works; that of one that is
// down is made here, under its state directory's lock.
#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <ctime>

#include "core/base/try.hpp"
#include "core/engine/cloud/tables.hpp"
#include "core/store/backup.hpp"
#include "core/store/database.hpp"
#include "core/store/state_lock.hpp"
#include "core/version.hpp"
#include "core/wire/keys.hpp"
#include "hosts/cli/commands/commands.hpp"
#include "hosts/cli/commands/operator.hpp"
#include "hosts/cli/run/interrupt.hpp"
#include "hosts/cli/view/record.hpp"
#include "hosts/cli/view/terminal.hpp"

namespace skerry::cli {
namespace {

namespace fs = std::filesystem;

// Until the disks are done; a cloud that dies meanwhile is noticed at once.
constexpr std::chrono::hours kAsLongAsItTakes{7 * 24};

// A token that was used after the backup's moment would be good for a second time.
constexpr std::string_view kEndTokens = "DELETE FROM invite WHERE used_by IS NULL";

std::string now_text() {
  return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(std::time(nullptr)));
}

fs::path full(const fs::path& path) {
  std::error_code ignored;
  auto plain = fs::absolute(path, ignored).lexically_normal();
  return plain.has_filename() ? plain : plain.parent_path();
}

store::AuditEntry entry_of(const std::string& action, const Json& details) {
  store::AuditEntry entry;
  entry.time = now_text();
  entry.actor = "operator";
  entry.action = action;
  entry.subject = "cloud";
  entry.details = dump_json(details);
  return entry;
}

Status record(store::Database& database, const std::string& action, const Json& details) {
  SKERRY_ASSIGN(auto transaction, database.begin());
  SKERRY_TRY(store::append_audit(database, entry_of(action, details)));
  return transaction.commit();
}

Result<wire::KeyPair> key_of(const fs::path& state) {
  std::error_code ignored;
  const auto file = state / store::kKeyFile;
  if (fs::exists(file, ignored)) return wire::KeyPair::load_or_create(file);
  return fail(Code::data_loss, "the cloud's key is missing in its state directory", file.string());
}

Result<Json> back_up_stopped(const fs::path& state, const fs::path& to) {
  SKERRY_ASSIGN(const auto lock, store::StateLock::acquire(state));
  SKERRY_TRY(store::expect_restored(state));
  SKERRY_ASSIGN(const auto key, key_of(state));
  SKERRY_TRY(store::check_backup_target(state, to));
  SKERRY_ASSIGN(auto database, store::Database::open(state / store::kDatabaseFile));
  SKERRY_TRY(record(database, "backup.begun", {{"to", to.string()}}));
  auto made = store::make_backup({.state = state,
                                  .to = to,
                                  .version = kVersion,
                                  .created = now_text(),
                                  .public_key = key.public_key,
                                  .cancelled = [] { return Interrupt::arrived(); }});
  if (!made) {
    SKERRY_TRY(
        record(database, "backup.failed", {{"to", to.string()}, {"message", made.error().text()}}));
    return fail(made.error());
  }
  SKERRY_TRY(record(database, "backup.made",
                    {{"to", to.string()},
                     {"database", made->database.hex()},
                     {"files", made->files},
                     {"audit", made->audit.text()}}));
  return made->to_json();
}

// Nothing was done, and other words on the command line would help.
int status_for(const Problems& problems) {
  if (problems.front().code == Code::cancelled) return kInterrupted;
  const bool bad_input = std::all_of(problems.begin(), problems.end(), [](const auto& problem) {
    return problem.code == Code::invalid_argument || problem.code == Code::already_exists ||
           problem.code == Code::not_found;
  });
  return bad_input ? kBadInput : kFailed;
}

std::string contents(const store::Manifest& manifest) {
  const auto size = [](std::uint64_t bytes) { return format_size(static_cast<double>(bytes)); };
  return fmt::format("database {}, {} artifacts {}, audit log up to entry {}",
                     size(manifest.database_bytes), manifest.files, size(manifest.file_bytes),
                     manifest.audit.seq);
}

int show_made(const Operator& who, const fs::path& to, Json reply) {
  if (who.json) {
    reply["path"] = to.string();
    print_json(reply);
    return kOk;
  }
  const auto manifest = store::Manifest::parse(dump_json(reply), to);
  if (!manifest) return complain(manifest.error(), who.json, kFailed);
  std::printf("%s\n%s\n", printable(to.string()).c_str(), contents(*manifest).c_str());
  std::fputs(
      "It holds the cloud's private key: whoever can read it can pass for this cloud. Keep others "
      "out, wherever you copy it.\n",
      stderr);
  if (manifest->linked > 0) {
    std::fputs(
        "Its artifacts are hard links into the state directory: take a copy to another disk, and "
        "check it there with `skerry restore --check`.\n",
        stderr);
  }
  return kOk;
}

int show_restored(bool json, const fs::path& backup, const fs::path& state,
                  const store::Manifest& manifest) {
  if (json) {
    Json shown = manifest.to_json();
    shown["path"] = backup.string();
    shown["state"] = state.string();
    print_json(shown);
    return kOk;
  }
  std::printf("%s\n%s, as of %s\n", printable(state.string()).c_str(), contents(manifest).c_str(),
              printable(manifest.created).c_str());
  std::fprintf(
      stderr,
      "Next: start `skerry-cloud --state %s` with the addresses that it had. Edges come back by "
      "themselves; what was done since then and the cloud has no record of is found when they "
      "compare their tasks, is done again where it has to be, and counts once.\n"
      "Not in it: what operators did since then. Revoke again the nodes and admin keys that were "
      "revoked since; nodes that joined or changed their key since need a new token, name and "
      "state directory. Tokens that were open then have ended.\n",
      printable(state.string()).c_str());
  return kOk;
}

}  // namespace

int backup_command(const Operator& who, const fs::path& given) {
  Interrupt::watch();
  const auto to = full(given);
  const auto state = full(who.state.empty() ? default_state_dir() : who.state);
  auto client = connect_to_cloud(who);
  if (client) {
    auto reply = client->call("backup", {{"to", to.string()}}, kAsLongAsItTakes);
    if (reply) return show_made(who, to, std::move(*reply));
    if (reply.error().front().code == Code::cancelled && Interrupt::arrived()) {
      return complain(
          {Code::cancelled, "interrupted; the cloud goes on to make the backup", to.string(), ""},
          who.json, kInterrupted);
    }
    return complain(reply.error(), who.json, status_for(reply.error()));
  }
  std::error_code ignored;
  const bool is_down = who.admin_key.empty() && client.error().code == Code::unavailable &&
                       fs::exists(state / store::kDatabaseFile, ignored);
  if (!is_down) return complain(client.error(), who.json, exit_for({client.error()}));
  auto made = back_up_stopped(state, to);
  if (!made) return complain(made.error(), who.json, status_for({made.error()}));
  return show_made(who, to, std::move(*made));
}

int restore_command(const RestoreOptions& options) {
  const auto backup = full(options.backup);
  const auto state = full(options.state.empty() ? default_state_dir() : options.state);
  if (!options.check) {
    if (const auto possible = store::check_restore_target(backup, state); !possible)
      return complain(possible.error(), options.json, status_for({possible.error()}));
  }
  const auto manifest =
      store::check_backup(backup, {.newest_schema = std::size(engine::cloud::kMigrations),
                                   .public_key_of = wire::KeyPair::public_of});
  if (!manifest) return complain(manifest.error(), options.json, status_for(manifest.error()));
  if (options.check) {
    if (options.json) {
      Json shown = manifest->to_json();
      shown["path"] = backup.string();
      print_json(shown);
    } else {
      std::printf("the backup is whole: %s, as of %s\n", contents(*manifest).c_str(),
                  printable(manifest->created).c_str());
    }
    return kOk;
  }
  const auto entry = entry_of("state.restored", {{"from", backup.string()},
                                                 {"created", manifest->created},
                                                 {"database", manifest->database.hex()},
                                                 {"audit", manifest->audit.text()}});
  if (const auto done = store::restore_backup(backup, *manifest, state, kEndTokens, entry); !done)
    return complain(done.error(), options.json, status_for({done.error()}));
  return show_restored(options.json, backup, state, *manifest);
}

}  // namespace skerry::cli
