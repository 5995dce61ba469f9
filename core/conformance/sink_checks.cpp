// sink/1: made-up outcomes of all sorts.
#include <algorithm>
#include <cmath>
#include <limits>

#include "core/conformance/subject.hpp"
#include "core/runtime/tensor_types.hpp"

namespace skerry::conformance {
namespace {

using Shape = std::vector<std::int64_t>;

struct Form {
  Shape shape;
  std::uint32_t classes;
};

// Pictures in colours and in grey, and rows; with classes, and with numbers as answers.
const std::vector<Form>& usual_forms() {
  static const std::vector<Form> all = {{{3, 24, 32}, 10}, {{1, 28, 28}, 10}, {{3, 24, 32}, 0},
                                        {{1, 28, 28}, 0},  {{16}, 3},         {{16}, 0}};
  return all;
}

std::string text_of(const Form& form) {
  std::string text;
  for (const std::int64_t extent : form.shape)
    text += (text.empty() ? "[" : ", ") + std::to_string(extent);
  return text + "] and " +
         (form.classes > 0 ? std::to_string(form.classes) + " classes" : "no classes");
}

std::size_t elements_of(const Form& form) {
  std::size_t count = 1;
  for (const std::int64_t extent : form.shape) count *= static_cast<std::size_t>(extent);
  return count;
}

// An outcome with its memory, of which it is seen whether somebody writes into it or beside it.
class Made {
 public:
  // An answer of the edge.
  Made(std::mt19937_64& random, const Form& form, bool levels)
      : shape_(form.shape),
        elements_(elements_of(form) * (levels ? 1 : sizeof(float))),
        outputs_(form.classes > 0 ? form.classes : 10) {
    std::uniform_real_distribution<float> uniform;
    if (levels) {
      for (std::size_t i = 0; i < elements_.size(); ++i)
        elements_.data()[i] = static_cast<std::uint8_t>(random());
    } else {
      for (std::size_t i = 0; i < elements_of(form); ++i) values()[i] = uniform(random);
    }
    float sum = 0;
    for (std::size_t i = 0; i < outputs_.size(); ++i) sum += outputs_.data()[i] = uniform(random);
    for (std::size_t i = 0; i < outputs_.size(); ++i) outputs_.data()[i] /= sum;
    item.struct_size = sizeof item;
    item.seconds = 1.5;
    item.label = -1;
    item.tensor = levels ? runtime::levels_view(elements_.data(), shape_)
                         : runtime::view_of(values(), shape_);
    outcome.struct_size = sizeof outcome;
    outcome.count = static_cast<std::uint32_t>(outputs_.size());
    outcome.outputs = outputs_.data();
    outcome.score = 0.25;
    outcome.version = 1;
    outcome.total_us = 1234;
  }
  Made(const Made&) = delete;
  Made& operator=(const Made&) = delete;

  // The example's elements, where they are float32.
  float* values() { return reinterpret_cast<float*>(elements_.data()); }
  float* outputs() { return outputs_.data(); }

  // As a host gives it. Failed where something of it has changed.
  Status write(Subject& subject, runtime::Instance& instance) {
    outcome.item = &item;
    outcome.service = service.c_str();
    outcome.source = source.c_str();
    outcome.code = code.c_str();
    outcome.message = message.c_str();
    item.name = name.c_str();
    const auto elements = elements_.values();
    const auto outputs = outputs_.values();
    const skerry_outcome outcome_before = outcome;
    const skerry_item item_before = item;
    const std::string texts = service + source + code + message + name;
    const Status status = subject.call(instance, &skerry_sink_v1::write, "write",
                                       static_cast<const skerry_outcome*>(&outcome));
    expect(elements_.whole() && outputs_.whole() && same_bits(elements, elements_.values()) &&
               same_bits(outputs, outputs_.values()) &&
               std::memcmp(&outcome_before, &outcome, sizeof outcome) == 0 &&
               std::memcmp(&item_before, &item, sizeof item) == 0 &&
               texts == service + source + code + message + name,
           "write() changes what it is given, or writes beside it; all of it is borrowed");
    return status;
  }

  std::string service = "service", source = "sources[0]", code, message, name;
  skerry_item item{};
  skerry_outcome outcome{};

 private:
  Shape shape_;
  Fenced<std::uint8_t> elements_;
  Fenced<float> outputs_;
};

Status open(Subject& subject, runtime::Instance& instance, const Form& form) {
  skerry_service_form plain{};
  plain.struct_size = sizeof plain;
  plain.ndim = static_cast<std::uint32_t>(form.shape.size());
  std::copy(form.shape.begin(), form.shape.end(), plain.shape);
  plain.classes = form.classes;
  plain.scale = 1 / 255.0F;
  return subject.call(instance, &skerry_sink_v1::open, "open",
                      static_cast<const skerry_service_form*>(&plain));
}

void expect_taken(const Status& status, const std::string& what) {
  if (!status) throw Failed{"write() does not take " + what + ": " + status.error().text()};
}

// A sink that has been opened with a form that it takes.
struct Opened {
  std::unique_ptr<runtime::Instance> instance;
  Form form;

  explicit Opened(Subject& subject) {
    std::string said;
    for (const Form& each : usual_forms()) {
      instance = subject.create();
      const Status opened = open(subject, *instance, each);
      form = each;
      if (opened) return;
      said = opened.error().text();
    }
    throw Skipped{"it opens with none of the usual forms, at last: " + said +
                  ". Give a configuration with which it does with --config '{...}'"};
  }

  // Once another one has been.
  Opened(Subject& subject, const Opened& other) : instance(subject.create()), form(other.form) {
    const Status opened = open(subject, *instance, form);
    if (!opened)
      throw Failed{"open() of another one of the same configuration failed: " +
                   opened.error().text()};
  }

  void write(Subject& subject, const std::string& what) const {
    Made made(subject.random(), form, true);
    expect_taken(made.write(subject, *instance), what);
  }
};

// Has no close() where there is nothing to do.
void close(Subject& subject, runtime::Instance& instance) {
  const auto& functions = instance.as<skerry_sink_v1>();
  if (!SKERRY_HAS(skerry_sink_v1, &functions, close) || functions.close == nullptr) return;
  expect_ok(subject.call(instance, &skerry_sink_v1::close, "close"), "close");
}

struct Sort {
  const char* what;
  void (*change)(Made&);
};

const std::vector<Sort>& all_sorts() {
  static constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
  static const std::vector<Sort> all = {
      {"an answer", [](Made&) {}},
      {"a hard one of the cloud",
       [](Made& made) {
         made.outcome.by_cloud = made.outcome.hard = 1;
         made.outcome.wire_us = made.outcome.queue_us = made.outcome.compute_us = 99;
       }},
      {"one of the cloud that came late",
       [](Made& made) { made.outcome.by_cloud = made.outcome.late = 1; }},
      {"one of the edge in place of the cloud",
       [](Made& made) { made.outcome.hard = made.outcome.fallback = 1; }},
      {"a refusal",
       [](Made& made) {
         made.code = "cloud.unavailable";
         made.message = "the cloud is out of reach";
         made.outcome.hard = 1;
         made.outcome.count = 0;
         made.outcome.outputs = nullptr;
       }},
      {"an answer without outputs", [](Made& made) { made.outcome.count = 0; }},
      {"an example of which nothing is known",
       [](Made& made) {
         made.source.clear();
         made.item.seconds = kNan;
         made.outcome.score = kNan;
       }},
      {"large numbers",
       [](Made& made) {
         made.item.number = made.outcome.version = std::numeric_limits<std::uint64_t>::max();
         made.item.label = std::numeric_limits<std::int64_t>::max();
         made.item.seconds = 1e300;
         made.outcome.total_us = std::numeric_limits<std::uint32_t>::max();
       }},
      {"names with odd characters",
       [](Made& made) {
         made.name = "../../<a href=\"x\">&'\\%n%s\n\r\t\x01\x7F\xC3\xA9\xFF.png";
         made.service = made.source = made.name;
       }},
      {"a long name", [](Made& made) { made.name.assign(5000, 'x'); }},
      {"outputs that are no numbers",
       [](Made& made) {
         made.outputs()[0] = std::numeric_limits<float>::quiet_NaN();
         made.outputs()[1] = std::numeric_limits<float>::infinity();
       }},
  };
  return all;
}

void takes_all_outcomes(Subject& subject) {
  const Opened sink(subject);
  for (const Sort& sort : all_sorts()) {
    for (const bool levels : {true, false}) {
      Made made(subject.random(), sink.form, levels);
      sort.change(made);
      expect_taken(made.write(subject, *sink.instance), sort.what);
    }
  }
  Made odd(subject.random(), sink.form, false);
  odd.values()[0] = std::numeric_limits<float>::quiet_NaN();
  odd.values()[1] = -1e30F;
  expect_taken(odd.write(subject, *sink.instance), "an example with odd elements");
  close(subject, *sink.instance);
}

void forms_kept_or_refused(Subject& subject) {
  const Problem without_a_word =
      runtime::problem_of(SKERRY_INVALID_ARGUMENT, runtime::empty_error(), "");
  std::vector<Form> forms = usual_forms();
  for (const Shape& shape :
       {Shape{1}, Shape{5, 7}, Shape{1, 1, 1}, Shape{3, 1, 300}, Shape{2, 5, 5}, Shape{4, 5, 5},
        Shape{1, 1, 5, 5}, Shape{2, 1, 2, 1, 2, 1, 2}})
    for (const std::uint32_t classes : {0u, 1u, 12u}) forms.push_back({shape, classes});
  for (const Form& form : forms) {
    const auto instance = subject.create();
    const Status opened = open(subject, *instance, form);
    const std::string what = "for examples of shape " + text_of(form);
    if (opened) {
      Made made(subject.random(), form, true);
      expect_taken(made.write(subject, *instance),
                   "an outcome " + what + ", which open() has taken");
      close(subject, *instance);
      continue;
    }
    expect(opened.error().code == Code::invalid_argument,
           "open() " + what + " refuses with another status than SKERRY_INVALID_ARGUMENT: " +
               opened.error().text() + "; throw skerry::invalid");
    expect(opened.error().message != without_a_word.message,
           "open() " + what + " refuses without a word; say why");
  }
}

// What no host gives: how it is answered does not matter, but a good one is taken afterwards.
void odd_outcomes_survived(Subject& subject) {
  const Opened sink(subject);
  const auto odd = [&](void (*change)(Made&)) {
    Made made(subject.random(), sink.form, true);
    change(made);
    subject.survive([&] { return made.write(subject, *sink.instance); });
    sink.write(subject, "an outcome after one that makes no sense");
  };
  odd([](Made& made) { made.item.tensor.data = nullptr; });
  odd([](Made& made) { made.item.tensor.ndim = 0; });
  odd([](Made& made) { made.item.tensor.dtype_code = SKERRY_INT; });
  odd([](Made& made) { made.item.tensor.dtype_bits = 4; });
  odd([](Made& made) { made.outcome.count = 1; });
  odd([](Made& made) { made.item.label = -7; });
  static constexpr std::int64_t kSmall[] = {1, 1, 1};
  odd([](Made& made) {
    made.item.tensor.ndim = 3;
    made.item.tensor.shape = kSmall;
  });
}

void ends_at_any_time(Subject& subject) {
  const auto twice = [&](const Opened& sink) {
    close(subject, *sink.instance);
    subject.survive([&] { return close(subject, *sink.instance), 0; });
  };
  const Opened empty(subject), written(subject, empty);
  twice(empty);
  written.write(subject, "an outcome");
  twice(written);
  Opened(subject, empty).write(subject, "an outcome");  // and then its worker is killed
  Opened(subject, empty).write(subject, "an outcome, after one that was never closed");
  const auto never_opened = subject.create();
  subject.survive([&] { return close(subject, *never_opened), 0; });
}

void two_at_once(Subject& subject) {
  const Opened one(subject), other(subject, one);
  for (int i = 0; i < 5; ++i) {
    one.write(subject, "an outcome beside another one of the same configuration");
    other.write(subject, "an outcome beside another one of the same configuration");
  }
  close(subject, *one.instance);
  other.write(subject, "an outcome after another one of the same configuration was closed");
  close(subject, *other.instance);
}

}  // namespace

std::vector<Check> sink_checks() {
  constexpr const char* kKind = "sink";
  return {
      {"takes-all-outcomes", kKind, Level::required,
       "It takes outcomes of all sorts, answers, refusals and what came late, and leaves what it "
       "is given as it is.",
       takes_all_outcomes},
      {"forms-kept-or-refused", kKind, Level::required,
       "Whatever a service's examples are like, open() takes that form, and write() such outcomes, "
       "or open() refuses it with a reason.",
       forms_kept_or_refused},
      {"odd-outcomes-survived", kKind, Level::required,
       "An outcome that no host gives does no harm, and the next one is taken.",
       odd_outcomes_survived},
      {"ends-at-any-time", kKind, Level::required,
       "Closed at once, twice, or not at all, it does no harm.", ends_at_any_time},
      {"two-at-once", kKind, Level::required,
       "Two of one configuration take outcomes side by side, as while one version of a service "
       "takes the place of another.",
       two_at_once},
  };
}

}  // namespace skerry::conformance
