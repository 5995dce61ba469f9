// Blobs between an edge and the cloud, whole at a time: they take virtual time and are tried again
// until the cloud answers.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "core/wire/blob_transfers.hpp"
#include "core/wire/bulk_server.hpp"
#include "host.hpp"
#include "network.hpp"

namespace skerry::simulator {

class CloudHost;

class SimulatedTransfers : public wire::BlobTransfers {
 public:
  SimulatedTransfers(VirtualTime& time, HostLoop& loop, Network& network, Host& edge,
                     CloudHost& cloud, double slowest)
      : time_(time),
        loop_(loop),
        network_(network),
        edge_(edge),
        cloud_(cloud),
        slowest_(slowest) {}

  void get(const Digest& digest, std::filesystem::path partial_file, Done done) override;
  void put(const Digest& digest, std::filesystem::path file, std::uint64_t size,
           Done done) override;
  void put_bytes(const Digest& digest, std::string data, Done done) override;
  void cancel_get(const Digest& digest) override { cancel(gets_, digest); }
  void cancel_put(const Digest& digest) override { cancel(puts_, digest); }

 private:
  struct Transfer {
    std::filesystem::path file;  // of a get
    std::string data;            // of a put
    Done done;
  };
  using TransferPtr = std::shared_ptr<Transfer>;
  using Kind = std::map<Digest, TransferPtr>;

  std::string user() const;
  void cancel(Kind& kind, const Digest& digest);
  void begin(Kind& kind, const Digest& digest, Transfer transfer);
  void again(const Kind& kind, const Digest& digest, const TransferPtr& transfer, double pause);
  void ask(const Digest& digest, const TransferPtr& transfer);
  void offer(const Digest& digest, const TransferPtr& transfer);
  void store(const Digest& digest, const TransferPtr& transfer,
             const std::filesystem::path& staging);
  // The answer's way back; it may get lost.
  void answer(Kind& kind, const Digest& digest, const TransferPtr& transfer,
              Result<std::uint64_t> result);
  bool under_way(const Kind& kind, const Digest& digest, const TransferPtr& transfer) const;

  VirtualTime& time_;
  HostLoop& loop_;
  Network& network_;
  Host& edge_;
  CloudHost& cloud_;
  double slowest_;
  Kind gets_, puts_;
  // The cloud may answer when the edge's life has ended.
  std::shared_ptr<const bool> alive_ = std::make_shared<const bool>(true);
};

}  // namespace skerry::simulator
