// What a job's sources give is asked about, like an application's questions, and what the service
// says goes to the job's sinks, in the order in which each source gave it. One thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/client/client.hpp"
#include "core/runtime/instance.hpp"
#include "core/runtime/serving/served_model.hpp"
#include "core/runtime/serving/served_sink.hpp"

namespace skerry::runtime {

class Feed {
 public:
  struct Source {
    const Instance* instance = nullptr;
    std::string place;  // in the job, as "sources[0]"
  };

  struct Limits {
    std::chrono::milliseconds write_again{1000};  // after a sink failed
    // So long without a break: as long as a disk is full, or a network folder away.
    std::chrono::milliseconds sink_may_fail{60'000};
  };

  // The features and the client's link must outlive this.
  Feed(client::Client client, std::string service, InputForm form,
       const std::vector<Source>& sources, std::vector<ServedSink> sinks, Limits limits);

  // Until `stop` says so, or all sources are at their end and their last answers written. `tick` is
  // called often. Fails where a source or a sink does. The sinks are closed in any case.
  Status run(const std::function<bool()>& stop, const std::function<void()>& tick);
  // "fed": examples that were answered, or refused; "unanswered": the latter of them.
  std::map<std::string, double> metrics() const;

 private:
  using Clock = client::Client::Clock;

  // An example on its way.
  struct Asked {
    std::uint64_t id = 0;  // of its question; 0: it is to be asked again
    std::uint64_t number = 0;
    double seconds = 0;
    std::int64_t label = -1;
    std::string name;
    wire::Form form = wire::Form::float32;
    std::vector<std::byte> data;
    std::optional<client::Answer> answer;
    int workers_ended = 0;  // while they had it
    std::size_t sinks = 0;  // that have it

    bool is_asked() const { return id != 0 && !answer; }
    bool is_suspect() const { return workers_ended > 0 && !answer; }
  };
  struct Reading {
    Source source;
    std::deque<Asked> under_way;
    bool ended = false;
    std::optional<Clock::time_point> sink_failing;  // at the first of those, since when
    Clock::time_point write_again{};
  };

  Status feed(const std::function<bool()>& stop, const std::function<void()>& tick);
  Status open();
  Result<bool> read(Reading& reading, std::chrono::microseconds timeout);
  Result<Asked> asked_of(const Reading& reading, const skerry_item& item) const;
  void ask(Asked& asked);
  void ask_again();
  void answered(client::Answer answer);
  Status deliver(Reading& reading);
  Status write(const Reading& reading, Asked& asked);
  Status sink_failed(Reading& reading, const Problem& problem) const;
  Status done(const Reading& reading, std::uint64_t number);
  template <class Is>
  bool any(Is is) const;  // of what is under way
  bool under_way() const;
  bool ended() const;
  Status close() const;

  client::Client client_;
  const std::string service_;
  const InputForm form_;
  std::vector<Reading> readings_;
  const std::vector<ServedSink> sinks_;
  const Limits limits_;
  Clock::time_point ask_again_{};
  std::uint64_t fed_ = 0, unanswered_ = 0;
};

}  // namespace skerry::runtime
