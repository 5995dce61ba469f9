#include "core/serving/seats.hpp"

#include <algorithm>
#include <utility>

namespace skerry::serving {

void Seats::reserve(std::uint64_t ticket, Place place) {
  by_service_[place.service].push_back(ticket);
  Seat& seat = seats_[ticket];
  seat.ticket = ticket;
  seat.place = std::move(place);
}

std::vector<Seats::Asker> Seats::release(std::uint64_t ticket, Clock::time_point now) {
  const auto found = seats_.find(ticket);
  if (found == seats_.end()) return {};
  Seat& seat = found->second;
  if (seat.retired && !seat.in_hand.empty()) {
    seat.released = now;
    return {};
  }
  std::vector<Asker> owed;
  for (auto& [id, asker] : seat.in_hand) owed.push_back(std::move(asker));
  remove(found);
  return owed;
}

void Seats::remove(std::map<std::uint64_t, Seat>::iterator found) {
  const Seat& seat = found->second;
  if (!seat.peer.empty()) {
    by_peer_.erase(seat.peer);
    by_session_.erase(seat.session);
  }
  auto& tickets = by_service_[seat.place.service];
  std::erase(tickets, seat.ticket);
  if (tickets.empty()) by_service_.erase(seat.place.service);
  seats_.erase(found);
}

std::optional<Seats::Asker> Seats::answered(Seat& seat, const QuestionId& question) {
  auto asker = seat.in_hand.extract(question);
  if (seat.released && seat.in_hand.empty()) remove(seats_.find(seat.ticket));
  if (asker.empty()) return std::nullopt;
  return std::move(asker.mapped());
}

Seats::Taken Seats::take(std::uint64_t ticket, const std::string& peer, std::uint64_t session,
                         std::uint32_t credit) {
  const auto found = seats_.find(ticket);
  if (found == seats_.end() || !found->second.peer.empty() || by_peer_.contains(peer) ||
      by_session_.contains(session))
    return {};
  Taken taken;
  Seat& seat = found->second;
  taken.seat = &seat;
  seat.peer = peer;
  seat.session = session;
  seat.credit = std::max(1u, credit);
  by_peer_[peer] = ticket;
  by_session_[session] = ticket;
  for (auto& [number, other] : seats_) {
    const bool same = number != ticket && other.place.job == seat.place.job &&
                      other.place.replica == seat.place.replica && !other.peer.empty() &&
                      !other.retired;
    if (!same) continue;
    Seat& older = other.place.version > seat.place.version ? seat : other;
    if (!std::exchange(older.retired, true)) taken.retired.push_back(&older);
  }
  return taken;
}

Seats::Seat* Seats::of_peer(const std::string& peer) {
  const auto found = by_peer_.find(peer);
  return found == by_peer_.end() ? nullptr : &seats_.at(found->second);
}

Seats::Seat* Seats::of_session(std::uint64_t session) {
  const auto found = by_session_.find(session);
  return found == by_session_.end() ? nullptr : &seats_.at(found->second);
}

std::vector<Seats::Seat*> Seats::serving(const std::string& service) {
  std::vector<Seat*> list;
  const auto found = by_service_.find(service);
  if (found == by_service_.end()) return list;
  for (const std::uint64_t ticket : found->second) {
    Seat& seat = seats_.at(ticket);
    if (seat.serves()) list.push_back(&seat);
  }
  return list;
}

bool Seats::knows(const std::string& service) const {
  return by_service_.contains(service);
}

std::set<std::string> Seats::jobs(const std::string& service) const {
  std::set<std::string> names;
  const auto found = by_service_.find(service);
  if (found == by_service_.end()) return names;
  for (const std::uint64_t ticket : found->second) names.insert(seats_.at(ticket).place.job);
  return names;
}

Seats::Seat* Seats::least_busy(const std::string& service) {
  Seat* best = nullptr;
  const auto share = [](const Seat& seat) {
    return static_cast<double>(seat.in_hand.size()) / seat.credit;
  };
  const auto found = by_service_.find(service);
  if (found == by_service_.end()) return nullptr;
  for (const std::uint64_t ticket : found->second) {
    Seat& seat = seats_.at(ticket);
    if (!seat.serves() || !seat.free()) continue;
    if (best == nullptr || share(seat) < share(*best)) best = &seat;
  }
  return best;
}

std::vector<Seats::Asker> Seats::overdue(Clock::time_point then) {
  std::vector<Asker> list;
  for (auto it = seats_.begin(); it != seats_.end();) {
    Seat& seat = it->second;
    const bool dead = seat.released && *seat.released < then;
    std::erase_if(seat.in_hand, [&](auto& entry) {
      if (!dead && entry.second.until >= then) return false;
      list.push_back(std::move(entry.second));
      return true;
    });
    const auto next = std::next(it);
    if (seat.released && seat.in_hand.empty()) remove(it);
    it = next;
  }
  return list;
}

}  // namespace skerry::serving
