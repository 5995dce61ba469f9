// Features of this process whose functions are the test's, and a relay's end of the socket of what
// serves.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <skerry/abi.h>

#include <atomic>
#include <chrono>
#include <cstring>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>
#include <zmq.hpp>

#include "core/base/file.hpp"
#include "core/runtime/instance.hpp"
#include "core/runtime/serving/served_filter.hpp"
#include "core/runtime/serving/served_model.hpp"
#include "core/runtime/serving/served_sink.hpp"
#include "core/wire/local_link.hpp"
#include "core/wire/predict.hpp"

namespace skerry::runtime {

using Floats = std::span<const float>;

// Thrown by a feature's function: what it was given is at fault.
struct Refused : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// What a feature does. What its functions throw fails the call.
struct Tiny {
  // The outputs of one row; of no row alike may be of another width.
  std::function<std::vector<float>(Floats row)> model;
  std::function<void(std::size_t rows)> before_predict = [](std::size_t) {};
  std::vector<std::size_t> batches;  // rows of each call of predict()
  std::string prepare_fails;
  std::vector<float> weights;

  std::uint32_t needs = SKERRY_NEEDS_PREDICTIONS;
  std::function<Judgement(Floats features, Floats predictions)> filter;

  std::function<skerry_step(const skerry_question&)> strategy;

  bool has_predict = true;

  std::function<std::string(Floats example)> encode;
  std::function<void(std::string_view encoded, std::span<float> example)> decode;

  // Of a source or a sink.
  std::function<void(const skerry_service_form&)> open = [](const skerry_service_form&) {};
  // SKERRY_RETRY: none has come within the time.
  std::function<skerry_status(std::chrono::microseconds, skerry_item&)> give;
  std::function<void(std::uint64_t number)> done;  // empty: the interface lacks it, as close
  std::function<void(const skerry_outcome&)> write;
  std::function<void()> close;
};

namespace tiny {

inline Tiny* being_made = nullptr;

inline Tiny& of(skerry_instance* instance) {
  return *reinterpret_cast<Tiny*>(instance);
}

template <class Body>
skerry_status guarded(skerry_error* error, Body&& body) {
  try {
    body();
    return SKERRY_OK;
  } catch (const Refused& thrown) {
    std::strncpy(error->message, thrown.what(), sizeof error->message - 1);
    return SKERRY_INVALID_ARGUMENT;
  } catch (const std::exception& thrown) {
    std::strncpy(error->message, thrown.what(), sizeof error->message - 1);
    return SKERRY_FAILED;
  }
}

inline std::size_t elements(const skerry_tensor& tensor, std::int32_t from) {
  std::size_t count = 1;
  for (std::int32_t i = from; i < tensor.ndim; ++i)
    count *= static_cast<std::size_t>(tensor.shape[i]);
  return count;
}

inline skerry_status prepare(skerry_instance* self, const skerry_dataset_info*, std::uint64_t,
                             skerry_error* error) {
  return guarded(error, [&] {
    if (!of(self).prepare_fails.empty()) throw std::runtime_error(of(self).prepare_fails);
  });
}

inline skerry_status set_weights(skerry_instance* self, const skerry_named_tensor* tensors,
                                 std::uint64_t count, skerry_error*) {
  of(self).weights.clear();
  for (std::uint64_t i = 0; i < count; ++i) {
    const auto* values = static_cast<const float*>(tensors[i].tensor.data);
    of(self).weights.insert(of(self).weights.end(), values,
                            values + elements(tensors[i].tensor, 0));
  }
  return SKERRY_OK;
}

struct Given {
  std::vector<float> values;
  std::vector<std::int64_t> shape;
};

inline skerry_status predict(skerry_instance* self, const skerry_tensor* features,
                             skerry_owned_tensor* out, skerry_error* error) {
  return guarded(error, [&] {
    const auto rows = static_cast<std::size_t>(features->shape[0]);
    const std::size_t width = elements(*features, 1);
    of(self).before_predict(rows);
    of(self).batches.push_back(rows);
    auto given = std::make_unique<Given>();
    for (std::size_t row = 0; row < rows; ++row) {
      const auto answer =
          of(self).model({static_cast<const float*>(features->data) + row * width, width});
      given->values.insert(given->values.end(), answer.begin(), answer.end());
    }
    given->shape = {static_cast<std::int64_t>(rows),
                    static_cast<std::int64_t>(given->values.size() / rows)};
    out->tensor = {given->values.data(), SKERRY_CPU, 0, 2, SKERRY_FLOAT, 32, 1,
                   given->shape.data(),  nullptr,    0};
    out->ctx = given.release();
    out->release = [](skerry_owned_tensor* tensor) { delete static_cast<Given*>(tensor->ctx); };
  });
}

inline skerry_status judge(skerry_instance* self, const skerry_examples* examples, double* scores,
                           std::uint8_t* hard, skerry_error* error) {
  return guarded(error, [&] {
    const skerry_tensor& answers = examples->predictions;
    Floats predictions;
    if (answers.data != nullptr)
      predictions = {static_cast<const float*>(answers.data), elements(answers, 0)};
    const Judgement judgement = of(self).filter(
        {static_cast<const float*>(examples->features.data), elements(examples->features, 1)},
        predictions);
    *scores = judgement.score;
    *hard = judgement.hard ? 1 : 0;
  });
}

inline skerry_status next(skerry_instance* self, const skerry_question* question, skerry_step* out,
                          skerry_error* error) {
  return guarded(error, [&] { *out = of(self).strategy(*question); });
}

inline const skerry_estimator_v1* estimator(bool whole) {
  static const auto table = [] {
    skerry_estimator_v1 made{};
    made.struct_size = sizeof made;
    made.prepare = prepare;
    made.set_weights = set_weights;
    made.predict = predict;
    return made;
  }();
  static const auto partial = [] {
    skerry_estimator_v1 made = table;
    made.predict = nullptr;
    return made;
  }();
  return whole ? &table : &partial;
}

inline skerry_status encode(skerry_instance* self, const skerry_tensor* example,
                            const skerry_sink* encoded, skerry_error* error) {
  return guarded(error, [&] {
    const std::string bytes =
        of(self).encode({static_cast<const float*>(example->data), elements(*example, 0)});
    encoded->write(encoded, {reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()});
  });
}

inline skerry_status decode(skerry_instance* self, skerry_bytes encoded,
                            const skerry_tensor* example, skerry_error* error) {
  return guarded(error, [&] {
    of(self).decode({reinterpret_cast<const char*>(encoded.data), encoded.size},
                    {static_cast<float*>(example->data), elements(*example, 0)});
  });
}

inline skerry_status open(skerry_instance* self, const skerry_service_form* form,
                          skerry_error* error) {
  return guarded(error, [&] { of(self).open(*form); });
}

inline skerry_status give(skerry_instance* self, std::uint64_t timeout_us, skerry_item* out,
                          skerry_error* error) {
  skerry_status given = SKERRY_OK;
  const skerry_status status =
      guarded(error, [&] { given = of(self).give(std::chrono::microseconds(timeout_us), *out); });
  return status == SKERRY_OK ? given : status;
}

inline skerry_status done(skerry_instance* self, std::uint64_t number, skerry_error* error) {
  return guarded(error, [&] { of(self).done(number); });
}

inline skerry_status write(skerry_instance* self, const skerry_outcome* outcome,
                           skerry_error* error) {
  return guarded(error, [&] { of(self).write(*outcome); });
}

inline skerry_status close(skerry_instance* self, skerry_error* error) {
  return guarded(error, [&] { of(self).close(); });
}

inline const void* source(bool whole) {
  static const skerry_source_v1 table{sizeof table, 0, open, give, done};
  static const skerry_source_v1 partial{sizeof partial, 0, open, give, nullptr};
  return whole ? &table : &partial;
}

inline const void* sink(bool whole) {
  static const skerry_sink_v1 table{sizeof table, 0, open, write, close};
  static const skerry_sink_v1 partial{sizeof partial, 0, open, write, nullptr};
  return whole ? &table : &partial;
}

inline const void* table_of(skerry_instance* self, const char* kind) {
  static const skerry_sampling_v1 sampling{
      sizeof sampling, 0,
      [](skerry_instance* instance, std::uint32_t* out, skerry_error*) -> skerry_status {
        *out = of(instance).needs;
        return SKERRY_OK;
      },
      judge};
  static const skerry_inference_v1 inference{sizeof inference, 0, next};
  const std::string_view name = kind;
  if (name == "sampling/1") return &sampling;
  static const skerry_payload_v1 payload{sizeof payload, 0, encode, decode};
  if (name == "inference/1") return &inference;
  if (name == "payload/1") return &payload;
  if (name == "source/1") return source(of(self).done != nullptr);
  if (name == "sink/1") return sink(of(self).close != nullptr);
  return estimator(of(self).has_predict);
}

inline const skerry_entry entry{sizeof entry,
                                SKERRY_ABI_MAJOR,
                                SKERRY_ABI_MINOR,
                                0,
                                "",
                                0,
                                [](const skerry_host*, const char*, const char*, skerry_bytes,
                                   skerry_instance** out, skerry_error*) -> skerry_status {
                                  *out = reinterpret_cast<skerry_instance*>(being_made);
                                  return SKERRY_OK;
                                },
                                table_of,
                                [](skerry_instance*) {}};

}  // namespace tiny

class NoTask : public HostServices {
 public:
  std::uint32_t threads() const override { return 1; }
  bool cancelled(std::uint64_t) const override { return false; }
  Result<skerry_feature> open(std::string_view) override { return fail(Code::internal, "none"); }
  TaskServices* task() override { return nullptr; }
};

// `tiny` must outlive it.
inline std::unique_ptr<Instance> instance(const std::string& kind, Tiny& tiny) {
  static NoTask services;
  plugin::Feature feature;
  feature.id = "tiny";
  feature.kind = kind;
  feature.version = "1.0.0";
  tiny::being_made = &tiny;
  return Instance::create({&tiny::entry, ""}, feature, Json::object(), services).value();
}

// A picture of tests: "p" and a digit for each element, which is a quarter of it. Blanks may
// follow.
inline std::string picture_of(Floats example) {
  std::string text = "p";
  for (const float value : example) text += static_cast<char>('0' + static_cast<int>(4 * value));
  return text;
}
inline void read_picture(std::string_view encoded, std::span<float> example) {
  if (encoded.size() < 1 + example.size() || encoded[0] != 'p') throw Refused("no picture");
  for (std::size_t i = 0; i < example.size(); ++i)
    example[i] = static_cast<float>(encoded[1 + i] - '0') / 4;
}

// What a sink was told, copied.
struct Written {
  explicit Written(const skerry_outcome& from)
      : number(from.item->number),
        seconds(from.item->seconds),
        label(from.item->label),
        name(from.item->name),
        service(from.service),
        source(from.source),
        code(from.code),
        message(from.message),
        outputs(from.outputs, from.outputs + from.count),
        by_cloud(from.by_cloud != 0),
        hard(from.hard != 0),
        fallback(from.fallback != 0),
        late(from.late != 0),
        score(from.score),
        version(from.version),
        total_us(from.total_us),
        wire_us(from.wire_us),
        queue_us(from.queue_us),
        compute_us(from.compute_us) {
    const skerry_tensor& tensor = from.item->tensor;
    shape.assign(tensor.shape, tensor.shape + tensor.ndim);
    const std::size_t count = tiny::elements(tensor, 0);
    if (tensor.dtype_code == SKERRY_UINT) {
      const auto* values = static_cast<const std::uint8_t*>(tensor.data);
      levels.assign(values, values + count);
    } else {
      const auto* values = static_cast<const float*>(tensor.data);
      floats.assign(values, values + count);
    }
  }

  std::uint64_t number;
  double seconds;
  std::int64_t label;
  std::string name, service, source, code, message;
  std::vector<float> outputs;
  bool by_cloud, hard, fallback, late;
  double score;
  std::uint64_t version;
  std::uint32_t total_us, wire_us, queue_us, compute_us;
  std::vector<std::int64_t> shape;
  std::vector<float> floats;  // of the example, or
  std::vector<std::uint8_t> levels;
};

// A sink that keeps what it is told. `before_write` may throw; the outcome is not kept then.
class KeepingSink {
 public:
  KeepingSink() {
    tiny.write = [this](const skerry_outcome& outcome) {
      if (before_write) before_write(outcome);
      const std::lock_guard lock(mutex_);
      written_.emplace_back(outcome);
    };
    tiny.close = [this] { ++closed; };
    instance_ = instance("sink/1", tiny);
  }

  ServedSink opened(const InputForm& form) { return ServedSink::open(*instance_, form).value(); }
  std::vector<Written> written() const {
    const std::lock_guard lock(mutex_);
    return written_;
  }
  // Waits for so many.
  std::vector<Written> expect(std::size_t count) const {
    const auto limit = std::chrono::steady_clock::now() + std::chrono::seconds(30);
    while (written().size() < count && std::chrono::steady_clock::now() < limit)
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    EXPECT_EQ(written().size(), count);
    return written();
  }

  Tiny tiny;
  std::function<void(const skerry_outcome&)> before_write;
  std::atomic<int> closed = 0;

 private:
  mutable std::mutex mutex_;
  std::vector<Written> written_;
  std::unique_ptr<Instance> instance_;
};

// The other end of what serves: it is the relay, the asker and the cloud.
class FakeRelay {
 public:
  struct Frame {
    wire::Header header;
    std::string payload;

    wire::PredictReplyView reply() const {
      auto view = wire::parse_reply(as_bytes(payload));
      if (view) return std::move(*view);
      ADD_FAILURE() << view.error().text();
      return {};
    }
    wire::PredictRequestView request() const {
      auto view = wire::parse_request(as_bytes(payload));
      if (view) return std::move(*view);
      ADD_FAILURE() << view.error().text();
      return {};
    }
    std::vector<float> outputs() const {
      const auto view = reply();
      std::vector<float> values(view.data.size() / sizeof(float));
      if (!values.empty()) std::memcpy(values.data(), view.data.data(), view.data.size());
      return values;
    }
  };

  FakeRelay() : socket_(context_, zmq::socket_type::router) {
    const std::string endpoint = "ipc://" + (dir_.path() / "relay").string();
    socket_.set(zmq::sockopt::linger, 0);
    socket_.bind(endpoint);
    link_ = wire::LocalLink::connect(endpoint).value();
    link_->send(wire::frame(wire::Header{wire::Type::ping}));
    peer_.clear();
    if (!next()) ADD_FAILURE() << "the connection does not work";
  }

  // Of what serves.
  wire::LocalLink& link() { return *link_; }

  void send(const std::string& frame) {
    socket_.send(zmq::buffer(peer_), zmq::send_flags::sndmore);
    socket_.send(zmq::buffer(frame), zmq::send_flags::none);
  }
  void ask(std::uint64_t seq, const std::vector<float>& example,
           std::uint32_t patience_us = 20'000'000, std::int64_t label = -1) {
    wire::PredictRequest request{.service = "digits",
                                 .patience_us = patience_us,
                                 .form = wire::Form::float32,
                                 .shape = {static_cast<std::int64_t>(example.size())},
                                 .label = label};
    send(wire::frame_request(kAsker, seq, request, std::as_bytes(std::span(example))));
  }
  void ask_levels(std::uint64_t seq, const std::vector<std::uint8_t>& example,
                  std::uint32_t patience_us = 20'000'000, std::int64_t label = -1) {
    wire::PredictRequest request{.service = "digits",
                                 .patience_us = patience_us,
                                 .form = wire::Form::uint8,
                                 .shape = {static_cast<std::int64_t>(example.size())},
                                 .label = label};
    send(wire::frame_request(kAsker, seq, request, std::as_bytes(std::span(example))));
  }
  void ask_encoded(std::uint64_t seq, std::string_view example,
                   std::uint32_t patience_us = 20'000'000, std::int64_t label = -1) {
    wire::PredictRequest request{
        .service = "digits", .patience_us = patience_us, .form = wire::Form::image, .label = label};
    send(wire::frame_request(kAsker, seq, request, as_bytes(example)));
  }
  void answer(const Frame& question, const std::vector<float>& outputs,
              wire::PredictReply reply = {}) {
    reply.by_cloud = true;
    send(wire::frame_reply(question.header.session, question.header.seq, reply,
                           std::as_bytes(std::span(outputs))));
  }
  void retire() { send(wire::frame(wire::Header{wire::Type::retire})); }

  // None: nothing came in that time.
  std::optional<Frame> next(std::chrono::milliseconds time = std::chrono::seconds(30)) {
    zmq::pollitem_t item{socket_.handle(), 0, ZMQ_POLLIN, 0};
    if (zmq::poll(&item, 1, time) == 0) return std::nullopt;
    zmq::message_t peer, body;
    if (!socket_.recv(peer) || !socket_.recv(body)) return std::nullopt;
    peer_ = peer.to_string();
    const auto view = wire::check_frame(body.to_string_view(), wire::kPredictLimit);
    if (!view) {
      ADD_FAILURE() << view.error().text();
      return std::nullopt;
    }
    return Frame{view->header, std::string(as_text(view->payload))};
  }
  // The next frame, which has to be of that type.
  Frame expect(wire::Type type) {
    auto frame = next();
    if (frame && frame->header.type == type) return std::move(*frame);
    ADD_FAILURE() << (frame ? "another message came" : "nothing came");
    return {{}, wire::frame_reply(0, 0, {}, {}).substr(wire::kHeaderSize)};
  }
  Frame reply() { return expect(wire::Type::predict_reply); }
  Frame question() { return expect(wire::Type::predict_request); }

  static constexpr std::uint64_t kAsker = 42;

 private:
  TempDir dir_ = TempDir::create().value();
  zmq::context_t context_;
  zmq::socket_t socket_;
  std::unique_ptr<wire::LocalLink> link_;
  std::string peer_;
};

// Runs a service on a thread until it ends by itself or the test does.
template <class Service>
class Running {
 public:
  explicit Running(Service& service)
      : thread_([this, &service] {
          service.run([this] { return stop_.load(); }, [this] { ++ticks_; });
          ended_ = true;
        }) {}
  ~Running() { stop(); }
  void stop() {
    stop_ = true;
    join();
  }
  // Waits for it to end by itself.
  void join() {
    if (thread_.joinable()) thread_.join();
  }
  bool ended() const { return ended_; }
  int ticks() const { return ticks_; }

 private:
  std::atomic<bool> stop_ = false, ended_ = false;
  std::atomic<int> ticks_ = 0;
  std::thread thread_;
};

}  // namespace skerry::runtime
