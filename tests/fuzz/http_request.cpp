// What anybody who reaches an edge's HTTP port can send: requests as bytes, down to the answer; or,
// so that most inputs are not spent on HTTP, headers and body of a question.
#include "core/base/json.hpp"
#include "core/gateway/http_parser.hpp"
#include "core/gateway/predict_body.hpp"
#include "core/gateway/routes.hpp"
#include "core/gateway/settings.hpp"
#include "tests/fuzz/fuzz.hpp"
#include "tests/unit/gateway/fake_asker.hpp"

namespace skerry::gateway {
namespace {

using fuzz::Input;
using fuzz::require;

constexpr std::size_t kMaxHead = 2048;
constexpr std::size_t kMaxBody = 4096;

void check_answer(const HttpAnswer& answer) {
  const auto body = parse_json(answer.body);
  require(body.has_value(), "an answer is JSON");
  const bool is_error = body->is_object() && body->contains("error");
  require(is_error != (answer.status == 200), "what is no answer is an error");
  if (is_error) {
    require(status_of((*body)["error"]["code"].get<std::string>()) == answer.status,
            "a code has one status");
  }
  const std::string text = render(answer, true, true);
  require(text.find("\r\n\r\n") + 4 + answer.body.size() == text.size(), "an answer has one end");
}

// What the asker is asked travels on as a frame.
void check_question(const wire::PredictRequest& meta, const std::string& data) {
  const std::string frame = wire::frame_request(1, 1, meta, as_bytes(data));
  require(wire::parse_request(as_bytes(frame).subspan(wire::kHeaderSize)).has_value(),
          "what is asked, a worker can read");
}

void answer(HttpRequest request, const Rules& rules) {
  FakeAsker asker;
  int answers = 0;
  respond(std::move(request), rules, asker, [&answers](const HttpAnswer& answer) {
    ++answers;
    check_answer(answer);
  });
  require(answers == 1, "a request has one answer");
  for (const auto& asked : asker.asked()) check_question(asked.request, asked.data);
}

// As a session does it.
void check_bytes(Input& input) {
  Rules rules;
  const auto choice = input.byte();
  if ((choice & 1) != 0) rules.token = "token";
  if ((choice & 2) != 0) rules.allowed_origins = {"http://a"};
  const std::string_view bytes = input.rest();
  Parser parser;
  limit_head(parser, kMaxHead);
  boost::system::error_code error;
  std::size_t used = parser.put(boost::asio::const_buffer(bytes.data(), bytes.size()), error);
  if (error) {
    if (const auto refusal = refusal_of(error, kMaxHead, kMaxBody))
      check_answer(error_answer(*refusal));
    return;
  }
  if (!parser.is_header_done()) return;
  HttpRequest request = head_of(parser);
  if (const auto refused = refuse_head(request, rules)) return check_answer(*refused);
  if (const auto length = check_length(parser, kMaxBody); !length)
    return check_answer(error_answer(length.error()));
  while (!parser.is_done() && used < bytes.size() && !error)
    used += parser.put(boost::asio::const_buffer(bytes.data() + used, bytes.size() - used), error);
  require(parser.get().body().size() <= kMaxBody, "a body keeps to its limit");
  if (!parser.is_done()) return;
  request.body = std::move(parser.get().body());
  answer(std::move(request), rules);
}

std::string_view take_line(std::string_view& rest) {
  const auto line = rest.substr(0, rest.find('\n'));
  rest.remove_prefix(std::min(line.size() + 1, rest.size()));
  return line;
}

// A line of query, one of headers written like a query, one of shape, and the rest as a body.
void check_body(Input& input) {
  constexpr const char* kTypes[] = {"application/json", "application/octet-stream", "image/png"};
  Fields headers{{"Content-Type", kTypes[input.byte() % std::size(kTypes)]}};
  std::string_view body = input.rest();
  const auto query = read_query(take_line(body));
  const auto more = read_query(take_line(body));
  const auto shape = take_line(body);
  if (!query || !more) return;
  headers.insert(headers.end(), more->begin(), more->end());
  if (!shape.empty()) headers.emplace_back("Skerry-Shape", shape);
  const auto question = read_question("service", headers, *query, std::string(body));
  if (!question) return check_answer(error_answer(question.error()));
  check_question(question->meta, question->data);
}

}  // namespace
}  // namespace skerry::gateway

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  skerry::fuzz::Input input(data, size);
  if (input.byte() % 2 == 0)
    skerry::gateway::check_bytes(input);
  else
    skerry::gateway::check_body(input);
  return 0;
}
