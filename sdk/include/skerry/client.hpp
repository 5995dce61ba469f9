// skerry/client.h for C++: errors are exceptions, answers own what they hold.
//
//   skerry::Client client("/var/lib/skerry");
//   const skerry::Answer answer = client.predict("digits", pixels, {1, 28, 28}, 80ms);
//   if (answer.ok()) use(answer.outputs);
#pragma once

#include <skerry/client.h>
#include <skerry/error.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace skerry {

struct Answer {
  std::uint64_t id = 0;
  std::string code, message;  // code empty: there is an answer
  std::vector<float> outputs;
  bool by_cloud = false, hard = false, fallback = false;
  double score = 0;
  std::uint64_t version = 0;
  std::chrono::microseconds total{}, wire{}, queue{}, compute{};

  bool ok() const { return code.empty(); }
};

// One thread at a time.
class Client {
 public:
  // edge: the edge host's state directory, or its socket as "ipc://PATH". Throws Error.
  explicit Client(const std::string& edge) {
    skerry_client* client = nullptr;
    check([&](skerry_error* error) { return skerry_client_open(edge.c_str(), &client, error); });
    client_.reset(client);
  }

  // Element: float or std::uint8_t. deadline 0: as long as the service says.
  template <class Element>
  std::uint64_t ask(const std::string& service, const std::vector<Element>& example,
                    const std::vector<std::int64_t>& shape,
                    std::chrono::microseconds deadline = {}) {
    const skerry_tensor tensor = view(example, shape);
    std::uint64_t id = 0;
    check([&](skerry_error* error) {
      return skerry_client_ask(client_.get(), service.c_str(), &tensor, patience(deadline), &id,
                               error);
    });
    return id;
  }
  // About an example as bytes that the service's payload plugin decodes: a picture's file, as a
  // rule.
  std::uint64_t ask_encoded(const std::string& service, const std::vector<std::uint8_t>& example,
                            std::chrono::microseconds deadline = {}) {
    std::uint64_t id = 0;
    check([&](skerry_error* error) {
      return skerry_client_ask_encoded(client_.get(), service.c_str(),
                                       {example.data(), example.size()}, patience(deadline), &id,
                                       error);
    });
    return id;
  }
  // None: no answer came within `timeout`.
  std::optional<Answer> next(std::chrono::microseconds timeout) {
    skerry_answer answer = {};
    answer.struct_size = sizeof answer;
    const skerry_status status = check([&](skerry_error* error) {
      return skerry_client_next(
          client_.get(), static_cast<std::uint64_t>(std::max<std::int64_t>(0, timeout.count())),
          &answer, error);
    });
    if (status == SKERRY_RETRY) return std::nullopt;
    return owned(answer);
  }
  template <class Element>
  Answer predict(const std::string& service, const std::vector<Element>& example,
                 const std::vector<std::int64_t>& shape, std::chrono::microseconds deadline = {}) {
    const skerry_tensor tensor = view(example, shape);
    skerry_answer answer = {};
    answer.struct_size = sizeof answer;
    check([&](skerry_error* error) {
      return skerry_client_predict(client_.get(), service.c_str(), &tensor, patience(deadline),
                                   &answer, error);
    });
    return owned(answer);
  }
  Answer predict_encoded(const std::string& service, const std::vector<std::uint8_t>& example,
                         std::chrono::microseconds deadline = {}) {
    skerry_answer answer = {};
    answer.struct_size = sizeof answer;
    check([&](skerry_error* error) {
      return skerry_client_predict_encoded(client_.get(), service.c_str(),
                                           {example.data(), example.size()}, patience(deadline),
                                           &answer, error);
    });
    return owned(answer);
  }

 private:
  struct Close {
    void operator()(skerry_client* client) const { skerry_client_close(client); }
  };

  template <class Call>
  static skerry_status check(Call&& call) {
    skerry_error error = {};
    error.struct_size = sizeof error;
    const skerry_status status = call(&error);
    if (status != SKERRY_OK && status != SKERRY_RETRY)
      throw Error(status, error.field, error.message);
    return status;
  }
  // Of one that is past already, or longer than anybody waits.
  static std::uint32_t patience(std::chrono::microseconds deadline) {
    return static_cast<std::uint32_t>(
        std::clamp<std::int64_t>(deadline.count(), deadline.count() == 0 ? 0 : 1,
                                 std::numeric_limits<std::uint32_t>::max()));
  }
  static void type_of(const float*, skerry_tensor& tensor) {
    tensor.dtype_code = SKERRY_FLOAT;
    tensor.dtype_bits = 32;
  }
  static void type_of(const std::uint8_t*, skerry_tensor& tensor) {
    tensor.dtype_code = SKERRY_UINT;
    tensor.dtype_bits = 8;
  }
  template <class Element>
  static skerry_tensor view(const std::vector<Element>& example,
                            const std::vector<std::int64_t>& shape) {
    std::size_t count = 1;
    for (const std::int64_t extent : shape) count *= static_cast<std::size_t>(extent);
    if (shape.empty() || count != example.size())
      throw Error(SKERRY_INVALID_ARGUMENT, "shape",
                  "the example has " + std::to_string(example.size()) +
                      " elements, and its shape is of " + std::to_string(count));
    skerry_tensor tensor = {};
    tensor.data = const_cast<Element*>(example.data());
    tensor.device_type = SKERRY_CPU;
    tensor.ndim = static_cast<std::int32_t>(shape.size());
    tensor.dtype_lanes = 1;
    tensor.shape = shape.data();
    type_of(example.data(), tensor);
    return tensor;
  }
  static Answer owned(const skerry_answer& from) {
    Answer answer;
    answer.id = from.id;
    answer.code = from.code;
    answer.message = from.message;
    answer.outputs.assign(from.outputs, from.outputs + from.count);
    answer.by_cloud = from.by_cloud != 0;
    answer.hard = from.hard != 0;
    answer.fallback = from.fallback != 0;
    answer.score = from.score;
    answer.version = from.version;
    answer.total = std::chrono::microseconds(from.total_us);
    answer.wire = std::chrono::microseconds(from.wire_us);
    answer.queue = std::chrono::microseconds(from.queue_us);
    answer.compute = std::chrono::microseconds(from.compute_us);
    return answer;
  }

  std::unique_ptr<skerry_client, Close> client_;
};

}  // namespace skerry
