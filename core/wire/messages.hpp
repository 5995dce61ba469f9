// Every message as a plain struct, with its FlatBuffers encoding (sdk/schemas/*.fbs) hidden in
// codec_*.cpp.
//
// decode() copies to aligned memory, verifies under limits (depth 16, 4,096 tables), then checks
// meaning: names, lengths, digests. What it returns needs no further check of form.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/base/digest.hpp"
#include "core/base/result.hpp"

namespace skerry::wire {

enum class Type : std::uint16_t {
  // Any session, not sequenced.
  hello = 1,
  welcome = 2,
  refused = 3,
  join = 4,
  joined = 5,
  ping = 6,
  pong = 7,
  ack = 8,
  task_reported = 9,
  bye = 10,  // an edge ends, and will be back
  new_key = 11,
  new_key_noted = 12,
  // Edge to cloud, sequenced and kept until acknowledged.
  task_finished = 16,
  task_failed = 17,
  // Cloud to edge, sequenced and kept until acknowledged.
  start_task = 32,
  stop_task = 33,
  task_refused = 34,
  forget_job = 35,
  renew_key = 36,
  // Bulk socket.
  blob_get = 64,
  blob_chunk = 65,
  blob_put = 66,
  blob_put_reply = 67,
  blob_put_chunk = 68,
  blob_put_ack = 69,
  blob_error = 70,
  // Host and worker, over ipc.
  worker_hello = 100,
  run_task = 101,
  cancel_task = 102,
  task_progress = 103,
  task_done = 104,
  decide_request = 105,
  decide_reply = 106,
  shutdown = 107,
  // Questions to a service: asker, hosts and workers (see predict.hpp).
  predict_request = 110,
  predict_reply = 111,
  take_seat = 112,  // a worker serves from now on
  seated = 113,     // its host has noted it
  retire = 114,     // another worker took its place: it ends once it has answered what it has
  // Operator, over the host's local socket.
  admin_request = 120,
  admin_reply = 121,
};

// A blob by name. Small ones travel inside the message (at most kInlineBlobLimit in all).
inline constexpr std::size_t kInlineBlobLimit = 32 * 1024;
struct Artifact {
  std::string name;
  Digest digest;
  std::uint64_t size = 0;
  std::string inline_data;  // empty: to be fetched or already there
};

struct TaskKey {
  std::string job;
  std::string task;
  auto operator<=>(const TaskKey&) const = default;
};
// Bytes that a list takes for it in a message, at most.
inline std::size_t encoded_size(const TaskKey& key) {
  return key.job.size() + key.task.size() + 40;
}

// ---- session

// Of what the messages mean. Peers of different protocols do not talk to each other.
inline constexpr std::uint32_t kProtocol = 1;

struct Hello {
  static constexpr Type type = Type::hello;
  std::uint32_t protocol = kProtocol;
  std::string node;
  std::string version;
  std::string outbox;  // hex UUID of the edge's outbox; a restored backup starts a new one
  std::uint64_t lowest_seq = 0;   // still in the outbox; 0: empty
  std::uint64_t highest_seq = 0;  // ever given out
  std::uint64_t inbox_seq = 0;    // last downlink message committed
  std::string cloud_epoch;        // the cloud it knows; empty at first
  std::vector<TaskKey> tasks;     // what it has, running or finished and not yet acknowledged
};

struct Welcome {
  static constexpr Type type = Type::welcome;
  std::uint64_t session = 0;
  std::string cloud_epoch;
  std::uint64_t uplink_seq = 0;    // last uplink message committed
  std::uint64_t downlink_seq = 0;  // the next downlink message has this number + 1 at least
  std::uint32_t credit = 0;        // uplink messages that may be unacknowledged at a time
  std::uint32_t bulk_port = 0;
  std::vector<TaskKey> tasks;      // what the cloud waits for; the edge gives up the others
  std::string outbox;              // whose numbers uplink_seq is of: that of the HELLO
  std::uint32_t request_port = 0;  // for questions to services; 0: none
};

struct Refused {  // a peer that retries will be refused again, unless retry is set
  static constexpr Type type = Type::refused;
  std::string code;
  std::string message;
  bool retry = false;
};

struct Join {
  static constexpr Type type = Type::join;
  std::string node;
  std::string public_key;  // Z85, 40 characters
};
struct Joined {
  static constexpr Type type = Type::joined;
  std::string node;
};

// A new key in three steps: the edge tells it in a session of its old key, again until it is noted;
// the cloud lets both in; the first HELLO with the new one ends the old one.
struct NewKey {
  static constexpr Type type = Type::new_key;
  std::string public_key;  // Z85
};
struct NewKeyNoted {
  static constexpr Type type = Type::new_key_noted;
  std::string public_key;  // Z85
};
struct RenewKey {  // an operator wants the edge to do so
  static constexpr Type type = Type::renew_key;
  std::string reason;
};

// ---- tasks between cloud and edge

// Of a task that answers questions for as long as it may. Where the same job has a later version of
// the same replica on a host, that one serves and the earlier ends.
struct Serving {
  std::uint64_t version = 0;  // 0: it is no such task
  std::uint32_t replica = 0;
  explicit operator bool() const { return version > 0; }
};

struct StartTask {
  static constexpr Type type = Type::start_task;
  TaskKey key;
  std::string kind;    // id of the task feature
  std::string params;  // JSON
  std::string plan;    // JSON: the job's resolved document
  std::vector<Artifact> inputs;
  std::vector<Artifact> attachments;  // files shipped with the job
  std::uint64_t deadline_ms = 0;      // how long it may run there; 0: no limit
  Serving serves;
};

struct StopTask {
  static constexpr Type type = Type::stop_task;
  TaskKey key;
  std::string reason;
};

struct ForgetJob {  // the job ended: stop its worker, drop its files
  static constexpr Type type = Type::forget_job;
  std::string job;
};

struct TaskRefused {  // what a task ended with is not taken; the code is a stable one
  static constexpr Type type = Type::task_refused;
  TaskKey key;
  std::string code;
  std::string message;
};

struct Timing {  // seconds
  double queue = 0, download = 0, run = 0, upload = 0, cpu = 0;
};

struct TaskFinished {
  static constexpr Type type = Type::task_finished;
  TaskKey key;
  std::map<std::string, double> metrics;
  std::vector<Artifact> outputs;
  std::string result;  // JSON
  Timing timing;
  std::uint64_t bytes_down = 0, bytes_up = 0;  // artifacts only
  Digest plan;                                 // of the plan that it worked from
  std::map<std::string, Digest> inputs;        // that it worked from, by name
};

struct TaskFailed {
  static constexpr Type type = Type::task_failed;
  TaskKey key;
  std::string code;
  std::string field;
  std::string message;
};

struct TaskReported {  // may be dropped
  static constexpr Type type = Type::task_reported;
  TaskKey key;
  double progress = 0;
  std::map<std::string, double> metrics;
  std::uint64_t left_out = 0;  // reports of this node that were dropped since the last one sent
};

// ---- bulk

struct BlobGet {
  static constexpr Type type = Type::blob_get;
  Digest digest;
  std::uint64_t offset = 0;
  std::uint32_t length = 0;
};
struct BlobPut {
  static constexpr Type type = Type::blob_put;
  Digest digest;
  std::uint64_t size = 0;
};
struct BlobPutReply {  // go on at offset; complete: it is here already
  static constexpr Type type = Type::blob_put_reply;
  Digest digest;
  std::uint64_t offset = 0;
  std::uint32_t credit = 0;  // chunks that may be unacknowledged at a time
  bool complete = false;
};
struct BlobPutAck {
  static constexpr Type type = Type::blob_put_ack;
  Digest digest;
  std::uint64_t received = 0;
  std::uint64_t durable = 0;
  bool complete = false;
};
struct BlobError {
  static constexpr Type type = Type::blob_error;
  Digest digest;
  std::string code;
  std::string message;
};
// blob_chunk and blob_put_chunk carry no FlatBuffer: digest (32 bytes), offset and total size (8
// bytes each, little endian), then the data, at most kChunkSize. See chunk.hpp.
inline constexpr std::size_t kChunkSize = 256 * 1024;

// ---- host and worker

struct WorkerHello {
  static constexpr Type type = Type::worker_hello;
  std::string id;
  std::uint32_t pid = 0;
};

struct TaskInput {
  std::string name;
  std::string digest;  // hex
  std::string path;    // or, when empty,
  std::string data;    // the bytes themselves
};

// The code that a job began with on this host.
struct JobPlugin {
  std::string kind, id;
  std::string digest;  // in hex
  std::string file;    // where it was found
  std::string copy;    // the host's own copy of it, which stays as it is; empty: there is none
};

struct RunTask {
  static constexpr Type type = Type::run_task;
  TaskKey key;
  std::string node;
  std::string kind;
  std::string params;      // JSON
  std::string plan;        // JSON
  std::string output_dir;  // exists, private to this worker
  std::vector<TaskInput> inputs;
  std::vector<TaskInput>
      attachments;                 // name: the artifact's digest in hex, as the plan refers to it
  std::vector<JobPlugin> plugins;  // of the job, as far as they are known
  std::uint64_t deadline_ms = 0;   // how long it may run, kept by the host; 0: no limit
  Serving serves;
  std::uint64_t ticket = 0;  // of one that serves: what it shows to take its seat
};

struct CancelTask {
  static constexpr Type type = Type::cancel_task;
  TaskKey key;
};

struct TaskProgress {
  static constexpr Type type = Type::task_progress;
  TaskKey key;
  double progress = 0;
  std::map<std::string, double> metrics;
};

struct TaskOutput {
  std::string name;
  Digest digest;
  std::uint64_t size = 0;
  std::string path;  // a file in output_dir that the host moves, closed; or, when empty,
  std::string data;  // the bytes themselves (<= kInlineBlobLimit)
};

struct TaskDone {
  static constexpr Type type = Type::task_done;
  TaskKey key;
  bool ok = false;
  std::string code;  // when not ok
  std::string field;
  std::string message;
  std::map<std::string, double> metrics;
  std::string result;  // JSON
  std::vector<TaskOutput> outputs;
  double run_seconds = 0;
  double cpu_seconds = 0;
  std::vector<std::string> plugins;  // "id version digest file" of what the task loaded
};

struct DecideRequest {
  static constexpr Type type = Type::decide_request;
  std::string job;
  std::string plan;                 // JSON
  std::string state;                // as the last reply gave it; empty at first
  std::vector<std::string> events;  // JSON, decided in order
  std::vector<JobPlugin> plugins;   // as in RunTask
};

struct DecideReply {
  static constexpr Type type = Type::decide_reply;
  std::string job;
  bool ok = false;
  std::string code;
  std::string message;
  std::string state;
  std::string commands;  // JSON array: those of all events, in order
};

struct Shutdown {
  static constexpr Type type = Type::shutdown;
};

// ---- operator

struct AdminRequest {
  static constexpr Type type = Type::admin_request;
  std::uint64_t id = 0;
  std::string verb;
  std::string body;  // JSON
};
struct AdminReply {
  static constexpr Type type = Type::admin_reply;
  std::uint64_t id = 0;
  bool ok = false;
  std::string body;  // JSON; when not ok: {problems: [{code, message, where, field}]}
};

struct Empty {};  // ping, pong, ack, bye

// The FlatBuffer of a message, to be put behind a header by envelope.hpp's frame().
template <class Message>
std::string encode(const Message&);
// Problem code data_loss or invalid_argument: the frame must be dropped.
template <class Message>
Result<Message> decode(std::span<const std::byte> payload);
// Of a TaskFinished or TaskFailed that decode() refuses: the task that it is about, when that much
// can be read.
std::optional<TaskKey> readable_key(Type type, std::span<const std::byte> payload);

}  // namespace skerry::wire
