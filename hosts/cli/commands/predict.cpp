#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <iostream>
#include <iterator>

#include "core/base/file.hpp"
#include "core/base/try.hpp"
#include "core/client/client.hpp"
#include "core/gateway/json_body.hpp"
#include "core/gateway/predict_body.hpp"
#include "hosts/cli/commands/commands.hpp"
#include "hosts/cli/view/problems.hpp"

namespace skerry::cli {
namespace {

constexpr std::chrono::milliseconds kPatience{30'000};

Result<std::string> read_input(const std::filesystem::path& file) {
  if (file != "-") return read_file(file);
  return std::string(std::istreambuf_iterator<char>(std::cin), {});
}

Result<std::vector<std::int64_t>> shape_of(const std::string& text) {
  std::vector<std::int64_t> shape;
  for (std::size_t at = 0; at <= text.size();) {
    const std::size_t end = std::min(text.find(',', at), text.size());
    std::int64_t extent = 0;
    const auto [stop, error] = std::from_chars(text.data() + at, text.data() + end, extent);
    if (error != std::errc() || stop != text.data() + end || extent <= 0)
      return fail(Code::invalid_argument,
                  fmt::format("found \"{}\", expected numbers with commas, as 1,28,28", text), {},
                  "--shape");
    shape.push_back(extent);
    at = end + 1;
  }
  return shape;
}

// By how the file begins.
bool is_picture(std::string_view bytes) {
  return bytes.starts_with("\xFF\xD8\xFF") || bytes.starts_with("\x89PNG") ||
         bytes.starts_with("BM") || bytes.starts_with("P5\n") || bytes.starts_with("P6\n") ||
         (bytes.starts_with("RIFF") && bytes.size() > 12 && bytes.substr(8, 4) == "WEBP");
}

// Raw values with --shape; a picture, or JSON, without.
Result<gateway::Question> question_of(const PredictOptions& options) {
  SKERRY_ASSIGN(std::string input, read_input(options.file));
  gateway::Question question;
  question.meta.service = options.service;
  if (options.shape.empty() && is_picture(input)) {
    question.meta.form = wire::Form::image;
    question.data = std::move(input);
  } else if (options.shape.empty()) {
    auto body = gateway::read_json_body(input);
    if (!body)
      return fail(Code::invalid_argument,
                  body.error().message +
                      ". It is no picture (JPEG, PNG, WebP, BMP or PNM) either; for a file of raw "
                      "values say --shape",
                  options.file.string(), body.error().field);
    question.meta.form = body->form;
    question.meta.shape = std::move(body->shape);
    question.data = std::move(body->data);
  } else {
    SKERRY_ASSIGN(question.meta.shape, shape_of(options.shape));
    question.meta.form = options.dtype == "uint8" ? wire::Form::uint8 : wire::Form::float32;
    question.data = std::move(input);
    const std::size_t wanted =
        wire::elements_of(question.meta.shape) * wire::element_size(question.meta.form);
    if (question.data.size() != wanted)
      return fail(Code::invalid_argument,
                  fmt::format("found {} bytes; a {} tensor of shape {} has {}",
                              question.data.size(), options.dtype, options.shape, wanted),
                  options.file.string());
  }
  if (question.data.size() > wire::kMaxPredictData)
    return fail(Code::invalid_argument,
                fmt::format("found {} bytes; a question has at most {} (8 MiB)",
                            question.data.size(), wire::kMaxPredictData),
                options.file.string());
  question.meta.patience_us = static_cast<std::uint32_t>(options.deadline_ms * 1000);
  return question;
}

// Both hosts have a socket of that name.
Result<client::Client> connect(const std::filesystem::path& edge) {
  std::error_code error;
  if (std::filesystem::exists(edge / "cloud.db", error))
    return fail(Code::invalid_argument,
                "is the state directory of a cloud; applications ask an edge: give the directory "
                "that skerry-edge has as --state",
                edge.string(), "--edge");
  return client::Client::connect(edge.string());
}

std::optional<client::Answer> answer_within(client::Client& client,
                                            std::chrono::milliseconds time) {
  return client.next(client::Client::Clock::now() + time);
}

void tell(const client::Answer& answer) {
  const wire::PredictReply& reply = answer.reply;
  const auto best = std::max_element(answer.outputs.begin(), answer.outputs.end());
  std::printf("class %td, %.4f, answered by the %s%s (version %llu) in %.2f ms%s\n",
              best - answer.outputs.begin(), static_cast<double>(*best),
              reply.by_cloud ? "cloud" : "edge", reply.fallback ? ", for want of the cloud" : "",
              static_cast<unsigned long long>(reply.version),
              static_cast<double>(reply.total_us) / 1000, reply.hard ? "; it was hard" : "");
}

}  // namespace

int predict_command(const PredictOptions& options) {
  const auto question = question_of(options);
  if (!question) return complain(question.error(), options.json, kBadInput);
  auto client = connect(options.edge);
  if (!client)
    return complain(client.error(), options.json,
                    client.error().code == Code::invalid_argument ? kBadInput : kFailed);
  client->ask(question->meta, as_bytes(question->data));
  // A service has its own time, which is not known here: milliseconds, as a rule.
  const auto found = answer_within(
      *client, options.deadline_ms > 0 ? std::chrono::milliseconds(
                                             static_cast<std::int64_t>(options.deadline_ms) + 1000)
                                       : kPatience);
  if (!found)
    return complain({Code::deadline_exceeded,
                     "the edge host gave no answer within 30 s; a service that takes longer needs "
                     "--deadline-ms",
                     options.service, ""},
                    options.json, kFailed);
  const client::Answer& answer = *found;
  if (!answer.reply.code.empty())
    return complain({Code::failed_precondition,
                     answer.reply.message + " (" + answer.reply.code + ")", options.service, ""},
                    options.json, kFailed);
  if (options.json)
    std::printf("%s\n",
                gateway::answer_body(options.service, answer.reply, answer.outputs).c_str());
  else
    tell(answer);
  return kOk;
}

}  // namespace skerry::cli
