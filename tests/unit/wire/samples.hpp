// One message of each kind with every field set to something that is not its default.
#pragma once

#include <limits>
#include <tuple>

#include "core/base/bytes.hpp"
#include "core/wire/messages.hpp"
#include "core/wire/predict.hpp"

namespace skerry::wire {

inline Digest sample_digest(std::string_view of) {
  return digest_of(as_bytes(of));
}

inline auto all_samples() {
  const TaskKey key{"digits", "3/train/edge-1"};
  const std::vector<TaskKey> keys{key, {"digits", "3/train/edge-2"}};
  const std::vector<Artifact> artifacts{{"weights", sample_digest("weights"), 1 << 20, ""},
                                        {"labels", sample_digest("labels"), 6, "labels"},
                                        {"empty", sample_digest(""), 0, ""}};
  const std::map<std::string, double> metrics{{"loss", 0.25}, {"samples", 1000}};
  const std::string z85(40, '1');
  const std::vector<TaskInput> inputs{{"model", sample_digest("m").hex(), "/tmp/model", ""},
                                      {"small", sample_digest("s").hex(), "", "bytes\0more"}};
  const std::vector<TaskOutput> outputs{{"update", sample_digest("u"), 9, "/tmp/out/update", ""},
                                        {"inline", sample_digest("i"), 4, "", "data"}};
  return std::tuple{
      Hello{7, "edge-1", "0.1.0", "0123456789abcdef", 3, 9, 8, "epoch-1", keys},
      Welcome{5, "epoch-1", 9, 8, 64, 4711, keys, "0123456789abcdef", 4712},
      Refused{"version", "upgrade the edge\nto 0.2", true},
      Join{"edge-1", z85},
      Joined{"edge-1"},
      StartTask{key, "x.train", "{\"a\":1}", "{\"b\":2}", artifacts, artifacts, 90'000, {4, 5}},
      StopTask{key, "deadline"},
      ForgetJob{"digits"},
      TaskRefused{key, "rejected.nan", "the update is not finite"},
      TaskFinished{key, metrics, artifacts, "{}", {1, 2, 3, 4, 5}, 6, 7},
      TaskFailed{key, "crashed", "spec.batch", "the worker ended by signal 11"},
      TaskReported{key, 0.5, metrics, 3},
      BlobGet{sample_digest("g"), 1 << 20, 4096},
      BlobPut{sample_digest("p"), 1 << 30},
      BlobPutReply{sample_digest("r"), 123, 16, true},
      BlobPutAck{sample_digest("a"), 200, 100, true},
      BlobError{sample_digest("e"), "not_found", "no such blob"},
      WorkerHello{"job/edge-1", 4242},
      RunTask{key,
              "edge-1",
              "x.train",
              "{}",
              "{}",
              "/tmp/out",
              inputs,
              inputs,
              {{"estimator/1", "linear", sample_digest("l").hex(), "/lib/l.so", "/copy/l.so"}},
              90'000,
              {4, 5},
              6},
      CancelTask{key},
      TaskProgress{key, 0.75, metrics},
      TaskDone{
          key, true, "failed", "lr", "diverged", metrics, "{}", outputs, 1.5, 2.5, {"a 1", "b 2"}},
      DecideRequest{"digits", "{}", "{\"round\":3}", {"{\"type\":\"Started\"}", "{}"}},
      DecideReply{"digits", true, "failed", "message", "{}", "[]"},
      Shutdown{},
      AdminRequest{11, "apply", "{}"},
      AdminReply{11, true, "{}"},
      NewKey{z85},
      NewKeyNoted{z85},
      RenewKey{"an operator asks for it"},
      TakeSeat{7, 8, 9}};
}

// Calls `visit` with each sample.
template <class Visit>
void for_each_sample(Visit visit) {
  std::apply([&](const auto&... sample) { (visit(sample), ...); }, all_samples());
}

}  // namespace skerry::wire
