// A feature's configuration, as the job gives it: one JSON object, read through typed getters.
#pragma once

#include <skerry/error.hpp>
#include <skerry/suggest.hpp>

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

namespace skerry {

// The host has checked the object against the schema in plugin.json and filled in its defaults, so
// a getter fails only where the schema lets something through that the code does not expect. Every
// getter then throws Error SKERRY_INVALID_ARGUMENT with the dotted path of the field
// ("optimizer.lr", "cell[0]").
//
// The getters with a fallback return it where the key is absent or null.
class Config {
 public:
  explicit Config(nlohmann::json value = nlohmann::json::object(), std::string path = {})
      : value_(std::move(value)), path_(std::move(path)) {
    if (!value_.is_object()) throw wrong(path_, value_, "an object");
  }

  bool has(const std::string& key) const {
    const auto found = value_.find(key);
    return found != value_.end() && !found->is_null();
  }

  double number(const std::string& key) const {
    const nlohmann::json& value = at(key);
    if (!value.is_number()) throw wrong(path(key), value, "a number");
    return value.get<double>();
  }
  double number(const std::string& key, double fallback) const {
    return has(key) ? number(key) : fallback;
  }

  std::int64_t integer(const std::string& key) const { return integer_of(at(key), path(key)); }
  std::int64_t integer(const std::string& key, std::int64_t fallback) const {
    return has(key) ? integer(key) : fallback;
  }

  std::string string(const std::string& key) const { return string_of(at(key), path(key)); }
  std::string string(const std::string& key, const std::string& fallback) const {
    return has(key) ? string(key) : fallback;
  }

  // A string that must be one of `allowed`; the error lists them.
  std::string one_of(const std::string& key, const std::vector<std::string>& allowed) const {
    const std::string value = string(key);
    for (const std::string& name : allowed) {
      if (name == value) return value;
    }
    throw invalid(path(key), "\"" + value + "\" is not known. Allowed: " + listed(allowed) + "." +
                                 did_you_mean(value, allowed));
  }

  bool boolean(const std::string& key) const {
    const nlohmann::json& value = at(key);
    if (!value.is_boolean()) throw wrong(path(key), value, "true or false");
    return value.get<bool>();
  }
  bool boolean(const std::string& key, bool fallback) const {
    return has(key) ? boolean(key) : fallback;
  }

  // An empty object where the key is absent.
  Config object(const std::string& key) const {
    return has(key) ? Config(at(key), path(key)) : Config(nlohmann::json::object(), path(key));
  }

  // The JSON array itself; the typed ones below are handier. Borrowed from this Config.
  const nlohmann::json& array(const std::string& key) const {
    const nlohmann::json& value = at(key);
    if (!value.is_array()) throw wrong(path(key), value, "a list");
    return value;
  }

  // The three below return an empty vector where the key is absent.
  std::vector<std::int64_t> integers(const std::string& key) const {
    return elements<std::int64_t>(key, integer_of);
  }
  std::vector<std::string> strings(const std::string& key) const {
    return elements<std::string>(key, string_of);
  }
  std::vector<Config> objects(const std::string& key) const {
    return elements<Config>(key, [](const nlohmann::json& value, const std::string& path) {
      return Config(value, path);
    });
  }

  // Where `key` is, for an Error of the plugin's own: throw invalid(config.path("lr"), "...").
  std::string path(const std::string& key) const { return path_.empty() ? key : path_ + "." + key; }

  const nlohmann::json& json() const { return value_; }

 private:
  static Error wrong(const std::string& path, const nlohmann::json& found, const char* wanted) {
    constexpr std::size_t kMostShown = 80;
    std::string shown = found.dump(-1, ' ', true, nlohmann::json::error_handler_t::replace);
    if (shown.size() > kMostShown) shown = shown.substr(0, kMostShown) + "...";
    return invalid(path, "must be " + std::string(wanted) + ", found " + shown);
  }

  static std::int64_t integer_of(const nlohmann::json& value, const std::string& path) {
    if (!value.is_number_integer()) throw wrong(path, value, "a whole number");
    if (value.is_number_unsigned() && value.get<std::uint64_t>() > INT64_MAX) {
      throw wrong(path, value, "at most 9223372036854775807");
    }
    return value.get<std::int64_t>();
  }

  static std::string string_of(const nlohmann::json& value, const std::string& path) {
    if (!value.is_string()) throw wrong(path, value, "a text");
    return value.get<std::string>();
  }

  template <class T, class Convert>
  std::vector<T> elements(const std::string& key, Convert convert) const {
    std::vector<T> result;
    if (!has(key)) return result;
    const nlohmann::json& values = array(key);
    for (std::size_t i = 0; i < values.size(); ++i) {
      result.push_back(convert(values[i], path(key) + "[" + std::to_string(i) + "]"));
    }
    return result;
  }

  const nlohmann::json& at(const std::string& key) const {
    if (!has(key)) throw invalid(path(key), "is missing");
    return *value_.find(key);
  }

  nlohmann::json value_;
  std::string path_;
};

}  // namespace skerry
