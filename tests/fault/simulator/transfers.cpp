#include "transfers.hpp"

#include "cloud_host.hpp"
#include "core/base/file.hpp"
#include "core/engine/cloud/nodes.hpp"
#include "core/engine/unit.hpp"

namespace skerry::simulator {

using engine::must;

std::string SimulatedTransfers::user() const {
  return engine::cloud::user_id(engine::cloud::Role::node, edge_.name());
}

bool SimulatedTransfers::under_way(const Kind& kind, const Digest& digest,
                                   const TransferPtr& transfer) const {
  const auto found = kind.find(digest);
  return found != kind.end() && found->second == transfer;
}

void SimulatedTransfers::begin(Kind& kind, const Digest& digest, Transfer transfer) {
  if (kind.contains(digest)) {
    transfer.done(fail(Code::already_exists, "this blob is under way already"));
    return;
  }
  const auto begun = kind[digest] = std::make_shared<Transfer>(std::move(transfer));
  again(kind, digest, begun, slowest_);
}

void SimulatedTransfers::again(const Kind& kind, const Digest& digest, const TransferPtr& transfer,
                               double pause) {
  loop_.later(time_.between(0, pause), [this, &kind, digest, transfer] {
    if (!under_way(kind, digest, transfer)) return;
    // Tried once more when no answer came: it, or the question, got lost.
    again(kind, digest, transfer, 5 + slowest_);
    if (!network_.passable(edge_) || !cloud_.up()) return;
    &kind == &gets_ ? ask(digest, transfer) : offer(digest, transfer);
  });
}

void SimulatedTransfers::get(const Digest& digest, std::filesystem::path partial_file, Done done) {
  begin(gets_, digest, {std::move(partial_file), {}, std::move(done)});
}

void SimulatedTransfers::put(const Digest& digest, std::filesystem::path file, std::uint64_t,
                             Done done) {
  begin(puts_, digest, {{}, must(read_file(file)), std::move(done)});
}

void SimulatedTransfers::put_bytes(const Digest& digest, std::string data, Done done) {
  begin(puts_, digest, {{}, std::move(data), std::move(done)});
}

void SimulatedTransfers::cancel(Kind& kind, const Digest& digest) {
  auto found = kind.extract(digest);
  if (found.empty()) return;
  loop_.post([transfer = found.mapped()] {
    transfer->done(fail(Code::cancelled, "the transfer was cancelled"));
  });
}

void SimulatedTransfers::ask(const Digest& digest, const TransferPtr& transfer) {
  cloud_.enter(cloud_.life(), [&] {
    cloud_.access().resolve(
        user(), digest, [=, this, alive = std::weak_ptr(alive_)](Result<wire::BulkSource> found) {
          if (alive.expired()) return;
          if (!found) return answer(gets_, digest, transfer, fail(found.error()));
          std::string bytes = found->path.empty() ? found->inline_data
                                                  : read_file(found->path).value_or(std::string());
          if (digest_of(as_bytes(bytes)) != digest)
            return answer(gets_, digest, transfer, fail(Code::data_loss, "digest mismatch"));
          transfer->data = std::move(bytes);
          answer(gets_, digest, transfer, transfer->data.size());
        });
  });
}

void SimulatedTransfers::offer(const Digest& digest, const TransferPtr& transfer) {
  cloud_.enter(cloud_.life(), [&] {
    cloud_.access().admit(
        user(), digest, transfer->data.size(),
        [=, this, alive = std::weak_ptr(alive_)](Result<wire::BulkTarget> target) {
          if (alive.expired()) return;
          if (!target) return answer(puts_, digest, transfer, fail(target.error()));
          if (target->have) return answer(puts_, digest, transfer, 0);
          store(digest, transfer, target->staging_file);
        });
  });
}

void SimulatedTransfers::store(const Digest& digest, const TransferPtr& transfer,
                               const std::filesystem::path& staging) {
  time_.after(time_.between(0, slowest_), [=, this, life = cloud_.life(),
                                           alive = std::weak_ptr(alive_)] {
    if (alive.expired() || !network_.passable(edge_)) return;
    cloud_.enter(life, [&] {
      must(write_file_durably(staging, as_bytes(transfer->data)));
      cloud_.access().received(
          user(), digest, transfer->data.size(), staging, [=, this](Status stored) {
            if (alive.expired()) return;
            answer(puts_, digest, transfer,
                   stored ? Result<std::uint64_t>(transfer->data.size()) : fail(stored.error()));
          });
    });
  });
}

// Called while the cloud's code runs; what follows happens at the edge, later.
void SimulatedTransfers::answer(Kind& kind, const Digest& digest, const TransferPtr& transfer,
                                Result<std::uint64_t> result) {
  if (!network_.passable(edge_)) return;
  loop_.later(time_.between(0, slowest_), [this, &kind, digest, transfer, result] {
    if (!under_way(kind, digest, transfer)) return;
    if (!result && result.error().code == Code::unavailable) return;  // tried again
    kind.erase(digest);
    if (result && !transfer->file.empty())
      must(write_file_durably(transfer->file, as_bytes(transfer->data)));
    transfer->done(result);
  });
}

}  // namespace skerry::simulator
