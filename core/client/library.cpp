// The C interface of skerry/client.h.
#include <skerry/client.h>

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <exception>
#include <string>

#include "core/base/try.hpp"
#include "core/client/client.hpp"

#define SKERRY_EXPORT __attribute__((visibility("default")))

using skerry::Bytes;
using skerry::Code;
using skerry::Problem;
using skerry::client::Answer;
using skerry::client::Client;

struct skerry_client {
  Client client;
  Answer last;  // what the caller was given borrows from it
};

namespace {

template <std::size_t Size>
void put(char (&to)[Size], const std::string& text) {
  std::size_t length = std::min(Size - 1, text.size());
  // Never half of a UTF-8 character.
  while (length < text.size() && length > 0 &&
         (static_cast<unsigned char>(text[length]) & 0xC0) == 0x80)
    --length;
  std::memcpy(to, text.data(), length);
  to[length] = '\0';
}

skerry_status report(const Problem& problem, skerry_error* error) {
  const skerry_status status =
      problem.code == Code::invalid_argument ? SKERRY_INVALID_ARGUMENT : SKERRY_FAILED;
  if (error == nullptr) return status;
  error->code = status;
  put(error->field, problem.field);
  put(error->message, problem.message);
  return status;
}

// No exception leaves the library.
template <class Body>
skerry_status guarded(skerry_error* error, Body&& body) noexcept {
  try {
    return body();
  } catch (const std::exception& exception) {
    return report({Code::internal, exception.what(), {}, {}}, error);
  }
}

struct Example {
  skerry::wire::PredictRequest request;
  Bytes data;
};

skerry::Result<Example> example_of(const char* service, const skerry_tensor* tensor,
                                   std::uint32_t deadline_us) {
  const auto wrong = [](const char* field, const char* message) {
    return skerry::fail(Code::invalid_argument, message, {}, field);
  };
  if (service == nullptr || tensor == nullptr || tensor->data == nullptr)
    return wrong("example", "found no service name, or no tensor; both are needed");
  const bool floats = tensor->dtype_code == SKERRY_FLOAT && tensor->dtype_bits == 32;
  const bool bytes = tensor->dtype_code == SKERRY_UINT && tensor->dtype_bits == 8;
  if ((!floats && !bytes) || tensor->dtype_lanes != 1)
    return wrong("example", "a question takes a float32 or a uint8 tensor, of one lane");
  if (tensor->device_type != SKERRY_CPU)
    return wrong("example", "a question takes a tensor in memory: set device_type to SKERRY_CPU");
  if (tensor->strides != nullptr)
    return wrong("example", "a question takes a dense row-major tensor: set strides to NULL");
  Example example;
  example.request.service = service;
  example.request.patience_us = deadline_us;
  example.request.form = floats ? skerry::wire::Form::float32 : skerry::wire::Form::uint8;
  if (tensor->ndim > 0 && tensor->ndim <= SKERRY_MAX_DIMS && tensor->shape != nullptr)
    example.request.shape.assign(tensor->shape, tensor->shape + tensor->ndim);
  const std::size_t elements = skerry::wire::elements_of(example.request.shape);
  if (elements == 0) return wrong("example", "its shape is of no elements, or of too many");
  example.data = {static_cast<const std::byte*>(tensor->data) + tensor->byte_offset,
                  elements * skerry::wire::element_size(example.request.form)};
  if (example.data.size() > skerry::wire::kMaxPredictData)
    return wrong("example", "it has more bytes than a question may have (8 MiB)");
  return example;
}

skerry::Result<Example> example_of(const char* service, skerry_bytes encoded,
                                   std::uint32_t deadline_us) {
  const bool empty = service == nullptr || encoded.data == nullptr || encoded.size == 0;
  if (empty || encoded.size > skerry::wire::kMaxPredictData)
    return skerry::fail(Code::invalid_argument,
                        empty ? "found no service name, or no bytes; both are needed"
                              : "it has more bytes than a question may have (8 MiB)",
                        {}, "example");
  Example example;
  example.request.service = service;
  example.request.patience_us = deadline_us;
  example.request.form = skerry::wire::Form::image;
  example.data = {reinterpret_cast<const std::byte*>(encoded.data),
                  static_cast<std::size_t>(encoded.size)};
  return example;
}

// What every version of the struct has.
skerry::Status check_answer(const skerry_answer* out) {
  constexpr std::size_t kLeast = offsetof(skerry_answer, compute_us) + sizeof(std::uint32_t);
  if (out != nullptr && out->struct_size >= kLeast) return {};
  return skerry::fail(Code::invalid_argument,
                      "found no room for an answer; set its struct_size to sizeof(skerry_answer)",
                      {}, "struct_size");
}

void hand_over(skerry_client& client, Answer answer, skerry_answer* out) {
  client.last = std::move(answer);
  const Answer& last = client.last;
  const std::uint32_t size = out->struct_size;
  skerry_answer full = {};
  full.struct_size = size;
  full.by_cloud = last.reply.by_cloud;
  full.hard = last.reply.hard;
  full.fallback = last.reply.fallback;
  full.id = last.id;
  full.code = last.reply.code.c_str();
  full.message = last.reply.message.c_str();
  full.outputs = last.outputs.data();
  full.count = last.outputs.size();
  full.score = last.reply.score;
  full.version = last.reply.version;
  full.total_us = last.reply.total_us;
  full.wire_us = last.reply.wire_us;
  full.queue_us = last.reply.queue_us;
  full.compute_us = last.reply.compute_us;
  std::memcpy(out, &full, std::min<std::size_t>(size, sizeof full));
}

skerry_status ask(skerry_client& client, const skerry::Result<Example>& example, std::uint64_t* id,
                  skerry_error* error) {
  if (!example) return report(example.error(), error);
  *id = client.client.ask(example->request, example->data);
  return SKERRY_OK;
}

skerry_status predict(skerry_client& client, const skerry::Result<Example>& example,
                      skerry_answer* out, skerry_error* error) {
  if (!example) return report(example.error(), error);
  if (const auto room = check_answer(out); !room) return report(room.error(), error);
  const std::uint64_t id = client.client.ask(example->request, example->data);
  hand_over(client, client.client.answer_to(id), out);
  return SKERRY_OK;
}

}  // namespace

extern "C" {

SKERRY_EXPORT skerry_status skerry_client_open(const char* edge, skerry_client** out,
                                               skerry_error* error) {
  return guarded(error, [&] {
    auto client = Client::connect(edge == nullptr ? "" : edge);
    if (!client) return report(client.error(), error);
    *out = new skerry_client{std::move(*client), {}};
    return skerry_status{SKERRY_OK};
  });
}

SKERRY_EXPORT void skerry_client_close(skerry_client* client) {
  delete client;
}

SKERRY_EXPORT skerry_status skerry_client_ask(skerry_client* client, const char* service,
                                              const skerry_tensor* tensor,
                                              std::uint32_t deadline_us, std::uint64_t* id,
                                              skerry_error* error) {
  return guarded(error,
                 [&] { return ask(*client, example_of(service, tensor, deadline_us), id, error); });
}

SKERRY_EXPORT skerry_status skerry_client_ask_encoded(skerry_client* client, const char* service,
                                                      skerry_bytes example,
                                                      std::uint32_t deadline_us, std::uint64_t* id,
                                                      skerry_error* error) {
  return guarded(
      error, [&] { return ask(*client, example_of(service, example, deadline_us), id, error); });
}

SKERRY_EXPORT skerry_status skerry_client_next(skerry_client* client, std::uint64_t timeout_us,
                                               skerry_answer* out, skerry_error* error) {
  return guarded(error, [&] {
    if (const auto room = check_answer(out); !room) return report(room.error(), error);
    constexpr std::uint64_t kDay = std::uint64_t{86400} * 1'000'000;
    auto answer = client->client.next(Client::Clock::now() +
                                      std::chrono::microseconds(std::min(timeout_us, kDay)));
    if (!answer) return skerry_status{SKERRY_RETRY};
    hand_over(*client, std::move(*answer), out);
    return skerry_status{SKERRY_OK};
  });
}

SKERRY_EXPORT skerry_status skerry_client_predict(skerry_client* client, const char* service,
                                                  const skerry_tensor* tensor,
                                                  std::uint32_t deadline_us, skerry_answer* out,
                                                  skerry_error* error) {
  return guarded(error, [&] {
    return predict(*client, example_of(service, tensor, deadline_us), out, error);
  });
}

SKERRY_EXPORT skerry_status skerry_client_predict_encoded(skerry_client* client,
                                                          const char* service, skerry_bytes example,
                                                          std::uint32_t deadline_us,
                                                          skerry_answer* out, skerry_error* error) {
  return guarded(error, [&] {
    return predict(*client, example_of(service, example, deadline_us), out, error);
  });
}
}
