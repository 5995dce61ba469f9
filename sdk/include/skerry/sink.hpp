// sink/1: where what a service says goes: a log, an annotated video, a folder of labelled pictures.
// Runs on an edge, in the worker of a source or, for what the cloud says, in the service's.
#pragma once

#include <skerry/source.hpp>

#include <chrono>
#include <cstdint>
#include <string>

namespace skerry {

// What a service said of an example. All memory is borrowed for the call.
struct Outcome {
  std::string service;
  std::string source;  // the place of the source in the job, as "sources[0]", or empty
  Item item;
  std::string code, message;  // code empty: there is an answer
  Span<const float> outputs;  // for classes their probabilities
  bool by_cloud = false, hard = false;
  bool fallback = false;      // the cloud did not answer in time: this is the edge's own answer
  bool late = false;          // the cloud's answer, after another one had been given in time
  double score = 0;           // what the filter said of the example
  std::uint64_t version = 0;  // of the model that answered
  std::chrono::microseconds total{}, wire{}, queue{}, compute{};

  bool ok() const { return code.empty(); }
};

class Sink {
 public:
  using KindBase = Sink;
  virtual ~Sink() = default;

  // Once, before write(). Throw SKERRY_INVALID_ARGUMENT where it cannot write there, or cannot take
  // examples of this form. [serial]
  virtual void open(const ServiceForm& form) = 0;

  // In the order in which a source gave the examples. What was written must outlive a worker that
  // is killed, as far as its form allows. [serial]
  virtual void write(const Outcome& outcome) = 0;

  // After the last write, where there is time for it. [serial]
  virtual void close() {}
};

// ------------------------------------------------------------------------------- implementation

namespace detail {

inline Outcome outcome_of(const skerry_outcome& from) {
  Outcome outcome;
  outcome.service = from.service;
  outcome.source = from.source;
  outcome.item = {from.item->number, from.item->seconds, from.item->label, from.item->name,
                  TensorView(from.item->tensor)};
  outcome.code = from.code;
  outcome.message = from.message;
  outcome.outputs = {from.outputs, from.count};
  outcome.by_cloud = from.by_cloud != 0;
  outcome.hard = from.hard != 0;
  outcome.fallback = from.fallback != 0;
  outcome.late = from.late != 0;
  outcome.score = from.score;
  outcome.version = from.version;
  outcome.total = std::chrono::microseconds(from.total_us);
  outcome.wire = std::chrono::microseconds(from.wire_us);
  outcome.queue = std::chrono::microseconds(from.queue_us);
  outcome.compute = std::chrono::microseconds(from.compute_us);
  return outcome;
}

}  // namespace detail

template <>
struct InterfaceKind<skerry_sink_v1> {
  static constexpr const char* id = "sink/1";
};

template <>
struct Kind<Sink> {
  static constexpr const char* id = InterfaceKind<skerry_sink_v1>::id;

  template <class T>
  static const void* table() {
    static constexpr skerry_sink_v1 functions = {sizeof(skerry_sink_v1), 0, open, write, close};
    return &functions;
  }

 private:
  static skerry_status open(skerry_instance* instance, const skerry_service_form* form,
                            skerry_error* error) {
    return detail::guard(error, [&] { object_of<Sink>(instance).open(ServiceForm(*form)); });
  }
  static skerry_status write(skerry_instance* instance, const skerry_outcome* outcome,
                             skerry_error* error) {
    return detail::guard(error,
                         [&] { object_of<Sink>(instance).write(detail::outcome_of(*outcome)); });
  }
  static skerry_status close(skerry_instance* instance, skerry_error* error) {
    return detail::guard(error, [&] { object_of<Sink>(instance).close(); });
  }
};

}  // namespace skerry
