#include "core/config/resources.hpp"

#include <algorithm>
#include <charconv>
#include <set>
#include <tuple>
#include <utility>

#include "core/base/suggest.hpp"
#include "core/config/core_schemas.hpp"
#include "core/config/job_slots.hpp"
#include "core/config/schema.hpp"

namespace skerry::config {
namespace {

bool is_dns_label(const std::string& text) {
  const auto word = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); };
  return !text.empty() && text.size() <= 63 && word(text.front()) && word(text.back()) &&
         std::all_of(text.begin(), text.end(), [&](char c) { return word(c) || c == '-'; });
}

std::vector<std::string> known_kinds(const plugin::Catalog& catalog) {
  std::set<std::string> kinds{kDatasetKind, kModelKind};
  for (const plugin::Feature& feature : catalog.features()) {
    if (feature.resource.is_object()) {
      kinds.insert(feature.resource.at("kind").get<std::string>());
    }
  }
  return {kinds.begin(), kinds.end()};
}

class Parser {
 public:
  explicit Parser(const plugin::Catalog& catalog)
      : catalog_(catalog), kinds_(known_kinds(catalog)) {}

  void parse(const Document& document) {
    const std::size_t before = problems.size();
    apply_schema(envelope_schema(), document.value, context(document, ""), problems);
    if (problems.size() > before) {
      return;
    }
    Resource resource{document.value.at("kind").get<std::string>(),
                      document.value.at("metadata").at("name").get<std::string>(), document.value,
                      document.source};
    if (resource.document["spec"].is_null()) {
      resource.document["spec"] = Json::object();
    }
    check_version(document);
    check_name(document, resource.name);
    check_kind(document, resource);
    check_unique(document, resource);
    resources.push_back(std::move(resource));
  }

  std::vector<Resource> resources;
  Problems problems;

 private:
  static SchemaContext context(const Document& document, std::string pointer) {
    SchemaContext context;
    context.source = &document.source;
    context.pointer = std::move(pointer);
    return context;
  }

  void check_version(const Document& document) {
    const auto& found = document.value.at("apiVersion").get_ref<const std::string&>();
    if (found != kApiVersion) {
      wrong(document, "/apiVersion", "found \"" + found + "\", this Skerry knows " + kApiVersion);
    }
  }

  void check_name(const Document& document, const std::string& name) {
    if (!is_dns_label(name)) {
      wrong(document, "/metadata/name",
            "found \"" + name +
                "\", expected 1..63 lower-case letters, digits and '-', beginning and ending with "
                "a letter or a digit");
    }
  }

  void check_kind(const Document& document, const Resource& resource) {
    if (const Json* schema = core_spec_schema(resource.kind)) {
      apply_schema(*schema, resource.spec(), context(document, "/spec"), problems);
      return;
    }
    if (std::find(kinds_.begin(), kinds_.end(), resource.kind) != kinds_.end()) {
      return;
    }
    std::string list;
    for (const std::string& kind : kinds_) {
      list += (list.empty() ? "" : ", ") + kind;
    }
    const auto near = closest(resource.kind, kinds_);
    const bool no_workflow = kinds_.size() == 2;
    wrong(
        document, "/kind",
        "unknown kind `" + resource.kind + "`." + (near ? " Did you mean `" + *near + "`?" : "") +
            " Known: " + list + "." +
            (no_workflow ? " No workflow plugin was found. Searched: " + catalog_.describe_places()
                         : ""));
  }

  void check_unique(const Document& document, const Resource& resource) {
    for (const Resource& other : resources) {
      if (other.kind == resource.kind && other.name == resource.name) {
        wrong(document, "/metadata/name",
              "there are two of " + resource.kind + " `" + resource.name + "`; the first is at " +
                  other.source.where("/metadata/name"));
      }
    }
  }

  void wrong(const Document& document, const std::string& pointer, const std::string& message) {
    problems.push_back(
        {Code::invalid_argument, message, document.source.where(pointer), field_of(pointer)});
  }

  const plugin::Catalog& catalog_;
  std::vector<std::string> kinds_;
};

// "job.yaml" and 7 of "job.yaml:7".
std::pair<std::string_view, int> file_and_line(std::string_view where) {
  int line = 0;
  if (const std::size_t colon = where.rfind(':'); colon != std::string_view::npos) {
    std::from_chars(where.data() + colon + 1, where.data() + where.size(), line);
    where = where.substr(0, colon);
  }
  return {where, line};
}

}  // namespace

bool is_core_kind(const std::string& kind) {
  return core_spec_schema(kind) != nullptr;
}

tl::expected<std::vector<Resource>, Problems> parse_resources(
    const std::vector<Document>& documents, const plugin::Catalog& catalog) {
  Parser parser(catalog);
  for (const Document& document : documents) {
    parser.parse(document);
  }
  if (!parser.problems.empty()) {
    sort_by_line(parser.problems);
    return tl::unexpected(std::move(parser.problems));
  }
  return std::move(parser.resources);
}

Problems check_dataset(const Resource& resource, const plugin::Catalog& catalog) {
  return check_dataset(resource, catalog, {});
}

Problems check_dataset(const Resource& resource, const plugin::Catalog& catalog,
                       const ResolveOptions& options) {
  Problems problems;
  if (resource.kind == kDatasetKind) {
    SourceMap source = resource.source;
    const std::vector<Resource> no_others;
    SlotResolver(catalog, no_others, options, source)
        .slot("dataset/1", resource.spec(), "/spec", problems);
  }
  return problems;
}

void sort_by_line(Problems& problems) {
  std::stable_sort(problems.begin(), problems.end(), [](const Problem& a, const Problem& b) {
    return file_and_line(a.where) < file_and_line(b.where);
  });
}

}  // namespace skerry::config
