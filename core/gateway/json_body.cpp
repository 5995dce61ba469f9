#include "core/gateway/json_body.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <set>

#include "core/base/json.hpp"
#include "core/base/suggest.hpp"
#include "core/base/try.hpp"
#include "core/gateway/settings.hpp"
#include "core/gateway/tensor_reader.hpp"

namespace skerry::gateway {
namespace {

constexpr std::size_t kMaxSaid = 200;  // of what the parser says: it quotes what it read

const std::vector<std::string> kMembers{"tensor", "dtype", "deadlineMs", "label"};
const std::vector<std::string> kParts{"shape", "data"};

struct Number {
  double value;
  std::optional<std::int64_t> whole;  // where it is an integer that fits
};

// Called with each piece of the text; false ends the parse.
class BodyReader : public Json::json_sax_t {
 public:
  Outcome<JsonBody> finish(bool parsed);

  bool null() override { return wrong("null"); }
  bool boolean(bool value) override { return wrong(value ? "true" : "false"); }
  bool number_integer(Json::number_integer_t value) override {
    return number({static_cast<double>(value), value});
  }
  bool number_unsigned(Json::number_unsigned_t value) override {
    const bool fits = value <= std::uint64_t{std::numeric_limits<std::int64_t>::max()};
    const auto whole = fits ? std::optional(static_cast<std::int64_t>(value)) : std::nullopt;
    return number({static_cast<double>(value), whole});
  }
  bool number_float(Json::number_float_t value, const Json::string_t&) override {
    return number({value, std::nullopt});
  }
  bool string(Json::string_t& value) override;
  bool binary(Json::binary_t&) override { return wrong("binary data"); }
  bool start_object(std::size_t) override;
  bool key(Json::string_t& name) override;
  bool end_object() override;
  bool start_array(std::size_t) override;
  bool end_array() override;
  bool parse_error(std::size_t, const std::string&, const Json::exception& error) override;

 private:
  enum class At { outside, top, nested, parts, shape, data };

  struct Expected {
    std::string field;
    std::string_view allowed;
  };

  bool keep(const Outcome<void>& outcome);
  Expected expected() const;
  bool number(const Number& number);
  bool wrong(std::string_view found);
  bool named(const std::string& name, const std::vector<std::string>& known,
             std::set<std::string>& seen, std::string_view of);

  At at_ = At::outside;
  std::string member_, part_;  // whose value comes next
  std::set<std::string> members_, parts_;
  TensorReader tensor_;
  std::vector<std::int64_t> shape_;
  JsonBody body_;
  std::optional<Refusal> refusal_;
};

bool BodyReader::keep(const Outcome<void>& outcome) {
  if (!outcome) refusal_ = outcome.error();
  return outcome.has_value();
}

BodyReader::Expected BodyReader::expected() const {
  switch (at_) {
    case At::outside:
      return {"", R"(an object, as in {"tensor": [[0.5, 1]]})"};
    case At::top:
      if (member_ == "tensor")
        return {member_, R"(nested lists of numbers, or {"shape": [...], "data": [...]})"};
      if (member_ == "dtype") return {member_, R"("float32" or "uint8")"};
      if (member_ == "label") return {member_, "an integer from 0"};
      return {member_, "a number of milliseconds"};
    case At::parts:
      return {"tensor." + part_, "a list of numbers"};
    case At::shape:
      return {"tensor.shape", "1 to 8 integers"};
    case At::nested:
    case At::data:
      return {tensor_.place(), "numbers"};
  }
  return {};
}

bool BodyReader::wrong(std::string_view found) {
  const Expected here = expected();
  return keep(refuse("request.malformed", fmt::format("found {}; allowed: {}", found, here.allowed),
                     here.field));
}

bool BodyReader::number(const Number& number) {
  const bool from_0 = number.whole && *number.whole >= 0;
  if (at_ == At::nested || at_ == At::data) return keep(tensor_.add(number.value));
  if (at_ == At::shape && from_0 && shape_.size() < kMaxDimensions) {
    shape_.push_back(*number.whole);
    return true;
  }
  if (at_ == At::top && member_ == "deadlineMs") {
    body_.deadline_ms = number.value;
    return true;
  }
  if (at_ == At::top && member_ == "label" && from_0) {
    body_.label = number.whole;
    return true;
  }
  return wrong(fmt::format("{}", number.value));
}

bool BodyReader::string(Json::string_t& value) {
  if (at_ != At::top || member_ != "dtype") return wrong("the text " + in_quotes(value));
  const auto form = read_form(value, "dtype");
  if (form)
    body_.form = *form;
  else
    refusal_ = form.error();
  return form.has_value();
}

bool BodyReader::named(const std::string& name, const std::vector<std::string>& known,
                       std::set<std::string>& seen, std::string_view of) {
  if (std::ranges::find(known, name) == known.end()) {
    return keep(refuse("request.malformed",
                       fmt::format("{} has no member {}; known are {}{}", of, in_quotes(name),
                                   fmt::join(known, ", "), did_you_mean(name, known)),
                       name.substr(0, 60)));
  }
  if (seen.insert(name).second) return true;
  return keep(
      refuse("request.malformed", fmt::format("{} has {} twice", of, in_quotes(name)), name));
}

bool BodyReader::key(Json::string_t& name) {
  if (at_ == At::top) {
    member_ = name;
    return named(name, kMembers, members_, "a question");
  }
  part_ = name;
  return named(name, kParts, parts_, "a tensor");
}

bool BodyReader::start_object(std::size_t) {
  if (at_ == At::outside) {
    at_ = At::top;
    return true;
  }
  if (at_ != At::top || member_ != "tensor") return wrong("an object");
  tensor_.set_flat();
  at_ = At::parts;
  return true;
}

bool BodyReader::end_object() {
  if (at_ != At::parts) return true;
  at_ = At::top;
  if (parts_.size() == kParts.size()) {
    tensor_.set_shape(shape_);
    return true;
  }
  return keep(
      refuse("request.malformed", R"(a tensor as an object needs "shape" and "data")", "tensor"));
}

bool BodyReader::start_array(std::size_t) {
  if (at_ == At::top && member_ == "tensor") at_ = At::nested;
  if (at_ == At::nested) return keep(tensor_.open());
  if (at_ != At::parts) return wrong("a list");
  at_ = part_ == "shape" ? At::shape : At::data;
  return true;
}

bool BodyReader::end_array() {
  if (at_ != At::nested) {
    at_ = At::parts;
    return true;
  }
  if (!keep(tensor_.close())) return false;
  if (!tensor_.is_open()) at_ = At::top;
  return true;
}

bool BodyReader::parse_error(std::size_t, const std::string&, const Json::exception& error) {
  std::string_view said = error.what();
  if (const auto end = said.find("] "); end != said.npos) said.remove_prefix(end + 2);
  std::string message = "not valid JSON: " + std::string(said.substr(0, kMaxSaid));
  return keep(refuse("request.malformed", std::move(message)));
}

Outcome<JsonBody> BodyReader::finish(bool parsed) {
  if (refusal_) return fail(*refusal_);
  if (!parsed) return refuse("request.malformed", "not valid JSON");
  if (!members_.contains("tensor")) {
    return refuse("request.malformed", R"(a question needs a tensor, as in {"tensor": [[0.5, 1]]})",
                  "tensor");
  }
  SKERRY_ASSIGN(body_.shape, tensor_.shape(body_.form));
  SKERRY_ASSIGN(body_.data, tensor_.data(body_.form));
  return std::move(body_);
}

}  // namespace

Outcome<JsonBody> read_json_body(std::string_view text) {
  BodyReader reader;
  const bool parsed = Json::sax_parse(text.begin(), text.end(), &reader);
  return reader.finish(parsed);
}

}  // namespace skerry::gateway
