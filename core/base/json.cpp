#include "core/base/json.hpp"

#include <fmt/format.h>

#include <set>
#include <utility>
#include <vector>

namespace skerry {
namespace {

// Thrown by the guard below through the library's parser and caught here.
struct Refused {
  std::string message;
};

// Sees each part of the document before it is kept.
class Guard {
 public:
  bool operator()(int /*depth*/, Json::parse_event_t event, const Json& value) {
    using Event = Json::parse_event_t;
    switch (event) {
      case Event::object_start:
      case Event::array_start:
        enter();
        break;
      case Event::object_end:
      case Event::array_end:
        keys_.pop_back();
        break;
      case Event::key:
        note_key(value.get_ref<const std::string&>());
        break;
      case Event::value:
        break;
    }
    return true;
  }

 private:
  void enter() {
    keys_.emplace_back();
    if (keys_.size() > kMaxJsonDepth) {
      throw Refused{fmt::format("nested deeper than {} levels", kMaxJsonDepth)};
    }
  }
  void note_key(const std::string& key) {
    if (!keys_.back().insert(key).second) {
      throw Refused{fmt::format("the key \"{}\" occurs twice in one object", key)};
    }
  }

  std::vector<std::set<std::string>> keys_;  // those of each open object; empty for an array
};

// Takes off the library's "[json.exception.parse_error.101] ".
std::string plain(std::string_view what) {
  const auto end = what.find("] ");
  return std::string(end == std::string_view::npos ? what : what.substr(end + 2));
}

}  // namespace

Result<Json> parse_json(std::string_view text, std::string_view where) {
  try {
    Guard guard;
    return Json::parse(text.begin(), text.end(), std::ref(guard));
  } catch (const Refused& refused) {
    return fail(Code::invalid_argument, "not valid JSON: " + refused.message, std::string(where));
  } catch (const Json::exception& error) {
    return fail(Code::invalid_argument, "not valid JSON: " + plain(error.what()),
                std::string(where));
  }
}

std::string dump_json(const Json& value) {
  return value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace skerry
