#include "core/engine/arrivals.hpp"

#include <boost/asio/post.hpp>
#include <iterator>
#include <utility>

namespace skerry::engine {

void Arrivals::add(wire::SocketThread::Batch&& batch) {
  const std::lock_guard lock(mutex_);
  const bool tell = waiting_.empty();
  waiting_.push_back(std::move(batch));
  if (tell) boost::asio::post(io_, [this] { hand_over(); });
}

void Arrivals::hand_over() {
  std::vector<wire::SocketThread::Batch> batches;
  {
    const std::lock_guard lock(mutex_);
    batches.swap(waiting_);
  }
  std::vector<wire::Incoming> all;
  for (auto& batch : batches)
    all.insert(all.end(), std::make_move_iterator(batch.messages.begin()),
               std::make_move_iterator(batch.messages.end()));
  take_(all);
}

}  // namespace skerry::engine
