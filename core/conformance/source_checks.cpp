// source/1: a source is opened for made-up services, and asked for a few examples.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>
#include <optional>
#include <thread>
#include <utility>

#include "core/conformance/subject.hpp"

namespace skerry::conformance {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;
using Shape = std::vector<std::int64_t>;

constexpr auto kSlack = 2s;      // for what next() does besides waiting
constexpr auto kPatience = 10s;  // for the examples of a camera, say
constexpr std::size_t kSome = 5;

std::string shape_text(const Shape& shape) {
  std::string text;
  for (const std::int64_t extent : shape)
    text += (text.empty() ? "" : ", ") + std::to_string(extent);
  return "[" + text + "]";
}

// One of a service that there could be; of sources some take pictures and some rows of numbers.
const std::vector<Shape>& likely_shapes() {
  static const std::vector<Shape> shapes = {{3, 32, 48}, {1, 28, 28}, {28, 28},    {2},
                                            {16},        {1},         {4, 3, 8, 8}};
  return shapes;
}

skerry_service_form form_of(const Shape& shape) {
  skerry_service_form form{};
  form.struct_size = sizeof form;
  form.ndim = static_cast<std::uint32_t>(shape.size());
  std::copy(shape.begin(), shape.end(), form.shape);
  form.classes = 3;
  form.scale = 1.0F / 255;
  return form;
}

// An example, and the memory that the source lent.
struct Example {
  skerry_item item{};
  std::vector<std::uint8_t> bytes;
};

class Source {
 public:
  Source(Subject& subject, Shape shape)
      : subject_(subject), shape_(std::move(shape)), instance_(subject.create()) {}

  const Shape& shape() const { return shape_; }

  Status open() {
    const skerry_service_form form = form_of(shape_);
    return subject_.call(*instance_, &skerry_source_v1::open, "open", &form);
  }

  // Nothing where none came within `timeout`, or it has ended.
  std::optional<Example> next(std::chrono::microseconds timeout) {
    Fenced<skerry_item> room(1);
    *room.data() = {};
    room.data()->struct_size = sizeof(skerry_item);
    room.data()->seconds = std::numeric_limits<double>::quiet_NaN();
    room.data()->label = -1;
    room.data()->name = "";
    const auto began = Clock::now();
    const Status status = subject_.call(*instance_, &skerry_source_v1::next, "next",
                                        static_cast<std::uint64_t>(timeout.count()), room.data());
    waited_ = Clock::now() - began;
    expect(room.whole(), "next() writes beside the item that it is given");
    none_yet_ = !status && status.error().code == Code::unavailable;
    ended_ = false;
    if (none_yet_) return std::nullopt;
    expect_ok(status, "next");
    ended_ = room.data()->tensor.data == nullptr;
    if (ended_) return std::nullopt;
    return Example{*room.data(), bytes_of(*room.data())};
  }

  // The next one, however long that takes within reason.
  std::optional<Example> wait() {
    const auto limit = Clock::now() + kPatience;
    while (Clock::now() < limit) {
      if (auto example = next(100ms); example || ended_) return example;
    }
    return std::nullopt;
  }

  void done(std::uint64_t number) {
    const auto& functions = instance_->as<skerry_source_v1>();
    if (!SKERRY_HAS(skerry_source_v1, &functions, done) || functions.done == nullptr) return;
    expect_ok(subject_.call(*instance_, &skerry_source_v1::done, "done", number), "done");
  }

  // Of the last call of next().
  bool ended() const { return ended_; }
  bool none_yet() const { return none_yet_; }
  std::chrono::duration<double> waited() const { return waited_; }

 private:
  std::vector<std::uint8_t> bytes_of(const skerry_item& item) const {
    const std::string what = "the tensor of example " + std::to_string(item.number);
    const skerry_tensor& tensor = item.tensor;
    const auto* data = data_of(tensor, what);
    const Shape found(tensor.shape, tensor.shape + tensor.ndim);
    expect(found == shape_, what + " has the shape " + shape_text(found) + "; open() was given " +
                                shape_text(shape_));
    const bool levels = tensor.dtype_code == SKERRY_UINT && tensor.dtype_bits == 8;
    const bool floats = tensor.dtype_code == SKERRY_FLOAT && tensor.dtype_bits == 32;
    expect((levels || floats) && tensor.dtype_lanes == 1,
           what + " is neither of uint8 nor of float32");
    std::size_t size = floats ? sizeof(float) : 1;
    for (const std::int64_t extent : shape_) size *= static_cast<std::size_t>(extent);
    return {data, data + size};
  }

  Subject& subject_;
  const Shape shape_;
  std::unique_ptr<runtime::Instance> instance_;
  bool ended_ = false, none_yet_ = false;
  std::chrono::duration<double> waited_{};
};

// Opened for the first service whose examples it takes.
std::unique_ptr<Source> opened(Subject& subject) {
  std::string refusal;
  for (const Shape& shape : likely_shapes()) {
    auto source = std::make_unique<Source>(subject, shape);
    const Status status = source->open();
    if (status) return source;
    if (refusal.empty()) refusal = status.error().text();
  }
  throw Skipped{"it can't be opened here: " + refusal +
                ". Give a configuration with --config '{...}' that names something it can read"};
}

// Skipped where there is none.
Example first_of(Source& source) {
  if (auto example = source.wait()) return std::move(*example);
  throw Skipped{
      "it gives no example within 10 s. Give a configuration with --config '{...}' that names "
      "something it can read"};
}

// Fewer where it ends sooner. What they borrow of the source is gone.
std::vector<Example> some_of(Source& source) {
  std::vector<Example> examples = {first_of(source)};
  while (examples.size() < kSome) {
    auto example = source.wait();
    if (!example) break;
    examples.push_back(std::move(*example));
  }
  return examples;
}

void expect_refusal(const Problem& problem, const Shape& shape) {
  const std::string call = "open() for examples of shape " + shape_text(shape);
  expect(problem.code == Code::invalid_argument || problem.code == Code::failed_precondition,
         call + " failed: " + problem.text() +
             "; what a person must change is SKERRY_INVALID_ARGUMENT, and what may heal by itself "
             "is to be waited for in next()");
  expect(problem.message.find("without a message") == std::string::npos,
         call + " refuses them without a word; say what examples it can give");
}

void opens_or_refuses(Subject& subject) {
  std::vector<Shape> shapes = likely_shapes();
  for (const Shape& odd :
       {Shape{1, 1, 1, 1, 1, 1, 1}, Shape{7, 5, 3}, Shape{3, 1, 1}, Shape{1, 4096}})
    shapes.push_back(odd);
  for (const Shape& shape : shapes) {
    Source source(subject, shape);
    const Status status = source.open();
    if (!status) expect_refusal(status.error(), shape);
    // Of the shape that it was opened for, which next() looks at.
    if (status) source.next(100ms);
  }
}

void examples_hold(Subject& subject) {
  const auto source = opened(subject);
  for (const Example& example : some_of(*source)) {
    const skerry_item& item = example.item;
    const std::string what = "example " + std::to_string(item.number);
    expect(item.name != nullptr, what + " has no name; give an empty one");
    expect(item.label >= -1, what + " has the label " + std::to_string(item.label) +
                                 "; give its class, or -1 where that is not known");
    if (item.tensor.dtype_code != SKERRY_FLOAT) continue;
    std::vector<float> values(example.bytes.size() / sizeof(float));
    std::memcpy(values.data(), example.bytes.data(), example.bytes.size());
    expect(std::all_of(values.begin(), values.end(), [](float x) { return std::isfinite(x); }),
           what + " has values that are NaN or infinite; pass over such examples");
  }
}

void numbers_rise(Subject& subject) {
  const auto source = opened(subject);
  const auto examples = some_of(*source);
  for (std::size_t i = 1; i < examples.size(); ++i)
    expect(examples[i].item.number > examples[i - 1].item.number,
           "example " + std::to_string(examples[i].item.number) + " comes after example " +
               std::to_string(examples[i - 1].item.number) + "; numbers must rise");
}

void memory_stays(Subject& subject) {
  constexpr auto kPause = 100ms;  // for a thread of the source to write where it must not
  const auto source = opened(subject);
  std::optional<Example> example = first_of(*source);
  for (int i = 0; i < 3 && example; ++i, example = source->wait()) {
    const std::string name = example->item.name == nullptr ? "" : example->item.name;
    std::this_thread::sleep_for(kPause);
    const skerry_tensor& tensor = example->item.tensor;
    const auto* now = static_cast<const std::uint8_t*>(tensor.data) + tensor.byte_offset;
    expect(std::equal(example->bytes.begin(), example->bytes.end(), now) &&
               Shape(tensor.shape, tensor.shape + tensor.ndim) == source->shape() &&
               (example->item.name == nullptr || name == example->item.name),
           "what next() lent changes before the next call; read into other memory, and swap there");
  }
}

void timeout_kept(Subject& subject) {
  const auto source = opened(subject);
  for (const auto timeout : {0us, 1000us, 50'000us}) {
    for (std::size_t i = 0; i < kSome && !source->ended(); ++i) {
      source->next(timeout);
      expect(source->waited() < timeout + kSlack,
             "next() with a timeout of " + std::to_string(timeout.count() / 1000) +
                 " ms takes over 2 s more; the host's other sources wait meanwhile: leave slow "
                 "work to a thread of your own");
    }
  }
}

void timeout_used(Subject& subject) {
  constexpr std::chrono::duration<double> kTimeout = 100ms;
  const auto source = opened(subject);
  for (std::size_t i = 0; i < 4 * kSome && !source->ended(); ++i) {
    source->next(100ms);
    expect(!source->none_yet() || source->waited() > kTimeout / 2,
           "next() with a timeout of 100 ms has no example and returns long before that; wait for "
           "one, or the host keeps a processor busy with asking");
  }
}

void done_accepted(Subject& subject) {
  const auto source = opened(subject);
  for (const Example& example : some_of(*source)) source->done(example.item.number);
}

void end_stays(Subject& subject) {
  constexpr auto kMost = 3s;
  const auto source = opened(subject);
  const auto limit = Clock::now() + kMost;
  while (!source->ended() && Clock::now() < limit)
    if (const auto example = source->next(100ms)) source->done(example->item.number);
  if (!source->ended()) throw Skipped{"it does not end within 3 s"};
  for (int i = 0; i < 3; ++i) {
    source->next(1000us);
    expect(source->ended(),
           "next() gives something after it said that there would be nothing more");
  }
}

}  // namespace

std::vector<Check> source_checks() {
  constexpr const char* kKind = "source";
  return {
      {"opens-or-refuses", kKind, Level::required,
       "Whatever a service's examples are like, open() takes that form and keeps to it, or refuses "
       "it.",
       opens_or_refuses},
      {"examples-hold", kKind, Level::required,
       "Examples are dense tensors of the service's shape, of uint8 or float32, and finite.",
       examples_hold},
      {"numbers-rise", kKind, Level::required, "Each example has a higher number than the last.",
       numbers_rise},
      {"memory-stays", kKind, Level::required,
       "What next() lends does not change before the next call.", memory_stays},
      {"timeout-kept", kKind, Level::required,
       "next() returns within its timeout, and 2 s for the work besides.", timeout_kept},
      {"timeout-used", kKind, Level::required,
       "Where there is no example yet, next() waits for its timeout.", timeout_used},
      {"done-accepted", kKind, Level::required,
       "done() is taken for each example, also when the source has gone on.", done_accepted},
      {"end-stays", kKind, Level::required, "After its end a source gives nothing more.",
       end_stays},
  };
}

}  // namespace skerry::conformance
