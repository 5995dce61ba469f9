#include "core/tensor/header_reader.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <nlohmann/json.hpp>
#include <unordered_set>
#include <utility>

namespace skerry::tensor {
namespace {

constexpr std::string_view kMetadata = "__metadata__";

std::string shortened(std::string_view name) {
  constexpr std::size_t kShown = 80;
  return name.size() <= kShown ? std::string(name) : std::string(name.substr(0, kShown)) + "...";
}

// Names go into messages and logs.
bool printable(std::string_view name) {
  return name.size() <= kMaxNameBytes && std::ranges::none_of(name, [](char c) {
           return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
         });
}

// nlohmann's SAX interface. A false return ends the parse, with the reason in problem.
class Reader : public nlohmann::json_sax<nlohmann::json> {
 public:
  bool start_object(std::size_t) override;
  bool end_object() override;
  bool start_array(std::size_t) override;
  bool end_array() override;
  bool key(string_t& name) override;
  bool string(string_t& text) override;
  bool number_unsigned(number_unsigned_t number) override;
  bool number_integer(number_integer_t) override { return unexpected("a negative number"); }
  bool number_float(number_float_t, const string_t&) override {
    return unexpected("a number that is no 64-bit integer");
  }
  bool null() override { return unexpected("null"); }
  bool boolean(bool) override { return unexpected("a boolean"); }
  bool binary(binary_t&) override { return unexpected("binary data"); }
  bool parse_error(std::size_t position, const std::string&,
                   const nlohmann::json::exception&) override {
    return refuse(fmt::format("not valid JSON at byte {} of the header", position));
  }

  Header header;
  std::string problem;

 private:
  enum class At {
    start,
    top,
    metadata,
    metadata_value,
    entry,
    entry_start,
    dtype,
    shape,
    offsets,
    end
  };
  enum Seen : unsigned { kDtype = 1, kShape = 2, kOffsets = 4, kAll = 7 };

  bool refuse(std::string message) {
    problem = std::move(message);
    return false;
  }
  bool unexpected(std::string_view found);
  bool entry_key(std::string_view name);
  bool first_time(Seen what, std::string_view name);
  std::string place() const;

  At at_ = At::start;
  bool in_array_ = false;
  unsigned seen_ = 0;  // parts of the open entry
  std::size_t offsets_seen_ = 0;
  bool metadata_seen_ = false;
  std::string metadata_key_;
  std::unordered_set<std::string> names_;
};

std::string Reader::place() const {
  switch (at_) {
    case At::metadata:
    case At::metadata_value:
      return "__metadata__ (an object of strings)";
    case At::entry_start:
    case At::entry:
      return fmt::format("tensor \"{}\" (an object)", shortened(header.entries.back().name));
    case At::dtype:
      return fmt::format("dtype of \"{}\" (a string)", shortened(header.entries.back().name));
    case At::shape:
      return fmt::format("shape of \"{}\" (an array of integers)",
                         shortened(header.entries.back().name));
    case At::offsets:
      return fmt::format("data_offsets of \"{}\" (an array of two integers)",
                         shortened(header.entries.back().name));
    default:
      return "the header (an object of tensors)";
  }
}

bool Reader::unexpected(std::string_view found) {
  return refuse(fmt::format("{} where {} is wanted", found, place()));
}

bool Reader::start_object(std::size_t) {
  if (at_ == At::start) {
    at_ = At::top;
  } else if (at_ == At::metadata && !metadata_seen_) {
    metadata_seen_ = true;
  } else if (at_ == At::entry_start) {
    at_ = At::entry;
  } else {
    return unexpected("an object");
  }
  return true;
}

bool Reader::end_object() {
  if (at_ == At::top) {
    at_ = At::end;
    return true;
  }
  if (at_ == At::entry && seen_ != kAll) {
    return refuse(fmt::format("tensor \"{}\" lacks dtype, shape or data_offsets",
                              shortened(header.entries.back().name)));
  }
  at_ = At::top;
  return true;
}

bool Reader::start_array(std::size_t) {
  if (in_array_ || (at_ != At::shape && at_ != At::offsets)) return unexpected("an array");
  in_array_ = true;
  return true;
}

bool Reader::end_array() {
  in_array_ = false;
  if (at_ == At::offsets && offsets_seen_ != 2) return unexpected("fewer than two integers");
  at_ = At::entry;
  return true;
}

bool Reader::key(string_t& name) {
  if (at_ == At::entry) return entry_key(name);
  if (at_ == At::metadata) {
    if (header.metadata.contains(name)) {
      return refuse(fmt::format("the key \"{}\" occurs twice in __metadata__", shortened(name)));
    }
    metadata_key_ = name;
    at_ = At::metadata_value;
    return true;
  }
  if (name == kMetadata) {
    at_ = At::metadata;
    return metadata_seen_ ? refuse("__metadata__ occurs twice") : true;
  }
  if (!names_.insert(name).second) {
    return refuse(fmt::format("the tensor \"{}\" occurs twice", shortened(name)));
  }
  if (!printable(name)) {
    return refuse(
        fmt::format("a tensor's name has control characters or more than {} bytes", kMaxNameBytes));
  }
  header.entries.emplace_back().name = name;
  seen_ = 0;
  offsets_seen_ = 0;
  at_ = At::entry_start;
  return true;
}

bool Reader::entry_key(std::string_view name) {
  if (name == "dtype") {
    at_ = At::dtype;
    return first_time(kDtype, name);
  }
  if (name == "shape") {
    at_ = At::shape;
    return first_time(kShape, name);
  }
  if (name == "data_offsets") {
    at_ = At::offsets;
    return first_time(kOffsets, name);
  }
  return refuse(
      fmt::format("tensor \"{}\" has the unknown key \"{}\"; allowed are dtype, shape and "
                  "data_offsets",
                  shortened(header.entries.back().name), shortened(name)));
}

bool Reader::first_time(Seen what, std::string_view name) {
  if ((seen_ & what) != 0) {
    return refuse(
        fmt::format("tensor \"{}\" has {} twice", shortened(header.entries.back().name), name));
  }
  seen_ |= what;
  return true;
}

bool Reader::string(string_t& text) {
  if (at_ == At::dtype) {
    header.entries.back().dtype = std::move(text);
    at_ = At::entry;
  } else if (at_ == At::metadata_value) {
    header.metadata.emplace(std::move(metadata_key_), std::move(text));
    at_ = At::metadata;
  } else {
    return unexpected("a string");
  }
  return true;
}

bool Reader::number_unsigned(number_unsigned_t number) {
  if (!in_array_) return unexpected("a number");
  HeaderEntry& entry = header.entries.back();
  if (at_ == At::offsets) {
    if (offsets_seen_ == 2) return unexpected("a third integer");
    (offsets_seen_++ == 0 ? entry.begin : entry.end) = number;
    return true;
  }
  if (number > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) {
    return unexpected("a dimension above 2^63 - 1");
  }
  if (entry.shape.size() == kMaxDims) {
    return refuse(
        fmt::format("tensor \"{}\" has more than {} dimensions", shortened(entry.name), kMaxDims));
  }
  entry.shape.push_back(static_cast<std::int64_t>(number));
  return true;
}

}  // namespace

Result<Header> read_header(std::string_view json) {
  Reader reader;
  if (nlohmann::json::sax_parse(json.begin(), json.end(), &reader)) return std::move(reader.header);
  return fail(Code::invalid_argument, "not a sound safetensors file: " + reader.problem);
}

}  // namespace skerry::tensor
