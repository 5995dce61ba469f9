#include "core/plugin/catalog.hpp"

#include <algorithm>
#include <iterator>
#include <system_error>
#include <utility>

#include "core/base/digest.hpp"
#include "core/base/suggest.hpp"
#include "core/base/try.hpp"
#include "core/plugin/allow_list.hpp"
#include "core/plugin/elf_file.hpp"
#include "core/plugin/identity.hpp"
#include "core/plugin/trust.hpp"

namespace skerry::plugin {
namespace {

namespace fs = std::filesystem;

std::string title(const Feature& feature) {
  return "`" + feature.id + "` (" + feature.kind + ")";
}

std::vector<fs::path> shared_libraries(const fs::path& directory, std::error_code& error) {
  std::vector<fs::path> files;
  fs::directory_iterator entry(directory, error);
  for (; !error && entry != fs::directory_iterator(); entry.increment(error)) {
    if (entry->path().extension() == ".so") {
      files.push_back(entry->path());
    }
  }
  std::sort(files.begin(), files.end());
  return files;
}

Result<std::vector<Feature>> features_of(const std::string& text, const fs::path& file,
                                         const fs::path& directory) {
  SKERRY_ASSIGN(Manifest manifest, parse_manifest(text, file.string()));
  for (Feature& feature : manifest.features) {
    feature.file = file;
    feature.search_path = directory;
  }
  return std::move(manifest.features);
}

std::string list(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) {
    text += (text.empty() ? "" : ", ") + word;
  }
  return text;
}

}  // namespace

Catalog Catalog::scan(std::vector<fs::path> search_path) {
  Catalog catalog;
  catalog.searched_ = std::move(search_path);
  for (const fs::path& directory : catalog.searched_) {
    catalog.scan_directory(directory);
  }
  return catalog;
}

Catalog Catalog::of(std::vector<Feature> features) {
  Catalog catalog;
  for (Feature& feature : features) {
    catalog.add(std::move(feature));
  }
  return catalog;
}

void Catalog::scan_directory(const fs::path& directory) {
  std::error_code error;
  if (!fs::exists(directory, error) && !error) {
    return;
  }
  std::vector<fs::path> files = shared_libraries(directory, error);
  if (error) {
    problems_.push_back({Code::unavailable, "cannot be searched for plugins: " + error.message(),
                         directory.string(), ""});
    return;
  }
  if (auto trusted = check_directory_trust(directory); !trusted && !files.empty()) {
    problems_.push_back(std::move(trusted).error());
    return;
  }
  std::vector<Feature> found;
  for (const fs::path& file : files) {
    scan_file(file, directory, found);
  }
  drop_duplicates(found);
  for (Feature& feature : found) {
    add(std::move(feature));
  }
}

void Catalog::scan_file(const fs::path& file, const fs::path& directory,
                        std::vector<Feature>& found) {
  if (auto trusted = check_trust(file, directory); !trusted) {
    return refuse({}, std::move(trusted).error());
  }
  if (allow_list() != nullptr) {
    const auto digest = digest_of_file(file);
    if (const Status allowed = digest ? check_allowed(digest->hex(), file) : fail(digest.error());
        !allowed) {
      return refuse({}, allowed.error());
    }
  }
  const auto elf = ElfFile::open(file);
  if (!elf) {
    return refuse({}, elf.error());
  }
  const auto text = manifest_text(*elf, file);
  if (!text) {
    return refuse({}, text.error());
  }
  auto features = features_of(*text, file, directory);
  // The version first: the manifest of another ABI major may well look different.
  if (const auto entry = check_exported_entry(*elf, file); !entry) {
    return refuse(features.value_or(std::vector<Feature>()), entry.error());
  }
  if (!features) {
    return refuse({}, std::move(features).error());
  }
  std::move(features->begin(), features->end(), std::back_inserter(found));
}

void Catalog::refuse(const std::vector<Feature>& features, Problem problem) {
  for (const Feature& feature : features) {
    refused_.push_back({feature.kind, feature.id, problem});
  }
  problems_.push_back(std::move(problem));
}

// Within one directory nothing says which of two files is meant, so neither is used.
void Catalog::drop_duplicates(std::vector<Feature>& found) {
  const auto same = [](const Feature& a, const Feature& b) {
    return a.kind == b.kind && a.id == b.id;
  };
  for (std::size_t i = 0; i < found.size(); ++i) {
    for (std::size_t j = i + 1; j < found.size(); ++j) {
      if (same(found[i], found[j])) {
        const Feature twice = found[i];
        refuse({twice}, {Code::already_exists,
                         "both " + twice.file.filename().string() + " and " +
                             found[j].file.filename().string() + " provide " + title(twice) +
                             "; remove one of the two files",
                         twice.search_path.string(), ""});
        std::erase_if(found, [&](const Feature& feature) { return same(feature, twice); });
        --i;
        break;
      }
    }
  }
}

void Catalog::add(Feature feature) {
  if (const Feature* used = lookup(feature.kind, feature.id)) {
    shadowed_.push_back({std::move(feature), used->file});
  } else {
    features_.push_back(std::move(feature));
  }
}

Status Catalog::use_copy(std::string_view kind, std::string_view id, const fs::path& copy,
                         const fs::path& file) {
  SKERRY_ASSIGN(const auto elf, ElfFile::open(copy, file));
  SKERRY_ASSIGN(const auto text, manifest_text(elf, file));
  SKERRY_ASSIGN(auto features, features_of(text, file, file.parent_path()));
  const auto same = [&](const Feature& feature) {
    return feature.kind == kind && feature.id == id;
  };
  const auto found = std::find_if(features.begin(), features.end(), same);
  if (found == features.end())
    return fail(Code::internal, "is no copy of a file that provides " + std::string(id),
                copy.string());
  found->copy = copy;
  if (const auto old = std::find_if(features_.begin(), features_.end(), same);
      old != features_.end())
    *old = std::move(*found);
  else
    features_.push_back(std::move(*found));
  return {};
}

const Feature* Catalog::lookup(std::string_view kind, std::string_view id) const {
  for (const Feature& feature : features_) {
    if (feature.kind == kind && feature.id == id) {
      return &feature;
    }
  }
  return nullptr;
}

Result<const Feature*> Catalog::find(std::string_view kind, std::string_view id) const {
  if (const Feature* feature = lookup(kind, id)) {
    return feature;
  }
  return fail(missing(kind, id));
}

Result<const Feature*> Catalog::find_resource(std::string_view resource_kind) const {
  std::vector<std::string> known;
  for (const Feature& feature : features_) {
    if (feature.resource.is_object()) {
      known.push_back(feature.resource.at("kind").get<std::string>());
      if (known.back() == resource_kind) {
        return &feature;
      }
    }
  }
  return fail(Code::not_found, "no plugin provides the kind `" + std::string(resource_kind) + "`" +
                                   did_you_mean(resource_kind, known) +
                                   ". Searched: " + describe_places() + describe_refused());
}

Problem Catalog::missing(std::string_view kind, std::string_view id) const {
  const std::string name = "`" + std::string(id) + "` of kind " + std::string(kind);
  for (const Refused& refused : refused_) {
    if (refused.kind == kind && refused.id == id) {
      return {refused.problem.code, "plugin " + name + " cannot be used: " + refused.problem.text(),
              "", ""};
    }
  }
  std::vector<std::string> same_kind;
  std::string elsewhere;
  for (const Feature& feature : features_) {
    if (feature.kind == kind) {
      same_kind.push_back(feature.id);
    } else if (feature.id == id) {
      elsewhere = ". There is one of kind " + feature.kind;
    }
  }
  std::string text = "no plugin " + name;
  if (const auto near = closest(id, same_kind)) {
    text += ". Did you mean `" + *near + "`?";
  } else {
    text += elsewhere + ".";
  }
  text += same_kind.empty() ? " There is none of kind " + std::string(kind) + "."
                            : " Available: " + list(same_kind) + ".";
  return {Code::not_found, text + " Searched: " + describe_places() + describe_refused(), "", ""};
}

std::string Catalog::describe_places() const {
  std::string text;
  for (const fs::path& place : searched_) {
    const auto count = std::count_if(features_.begin(), features_.end(),
                                     [&](const Feature& f) { return f.search_path == place; });
    std::error_code error;
    const std::string state = fs::exists(place, error)
                                  ? std::to_string(count) + (count == 1 ? " feature" : " features")
                                  : std::string("does not exist");
    text += (text.empty() ? "" : ", ") + place.string() + " (" + state + ")";
  }
  return text.empty() ? "nowhere: the search path is empty" : text;
}

std::string Catalog::describe_refused() const {
  constexpr std::size_t kShown = 3;
  std::string text;
  for (std::size_t i = 0; i < std::min(kShown, problems_.size()); ++i) {
    text += (text.empty() ? ". Refused: " : "; ") + problems_[i].text();
  }
  if (problems_.size() > kShown) {
    text += "; and " + std::to_string(problems_.size() - kShown) + " more (`skerry plugin ls`)";
  }
  return text;
}

Result<std::string> file_digest(const Feature& feature) {
  SKERRY_ASSIGN(const Digest digest, digest_of_file(feature.file));
  return digest.hex();
}

}  // namespace skerry::plugin
