// A node that has joined and is hostile: it knows the protocol, has a key that is let in, is given
// tasks like any other, and sends what no node should.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "cloud_host.hpp"
#include "core/wire/messages.hpp"
#include "host.hpp"
#include "network.hpp"

namespace skerry::simulator {

class Intruder : public Host {
 public:
  static constexpr const char* kName = "mallory";

  Intruder(VirtualTime& time, Network& network, CloudHost& cloud, std::filesystem::path state)
      : Host(time, kName, std::move(state)), network_(network), cloud_(cloud) {}
  ~Intruder() override;

  const wire::KeyPair& key() const { return key_; }
  // Whom it pretends to be, and whose public key it claims for itself.
  void set_victim(std::string node) { victim_ = std::move(node); }
  // Says nothing any more.
  void rest() { rests_ = true; }
  void receive(std::vector<wire::Incoming> batch) override;

 private:
  void open() override;
  void close() override;

  void attack();
  void send(std::string frame);
  std::uint64_t number();  // often at a limit
  std::string name();      // of a node
  wire::TaskKey task();    // its own, another's, or one that never was
  void greet(bool honestly);
  void send_garbage();
  void send_bent_header();
  void send_bent_table();
  void answer_for_others();
  void claim_a_key();
  void ask_for_blobs();
  std::string some_payload(wire::Type& type);

  Network& network_;
  CloudHost& cloud_;
  wire::KeyPair key_ = wire::KeyPair::generate().value();
  std::string victim_;
  bool rests_ = false;
  std::unique_ptr<HostLoop> loop_;
  std::unique_ptr<wire::Transport> transport_;
  int socket_ = 0;
  std::uint64_t session_ = 0, seq_ = 0;
  std::string epoch_;
  std::vector<wire::TaskKey> tasks_;  // that it was given
  std::vector<std::string> sent_;     // some of it, to be repeated
};

}  // namespace skerry::simulator
