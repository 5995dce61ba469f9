// Questions to a service, and their answers: a frame whose payload is
//
//   0 size of the FlatBuffer u32 | 4 zero u32 | 8 FlatBuffer, padded to 16 bytes | data
//
// so that data is neither copied nor moved to be checked, and hosts that pass a frame on read only
// what stands before it. A frame's header has the asker's random number as session and the number
// of its question as seq; the answer has the same, and nobody on the way changes the frame.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "core/base/bytes.hpp"
#include "core/base/result.hpp"
#include "core/wire/envelope.hpp"

namespace skerry::wire {

inline constexpr std::size_t kMaxPredictData = 8u << 20;
inline constexpr std::size_t kPredictLimit = kMaxPredictData + 16 * 1024;  // of a whole frame

enum class Form : std::uint8_t { float32 = 0, uint8 = 1, image = 2 };

struct PredictRequest {
  std::string service;            // a job's name
  std::uint32_t patience_us = 0;  // how long an answer is still of use, from when this arrives
  Form form = Form::float32;
  std::vector<std::int64_t> shape;  // of a tensor, one example; data has as many elements
  std::int64_t label = -1;          // the right class, where the asker knows it
};

struct PredictReply {
  std::string code;  // stable; empty: data holds the outputs, float32
  std::string message;
  bool by_cloud = false;
  bool hard = false;
  bool fallback = false;  // the cloud was to answer, and did not in time
  double score = 0;       // what the filter said of the example
  std::uint64_t version = 0;
  // Microseconds: all of it as the edge's worker saw it; of which on the way to the cloud and back,
  // in the queue of the cloud's worker, and in the model that answered.
  std::uint32_t total_us = 0, wire_us = 0, queue_us = 0, compute_us = 0;
};

struct TakeSeat {
  static constexpr Type type = Type::take_seat;
  std::uint64_t ticket = 0;   // the host gave it to this worker
  std::uint64_t session = 0;  // of the questions that it will ask
  std::uint32_t credit = 0;   // questions that it takes before it has answered any
};

// `data` is borrowed from the frame.
struct PredictRequestView {
  PredictRequest meta;
  Bytes data;
};
struct PredictReplyView {
  PredictReply meta;
  Bytes data;
};

std::string frame_request(std::uint64_t session, std::uint64_t seq, const PredictRequest& meta,
                          Bytes data);
std::string frame_reply(std::uint64_t session, std::uint64_t seq, const PredictReply& meta,
                        Bytes data);

// The payload of a frame. A tensor's shape and its data agree; at most kMaxPredictData bytes.
Result<PredictRequestView> parse_request(Bytes payload);
Result<PredictReplyView> parse_reply(Bytes payload);

// Elements of a tensor of this shape; 0 for one that has none or too many to be asked about.
std::size_t elements_of(const std::vector<std::int64_t>& shape);
std::size_t element_size(Form form);

}  // namespace skerry::wire
