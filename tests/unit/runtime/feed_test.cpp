// From a job's sources to its sinks, over a real socket; the test is the service.
#include "core/runtime/serving/feed.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <map>
#include <stdexcept>

#include "core/runtime/tensor_types.hpp"
#include "tests/unit/runtime/serving_support.hpp"

namespace skerry::runtime {
namespace {

using std::chrono::milliseconds;
using testing::ElementsAre;
using testing::ElementsAreArray;
using testing::HasSubstr;
using Numbers = std::vector<std::uint64_t>;

// Gives what the test puts into it. Any thread.
class ScriptedSource {
 public:
  ScriptedSource() {
    tiny.give = [this](std::chrono::microseconds time, skerry_item& item) {
      return give(time, item);
    };
    tiny.done = [this](std::uint64_t number) {
      if (before_done) before_done(number);
      const std::lock_guard lock(mutex_);
      done_.push_back(number);
    };
    make();
  }
  void make() { instance_ = instance("source/1", tiny); }
  const Instance& feature() const { return *instance_; }

  // An example of which the second element is its number.
  void add(std::uint64_t number) {
    add([this, number](skerry_item& item) {
      item.number = number;
      floats_ = {1, static_cast<float>(number)};
      item.tensor = view_of(floats_.data(), shape_);
    });
  }
  void add(std::function<void(skerry_item&)> made) {
    const std::lock_guard lock(mutex_);
    waiting_.push_back(std::move(made));
    some_.notify_one();
  }
  void end() {
    add([](skerry_item& item) { item.tensor.data = nullptr; });
  }
  Numbers done() const {
    const std::lock_guard lock(mutex_);
    return done_;
  }
  std::size_t left() const {
    const std::lock_guard lock(mutex_);
    return waiting_.size();
  }

  Tiny tiny;
  std::function<void(std::uint64_t)> before_done;

 private:
  skerry_status give(std::chrono::microseconds time, skerry_item& item) {
    std::unique_lock lock(mutex_);
    if (!some_.wait_for(lock, time, [this] { return !waiting_.empty(); })) return SKERRY_RETRY;
    const auto made = std::move(waiting_.front());
    waiting_.pop_front();
    lock.unlock();
    made(item);
    return SKERRY_OK;
  }

  mutable std::mutex mutex_;
  std::condition_variable some_;
  std::deque<std::function<void(skerry_item&)>> waiting_;
  Numbers done_;
  std::vector<float> floats_;
  const std::vector<std::int64_t> shape_{2};
  std::unique_ptr<Instance> instance_;
};

class FeedTest : public testing::Test {
 protected:
  void make(std::size_t sources = 1) {
    std::vector<Feed::Source> places;
    for (std::size_t i = 0; i < sources; ++i)
      places.push_back({&source[i].feature(), fmt::format("sources[{}]", i)});
    std::vector<ServedSink> opened;
    for (KeepingSink* each : sinks) opened.push_back(each->opened(form));
    feed.emplace(client::Client::over(relay.link()).value(), "digits", form, places,
                 std::move(opened), limits);
  }
  void begin(std::size_t sources = 1) {
    make(sources);
    thread = std::thread(
        [this] { ended = feed->run([this] { return stop.load(); }, [this] { ++ticks; }); });
  }
  // How it ended, by itself.
  Status end() {
    thread.join();
    return ended;
  }
  std::string failure() {
    const Status status = end();
    return status ? "none" : status.error().text();
  }
  void TearDown() override {
    stop = true;
    if (thread.joinable()) thread.join();
  }

  // The number of the example that a question is about.
  static std::uint64_t number_of(const FakeRelay::Frame& question) {
    float values[2] = {};
    const auto request = question.request();
    EXPECT_EQ(request.data.size(), sizeof values);
    std::memcpy(values, request.data.data(), std::min(request.data.size(), sizeof values));
    return static_cast<std::uint64_t>(values[1]);
  }
  std::vector<FakeRelay::Frame> questions(std::size_t count) {
    std::vector<FakeRelay::Frame> asked;
    for (std::size_t i = 0; i < count; ++i) asked.push_back(relay.question());
    return asked;
  }
  void answer(const FakeRelay::Frame& question) {
    relay.answer(question, {0, static_cast<float>(number_of(question))});
  }
  void refuse(const FakeRelay::Frame& question, const std::string& code) {
    wire::PredictReply reply;
    reply.code = code;
    reply.message = "of " + code;
    relay.answer(question, {}, reply);
  }
  bool is_quiet() { return !relay.next(milliseconds(100)); }
  // Of a sink, once it has so many.
  static Numbers numbers(const KeepingSink& from, std::size_t count) {
    Numbers list;
    for (const Written& each : from.expect(count)) list.push_back(each.number);
    return list;
  }
  static void expect_done(const ScriptedSource& from, const Numbers& numbers) {
    const auto limit = std::chrono::steady_clock::now() + std::chrono::seconds(30);
    while (from.done().size() < numbers.size() && std::chrono::steady_clock::now() < limit)
      std::this_thread::sleep_for(milliseconds(1));
    EXPECT_THAT(from.done(), ElementsAreArray(numbers));
  }

  const InputForm form{.shape = {2}, .classes = 2};
  Feed::Limits limits{.write_again = milliseconds(20), .sink_may_fail = std::chrono::seconds(30)};
  ScriptedSource source[3];
  KeepingSink sink, second;
  std::vector<KeepingSink*> sinks{&sink};
  FakeRelay relay;
  std::optional<Feed> feed;
  std::atomic<bool> stop = false;
  std::atomic<int> ticks = 0;
  Status ended;
  std::thread thread;
};

TEST_F(FeedTest, AsksAboutWhatASourceGivesAndTellsTheSinkWhatIsSaid) {
  const std::vector<std::uint8_t> levels{7, 255};
  const std::vector<std::int64_t> shape{2};
  source[0].add([&](skerry_item& item) {
    item.number = 5;
    item.seconds = 1.5;
    item.label = 1;
    item.name = "five.png";
    item.tensor = levels_view(levels.data(), shape);
  });
  begin();
  const auto asked = relay.question();
  const auto request = asked.request();
  EXPECT_EQ(request.meta.service, "digits");
  EXPECT_EQ(request.meta.patience_us, 0u);
  EXPECT_EQ(request.meta.form, wire::Form::uint8);
  EXPECT_EQ(request.meta.shape, form.shape);
  EXPECT_EQ(request.meta.label, 1);
  EXPECT_EQ(as_text(request.data), std::string_view("\x07\xff", 2));
  wire::PredictReply reply;
  reply.hard = true;
  reply.fallback = true;
  reply.score = 0.5;
  reply.version = 8;
  reply.total_us = 40;
  reply.wire_us = 30;
  reply.queue_us = 2;
  reply.compute_us = 3;
  relay.answer(asked, {0.25F, 0.75F}, reply);
  const Written told = sink.expect(1).at(0);
  EXPECT_EQ(told.number, 5u);
  EXPECT_EQ(told.seconds, 1.5);
  EXPECT_EQ(told.label, 1);
  EXPECT_EQ(told.name, "five.png");
  EXPECT_EQ(told.shape, form.shape);
  EXPECT_EQ(told.levels, levels);
  EXPECT_EQ(told.service, "digits");
  EXPECT_EQ(told.source, "sources[0]");
  EXPECT_EQ(told.code + told.message, "");
  EXPECT_THAT(told.outputs, ElementsAre(0.25F, 0.75F));
  EXPECT_TRUE(told.by_cloud && told.hard && told.fallback);
  EXPECT_FALSE(told.late);
  EXPECT_EQ(told.score, 0.5);
  EXPECT_EQ(told.version, 8u);
  EXPECT_EQ(told.total_us, 40u);
  EXPECT_EQ(told.wire_us, 30u);
  EXPECT_EQ(told.queue_us, 2u);
  EXPECT_EQ(told.compute_us, 3u);
  expect_done(source[0], {5});
}

TEST_F(FeedTest, AnExampleOfWhichLittleIsKnown) {
  source[0].add(3);
  begin();
  const auto asked = relay.question();
  EXPECT_EQ(asked.request().meta.form, wire::Form::float32);
  EXPECT_EQ(asked.request().meta.label, -1);
  answer(asked);
  const Written told = sink.expect(1).at(0);
  EXPECT_TRUE(std::isnan(told.seconds));
  EXPECT_EQ(told.label, -1);
  EXPECT_EQ(told.name, "");
  EXPECT_THAT(told.floats, ElementsAre(1, 3));
}

TEST_F(FeedTest, AsksAboutFourAtATimeAndTellsInTheOrderOfTheSource) {
  for (std::uint64_t number = 0; number < 6; ++number) source[0].add(number);
  begin();
  const auto asked = questions(4);
  EXPECT_TRUE(is_quiet()) << "a fifth was asked";
  for (const std::size_t i : {2, 1, 3}) answer(asked[i]);
  EXPECT_TRUE(is_quiet()) << "the first is not answered yet";
  EXPECT_TRUE(sink.written().empty());
  EXPECT_TRUE(source[0].done().empty());
  answer(asked[0]);
  for (const auto& each : questions(2)) answer(each);
  EXPECT_THAT(numbers(sink, 6), ElementsAre(0, 1, 2, 3, 4, 5));
  expect_done(source[0], {0, 1, 2, 3, 4, 5});
  for (const Written& each : sink.written())
    EXPECT_THAT(each.outputs, ElementsAre(0, each.number)) << "another example's answer";
}

TEST_F(FeedTest, ASourceThatWaitsForAnAnswerHoldsNoOtherUp) {
  for (std::uint64_t number = 0; number < 4; ++number) source[0].add(number);
  begin(2);
  const auto held = questions(4);
  for (std::uint64_t number = 10; number < 20; ++number) source[1].add(number);
  for (int i = 0; i < 10; ++i) answer(relay.question());
  EXPECT_EQ(sink.expect(10).at(9).source, "sources[1]");
  EXPECT_THAT(numbers(sink, 10), ElementsAre(10, 11, 12, 13, 14, 15, 16, 17, 18, 19));
  for (const auto& each : held) answer(each);
  EXPECT_EQ(sink.expect(14).at(13).source, "sources[0]");
  expect_done(source[0], {0, 1, 2, 3});
}

TEST_F(FeedTest, EachOfManySourcesKeepsItsOrder) {
  for (std::uint64_t number = 0; number < 30; ++number)
    for (ScriptedSource& each : source) each.add(number);
  for (ScriptedSource& each : source) each.end();
  begin(3);
  std::vector<FakeRelay::Frame> held;
  for (int i = 0; i < 90; ++i) {
    held.push_back(relay.question());
    // Never so many that a source could not go on.
    if (held.size() < 4 && i < 87) continue;
    for (auto it = held.rbegin(); it != held.rend(); ++it) answer(*it);
    held.clear();
  }
  EXPECT_EQ(failure(), "none");
  std::map<std::string, Numbers> by_source;
  for (const Written& each : sink.expect(90)) by_source[each.source].push_back(each.number);
  ASSERT_EQ(by_source.size(), 3u);
  for (const auto& [place, order] : by_source)
    EXPECT_TRUE(order.size() == 30 && std::is_sorted(order.begin(), order.end())) << place;
  EXPECT_EQ(feed->metrics().at("fed"), 90);
}

// ---- what the service says

TEST_F(FeedTest, AsksAgainWhereTheServiceIsNotThereForNow) {
  for (std::uint64_t number = 0; number < 3; ++number) source[0].add(number);
  begin();
  auto asked = questions(3);
  answer(asked[2]);
  for (const char* code : {"service.unavailable", "service.unknown", "overloaded"}) {
    refuse(asked[0], code);
    refuse(asked[1], code);
    asked = questions(2);
    EXPECT_EQ(number_of(asked[0]), 0u);
    EXPECT_EQ(number_of(asked[1]), 1u);
  }
  EXPECT_TRUE(sink.written().empty());
  answer(asked[1]);
  answer(asked[0]);
  EXPECT_THAT(numbers(sink, 3), ElementsAre(0, 1, 2));
  stop = true;
  EXPECT_EQ(failure(), "none");
  EXPECT_EQ(feed->metrics().at("fed"), 3);
  EXPECT_EQ(feed->metrics().at("unanswered"), 0);
}

TEST_F(FeedTest, FindsTheExampleThatEndsWorkersAndGoesOnWithTheOthers) {
  for (std::uint64_t number = 0; number < 3; ++number) source[0].add(number);
  begin();
  for (const auto& each : questions(3)) refuse(each, "worker.ended");
  // One at a time now, until it is known which.
  for (int i = 0; i < 2; ++i) {
    const auto poison = relay.question();
    EXPECT_EQ(number_of(poison), 0u);
    if (i == 0) source[0].add(3);
    EXPECT_TRUE(is_quiet()) << "another was asked about beside it";
    refuse(poison, "worker.ended");
  }
  EXPECT_EQ(sink.expect(1)[0].code, "worker.ended");
  for (const std::uint64_t number : {1u, 2u}) {
    const auto innocent = relay.question();
    EXPECT_EQ(number_of(innocent), number);
    EXPECT_TRUE(is_quiet());
    answer(innocent);
  }
  const auto next = relay.question();
  EXPECT_EQ(number_of(next), 3u);
  answer(next);
  EXPECT_THAT(numbers(sink, 4), ElementsAre(0, 1, 2, 3));
  stop = true;
  EXPECT_EQ(failure(), "none");
  EXPECT_EQ(feed->metrics().at("unanswered"), 1);
}

TEST_F(FeedTest, DoesNotAskAgainAllTheTime) {
  source[0].add(0);
  begin();
  const auto begin = std::chrono::steady_clock::now();
  for (int i = 0; i < 5; ++i) refuse(relay.question(), "service.unavailable");
  EXPECT_GT(std::chrono::steady_clock::now() - begin, milliseconds(250));
}

TEST_F(FeedTest, AnythingElseThatTheServiceSaysGoesToTheSinksToo) {
  for (std::uint64_t number = 0; number < 3; ++number) source[0].add(number);
  begin();
  const auto asked = questions(3);
  refuse(asked[0], "model.failed");
  answer(asked[1]);
  refuse(asked[2], "cloud.unavailable");
  const auto told = sink.expect(3);
  EXPECT_EQ(told[0].code, "model.failed");
  EXPECT_EQ(told[0].message, "of model.failed");
  EXPECT_TRUE(told[0].outputs.empty());
  EXPECT_THAT(told[0].floats, ElementsAre(1, 0));
  EXPECT_EQ(told[1].code, "");
  EXPECT_EQ(told[2].code, "cloud.unavailable");
  expect_done(source[0], {0, 1, 2});
  stop = true;
  EXPECT_EQ(failure(), "none");
  EXPECT_EQ(feed->metrics().at("fed"), 3);
  EXPECT_EQ(feed->metrics().at("unanswered"), 2);
}

TEST_F(FeedTest, AnAnswerToAnotherIsNotTaken) {
  source[0].add(0);
  begin();
  const auto asked = relay.question();
  relay.send(wire::frame_reply(asked.header.session + 1, asked.header.seq, {}, {}));
  relay.send(wire::frame_reply(asked.header.session, asked.header.seq + 1, {}, {}));
  relay.retire();
  answer(asked);
  EXPECT_THAT(sink.expect(1).at(0).outputs, ElementsAre(0, 0));
}

// ---- what the sinks do

TEST_F(FeedTest, AllSinksHaveAnExampleBeforeItsSourceIsDoneWithIt) {
  sinks = {&sink, &second};
  source[0].before_done = [this](std::uint64_t number) {
    EXPECT_EQ(sink.written().size(), number + 1);
    EXPECT_EQ(second.written().size(), number + 1);
  };
  for (std::uint64_t number = 0; number < 8; ++number) source[0].add(number);
  source[0].end();
  begin();
  for (int i = 0; i < 8; ++i) answer(relay.question());
  EXPECT_EQ(failure(), "none");
  EXPECT_THAT(source[0].done(), ElementsAre(0, 1, 2, 3, 4, 5, 6, 7));
}

TEST_F(FeedTest, WhenASinkHealsNothingIsLostAndNothingWrittenTwice) {
  sinks = {&sink, &second};
  std::atomic<int> fails = 3;
  second.before_write = [&](const skerry_outcome& outcome) {
    if (outcome.item->number == 2 && fails-- > 0) throw std::runtime_error("no space left");
  };
  source[0].before_done = [&](std::uint64_t number) {
    EXPECT_TRUE(number != 2 || second.written().size() == 3);
  };
  for (std::uint64_t number = 0; number < 8; ++number) source[0].add(number);
  source[0].end();
  begin();
  for (int i = 0; i < 8; ++i) answer(relay.question());
  EXPECT_EQ(failure(), "none");
  EXPECT_EQ(fails, -1);
  EXPECT_THAT(numbers(sink, 8), ElementsAre(0, 1, 2, 3, 4, 5, 6, 7));
  EXPECT_THAT(numbers(second, 8), ElementsAre(0, 1, 2, 3, 4, 5, 6, 7));
  EXPECT_THAT(source[0].done(), ElementsAre(0, 1, 2, 3, 4, 5, 6, 7));
}

// A source that is not read must not run over: there are four at most, as ever.
TEST_F(FeedTest, WhileASinkFailsNoMoreIsAsked) {
  sink.before_write = [](const skerry_outcome&) { throw std::runtime_error("no space left"); };
  for (std::uint64_t number = 0; number < 8; ++number) source[0].add(number);
  begin();
  for (int i = 0; i < 4; ++i) answer(relay.question());
  EXPECT_TRUE(is_quiet());
  EXPECT_EQ(source[0].left(), 4u);
  stop = true;
  EXPECT_EQ(failure(), "none");
  EXPECT_TRUE(source[0].done().empty());
}

TEST_F(FeedTest, ASinkThatFailsForGoodEndsIt) {
  limits.sink_may_fail = milliseconds(200);
  sink.before_write = [](const skerry_outcome&) { throw std::runtime_error("no space left"); };
  source[0].add(0);
  begin();
  const auto begin = std::chrono::steady_clock::now();
  answer(relay.question());
  EXPECT_THAT(failure(), HasSubstr("no space left"));
  EXPECT_GE(std::chrono::steady_clock::now() - begin, milliseconds(200));
  EXPECT_TRUE(source[0].done().empty());
  EXPECT_EQ(sink.closed, 1);
}

TEST_F(FeedTest, ASinkThatFailsForOneSourceForGoodEndsItThoughItTakesTheOthers) {
  limits.sink_may_fail = milliseconds(300);
  sink.before_write = [](const skerry_outcome& outcome) {
    if (std::string_view(outcome.source) == "sources[0]") throw std::runtime_error("is full");
  };
  source[0].add(0);
  begin(2);
  answer(relay.question());
  for (std::uint64_t number = 0; number < 100; ++number) {
    source[1].add(number);
    // It ends while others go on.
    const auto asked = relay.next(std::chrono::seconds(1));
    if (!asked) break;
    answer(*asked);
    std::this_thread::sleep_for(milliseconds(10));
  }
  EXPECT_THAT(failure(), HasSubstr("is full"));
  EXPECT_FALSE(sink.written().empty());
}

TEST_F(FeedTest, ASinkThatCannotTakeAnExampleEndsItAtOnce) {
  sink.before_write = [](const skerry_outcome&) { throw Refused("has four channels"); };
  source[0].add(0);
  begin();
  answer(relay.question());
  EXPECT_THAT(failure(), HasSubstr("has four channels"));
  EXPECT_TRUE(source[0].done().empty());
}

TEST_F(FeedTest, AllSinksAreClosedAlsoWhereOneFailsAtIt) {
  sinks = {&sink, &second};
  sink.tiny.close = [this] {
    ++sink.closed;
    throw std::runtime_error("cannot end the film");
  };
  source[0].end();
  begin();
  EXPECT_THAT(failure(), HasSubstr("cannot end the film"));
  EXPECT_EQ(sink.closed, 1);
  EXPECT_EQ(second.closed, 1);
}

TEST_F(FeedTest, WithoutSinksTheExamplesAreAskedAboutNevertheless) {
  sinks.clear();
  source[0].add(0);
  source[0].end();
  begin();
  answer(relay.question());
  EXPECT_EQ(failure(), "none");
  EXPECT_THAT(source[0].done(), ElementsAre(0));
}

// ---- what the sources do

TEST_F(FeedTest, EndsWhenAllSourcesHaveAndTheirLastAnswersAreWritten) {
  source[0].add(0);
  source[0].end();
  begin(2);
  answer(relay.question());
  EXPECT_THAT(numbers(sink, 1), ElementsAre(0));
  source[1].add(1);
  source[1].end();
  const auto asked = relay.question();
  EXPECT_TRUE(is_quiet());
  EXPECT_EQ(sink.closed, 0);
  answer(asked);
  EXPECT_EQ(failure(), "none");
  EXPECT_THAT(numbers(sink, 2), ElementsAre(0, 1));
  EXPECT_EQ(sink.closed, 1);
}

TEST_F(FeedTest, AnEndedSourceIsNotAskedForMore) {
  int asked_after = 0;
  source[0].end();
  source[0].add([&](skerry_item& item) {
    ++asked_after;
    item.tensor.data = nullptr;
  });
  begin(2);
  source[1].add(1);
  answer(relay.question());
  sink.expect(1);
  source[1].end();
  EXPECT_EQ(failure(), "none");
  EXPECT_EQ(asked_after, 0);
}

TEST_F(FeedTest, ASourceThatFailsEndsItWithItsWord) {
  source[0].add(0);
  source[0].add([](skerry_item&) { throw std::runtime_error("the camera is broken"); });
  begin();
  EXPECT_THAT(failure(), HasSubstr("the camera is broken"));
  EXPECT_EQ(sink.closed, 1) << "a film without its end cannot be watched";
}

TEST_F(FeedTest, ASourceThatFailsAtWhatIsDoneEndsIt) {
  source[0].before_done = [](std::uint64_t) { throw std::runtime_error("cannot be moved"); };
  source[0].add(0);
  begin();
  answer(relay.question());
  EXPECT_THAT(failure(), HasSubstr("cannot be moved"));
}

TEST_F(FeedTest, ASourceThatCannotBeOpenedEndsItBeforeAnythingIsAsked) {
  skerry_service_form told{};
  source[0].tiny.open = [&](const skerry_service_form& asked) {
    told = asked;
    throw Refused("no such folder");
  };
  source[0].add(0);
  begin();
  EXPECT_THAT(failure(), HasSubstr("no such folder"));
  EXPECT_EQ(source[0].left(), 1u);
  EXPECT_EQ(told.ndim, 1u);
  EXPECT_EQ(told.shape[0], 2);
  EXPECT_EQ(told.classes, 2u);
  EXPECT_EQ(told.scale, form.scale);
}

TEST_F(FeedTest, ASourceNeedsNoInterestInWhatIsDone) {
  source[0].tiny.done = nullptr;
  source[0].make();
  source[0].add(0);
  source[0].end();
  begin();
  answer(relay.question());
  EXPECT_EQ(failure(), "none");
}

TEST_F(FeedTest, AnExampleOfAnotherFormIsTheSourcesFault) {
  const std::vector<float> values(4);
  const std::vector<std::int64_t> right{2}, long_one{3}, flat{2, 1}, strides{1};
  const auto plain = [&] { return view_of(values.data(), right); };
  std::vector<skerry_tensor> wrong;
  wrong.push_back(view_of(values.data(), long_one));
  wrong.push_back(view_of(values.data(), flat));
  using Type = std::pair<int, int>;
  for (const auto& [code, bits] :
       {Type{SKERRY_FLOAT, 64}, Type{SKERRY_INT, 8}, Type{SKERRY_UINT, 16}}) {
    wrong.push_back(plain());
    wrong.back().dtype_code = static_cast<std::uint8_t>(code);
    wrong.back().dtype_bits = static_cast<std::uint8_t>(bits);
  }
  wrong.push_back(plain());
  wrong.back().dtype_lanes = 2;
  wrong.push_back(plain());
  wrong.back().strides = strides.data();
  wrong.push_back(plain());
  wrong.back().device_type = SKERRY_CPU + 1;
  for (const skerry_tensor& tensor : wrong) {
    source[0].add([&](skerry_item& item) {
      item.number = 7;
      item.tensor = tensor;
    });
    begin();
    const std::string why = failure();
    EXPECT_THAT(why, HasSubstr("gave example 7"));
    EXPECT_THAT(why, HasSubstr("[2] of uint8 or float32"));
    EXPECT_THAT(why, HasSubstr("tiny 1.0.0"));
  }
}

TEST_F(FeedTest, AnExampleMayLieAnywhereInItsMemory) {
  const std::vector<float> values{8, 1, 3};
  const std::vector<std::int64_t> shape{2};
  source[0].add([&](skerry_item& item) {
    item.tensor = view_of(values.data(), shape);
    item.tensor.byte_offset = sizeof(float);
    item.name = nullptr;
  });
  begin();
  answer(relay.question());
  EXPECT_THAT(sink.expect(1).at(0).floats, ElementsAre(1, 3));
}

// ---- the end

TEST_F(FeedTest, IsStoppedWhileItWaitsForASource) {
  begin(3);
  const auto limit = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  while (ticks < 3 && std::chrono::steady_clock::now() < limit) std::this_thread::yield();
  EXPECT_GE(ticks, 3);
  stop = true;
  EXPECT_EQ(failure(), "none");
  EXPECT_EQ(sink.closed, 1);
}

TEST_F(FeedTest, IsStoppedWhileItWaitsForAnAnswer) {
  source[0].add(0);
  begin();
  relay.question();
  stop = true;
  EXPECT_EQ(failure(), "none");
  EXPECT_TRUE(source[0].done().empty());
  EXPECT_EQ(sink.closed, 1);
  EXPECT_EQ(feed->metrics().at("fed"), 0);
}

TEST_F(FeedTest, IsStoppedWhileASinkFails) {
  limits.write_again = std::chrono::seconds(20);
  sink.before_write = [](const skerry_outcome&) { throw std::runtime_error("no space left"); };
  source[0].add(0);
  begin();
  answer(relay.question());
  EXPECT_TRUE(is_quiet());
  const auto begin = std::chrono::steady_clock::now();
  stop = true;
  EXPECT_EQ(failure(), "none");
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(10));
}

// ---- what a question has no room for

TEST(FeedOfLargeExamples, ThoseThatAQuestionHasNoRoomForAreTheSourcesFault) {
  constexpr std::int64_t kElements = wire::kMaxPredictData / sizeof(float) + 1;
  const InputForm form{.shape = {kElements}, .classes = 2};
  const std::vector<float> values(kElements);
  ScriptedSource source;
  source.add([&](skerry_item& item) { item.tensor = view_of(values.data(), form.shape); });
  FakeRelay relay;
  Feed feed(client::Client::over(relay.link()).value(), "digits", form,
            {{&source.feature(), "sources[0]"}}, {}, {});
  const auto limit = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  const Status ended = feed.run([&] { return std::chrono::steady_clock::now() > limit; }, [] {});
  ASSERT_FALSE(ended);
  EXPECT_THAT(ended.error().text(), HasSubstr("8388608 bytes"));
  EXPECT_THAT(ended.error().text(), HasSubstr("uint8"));
}

}  // namespace
}  // namespace skerry::runtime
