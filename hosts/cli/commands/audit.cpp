// The audit log: shown, checked, its head noted. A running cloud is asked for the rows and the
// chain is followed here; of a cloud that is down the rows are read from its state directory.
#include <fmt/format.h>

#include <cstdio>
#include <functional>

#include "core/base/try.hpp"
#include "core/store/audit_chain.hpp"
#include "core/store/state_lock.hpp"
#include "hosts/cli/commands/commands.hpp"
#include "hosts/cli/commands/operator.hpp"
#include "hosts/cli/view/record.hpp"
#include "hosts/cli/view/terminal.hpp"
#include "hosts/cli/view/text_table.hpp"

namespace skerry::cli {
namespace {

constexpr std::int64_t kPage = 200;

using Entries = std::vector<store::AuditEntry>;
// The rows after this one, at most a page of them.
using Pages = std::function<Result<Entries>(std::int64_t after)>;

Result<store::AuditEntry> entry_of(const Json& json) {
  store::AuditEntry entry;
  entry.seq = json.value("seq", std::int64_t{0});
  entry.time = text_at(json, "time");
  entry.actor = text_at(json, "actor");
  entry.action = text_at(json, "action");
  entry.subject = text_at(json, "subject");
  entry.details = text_at(json, "details");
  SKERRY_ASSIGN(entry.prev, Digest::from_hex(text_at(json, "prev")));
  SKERRY_ASSIGN(entry.hash, Digest::from_hex(text_at(json, "hash")));
  return entry;
}

Result<Entries> ask_page(AdminClient& cloud, std::int64_t after) {
  SKERRY_ASSIGN(const Json reply,
                first_problem(cloud.call("audit.ls", {{"after", after}, {"limit", kPage}})));
  Entries entries;
  for (const Json& json : reply.value("entries", Json::array())) {
    SKERRY_ASSIGN(auto entry, entry_of(json));
    entries.push_back(std::move(entry));
  }
  return entries;
}

int with_stored(const Operator& who, const std::filesystem::path& state,
                const std::function<int(const Pages&)>& work) {
  const auto give_up = [&](const Problem& problem) {
    return complain(problem, who.json, kBadInput);
  };
  const auto lock = store::StateLock::acquire(state);
  if (!lock) return give_up(lock.error());
  auto database = store::Database::open(state / "cloud.db");
  if (!database) return give_up(database.error());
  return work([&](std::int64_t after) { return store::read_audit(*database, after, kPage); });
}

int with_pages(const Operator& who, const std::function<int(const Pages&)>& work) {
  const auto state = who.state.empty() ? default_state_dir() : who.state;
  auto client = connect_to_cloud(who);
  if (client) return work([&](std::int64_t after) { return ask_page(*client, after); });
  std::error_code ignored;
  if (who.admin_key.empty() && client.error().code == Code::unavailable &&
      std::filesystem::exists(state / "cloud.db", ignored)) {
    return with_stored(who, state, work);
  }
  return complain(client.error(), who.json, kBadInput);
}

Status each_entry(const Pages& pages, std::int64_t after,
                  const std::function<void(const store::AuditEntry&)>& use) {
  for (;;) {
    SKERRY_ASSIGN(const Entries entries, pages(after));
    for (const auto& entry : entries) use(entry);
    if (entries.empty()) return {};
    after = entries.back().seq;
  }
}

// An object without braces, quotes and commas where they say nothing.
std::string short_details(const std::string& text) {
  const auto details = parse_json(text);
  if (!details || !details->is_object()) return text;
  std::string line;
  for (const auto& [key, value] : details->items()) {
    if (!line.empty()) line += ' ';
    line += key + "=" + (value.is_string() ? value.get<std::string>() : dump_json(value));
  }
  return line;
}

}  // namespace

int audit_list_command(const Operator& who, std::int64_t since) {
  return with_pages(who, [&](const Pages& pages) -> int {
    TextTable table({{"SEQ", true}, {"TIME"}, {"ACTOR"}, {"ACTION"}, {"SUBJECT"}, {"DETAILS"}});
    Json list = Json::array();
    const Status read =
        each_entry(pages, std::max<std::int64_t>(0, since - 1), [&](const auto& entry) {
          if (who.json) {
            list.push_back({{"seq", entry.seq},
                            {"time", entry.time},
                            {"actor", entry.actor},
                            {"action", entry.action},
                            {"subject", entry.subject},
                            {"details", parse_json(entry.details).value_or(entry.details)},
                            {"prev", entry.prev.hex()},
                            {"hash", entry.hash.hex()}});
          } else {
            table.add({std::to_string(entry.seq), entry.time, entry.actor, entry.action,
                       entry.subject, short_details(entry.details)});
          }
        });
    if (!read) return complain(read.error(), who.json, kFailed);
    who.json ? print_json({{"items", list}})
             : static_cast<void>(std::fputs(printable(table.text()).c_str(), stdout));
    return kOk;
  });
}

int audit_head_command(const Operator& who) {
  return with_pages(who, [&](const Pages& pages) -> int {
    store::AuditHead head;
    const Status read = each_entry(pages, 0, [&](const auto& entry) {
      head = store::AuditHead{entry.seq, entry.hash};
    });
    if (!read) return complain(read.error(), who.json, kFailed);
    who.json ? print_json({{"seq", head.seq}, {"hash", head.hash.hex()}, {"head", head.text()}})
             : static_cast<void>(std::puts(head.text().c_str()));
    return kOk;
  });
}

int audit_verify_command(const Operator& who, const std::string& kept) {
  std::optional<store::AuditHead> head;
  if (!kept.empty()) {
    const auto parsed = store::AuditHead::parse(kept);
    if (!parsed) return complain(parsed.error(), who.json, kBadInput);
    head = *parsed;
  }
  return with_pages(who, [&](const Pages& pages) -> int {
    store::AuditVerifier verifier(head);
    const Status read = each_entry(pages, 0, [&](const auto& entry) { verifier.take(entry); });
    if (!read) return complain(read.error(), who.json, kBadInput);
    if (const auto fault = verifier.finish()) {
      if (who.json) {
        print_json({{"whole", false}, {"seq", fault->seq}, {"found", fault->found}});
      } else {
        std::puts(printable(fmt::format("the audit log is broken at entry {}: {}", fault->seq,
                                        fault->found))
                      .c_str());
      }
      return kFailed;
    }
    const auto& last = verifier.head();
    if (who.json) {
      print_json({{"whole", true}, {"entries", last.seq}, {"head", last.text()}});
    } else {
      std::puts(fmt::format("the audit log is whole: {} entries\nhead {}", last.seq, last.text())
                    .c_str());
    }
    return kOk;
  });
}

}  // namespace skerry::cli
