// Which blobs open tasks keep: those that they need, from their start, and those that their nodes
// bring, from the first word about them. A pin is a row; it goes when its task closes, and the blob
// with it unless something else holds it by then, as the result that was counted does.
#include "core/base/failpoint.hpp"
#include "core/engine/cloud/tasks.hpp"

namespace skerry::engine::cloud {
namespace {

constexpr std::int64_t kMaxPinsOfTask = 2 * 4096;  // a message names 4,096 artifacts at most

}  // namespace

void Tasks::pin(std::int64_t job, const std::string& task, const Digest& digest) {
  must(unit_.sql("INSERT OR IGNORE INTO pin(job, task, digest) VALUES(?, ?, ?)")
           .bind(1, job)
           .bind(2, task)
           .bind(3, digest)
           .run());
}

bool Tasks::pin_for(const std::string& node, const Digest& digest) {
  struct Open {
    std::int64_t job;
    std::string task;
  };
  std::vector<Open> open;
  {
    auto select = unit_.sql(
        "SELECT job, id FROM task WHERE node = ?1 AND state = 'open' AND (SELECT count(*) FROM pin "
        "WHERE pin.job = task.job AND pin.task = task.id) < ?2");
    select.bind(1, node).bind(2, kMaxPinsOfTask);
    while (must(select.step())) open.push_back({select.column_int(0), select.column_text(1)});
  }
  for (const Open& one : open) pin(one.job, one.task, digest);
  if (!open.empty()) SKERRY_FAILPOINT("cloud.upload.pinned");
  return !open.empty();
}

bool Tasks::brings(const std::string& node, const Digest& digest) {
  auto select = unit_.sql(
      "SELECT 1 FROM pin JOIN task ON task.job = pin.job AND task.id = pin.task WHERE pin.digest = "
      "?1 AND task.node = ?2 LIMIT 1");
  select.bind(1, digest).bind(2, node);
  return must(select.step());
}

void Tasks::unpin(std::int64_t job, const std::string& task) {
  std::vector<Digest> pinned;
  {
    auto select = unit_.sql("SELECT digest FROM pin WHERE job = ? AND task = ?");
    select.bind(1, job).bind(2, task);
    while (must(select.step())) pinned.push_back(must(select.column_digest(0)));
  }
  must(unit_.sql("DELETE FROM pin WHERE job = ? AND task = ?").bind(1, job).bind(2, task).run());
  for (const Digest& digest : pinned) drop_unless_held(digest);
}

void Tasks::unpin_all(std::int64_t job) {
  std::vector<Digest> pinned;
  {
    auto select = unit_.sql("SELECT DISTINCT digest FROM pin WHERE job = ?");
    select.bind(1, job);
    while (must(select.step())) pinned.push_back(must(select.column_digest(0)));
  }
  must(unit_.sql("DELETE FROM pin WHERE job = ?").bind(1, job).run());
  for (const Digest& digest : pinned) drop_unless_held(digest);
}

}  // namespace skerry::engine::cloud
