// Questions and answers as HTTP bodies.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/gateway/http_message.hpp"
#include "core/wire/predict.hpp"

namespace skerry::gateway {

enum class BodyKind { json, tensor, image };

// By Content-Type and Content-Encoding.
Outcome<BodyKind> body_kind(const Fields& headers);

struct Question {
  wire::PredictRequest meta;  // what parse_request() takes
  std::string data;
};
Outcome<Question> read_question(std::string_view service, const Fields& headers,
                                const Fields& query, std::string body);

// The body of an answer that is no failure. Each output as short as gives the same float32 again.
std::string answer_body(std::string_view service, const wire::PredictReply& reply,
                        const std::vector<float>& outputs);

}  // namespace skerry::gateway
