// Who serves what on a host, and which questions each has in hand. Pure bookkeeping; one thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

namespace skerry::serving {

// What a worker is to do. Of one job and replica only the latest version that is ready serves.
struct Place {
  std::string job;      // as tasks name it, NAME.ID
  std::string service;  // as askers name it, NAME
  std::uint64_t version = 1;
  std::uint32_t replica = 0;
};

// A question by the asker's random number and its own number for it.
struct QuestionId {
  std::uint64_t session = 0, seq = 0;
  bool operator==(const QuestionId&) const = default;
};
struct QuestionHash {
  std::size_t operator()(const QuestionId& id) const {
    return static_cast<std::size_t>(id.session ^ (id.seq * 0x9e3779b97f4a7c15u));
  }
};

class Seats {
 public:
  using Clock = std::chrono::steady_clock;

  struct Asker {
    QuestionId question;
    std::string peer;  // where the answer goes
    Clock::time_point until{};
  };
  struct Seat {
    Place place;
    std::uint64_t ticket = 0;
    std::string peer;           // the worker's address; empty: it is not ready yet
    std::uint64_t session = 0;  // of the questions that it asks itself
    std::uint32_t credit = 0;   // questions that it may have in hand
    bool retired = false;
    bool gone = false;  // its connection is; its host has not said so yet
    // Since when the worker is gone, and what it has answered may still come.
    std::optional<Clock::time_point> released;
    std::unordered_map<QuestionId, Asker, QuestionHash> in_hand;

    bool serves() const { return !peer.empty() && !retired && !gone; }
    bool free() const { return in_hand.size() < credit; }
  };

  void reserve(std::uint64_t ticket, Place place);
  // The worker is gone: whom it owes an answer. One that was retired has answered all that it had
  // before it ended, or else it crashed: its seat stays until those answers have come, or are
  // overdue.
  std::vector<Asker> release(std::uint64_t ticket, Clock::time_point now = Clock::now());

  struct Taken {
    Seat* seat = nullptr;        // null: no such ticket, or it is taken, or `peer` has one
    std::vector<Seat*> retired;  // lose their place by this, perhaps `seat` itself
  };
  Taken take(std::uint64_t ticket, const std::string& peer, std::uint64_t session,
             std::uint32_t credit);

  // The answer to this question came: who waits for it.
  std::optional<Asker> answered(Seat& seat, const QuestionId& question);

  Seat* of_peer(const std::string& peer);
  Seat* of_session(std::uint64_t session);
  // Those that serve now.
  std::vector<Seat*> serving(const std::string& service);
  // Whether there is, or will be, somebody.
  bool knows(const std::string& service) const;
  // Whose they are, that serve it or will.
  std::set<std::string> jobs(const std::string& service) const;
  // Has somebody for it, and the fewest questions in hand for what it can take; null: nobody, or
  // all have what they can take.
  Seat* least_busy(const std::string& service);

  // Questions in hand whose time was up before `then`, or whose worker was gone by then: nobody
  // will answer them any more. Forgotten.
  std::vector<Asker> overdue(Clock::time_point then);

  const std::map<std::uint64_t, Seat>& all() const { return seats_; }

 private:
  void remove(std::map<std::uint64_t, Seat>::iterator seat);

  std::map<std::uint64_t, Seat> seats_;  // by ticket
  std::unordered_map<std::string, std::uint64_t> by_peer_;
  std::unordered_map<std::uint64_t, std::uint64_t> by_session_;
  std::map<std::string, std::vector<std::uint64_t>> by_service_;
};

}  // namespace skerry::serving
