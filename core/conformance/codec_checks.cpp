// codec/1: made-up updates on their way.
#include <algorithm>
#include <cmath>
#include <deque>
#include <limits>
#include <set>

#include "core/base/file.hpp"
#include "core/conformance/subject.hpp"
#include "core/runtime/artifacts.hpp"
#include "core/tensor/safetensors.hpp"
#include "core/tensor/validate.hpp"

namespace skerry::conformance {
namespace {

// Named tensors with their memory, and room beside each to see who writes there.
class Tensors {
 public:
  Tensors() = default;
  Tensors(const Tensors&) = delete;
  Tensors& operator=(const Tensors&) = delete;

  void add(std::string name, std::uint8_t code, std::uint8_t bits, std::vector<std::int64_t> shape,
           const void* data) {
    std::size_t bytes = bits / 8;
    for (const std::int64_t extent : shape) bytes *= static_cast<std::size_t>(extent);
    One& one = all_.emplace_back(std::move(name), std::move(shape), bytes);
    if (data != nullptr && bytes > 0) std::memcpy(one.memory.data(), data, bytes);
    skerry_named_tensor view{one.name.c_str(), {}};
    view.tensor = {one.memory.data(),
                   SKERRY_CPU,
                   0,
                   static_cast<std::int32_t>(one.shape.size()),
                   code,
                   bits,
                   1,
                   one.shape.data(),
                   nullptr,
                   0};
    views_.push_back(view);
  }
  void add_floats(std::string name, std::vector<std::int64_t> shape,
                  const std::vector<float>& values) {
    add(std::move(name), SKERRY_FLOAT, 32, std::move(shape), values.data());
  }
  void add_copy(const skerry_named_tensor& tensor) {
    const std::string name = tensor.name == nullptr ? "" : tensor.name;
    const auto* data = data_of(tensor.tensor, "the encoded tensor `" + name + "`");
    add(name, tensor.tensor.dtype_code, tensor.tensor.dtype_bits,
        {tensor.tensor.shape, tensor.tensor.shape + tensor.tensor.ndim}, data);
  }

  const std::vector<skerry_named_tensor>& views() const { return views_; }
  std::vector<skerry_named_tensor>& views() { return views_; }
  std::vector<float> floats(std::size_t index) {
    const auto bytes = all_[index].memory.values();
    std::vector<float> values(bytes.size() / sizeof(float));
    std::memcpy(values.data(), bytes.data(), values.size() * sizeof(float));
    return values;
  }
  std::vector<std::vector<std::uint8_t>> bytes() {
    std::vector<std::vector<std::uint8_t>> all;
    for (One& one : all_) all.push_back(one.memory.values());
    return all;
  }
  std::size_t total() const {
    std::size_t sum = 0;
    for (const One& one : all_) sum += one.memory.size();
    return sum;
  }
  bool whole() const {
    return std::all_of(all_.begin(), all_.end(), [](const One& one) { return one.memory.whole(); });
  }

 private:
  struct One {
    One(std::string its_name, std::vector<std::int64_t> its_shape, std::size_t bytes)
        : name(std::move(its_name)), shape(std::move(its_shape)), memory(bytes) {}
    std::string name;
    std::vector<std::int64_t> shape;
    Fenced<std::uint8_t> memory;
  };
  std::deque<One> all_;
  std::vector<skerry_named_tensor> views_;
};

struct Form {
  const char* name;
  std::vector<std::int64_t> shape;
};
const std::vector<Form>& forms() {
  static const std::vector<Form> all = {
      {"layer.weight", {40, 25}}, {"layer.bias", {40}}, {"scalar", {}}, {"empty", {0, 3}}};
  return all;
}
std::size_t size_of(const Form& form) {
  std::size_t size = 1;
  for (const std::int64_t extent : form.shape) size *= static_cast<std::size_t>(extent);
  return size;
}

// A model of four float32 tensors and a counter, and what a training made of it.
struct Update {
  Tensors base, update;
  std::vector<std::int64_t> counter{123456789012345, -7};

  explicit Update(std::mt19937_64& random, bool changed = true) {
    for (const Form& form : forms()) {
      std::vector<float> values = random_floats(random, size_of(form));
      base.add_floats(form.name, form.shape, values);
      const std::vector<float> steps = random_floats(random, values.size());
      for (std::size_t i = 0; changed && i < values.size(); ++i) values[i] += 0.01F * steps[i];
      update.add_floats(form.name, form.shape, values);
    }
    base.add("steps", SKERRY_INT, 64, {2}, counter.data());
    if (changed) counter[0] += 17;
    update.add("steps", SKERRY_INT, 64, {2}, counter.data());
  }
};

// An encoder on a node and a decoder on the cloud.
class Line {
 public:
  explicit Line(Subject& subject) : subject_(subject), instance_(subject.create()) {}

  Status encode(const Tensors& update, const Tensors& base, Tensors& encoded) {
    const skerry_tensor_sink sink{
        sizeof sink, 0, &encoded,
        [](const skerry_tensor_sink* self, const skerry_named_tensor* tensor) -> skerry_status {
          static_cast<Tensors*>(self->ctx)->add_copy(*tensor);
          return SKERRY_OK;
        }};
    return subject_.call(*instance_, &skerry_codec_v1::encode, "encode", update.views().data(),
                         base.views().data(), std::uint64_t{update.views().size()}, &sink);
  }
  Status decode(const Tensors& encoded, const Tensors& base, Tensors& update) {
    return subject_.call(*instance_, &skerry_codec_v1::decode, "decode", encoded.views().data(),
                         std::uint64_t{encoded.views().size()}, base.views().data(),
                         static_cast<const skerry_named_tensor*>(update.views().data()),
                         std::uint64_t{base.views().size()});
  }

 private:
  Subject& subject_;
  std::unique_ptr<runtime::Instance> instance_;
};

// Room for an update, full of NaNs.
void make_room(Tensors& room) {
  for (const Form& form : forms())
    room.add_floats(form.name, form.shape,
                    std::vector<float>(size_of(form), std::numeric_limits<float>::quiet_NaN()));
  const std::int64_t nothing[] = {-1, -1};
  room.add("steps", SKERRY_INT, 64, {2}, nothing);
}

std::size_t data_size(const skerry_tensor& tensor) {
  std::size_t bytes = tensor.dtype_bits / 8;
  for (std::int32_t i = 0; i < tensor.ndim; ++i) bytes *= static_cast<std::size_t>(tensor.shape[i]);
  return bytes;
}

void names_distinct(const Tensors& encoded) {
  std::set<std::string> names;
  for (const auto& each : encoded.views())
    expect(*each.name != '\0' && names.insert(each.name).second,
           "encode() gave two tensors named `" + std::string(each.name) +
               "`; each needs a name of its own");
}

// As a host stores them and looks at them.
void expect_storable(const Tensors& encoded) {
  const auto dir = TempDir::create();
  if (!dir) throw Skipped{"no temporary folder: " + dir.error().text()};
  const auto file = dir->path() / "update.safetensors";
  const auto written =
      runtime::write_tensors("update", encoded.views().data(), encoded.views().size(), file);
  if (!written) throw Failed{"encode() gave what cannot travel: " + written.error().text()};
  const auto bytes = written->path.empty() ? Result<std::string>(written->data) : read_file(file);
  const auto layout = bytes ? tensor::parse_layout(as_bytes(*bytes), bytes->size())
                            : Result<tensor::Layout>(fail(bytes.error()));
  if (!layout) throw Failed{"encode() gave what cannot travel: " + layout.error().text()};
  if (const auto finite = tensor::check_finite(*layout, as_bytes(*bytes)); !finite)
    throw Failed{"encode() gave numbers that hosts refuse: " + finite.error().message};
}

// Euclidean, over all float tensors.
double distance(Tensors& a, Tensors& b) {
  double sum = 0;
  for (std::size_t t = 0; t < forms().size(); ++t) {
    const auto one = a.floats(t), other = b.floats(t);
    for (std::size_t i = 0; i < one.size(); ++i) {
      const double difference = static_cast<double>(one[i]) - static_cast<double>(other[i]);
      sum += difference * difference;
    }
  }
  return std::sqrt(sum);
}

void travels(Subject& subject) {
  Line node(subject), cloud(subject);
  for (int round = 0; round < 3; ++round) {
    Update made(subject.random());
    Tensors encoded, arrived;
    make_room(arrived);
    expect_ok(node.encode(made.update, made.base, encoded), "encode");
    names_distinct(encoded);
    expect_storable(encoded);
    expect_ok(cloud.decode(encoded, made.base, arrived), "decode");
    expect(arrived.whole() && made.base.whole() && encoded.whole(),
           "decode() writes beside the tensors that it is given");
    for (std::size_t t = 0; t < forms().size(); ++t) {
      const auto values = arrived.floats(t);
      expect(std::all_of(values.begin(), values.end(), [](float v) { return std::isfinite(v); }),
             std::string("decode() left elements of `") + forms()[t].name +
                 "` unwritten, or made them NaN or infinite");
    }
    expect(arrived.bytes().back() == made.update.bytes().back(),
           "the tensor of integers `steps` arrived with other values; counters must arrive as they "
           "are");
  }
}

void nearer_than_before(Subject& subject) {
  Line node(subject), cloud(subject);
  Update made(subject.random());
  Tensors encoded, arrived;
  make_room(arrived);
  expect_ok(node.encode(made.update, made.base, encoded), "encode");
  expect_ok(cloud.decode(encoded, made.base, arrived), "decode");
  const double lost = distance(arrived, made.update);
  const double moved = distance(made.base, made.update);
  expect(lost <= moved * (1 + 1e-6),
         "what arrives is farther from the update than the old model is (" + std::to_string(lost) +
             ", the old model " + std::to_string(moved) + ")");
}

void no_change_arrives_as_none(Subject& subject) {
  Line node(subject), cloud(subject);
  Update made(subject.random(), false);
  Tensors encoded, arrived;
  make_room(arrived);
  expect_ok(node.encode(made.update, made.base, encoded), "encode");
  expect_ok(cloud.decode(encoded, made.base, arrived), "decode");
  expect(arrived.bytes() == made.base.bytes(),
         "an update that changes nothing arrives as another model");
}

void decode_repeats(Subject& subject) {
  Line node(subject), cloud(subject), other(subject);
  Update made(subject.random()), before(subject.random());
  Tensors encoded, earlier, first, second, third;
  for (Tensors* room : {&first, &second, &third}) make_room(*room);
  expect_ok(node.encode(made.update, made.base, encoded), "encode");
  expect_ok(node.encode(before.update, before.base, earlier), "encode");
  expect_ok(cloud.decode(encoded, made.base, first), "decode");
  expect_ok(cloud.decode(earlier, before.base, second), "decode");
  expect_ok(cloud.decode(encoded, made.base, second), "decode");
  expect_ok(other.decode(encoded, made.base, third), "decode");
  expect(first.bytes() == second.bytes() && first.bytes() == third.bytes(),
         "decode() gives other bits for the same bytes: it must not remember earlier calls");
}

// What a node that lies may send.
void strangers_refused(Subject& subject) {
  Line node(subject), cloud(subject);
  Update made(subject.random());
  Tensors good;
  expect_ok(node.encode(made.update, made.base, good), "encode");
  const auto decode = [&](const Tensors& encoded) {
    Tensors arrived;
    make_room(arrived);
    Status status;
    subject.survive([&] { return status = cloud.decode(encoded, made.base, arrived); });
    expect(arrived.whole(), "decode() writes beside the tensors that it is given");
    return status;
  };
  expect(!decode(Tensors()), "decode() takes no tensors at all for an update; refuse them");
  for (std::size_t missing = 0; missing < good.views().size(); ++missing) {
    Tensors fewer;
    for (std::size_t i = 0; i < good.views().size(); ++i)
      if (i != missing) fewer.add_copy(good.views()[i]);
    expect(!decode(fewer), "decode() does not miss the tensor `" +
                               std::string(good.views()[missing].name) +
                               "`; refuse what is not whole");
  }
  for (std::size_t bad = 0; bad < good.views().size(); ++bad) {
    const skerry_tensor& tensor = good.views()[bad].tensor;
    Tensors shorter, bytes;
    for (std::size_t i = 0; i < good.views().size(); ++i) {
      if (i != bad) {
        shorter.add_copy(good.views()[i]);
        bytes.add_copy(good.views()[i]);
        continue;
      }
      shorter.add(good.views()[i].name, tensor.dtype_code, tensor.dtype_bits, {1, 1, 1}, nullptr);
      bytes.add(good.views()[i].name, tensor.dtype_code, tensor.dtype_bits,
                {tensor.shape, tensor.shape + tensor.ndim},
                std::vector<std::uint8_t>(data_size(tensor), 0xFF).data());
    }
    expect(!decode(shorter), "decode() takes a tensor `" + std::string(good.views()[bad].name) +
                                 "` of shape [1, 1, 1]; refuse shapes that encode() does not give");
    static_cast<void>(decode(bytes));  // any answer, but no harm
  }
}

void nan_updates_survived(Subject& subject) {
  for (const float bad :
       {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
    Line node(subject);
    Update made(subject.random());
    static_cast<float*>(made.update.views()[0].tensor.data)[3] = bad;
    Tensors encoded;
    subject.survive([&] { return node.encode(made.update, made.base, encoded); });
  }
}

void smaller(Subject& subject) {
  Line node(subject);
  Update made(subject.random());
  Tensors encoded;
  expect_ok(node.encode(made.update, made.base, encoded), "encode");
  expect(encoded.total() < made.update.total(),
         "an update of " + std::to_string(made.update.total()) + " bytes takes " +
             std::to_string(encoded.total()) + " when it is encoded");
}

}  // namespace

std::vector<Check> codec_checks() {
  constexpr const char* kKind = "codec";
  return {
      {"update-travels", kKind, Level::required,
       "What travels can be stored and is finite; what arrives is whole and finite, and has its "
       "integers.",
       travels},
      {"nearer-than-the-old-model", kKind, Level::expected,
       "What arrives is no farther from the update than the old model is.", nearer_than_before},
      {"no-change-arrives-as-none", kKind, Level::expected,
       "An update that changes nothing arrives as the old model, bit for bit.",
       no_change_arrives_as_none},
      {"decode-repeats", kKind, Level::required,
       "decode() is a function of its arguments: the same bits, whatever came before.",
       decode_repeats},
      {"strangers-refused", kKind, Level::required,
       "Tensors that encode() does not give are refused, and do no harm.", strangers_refused},
      {"nan-updates-survived", kKind, Level::required,
       "An update with NaN or infinity does no harm.", nan_updates_survived},
      {"encoded-is-smaller", kKind, Level::polished, "An encoded update has fewer bytes.", smaller},
  };
}

}  // namespace skerry::conformance
