#include "core/config/document.hpp"

#include <yaml-cpp/yaml.h>

#include <exception>
#include <utility>

#include "core/base/file.hpp"
#include "core/base/try.hpp"
#include "core/config/yaml_guard.hpp"
#include "core/config/yaml_scalar.hpp"

namespace skerry::config {
namespace {

std::string line_of(const std::string& file, const YAML::Mark& mark) {
  return mark.is_null() ? file : file + ":" + std::to_string(mark.line + 1);
}

// Turns a tree of yaml-cpp's into Json and notes the line of each value.
class Converter {
 public:
  Converter(std::string file, const DocumentLimits& limits)
      : file_(std::move(file)), limits_(limits), source_(file_) {}

  Result<Document> convert(const YAML::Node& root) {
    SKERRY_ASSIGN(Json value, value_of(root, "", 0));
    return Document{std::move(value), std::move(source_)};
  }

 private:
  Result<Json> value_of(const YAML::Node& node, const std::string& pointer, int depth) {
    if (depth > limits_.depth) {
      return wrong(node.Mark(), pointer,
                   "nested more than " + std::to_string(limits_.depth) + " levels deep");
    }
    if (++values_ > limits_.values) {
      return wrong(node.Mark(), pointer,
                   "more than " + std::to_string(limits_.values) +
                       " values, counting each use of an alias (*name)");
    }
    if (node.IsMap()) {
      return map_of(node, pointer, depth);
    }
    if (node.IsSequence()) {
      return list_of(node, pointer, depth);
    }
    return scalar_of(node, pointer);
  }

  Result<Json> map_of(const YAML::Node& node, const std::string& pointer, int depth) {
    Json map = Json::object();
    for (const auto& entry : node) {
      SKERRY_ASSIGN(const std::string key, key_of(entry.first, pointer));
      const std::string place = child(pointer, key);
      if (map.contains(key)) {
        return wrong(entry.first.Mark(), place,
                     "occurs twice (first in line " + std::to_string(source_.locate(place).line) +
                         "); keep one of the two");
      }
      note(place, entry.first.Mark());
      SKERRY_ASSIGN(map[key], value_of(entry.second, place, depth + 1));
    }
    return map;
  }

  Result<std::string> key_of(const YAML::Node& key, const std::string& pointer) {
    if (!key.IsScalar()) {
      return wrong(key.Mark(), pointer, "a key must be plain text");
    }
    if (key.Scalar() == "<<" && key.Tag() == "?") {
      return wrong(key.Mark(), pointer, "merge keys (<<) are not supported; write the keys out");
    }
    return key.Scalar();
  }

  Result<Json> list_of(const YAML::Node& node, const std::string& pointer, int depth) {
    Json list = Json::array();
    for (const auto& item : node) {
      const std::string place = child(pointer, list.size());
      note(place, item.Mark());
      SKERRY_ASSIGN(Json value, value_of(item, place, depth + 1));
      list.push_back(std::move(value));
    }
    return list;
  }

  Result<Json> scalar_of(const YAML::Node& node, const std::string& pointer) {
    if (!node.IsScalar()) {
      return Json();
    }
    const std::string& tag = node.Tag();
    if (tag == "!" || tag == "tag:yaml.org,2002:str") {  // quoted, or !!str
      return Json(node.Scalar());
    }
    if (tag != "?" && !tag.empty()) {
      return wrong(node.Mark(), pointer, "the tag " + tag + " is not supported; remove it");
    }
    auto value = typed_scalar(node.Scalar());
    return value ? std::move(value)
                 : Result<Json>(wrong(node.Mark(), pointer, value.error().message));
  }

  void note(const std::string& pointer, const YAML::Mark& mark) {
    source_.set(pointer, {file_, mark.line + 1});
  }

  tl::unexpected<Problem> wrong(const YAML::Mark& mark, const std::string& pointer,
                                const std::string& message) const {
    return fail(Code::invalid_argument, message, line_of(file_, mark), field_of(pointer));
  }

  std::string file_;
  const DocumentLimits& limits_;
  SourceMap source_;
  std::size_t values_ = 0;
};

// The text of a line, counted from 0.
std::string_view line_at(std::string_view text, int line) {
  for (; line > 0; --line) {
    const std::size_t end = text.find('\n');
    if (end == std::string_view::npos) {
      return {};
    }
    text.remove_prefix(end + 1);
  }
  return text.substr(0, text.find('\n'));
}

tl::unexpected<Problem> syntax_error(const YAML::Exception& error, std::string_view text,
                                     const std::string& file) {
  std::string message = "not valid YAML: " + error.msg;
  if (!error.mark.is_null()) {
    message += " (column " + std::to_string(error.mark.column + 1) + ")";
    const std::string_view line = line_at(text, error.mark.line);
    const std::size_t begin = line.find_first_not_of(" \t");
    if (line.substr(0, begin).find('\t') != std::string_view::npos) {
      message += "; the line is indented with a tab: use spaces";
    }
  }
  return fail(Code::invalid_argument, message, line_of(file, error.mark));
}

Result<std::vector<Document>> convert_all(const std::vector<YAML::Node>& roots,
                                          const std::string& file, const DocumentLimits& limits) {
  std::vector<Document> documents;
  for (const YAML::Node& root : roots) {
    if (!root.IsDefined() || root.IsNull()) {
      continue;
    }
    SKERRY_ASSIGN(Document document, Converter(file, limits).convert(root));
    documents.push_back(std::move(document));
  }
  if (documents.empty()) {
    return fail(Code::invalid_argument,
                "is empty; write a resource with apiVersion, kind, metadata and spec", file);
  }
  return documents;
}

}  // namespace

Result<std::vector<Document>> parse_documents(std::string_view text, const std::string& file,
                                              const DocumentLimits& limits) {
  if (text.size() > limits.bytes) {
    return fail(Code::invalid_argument,
                "has " + std::to_string(text.size()) + " bytes, at most " +
                    std::to_string(limits.bytes) + " are read; is it a job file?",
                file);
  }
  if (text.find('\0') != std::string_view::npos) {
    return fail(Code::invalid_argument, "is no text: it holds NUL bytes", file);
  }
  try {
    const std::string copy(text);
    guard_yaml(copy, 2 * limits.values);  // keys count there too
    return convert_all(YAML::LoadAll(copy), file, limits);
  } catch (const YAML::Exception& error) {
    return syntax_error(error, text, file);
  } catch (const std::exception& error) {
    return fail(Code::invalid_argument, std::string("not valid YAML: ") + error.what(), file);
  }
}

Result<std::vector<Document>> read_documents(const std::filesystem::path& file,
                                             const DocumentLimits& limits) {
  SKERRY_ASSIGN(const std::string text, read_file(file, limits.bytes));
  return parse_documents(text, file.string(), limits);
}

}  // namespace skerry::config
