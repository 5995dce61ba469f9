#include "work.hpp"

#include <cstring>
#include <span>

#include "core/base/bytes.hpp"
#include "core/base/file.hpp"
#include "core/engine/unit.hpp"
#include "core/tensor/safetensors.hpp"

namespace skerry::simulator {
namespace {

using engine::must;

std::string file_of(const std::vector<float>& values) {
  std::vector<tensor::TensorSpec> specs{
      {"w", "F32", {static_cast<std::int64_t>(values.size())}, 0, 0}};
  std::string file = tensor::encode_header(specs);
  file.append(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(float));
  return file;
}

std::vector<float> values_of(const std::string& file) {
  const auto layout = must(tensor::parse_layout(as_bytes(file), file.size()));
  std::vector<float> values((file.size() - layout.data_offset) / sizeof(float));
  std::memcpy(values.data(), file.data() + layout.data_offset, values.size() * sizeof(float));
  return values;
}

std::string content(const wire::TaskInput& input) {
  return input.path.empty() ? input.data : must(read_file(input.path));
}

const wire::TaskInput& named(const wire::RunTask& task, const std::string& name) {
  for (const auto& input : task.inputs)
    if (input.name == name) return input;
  engine::die({Code::internal, "task " + task.key.task + " has no input " + name, {}, {}});
}

}  // namespace

std::string first_model(std::size_t floats) {
  std::vector<float> values(floats);
  for (std::size_t i = 0; i < floats; ++i) values[i] = static_cast<float>(i % 17) / 16;
  return file_of(values);
}

std::string train(const std::string& model, const std::string& node) {
  std::vector<float> values = values_of(model);
  const Digest digest = digest_of(as_bytes(node));
  const float step = static_cast<float>(digest.bytes[0]) / 1024;
  for (float& value : values) value = value * 0.9375f + step;
  return file_of(values);
}

std::string mean(const std::vector<std::string>& updates) {
  std::vector<float> sum = values_of(updates.at(0));
  for (std::size_t i = 1; i < updates.size(); ++i) {
    const std::vector<float> values = values_of(updates[i]);
    for (std::size_t k = 0; k < sum.size(); ++k) sum[k] += values[k];
  }
  for (float& value : sum) value /= static_cast<float>(updates.size());
  return file_of(sum);
}

wire::TaskDone perform(const wire::RunTask& task, std::size_t floats) {
  wire::TaskDone done;
  done.key = task.key;
  done.ok = true;
  done.result = R"({"samples":10})";
  const auto give = [&](const std::string& name, std::string bytes) {
    wire::TaskOutput output{name, digest_of(as_bytes(bytes)), bytes.size(), {}, {}};
    if (bytes.size() > wire::kInlineBlobLimit) {
      output.path = task.output_dir + "/" + std::to_string(done.outputs.size()) + "-" +
                    digest_of(as_bytes(task.key.job + task.key.task)).hex();
      must(write_file_durably(output.path, as_bytes(bytes)));
    } else {
      output.data = std::move(bytes);
    }
    done.outputs.push_back(std::move(output));
  };
  if (task.kind == "federated.init") {
    give("model", first_model(floats));
  } else if (task.kind == "federated.train") {
    give("update", train(content(named(task, "model")), task.node));
    done.metrics["loss"] = 0.5;
  } else if (task.kind == "federated.aggregate") {
    std::vector<std::string> updates;
    for (std::size_t i = 0; i + 1 < task.inputs.size(); ++i)
      updates.push_back(content(named(task, "u" + std::to_string(i))));
    give("model", mean(updates));
  } else {
    done.metrics["accuracy"] = 0.5;
  }
  return done;
}

}  // namespace skerry::simulator
