// The library that applications link: skerry/client.h and client.hpp.
#include <skerry/client.h>
#include <skerry/client.hpp>

#include <array>
#include <atomic>
#include <thread>

#include "tests/unit/serving/relay_support.hpp"

namespace skerry::serving {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

struct Close {
  void operator()(skerry_client* client) const { skerry_client_close(client); }
};

// A worker that answers by itself: the sum of the example's bytes, from version 3.
class Adder {
 public:
  explicit Adder(std::unique_ptr<FakeWorker> worker)
      : worker_(std::move(worker)), thread_([this] { run(); }) {}
  ~Adder() {
    stop_ = true;
    thread_.join();
  }

 private:
  void run() {
    while (!stop_) {
      const auto frame = worker_->next_within(std::chrono::milliseconds(20));
      if (!frame || frame->header.type != wire::Type::predict_request) continue;
      const auto request = wire::parse_request(frame->payload);
      if (request->meta.label == 666) continue;
      float sum = 0;
      for (const std::byte each : request->data) sum += static_cast<float>(each);
      worker_->answer(*frame, 3, sum);
    }
  }

  std::unique_ptr<FakeWorker> worker_;
  std::atomic<bool> stop_ = false;
  std::thread thread_;
};

class ClientLibrary : public RelayTest {
 protected:
  void SetUp() override {
    skerry_client* opened = nullptr;
    ASSERT_EQ(skerry_client_open(path("edge").c_str(), &opened, &error), SKERRY_OK);
    client.reset(opened);
    answer.struct_size = sizeof answer;
  }

  // A tensor of four bytes.
  skerry_tensor bytes() {
    skerry_tensor tensor = {};
    tensor.data = data.data();
    tensor.device_type = SKERRY_CPU;
    tensor.ndim = 1;
    tensor.dtype_code = SKERRY_UINT;
    tensor.dtype_bits = 8;
    tensor.dtype_lanes = 1;
    tensor.shape = shape.data();
    return tensor;
  }
  std::string refusal(const skerry_tensor& tensor, const char* service = "digits") {
    error.message[0] = '\0';
    std::uint64_t id = 0;
    EXPECT_EQ(skerry_client_ask(client.get(), service, &tensor, 1000, &id, &error),
              SKERRY_INVALID_ARGUMENT);
    EXPECT_EQ(error.code, SKERRY_INVALID_ARGUMENT);
    EXPECT_EQ(id, 0u);
    return error.message;
  }

  std::array<std::uint8_t, 4> data{1, 2, 3, 4};
  std::array<std::int64_t, 1> shape{4};
  skerry_error error = {sizeof(skerry_error), 0, "", ""};
  skerry_answer answer = {};
  std::unique_ptr<skerry_client, Close> client;
};

TEST_F(ClientLibrary, SaysWhyItCannotBeOpened) {
  skerry_client* none = nullptr;
  const std::string state = (dir.path() / "nothing").string();
  EXPECT_EQ(skerry_client_open(state.c_str(), &none, &error), SKERRY_FAILED);
  EXPECT_EQ(none, nullptr);
  EXPECT_EQ(error.code, SKERRY_FAILED);
  EXPECT_THAT(error.message, AllOf(HasSubstr("no edge host answers at ipc://"), HasSubstr(state)));
  EXPECT_NE(skerry_client_open("ipc://", &none, nullptr), SKERRY_OK);
  EXPECT_NE(skerry_client_open(nullptr, &none, nullptr), SKERRY_OK);
  skerry_client_close(nullptr);
}

TEST_F(ClientLibrary, Predicts) {
  Adder adder(edge_worker());
  const skerry_tensor tensor = bytes();
  ASSERT_EQ(skerry_client_predict(client.get(), "digits", &tensor, 0, &answer, &error), SKERRY_OK)
      << error.message;
  EXPECT_STREQ(answer.code, "");
  EXPECT_STREQ(answer.message, "");
  ASSERT_EQ(answer.count, 1u);
  EXPECT_EQ(answer.outputs[0], 10);
  EXPECT_EQ(answer.version, 3u);
  EXPECT_EQ(answer.by_cloud, 0u);
  EXPECT_EQ(answer.struct_size, sizeof answer);
}

TEST_F(ClientLibrary, ReadsFloatsAndFromAnOffset) {
  Adder adder(edge_worker());
  std::array<float, 2> floats{0.5F, 0.25F};
  std::array<std::int64_t, 2> of_floats{1, 2};
  skerry_tensor tensor = bytes();
  tensor.data = floats.data();
  tensor.dtype_code = SKERRY_FLOAT;
  tensor.dtype_bits = 32;
  tensor.ndim = 2;
  tensor.shape = of_floats.data();
  ASSERT_EQ(skerry_client_predict(client.get(), "digits", &tensor, 0, &answer, &error), SKERRY_OK);
  EXPECT_EQ(answer.outputs[0], 0x3f + 0x3e + 0x80);

  shape[0] = 2;
  tensor = bytes();
  tensor.byte_offset = 2;
  ASSERT_EQ(skerry_client_predict(client.get(), "digits", &tensor, 0, &answer, &error), SKERRY_OK);
  EXPECT_EQ(answer.outputs[0], 7);
}

TEST_F(ClientLibrary, AsksSeveralAndGivesAnswersAsTheyCome) {
  auto worker = edge_worker();
  const skerry_tensor tensor = bytes();
  std::array<std::uint64_t, 3> ids{};
  for (auto& id : ids)
    ASSERT_EQ(skerry_client_ask(client.get(), "digits", &tensor, 0, &id, &error), SKERRY_OK);
  EXPECT_EQ(skerry_client_next(client.get(), 0, &answer, &error), SKERRY_RETRY);
  std::vector<Frame> asked;
  for (int i = 0; i < 3; ++i) asked.push_back(worker->next_question());
  worker->answer(asked[2], 1, 30);
  worker->answer(asked[0], 1, 10);
  ASSERT_EQ(skerry_client_next(client.get(), 30'000'000, &answer, &error), SKERRY_OK);
  EXPECT_EQ(answer.id, ids[2]);
  EXPECT_EQ(answer.outputs[0], 30);
  ASSERT_EQ(skerry_client_next(client.get(), 30'000'000, &answer, &error), SKERRY_OK);
  EXPECT_EQ(answer.id, ids[0]);
  EXPECT_EQ(skerry_client_next(client.get(), 1000, &answer, &error), SKERRY_RETRY);
}

TEST_F(ClientLibrary, KeepsTheAnswersToOthersWhileItPredicts) {
  Adder adder(edge_worker());
  const skerry_tensor tensor = bytes();
  std::uint64_t first = 0;
  ASSERT_EQ(skerry_client_ask(client.get(), "digits", &tensor, 0, &first, &error), SKERRY_OK);
  ASSERT_EQ(skerry_client_predict(client.get(), "digits", &tensor, 0, &answer, &error), SKERRY_OK);
  EXPECT_NE(answer.id, first);
  ASSERT_EQ(skerry_client_next(client.get(), 30'000'000, &answer, &error), SKERRY_OK);
  EXPECT_EQ(answer.id, first);
}

TEST_F(ClientLibrary, GivesARefusalAsAnAnswerWithACode) {
  const skerry_tensor tensor = bytes();
  ASSERT_EQ(skerry_client_predict(client.get(), "digits", &tensor, 0, &answer, &error), SKERRY_OK);
  EXPECT_STREQ(answer.code, "service.unknown");
  EXPECT_THAT(answer.message, HasSubstr("no service `digits`"));
  EXPECT_EQ(answer.count, 0u);

  auto silent = edge_worker();
  ASSERT_EQ(skerry_client_predict(client.get(), "digits", &tensor, 20'000, &answer, &error),
            SKERRY_OK);
  EXPECT_STREQ(answer.code, "deadline.exceeded");
}

TEST_F(ClientLibrary, RefusesWhatIsNoQuestionInWords) {
  std::uint64_t id = 0;
  const skerry_tensor good = bytes();
  EXPECT_EQ(skerry_client_ask(client.get(), nullptr, &good, 0, &id, &error),
            SKERRY_INVALID_ARGUMENT);
  EXPECT_EQ(skerry_client_ask(client.get(), "digits", nullptr, 0, &id, &error),
            SKERRY_INVALID_ARGUMENT);
  EXPECT_EQ(skerry_client_ask(client.get(), "digits", nullptr, 0, &id, nullptr),
            SKERRY_INVALID_ARGUMENT);
  EXPECT_STREQ(error.field, "example");

  skerry_tensor tensor = good;
  tensor.data = nullptr;
  EXPECT_THAT(refusal(tensor), HasSubstr("both are needed"));
  tensor = good;
  tensor.dtype_code = SKERRY_INT;
  EXPECT_THAT(refusal(tensor), HasSubstr("float32 or a uint8"));
  tensor = good;
  tensor.dtype_code = SKERRY_FLOAT;
  tensor.dtype_bits = 64;
  EXPECT_THAT(refusal(tensor), HasSubstr("float32 or a uint8"));
  tensor = good;
  tensor.dtype_lanes = 4;
  EXPECT_THAT(refusal(tensor), HasSubstr("float32 or a uint8"));
  tensor = good;
  tensor.device_type = 2;
  EXPECT_THAT(refusal(tensor), HasSubstr("SKERRY_CPU"));
  tensor = good;
  tensor.strides = shape.data();
  EXPECT_THAT(refusal(tensor), HasSubstr("set strides to NULL"));
}

TEST_F(ClientLibrary, RefusesShapesThatNoQuestionHas) {
  skerry_tensor tensor = bytes();
  tensor.ndim = 0;
  EXPECT_THAT(refusal(tensor), HasSubstr("no elements, or of too many"));
  tensor.ndim = -1;
  EXPECT_THAT(refusal(tensor), HasSubstr("no elements, or of too many"));
  tensor = bytes();
  tensor.shape = nullptr;
  EXPECT_THAT(refusal(tensor), HasSubstr("no elements, or of too many"));
  const std::array<std::int64_t, 9> nine{1, 1, 1, 1, 1, 1, 1, 1, 1};
  tensor.shape = nine.data();
  tensor.ndim = 9;
  EXPECT_THAT(refusal(tensor), HasSubstr("no elements, or of too many"));
  for (const std::int64_t extent :
       {std::int64_t{0}, std::int64_t{-4}, std::int64_t{1} << 62, std::int64_t{8 << 20} + 1}) {
    shape[0] = extent;
    EXPECT_THAT(refusal(bytes()), HasSubstr("no elements, or of too many"));
  }
  shape[0] = (2 << 20) + 1;
  tensor = bytes();
  tensor.dtype_code = SKERRY_FLOAT;
  tensor.dtype_bits = 32;
  EXPECT_THAT(refusal(tensor), HasSubstr("8 MiB"));
}

TEST_F(ClientLibrary, WantsToBeToldHowLargeAnAnswerIs) {
  Adder adder(edge_worker());
  const skerry_tensor tensor = bytes();
  answer.struct_size = 0;
  EXPECT_EQ(skerry_client_predict(client.get(), "digits", &tensor, 0, &answer, &error),
            SKERRY_INVALID_ARGUMENT);
  EXPECT_THAT(error.message, HasSubstr("struct_size"));
  EXPECT_EQ(skerry_client_next(client.get(), 0, &answer, &error), SKERRY_INVALID_ARGUMENT);
  EXPECT_EQ(skerry_client_next(client.get(), 0, nullptr, &error), SKERRY_INVALID_ARGUMENT);

  // One that was built with a later header has more members: they are left alone.
  struct Later {
    skerry_answer known;
    std::uint64_t more;
  } later = {};
  later.more = 77;
  later.known.struct_size = sizeof later;
  ASSERT_EQ(skerry_client_predict(client.get(), "digits", &tensor, 0, &later.known, &error),
            SKERRY_OK);
  EXPECT_EQ(later.known.version, 3u);
  EXPECT_EQ(later.known.struct_size, sizeof later);
  EXPECT_EQ(later.more, 77u);
}

// ---- client.hpp

TEST_F(ClientLibrary, InCppOwnsItsAnswers) {
  Adder adder(edge_worker());
  skerry::Client asker(path("edge"));
  const std::vector<std::uint8_t> pixels{1, 2, 3, 4};
  const skerry::Answer first = asker.predict("digits", pixels, {2, 2}, std::chrono::seconds(20));
  const skerry::Answer second = asker.predict("letters", pixels, {4});
  EXPECT_TRUE(first.ok());
  EXPECT_THAT(first.outputs, ElementsAre(10.0F));
  EXPECT_EQ(first.version, 3u);
  EXPECT_FALSE(second.ok());
  EXPECT_EQ(second.code, "service.unknown");

  const auto id = asker.ask("digits", std::vector<float>{0.5F}, {1});
  const auto third = asker.next(std::chrono::seconds(30));
  ASSERT_TRUE(third);
  EXPECT_EQ(third->id, id);
  EXPECT_FALSE(asker.next(std::chrono::microseconds(100)));
}

TEST_F(ClientLibrary, InCppThrowsWhatIsWrong) {
  EXPECT_THROW(skerry::Client((dir.path() / "nothing").string()), skerry::Error);
  skerry::Client asker(path("edge"));
  try {
    asker.ask("digits", std::vector<float>(5), {2, 2});
    FAIL();
  } catch (const skerry::Error& wrong) {
    EXPECT_EQ(wrong.code(), SKERRY_INVALID_ARGUMENT);
    EXPECT_THAT(wrong.what(), HasSubstr("5 elements"));
  }
  EXPECT_THROW(asker.ask("digits", std::vector<float>(), {0}), skerry::Error);
  EXPECT_THROW(asker.ask("digits", std::vector<float>(1), {}), skerry::Error);
}

TEST_F(ClientLibrary, InCppTakesTimesThatDoNotFitForTheLongestAndTheShortest) {
  auto worker = edge_worker();
  skerry::Client asker(path("edge"));
  const std::vector<std::uint8_t> pixels(4);
  asker.ask("digits", pixels, {4}, std::chrono::hours(2));
  EXPECT_EQ(wire::parse_request(worker->next_question().payload)->meta.patience_us, 0xffffffffu);
  asker.ask("digits", pixels, {4}, std::chrono::microseconds(-5));
  EXPECT_EQ(wire::parse_request(worker->next_question().payload)->meta.patience_us, 1u);
  const auto late = asker.next(std::chrono::seconds(30));
  ASSERT_TRUE(late);
  EXPECT_EQ(late->code, "deadline.exceeded");
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_FALSE(asker.next(std::chrono::microseconds(-1)));
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(10));
}

}  // namespace
}  // namespace skerry::serving
