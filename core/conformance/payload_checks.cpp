// payload/1: made-up pictures and rows on their way, and what strangers may send instead.
#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "core/conformance/subject.hpp"
#include "core/runtime/sink.hpp"
#include "core/runtime/tensor_types.hpp"

namespace skerry::conformance {
namespace {

using Shape = std::vector<std::int64_t>;

// A picture in colours, a grey one and a row.
const std::vector<Shape>& usual_shapes() {
  static const std::vector<Shape> all = {{3, 32, 32}, {1, 28, 28}, {16}};
  return all;
}

std::string text_of(const Shape& shape) {
  std::string text;
  for (const std::int64_t extent : shape)
    text += (text.empty() ? "" : ", ") + std::to_string(extent);
  return "[" + text + "]";
}

std::size_t size_of(const Shape& shape) {
  std::size_t size = 1;
  for (const std::int64_t extent : shape) size *= static_cast<std::size_t>(extent);
  return size;
}

// Values in 0..1 that change slowly from one place to the next, as those of photographs do.
std::vector<float> smooth(std::mt19937_64& random, const Shape& shape) {
  std::uniform_real_distribution<double> uniform(0.2, 1);
  const double across = uniform(random), down = uniform(random), start = 6 * uniform(random);
  const auto width = static_cast<std::size_t>(shape.back());
  std::vector<float> values(size_of(shape));
  for (std::size_t i = 0; i < values.size(); ++i) {
    const double place =
        across * static_cast<double>(i % width) + down * static_cast<double>(i / width);
    values[i] = static_cast<float>(0.5 + 0.45 * std::sin(start + place / 4));
  }
  return values;
}

bool all_finite(const std::vector<float>& values) {
  return std::all_of(values.begin(), values.end(), [](float v) { return std::isfinite(v); });
}

// It has to be the arguments' fault, and a person's to mend.
void expect_refusal(const Status& status, const std::string& call) {
  const Problem without_a_word =
      runtime::problem_of(SKERRY_INVALID_ARGUMENT, runtime::empty_error(), "");
  expect(status.error().code == Code::invalid_argument,
         call + " refuses its arguments with another status than SKERRY_INVALID_ARGUMENT: " +
             status.error().text() + "; throw skerry::invalid");
  expect(status.error().message != without_a_word.message,
         call + " refuses its arguments without a word; say why");
}

class Payload {
 public:
  explicit Payload(Subject& subject) : subject_(subject), instance_(subject.create()) {}

  // False where it refuses the example.
  bool encode(const Shape& shape, const std::vector<float>& example, std::string& encoded) {
    const skerry_tensor tensor = runtime::view_of(example.data(), shape);
    runtime::StringSink sink;
    const Status status =
        subject_.call(*instance_, &skerry_payload_v1::encode, "encode", &tensor, sink.get());
    if (!status) expect_refusal(status, "encode()");
    expect(!status || !sink.text().empty(), "encode() gives no bytes");
    encoded = std::move(sink.text());
    return status.has_value();
  }

  // False where it refuses the bytes; an example that it makes is whole and finite.
  bool decode(const Shape& shape, const std::string& encoded, std::vector<float>& example) {
    std::vector<float> again;
    const Status status = decode_over(-7, shape, encoded, example);
    const Status repeated = decode_over(7, shape, encoded, again);
    expect(status.has_value() == repeated.has_value(),
           "decode() refuses bytes that it reads at another time");
    if (!status) {
      expect_refusal(status, "decode()");
      return false;
    }
    expect(same_bits(example, again),
           "decode() leaves elements unwritten, or gives others at another time, of shape " +
               text_of(shape));
    expect(all_finite(example), "decode() makes elements NaN or infinite");
    return true;
  }

 private:
  // Over elements that are `before`.
  Status decode_over(float before, const Shape& shape, const std::string& encoded,
                     std::vector<float>& example) {
    Fenced<float> room(size_of(shape));
    std::fill_n(room.data(), room.size(), before);
    // Without the zero that a string has at its end.
    const std::vector<std::uint8_t> exact(encoded.begin(), encoded.end());
    const skerry_tensor tensor = runtime::view_of(room.data(), shape);
    const Status status = subject_.call(*instance_, &skerry_payload_v1::decode, "decode",
                                        skerry_bytes{exact.data(), exact.size()}, &tensor);
    expect(room.whole(), "decode() writes beside the example that it is given");
    example = room.values();
    return status;
  }

  Subject& subject_;
  std::unique_ptr<runtime::Instance> instance_;
};

struct Sent {
  Shape shape;
  std::vector<float> example;
  std::string encoded;
};

// An example of each usual shape that it takes.
std::vector<Sent> sent(Subject& subject, Payload& edge) {
  std::vector<Sent> all;
  for (const Shape& shape : usual_shapes()) {
    Sent one{shape, smooth(subject.random(), shape), {}};
    if (edge.encode(shape, one.example, one.encoded)) all.push_back(std::move(one));
  }
  expect(!all.empty(),
         "encode() takes no example of the shapes [3, 32, 32], [1, 28, 28] and [16]; one of them, "
         "a picture or a row, it has to take");
  return all;
}

std::vector<float> received(Payload& cloud, const Sent& one) {
  std::vector<float> example;
  expect(cloud.decode(one.shape, one.encoded, example),
         "decode() refuses what encode() made of an example of shape " + text_of(one.shape));
  return example;
}

void example_travels(Subject& subject) {
  Payload edge(subject), cloud(subject);
  for (const Sent& each : sent(subject, edge)) received(cloud, each);
}

// Root of the sum of squares.
double distance(const std::vector<float>& a, const std::vector<float>& b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i)
    sum += std::pow(static_cast<double>(a[i]) - static_cast<double>(b[i]), 2);
  return std::sqrt(sum);
}

void resembles(Subject& subject) {
  Payload edge(subject), cloud(subject);
  for (const Sent& each : sent(subject, edge)) {
    const double mean = std::accumulate(each.example.begin(), each.example.end(), 0.0) /
                        static_cast<double>(each.example.size());
    const std::vector<float> even(each.example.size(), static_cast<float>(mean));
    expect(distance(received(cloud, each), each.example) < distance(even, each.example),
           "what arrives of an example of shape " + text_of(each.shape) +
               " is less like it than its mean value everywhere; its values are in 0 to 1");
  }
}

void decode_repeats(Subject& subject) {
  Payload edge(subject), used(subject);
  const auto all = sent(subject, edge);
  std::vector<std::vector<float>> first;
  for (const Sent& each : all) first.push_back(received(used, each));
  for (std::size_t i = all.size(); i-- > 0;) {
    Payload fresh(subject);
    expect(
        same_bits(first[i], received(used, all[i])) && same_bits(first[i], received(fresh, all[i])),
        "decode() gives other bits for the same bytes: it must not remember earlier calls");
  }
}

std::string random_bytes(std::mt19937_64& random, std::size_t size) {
  std::string bytes(size, 0);
  for (char& each : bytes) each = static_cast<char>(random());
  return bytes;
}

// Some 50 places in it, its last bytes among them.
std::vector<std::size_t> places_to_cut(const std::string& encoded) {
  std::vector<std::size_t> places;
  for (std::size_t at = 1; at < encoded.size(); at += 1 + encoded.size() / 40) places.push_back(at);
  for (std::size_t last = 1; last <= 10 && last < encoded.size(); ++last)
    places.push_back(encoded.size() - last);
  return places;
}

void strangers_survived(Subject& subject) {
  constexpr int kFlips = 200;
  Payload edge(subject), cloud(subject);
  auto& random = subject.random();
  std::vector<float> example;
  for (const Sent& each : sent(subject, edge)) {
    expect(!cloud.decode(each.shape, "", example), "decode() makes an example of no bytes");
    for (std::size_t size = 1; size <= 4096; size *= 2)
      cloud.decode(each.shape, random_bytes(random, size), example);
    for (const std::size_t size : places_to_cut(each.encoded)) {
      cloud.decode(each.shape, each.encoded.substr(0, size), example);
      cloud.decode(each.shape, each.encoded.substr(0, size) + random_bytes(random, 64), example);
    }
    for (int i = 0; i < kFlips; ++i) {
      std::string flipped = each.encoded;
      flipped[random() % flipped.size()] ^= static_cast<char>(1 << random() % 8);
      cloud.decode(each.shape, flipped, example);
    }
  }
}

void nonsense_refused(Subject& subject) {
  Payload edge(subject), cloud(subject);
  std::vector<float> example;
  for (const Sent& each : sent(subject, edge)) {
    for (const std::size_t size : places_to_cut(each.encoded))
      expect(!cloud.decode(each.shape, each.encoded.substr(0, size), example),
             "decode() takes the first " + std::to_string(size) + " of an example's " +
                 std::to_string(each.encoded.size()) + " bytes for all of it");
    for (const std::size_t size : {3u, 61u, 1021u})
      expect(!cloud.decode(each.shape, random_bytes(subject.random(), size), example),
             "decode() makes an example of " + std::to_string(size) + " random bytes");
  }
}

void shapes_taken_or_refused(Subject& subject) {
  const std::vector<Shape> shapes = {{28, 28},  {1},       {1, 1},      {5, 7},
                                     {2, 5, 5}, {9, 9, 3}, {2, 3, 4, 5}};
  Payload edge(subject), cloud(subject);
  const auto usual = sent(subject, edge);
  for (const Shape& shape : shapes) {
    Sent one{shape, smooth(subject.random(), shape), {}};
    if (edge.encode(shape, one.example, one.encoded)) received(cloud, one);
    for (const Sent& other : usual) cloud.decode(shape, other.encoded, one.example);
  }
}

void odd_examples_survived(Subject& subject) {
  using Limits = std::numeric_limits<float>;
  Payload edge(subject), cloud(subject);
  for (Sent each : sent(subject, edge)) {
    const std::vector<float> usual = each.example;
    for (const float odd : {Limits::quiet_NaN(), Limits::infinity(), -Limits::infinity(),
                            Limits::max(), Limits::lowest(), Limits::denorm_min(), -1.0F}) {
      for (const bool everywhere : {false, true}) {
        each.example = usual;
        std::fill_n(each.example.begin() + 3, everywhere ? each.example.size() - 3 : 1, odd);
        if (edge.encode(each.shape, each.example, each.encoded))
          cloud.decode(each.shape, each.encoded, each.example);
      }
    }
  }
}

void smaller(Subject& subject) {
  Payload edge(subject);
  for (const Sent& each : sent(subject, edge)) {
    const std::size_t raw = each.example.size() * sizeof(float);
    expect(each.encoded.size() < raw, "an example of " + std::to_string(raw) + " bytes takes " +
                                          std::to_string(each.encoded.size()) +
                                          " when it is encoded");
  }
}

}  // namespace

std::vector<Check> payload_checks() {
  constexpr const char* kKind = "payload";
  return {
      {"example-travels", kKind, Level::required,
       "It takes pictures or rows; what arrives of them is whole and finite, and has nothing "
       "beside "
       "it.",
       example_travels},
      {"arrives-alike", kKind, Level::expected,
       "What arrives is more like the example than its mean value everywhere is.", resembles},
      {"decode-repeats", kKind, Level::required,
       "decode() is a function of its arguments: the same bits, whatever came before.",
       decode_repeats},
      {"strangers-survived", kKind, Level::required,
       "Whatever bytes come, decode() makes a whole and finite example or refuses them as the "
       "asker's fault; it refuses no bytes.",
       strangers_survived},
      {"nonsense-refused", kKind, Level::expected,
       "Random bytes, and examples that are cut off anywhere, are refused.", nonsense_refused},
      {"shapes-taken-or-refused", kKind, Level::required,
       "An example of any shape travels, or is refused with a reason.", shapes_taken_or_refused},
      {"odd-examples-survived", kKind, Level::required,
       "An example with NaN, infinity or other odd values does no harm: it arrives finite, or is "
       "refused with a reason.",
       odd_examples_survived},
      {"encoded-is-smaller", kKind, Level::polished,
       "An encoded example has fewer bytes than its float32 elements.", smaller},
  };
}

}  // namespace skerry::conformance
