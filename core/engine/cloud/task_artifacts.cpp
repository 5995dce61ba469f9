// Which blobs a job keeps. An artifact stays as long as the workflow's state, an undecided event,
// an open task or a published model names it by its digest in hex; a workflow forgets an artifact
// by forgetting its name.
#include <algorithm>
#include <set>

#include "core/base/failpoint.hpp"
#include "core/engine/cloud/tasks.hpp"
#include "core/engine/collector.hpp"

namespace skerry::engine::cloud {

namespace {

// Every digest that is written in the text. A long run of hexadecimal digits may hold one anywhere.
std::set<Digest> digests_in(std::string_view text) {
  constexpr std::size_t kDigits = 64;
  std::set<Digest> found;
  std::size_t run = 0;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const char c = text[at];
    run = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') ? run + 1 : 0;
    if (run >= kDigits)
      found.insert(must(Digest::from_hex(text.substr(at + 1 - kDigits, kDigits))));
  }
  return found;
}

}  // namespace

void Tasks::hold(Job& job, const Digest& digest) {
  if (!job.models.contains(digest) && !job.shipped.contains(digest)) job.artifacts.insert(digest);
  must(unit_.sql("INSERT OR IGNORE INTO artifact(job, digest) VALUES(?, ?)")
           .bind(1, job.id)
           .bind(2, digest)
           .run());
}

void Tasks::release_artifacts(Job& job) {
  std::string named = job.finished() ? std::string() : job.state;
  for (const std::string& event : job.undecided) named += event;
  {
    auto open =
        unit_.sql("SELECT inputs, expects, limits FROM task WHERE job = ? AND state = 'open'");
    open.bind(1, job.id);
    while (must(open.step()))
      named += open.column_text(0) + open.column_text(1) + open.column_text(2);
  }
  const std::set<Digest> kept = digests_in(named);
  for (auto it = job.artifacts.begin(); it != job.artifacts.end();) {
    if (kept.contains(*it)) {
      ++it;
      continue;
    }
    const Digest digest = *it;
    it = job.artifacts.erase(it);
    must(unit_.sql("DELETE FROM artifact WHERE job = ? AND digest = ?")
             .bind(1, job.id)
             .bind(2, digest)
             .run());
    drop_unless_held(digest);
  }
}

void Tasks::release_all(Job& job) {
  unpin_all(job.id);
  must(unit_.sql("DELETE FROM artifact WHERE job = ?").bind(1, job.id).run());
  must(unit_.sql("DELETE FROM model WHERE job = ?").bind(1, job.id).run());
  for (auto* held : {&job.artifacts, &job.models, &job.shipped})
    for (const Digest& digest : std::exchange(*held, {})) drop_unless_held(digest);
}

void Tasks::drop_unless_held(const Digest& digest) {
  if (keeps_every_blob()) return;
  auto held = unit_.sql(
      "SELECT 1 FROM artifact WHERE digest = ?1 UNION ALL SELECT 1 FROM model WHERE digest = ?1 "
      "UNION ALL SELECT 1 FROM pin WHERE digest = ?1 LIMIT 1");
  held.bind(1, digest);
  if (must(held.step())) return;
  must(blobs_.forget(digest));
  SKERRY_FAILPOINT("cloud.artifact.forgotten");
  unit_.after_commit([this, digest] { free_file(loop_, blobs_, digest); });
}

}  // namespace skerry::engine::cloud
