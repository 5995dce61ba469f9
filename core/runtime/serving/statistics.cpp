#include "core/runtime/serving/statistics.hpp"

namespace skerry::runtime {
namespace {

void add(std::map<std::string, double>& metrics, const std::string& name, const Histogram& from) {
  if (from.total() == 0) return;
  for (std::size_t i = 0; i < Histogram::kBuckets; ++i)
    if (from.count(i) > 0)
      metrics[name + ".le." + std::to_string(Histogram::upper(i))] =
          static_cast<double>(from.count(i));
}

}  // namespace

std::map<std::string, double> Statistics::metrics() const {
  std::map<std::string, double> metrics{{"breaker", static_cast<double>(breaker)}};
  for (const auto& [name, value] : {std::pair{"requests", requests},
                                    {"hard", hard},
                                    {"offloaded", offloaded},
                                    {"byEdge", by_edge},
                                    {"byCloud", by_cloud},
                                    {"fallbacks", fallbacks},
                                    {"refused", refused},
                                    {"missed", missed},
                                    {"late", late},
                                    {"spared", spared},
                                    {"audited", audited},
                                    {"auditDisagreed", audit_disagreed},
                                    {"compared", compared},
                                    {"disagreed", disagreed},
                                    {"labelled", labelled},
                                    {"right", right},
                                    {"edgeKnown", edge_known},
                                    {"edgeRight", edge_right},
                                    {"encoded", encoded},
                                    {"bytesUp", bytes_up},
                                    {"labelsKept", labels_kept},
                                    {"labelsDropped", labels_dropped},
                                    {"batches", batches},
                                    {"expired", expired}})
    metrics[name] = static_cast<double>(value);
  add(metrics, "total", total);
  add(metrics, "wire", wire);
  add(metrics, "queue", queue);
  add(metrics, "compute", compute);
  return metrics;
}

}  // namespace skerry::runtime
