// The host's end of a worker's socket, and waiting with a limit.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <thread>
#include <zmq.hpp>

#include "core/base/file.hpp"
#include "core/runtime/process_launcher.hpp"
#include "core/wire/envelope.hpp"

namespace skerry::runtime {

class TestHost {
 public:
  TestHost() : socket_(context_, zmq::socket_type::router) {
    socket_.set(zmq::sockopt::linger, 0);
    socket_.set(zmq::sockopt::rcvtimeo, 20'000);
    socket_.bind(endpoint());
  }

  std::string endpoint() const { return "ipc://" + (dir_.path() / "host").string(); }
  const std::filesystem::path& dir() const { return dir_.path(); }
  void close() { socket_.close(); }

  WorkerSpec spec(const std::string& id, WorkerRole role = WorkerRole::task) const {
    return {.id = id,
            .role = role,
            .endpoint = endpoint(),
            .threads = 1,
            .log_file = dir_.path() / (id + ".log")};
  }

  // The next message of the one worker; fails when it is of another type or does not come.
  template <class Message>
  Message expect() {
    zmq::message_t peer, body;
    if (!socket_.recv(peer) || !socket_.recv(body)) {
      ADD_FAILURE() << "no message came";
      return {};
    }
    peer_ = peer.to_string();
    const auto received = wire::parse_frame(body.to_string(), wire::kLocalLimit);
    if (!received || received->header.type != Message::type) {
      ADD_FAILURE() << "another message came";
      return {};
    }
    return wire::decode<Message>(received->payload()).value();
  }

  template <class Message>
  void send(const Message& message) {
    socket_.send(zmq::buffer(peer_), zmq::send_flags::sndmore);
    socket_.send(zmq::buffer(wire::frame(0, 0, 0, message)), zmq::send_flags::none);
  }

 private:
  TempDir dir_ = TempDir::create().value();
  zmq::context_t context_;
  zmq::socket_t socket_;
  std::string peer_;
};

// Polls until a worker ended; an empty id when none does within 20 s.
inline WorkerExit wait_for_exit(Launcher& launcher) {
  const auto limit = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (std::chrono::steady_clock::now() < limit) {
    if (auto exits = launcher.poll(); !exits.empty()) return exits.front();
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  ADD_FAILURE() << "no worker ended";
  return {};
}

inline std::filesystem::path worker_program() {
  return std::filesystem::path(SKERRY_BIN_DIR) / "skerry-worker";
}

inline bool is_alive(pid_t pid) {
  return std::filesystem::exists("/proc/" + std::to_string(pid));
}

}  // namespace skerry::runtime
