#include "core/conformance/subject.hpp"

#include <utility>

#include "core/base/try.hpp"
#include "core/config/describe.hpp"
#include "core/config/job.hpp"
#include "core/config/schema.hpp"
#include "core/plugin/identity.hpp"
#include "core/runtime/crash_report.hpp"
#include "core/runtime/plugin_host.hpp"

namespace skerry::conformance {
namespace {

// Without other plugins and resources, what names one stays as it is.
class Unresolved : public config::SchemaHooks {
  Json slot(const std::string&, const Json& value, const std::string&,
            std::vector<Problem>&) override {
    return value;
  }
  Json reference(const std::string&, const std::string& name, const std::string&,
                 std::vector<Problem>&) override {
    return name;
  }
  Json artifact(const std::string& path, const std::string&, std::vector<Problem>&) override {
    return path;
  }
};

}  // namespace

Result<skerry_feature> Host::open(std::string_view slot) {
  return fail(Code::failed_precondition,
              "there is no job here, and nothing in its place `" + std::string(slot) + "`");
}

Result<PluginFile> PluginFile::read(const std::filesystem::path& file) {
  PluginFile read;
  std::error_code error;
  read.path = std::filesystem::absolute(file, error).lexically_normal();
  SKERRY_ASSIGN(const auto elf, plugin::ElfFile::open(read.path, file));
  SKERRY_ASSIGN(read.manifest_text, plugin::manifest_text(elf, file));
  SKERRY_ASSIGN(read.manifest, plugin::parse_manifest(read.manifest_text, file.string()));
  for (plugin::Feature& feature : read.manifest.features) {
    feature.file = read.path;
    feature.search_path = read.path.parent_path();
  }
  return read;
}

plugin::ElfFile Subject::elf() const {
  auto elf = plugin::ElfFile::open(file_.path);
  if (!elf) throw Failed{elf.error().text()};
  return std::move(*elf);
}

const plugin::Loaded& Subject::code() {
  if (code_forbidden_) throw Skipped{"it can't be opened: see `opens`"};
  if (!code_) {
    const plugin::Feature& feature = feature_ ? *feature_ : file_.manifest.features.front();
    const runtime::CallScope scope(feature.id, "", "plugin", "open");
    auto loaded = loader_.load(feature, {}, [&](const std::string&, const std::string& mapped) {
      if (!mapped.empty()) runtime::name_in_reports(mapped, file_.path.string());
    });
    if (!loaded) throw Failed{loaded.error().text()};
    code_ = std::move(*loaded);
  }
  return *code_;
}

Json Subject::config() {
  // What these do comes with each call: a workflow's configuration is a job's spec.
  for (const char* kind : {"workflow/", "task/"})
    if (feature_->kind.rfind(kind, 0) == 0) return Json::object();
  std::vector<Problem> problems;
  Json full = config::apply_schema(feature_->schema, config_, {}, problems);
  if (problems.empty()) return full;
  if (!config_.empty()) throw Failed{"the given configuration: " + problems.front().text()};
  throw Skipped{problems.front().text() +
                ". Give a configuration with --config '{...}'; its keys: " +
                config::describe_keys(feature_->schema)};
}

Result<std::unique_ptr<runtime::Instance>> Subject::try_create(const Json& config) {
  return runtime::Instance::create(code(), *feature_, config, host_);
}

std::unique_ptr<runtime::Instance> Subject::created(
    Result<std::unique_ptr<runtime::Instance>> result) {
  if (result) return std::move(*result);
  static_cast<void>(checked("create", fail(result.error())));
  throw Failed{"create() failed: " + result.error().text()};
}

std::unique_ptr<runtime::Instance> Subject::create() {
  return created(try_create(config()));
}

std::unique_ptr<runtime::Instance> Subject::create_without_config() {
  return created(try_create(Json::object()));
}

Json Subject::spec() {
  const Json schema = config::spec_schema(*feature_);
  Json given = config_.empty() ? config::example_value(schema) : config_;
  std::vector<Problem> problems;
  Unresolved hooks;
  Json full = config::apply_schema(schema, given, {.hooks = &hooks}, problems);
  if (!problems.empty() && !config_.empty())
    throw Failed{"the given spec: " + problems.front().text()};
  if (!problems.empty())
    throw Skipped{problems.front().text() + ". Give a job's spec with --config '{...}'"};
  return full;
}

Status Subject::create_raw(const char* id, const char* kind, std::string_view config) {
  const plugin::Loaded& loaded = code();
  const runtime::PluginHost plugin_host(host_, id);
  skerry_instance* instance = nullptr;
  const skerry_bytes bytes{reinterpret_cast<const std::uint8_t*>(config.data()), config.size()};
  Status status = [&] {
    const runtime::CallScope scope(feature_->id, loaded.digest, feature_->kind, "create");
    return runtime::call("", [&](skerry_error* error) {
      return loaded.entry->create(plugin_host.get(), id, kind, bytes, &instance, error);
    });
  }();
  if (instance != nullptr) {
    const runtime::CallScope scope(feature_->id, loaded.digest, feature_->kind, "destroy");
    loaded.entry->destroy(instance);
    expect(status.has_value(), "create() gave an instance and an error; it must give one of them");
  }
  return status;
}

Status Subject::checked(const char* name, Status status) {
  if (!status && status.error().code == Code::internal)
    throw Failed{std::string(name) + "() reported a fault of its own: " + status.error().text() +
                 "; throw skerry::Error, which says what a person can do"};
  return status;
}

void expect_ok(const Status& status, std::string_view call) {
  if (!status) throw Failed{std::string(call) + "() failed: " + status.error().text()};
}

const std::uint8_t* data_of(const skerry_tensor& tensor, const std::string& what) {
  expect(tensor.ndim >= 0 && tensor.ndim <= SKERRY_MAX_DIMS && tensor.device_type == SKERRY_CPU,
         what + " is no tensor in CPU memory of at most 8 dimensions");
  expect(tensor.ndim == 0 || tensor.shape != nullptr, what + " has no shape");
  expect(tensor.strides == nullptr, what + " has strides; give a dense tensor, with NULL");
  bool empty = false;
  for (std::int32_t i = 0; i < tensor.ndim; ++i) {
    expect(tensor.shape[i] >= 0, what + " has a negative extent");
    empty = empty || tensor.shape[i] == 0;
  }
  expect(empty || tensor.data != nullptr, what + " has no data");
  return static_cast<const std::uint8_t*>(tensor.data) + tensor.byte_offset;
}

std::vector<float> random_floats(std::mt19937_64& random, std::size_t count) {
  std::normal_distribution<float> normal;
  std::vector<float> values(count);
  for (float& value : values) value = normal(random);
  return values;
}

}  // namespace skerry::conformance
