#include <fmt/format.h>

#include "core/store/audit_chain.hpp"
#include "tests/fault/support/checks.hpp"

namespace skerry::fault {
namespace {

constexpr std::int64_t kAtOnce = 1000;

}  // namespace

void check_audit(Examination& examination) {
  store::AuditVerifier verifier;
  std::int64_t last = 0;
  for (bool more = true; more;) {
    const auto entries = expect(store::read_audit(examination.cloud.database(), last, kAtOnce));
    for (const auto& entry : entries) verifier.take(entry);
    more = !entries.empty();
    if (more) last = entries.back().seq;
  }
  if (const auto fault = verifier.finish())
    examination.violated("audit", fmt::format("row {}: {}", fault->seq, fault->found));
}

}  // namespace skerry::fault
