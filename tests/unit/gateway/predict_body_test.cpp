// Bodies of questions and answers, and what is said beside them.
#include "core/gateway/predict_body.hpp"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <random>

#include "core/base/json.hpp"
#include "core/gateway/settings.hpp"

namespace skerry::gateway {
namespace {

const Fields kJson{{"content-type", "application/json; charset=utf-8"}};
const Fields kBytes{{"Content-Type", "application/octet-stream"}};

Outcome<Question> read_json(const std::string& body, const Fields& query = {}) {
  return read_question("digits", kJson, query, body);
}

Fields bytes_with(Fields more) {
  more.insert(more.begin(), kBytes.begin(), kBytes.end());
  return more;
}

std::vector<float> floats_of(const std::string& data) {
  std::vector<float> values(data.size() / sizeof(float));
  std::memcpy(values.data(), data.data(), values.size() * sizeof(float));
  return values;
}

std::string bytes_of(const std::vector<float>& values) {
  return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(float)};
}

void expect_refusal(const Outcome<Question>& outcome, const std::string& code,
                    const std::string& says = {}) {
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().code, code) << outcome.error().message;
  EXPECT_NE(outcome.error().message.find(says), std::string::npos) << outcome.error().message;
}

TEST(JsonBody, TakesTheShapeFromTheNesting) {
  const auto question = read_json(R"({"tensor": [[[1, 2.5], [-3, 4e-1], [5, 6]]]})").value();
  EXPECT_EQ(question.meta.service, "digits");
  EXPECT_EQ(question.meta.form, wire::Form::float32);
  EXPECT_EQ(question.meta.shape, (std::vector<std::int64_t>{1, 3, 2}));
  EXPECT_EQ(floats_of(question.data), (std::vector<float>{1, 2.5F, -3, 0.4F, 5, 6}));
  EXPECT_EQ(question.meta.patience_us, 0u);
  EXPECT_EQ(question.meta.label, -1);
}

TEST(JsonBody, TakesOneListBesideAShape) {
  const auto question =
      read_json(R"({"tensor": {"data": [0, 7, 255, 1], "shape": [2, 2]}, "dtype": "uint8"})")
          .value();
  EXPECT_EQ(question.meta.form, wire::Form::uint8);
  EXPECT_EQ(question.meta.shape, (std::vector<std::int64_t>{2, 2}));
  EXPECT_EQ(question.data, (std::string{'\0', '\x07', '\xff', '\x01'}));
}

TEST(JsonBody, TakesTheTypeBeforeOrAfterTheNumbers) {
  EXPECT_EQ(read_json(R"({"dtype": "uint8", "tensor": [1]})")->data, "\x01");
  EXPECT_EQ(read_json(R"({"tensor": [1], "dtype": "uint8"})")->data, "\x01");
}

TEST(JsonBody, TakesDeadlineAndLabel) {
  const auto question = read_json(R"({"tensor": [1], "deadlineMs": 12.5, "label": 7})").value();
  EXPECT_EQ(question.meta.patience_us, 12500u);
  EXPECT_EQ(question.meta.label, 7);
  EXPECT_EQ(read_json(R"({"tensor": [1], "deadlineMs": 600000})")->meta.patience_us, 600'000'000u);
  // What is shorter than a microsecond is still no "service's own".
  EXPECT_EQ(read_json(R"({"tensor": [1], "deadlineMs": 1e-9})")->meta.patience_us, 1u);
}

TEST(JsonBody, MakesWhatTheWireTakes) {
  for (const std::string body :
       {R"({"tensor": [[1, 2], [3, 4]]})", R"({"tensor": [1, 2], "dtype": "uint8"})"}) {
    const auto question = read_json(body).value();
    const std::string frame =
        wire::frame_request(1, 2, question.meta, as_bytes(std::string_view(question.data)));
    const auto parsed = wire::parse_request(as_bytes(frame).subspan(wire::kHeaderSize));
    ASSERT_TRUE(parsed) << parsed.error().text();
    EXPECT_EQ(parsed->meta.shape, question.meta.shape);
  }
}

struct Wrong {
  const char* body;
  const char* code;
  const char* says;
  const char* field;
};

TEST(JsonBody, SaysWhatIsWrongAndWhere) {
  const Wrong all[] = {
      {"", "request.malformed", "not valid JSON", ""},
      {"{", "request.malformed", "not valid JSON", ""},
      {R"({"tensor": [1]} x)", "request.malformed", "not valid JSON", ""},
      {"[1, 2]", "request.malformed", "found a list; allowed: an object", ""},
      {"7", "request.malformed", "found 7; allowed: an object", ""},
      {"null", "request.malformed", "found null", ""},
      {"{}", "request.malformed", "needs a tensor", "tensor"},
      {R"({"tensr": [1]})", "request.malformed", "did you mean \"tensor\"?", "tensr"},
      {R"({"tensor": [1], "tensor": [1]})", "request.malformed", "twice", "tensor"},
      {R"({"tensor": 1})", "request.malformed", "nested lists of numbers", "tensor"},
      {R"({"tensor": "1"})", "request.malformed", "nested lists of numbers", "tensor"},
      {R"({"tensor": []})", "request.malformed", "empty list", "tensor"},
      {R"({"tensor": [[1], []]})", "request.malformed", "empty list", "tensor[1]"},
      {R"({"tensor": [[1, 2], [3]]})", "request.malformed", "must be alike", "tensor[1]"},
      {R"({"tensor": [[1, 2], 3]})", "request.malformed", "found a number", "tensor[1]"},
      {R"({"tensor": [1, [2]]})", "request.malformed", "found a list", "tensor[1]"},
      {R"({"tensor": [[[1]], [2]]})", "request.malformed", "found a number", "tensor[1][0]"},
      {R"({"tensor": [1, "2"]})", "request.malformed", "found the text \"2\"", "tensor[1]"},
      {R"({"tensor": [[0], [true]]})", "request.malformed", "found true", "tensor[1][0]"},
      {R"({"tensor": [null]})", "request.malformed", "found null", "tensor[0]"},
      {R"({"tensor": [{}]})", "request.malformed", "found an object", "tensor[0]"},
      {R"({"tensor": [1e39]})", "request.malformed", "no float32", "tensor[0]"},
      {R"({"tensor": [1e999]})", "request.malformed", "not valid JSON", ""},
      {R"({"tensor": [NaN]})", "request.malformed", "not valid JSON", ""},
      {R"({"tensor": [[[[[[[[[1]]]]]]]]]})", "request.malformed", "deeper than 8",
       "tensor[0][0][0][0][0][0][0][0]"},
      {R"({"tensor": {"shape": [2]}})", "request.malformed", R"("shape" and "data")", "tensor"},
      {R"({"tensor": {}})", "request.malformed", R"("shape" and "data")", "tensor"},
      {R"({"tensor": {"shap": [2]}})", "request.malformed", "did you mean \"shape\"?", "shap"},
      {R"({"tensor": {"shape": 2}})", "request.malformed", "a list of numbers", "tensor.shape"},
      {R"({"tensor": {"shape": [-2], "data": []}})", "request.malformed", "found -2",
       "tensor.shape"},
      {R"({"tensor": {"shape": [0], "data": []}})", "request.malformed", "at least 1",
       "tensor.shape"},
      {R"({"tensor": {"shape": [], "data": []}})", "request.malformed", "1 to 8", "tensor.shape"},
      {R"({"tensor": {"shape": [1.5], "data": []}})", "request.malformed", "1 to 8 integers",
       "tensor.shape"},
      {R"({"tensor": {"shape": [1,1,1,1,1,1,1,1,1], "data": [1]}})", "request.malformed", "1 to 8",
       "tensor.shape"},
      {R"({"tensor": {"shape": [[1]], "data": []}})", "request.malformed", "found a list",
       "tensor.shape"},
      {R"({"tensor": {"shape": [1], "data": [[1]]}})", "request.malformed", "found a list",
       "tensor.data[0]"},
      {R"({"tensor": {"shape": [3], "data": [1, 2]}})", "shape.mismatch", "found 2 numbers",
       "tensor.data"},
      {R"({"tensor": {"shape": [9000000], "data": [1]}})", "request.too_large", "allowed are",
       "tensor.shape"},
      {R"({"tensor": {"shape": [3000000], "data": [1]}})", "request.too_large", "allowed are",
       "tensor.shape"},
      {R"({"tensor": [1], "dtype": "unit8"})", "request.malformed", "did you mean \"uint8\"?",
       "dtype"},
      {R"({"tensor": [1], "dtype": 8})", "request.malformed", "found 8", "dtype"},
      {R"({"tensor": [[1, 256]], "dtype": "uint8"})", "type.mismatch", "found 256", "tensor[0][1]"},
      {R"({"tensor": [-1], "dtype": "uint8"})", "type.mismatch", "found -1", "tensor[0]"},
      {R"({"tensor": {"shape": [2], "data": [1, 0.5]}, "dtype": "uint8"})", "type.mismatch",
       "found 0.5", "tensor.data[1]"},
      {R"({"tensor": [1], "label": -1})", "request.malformed", "integer from 0", "label"},
      {R"({"tensor": [1], "label": 1.5})", "request.malformed", "integer from 0", "label"},
      {R"({"tensor": [1], "label": 9223372036854775808})", "request.malformed", "integer from 0",
       "label"},
      {R"({"tensor": [1], "label": "7"})", "request.malformed", "integer from 0", "label"},
      {R"({"tensor": [1], "deadlineMs": 0})", "deadline.past", "must lie ahead", "deadlineMs"},
      {R"({"tensor": [1], "deadlineMs": -5})", "deadline.past", "must lie ahead", "deadlineMs"},
      {R"({"tensor": [1], "deadlineMs": 600001})", "request.malformed", "up to 600000",
       "deadlineMs"},
      {R"({"tensor": [1], "deadlineMs": "5"})", "request.malformed", "milliseconds", "deadlineMs"},
      {R"({"tensor": [1], "deadlineMs": null})", "request.malformed", "found null", "deadlineMs"},
  };
  for (const Wrong& wrong : all) {
    SCOPED_TRACE(wrong.body);
    const auto outcome = read_json(wrong.body);
    expect_refusal(outcome, wrong.code, wrong.says);
    if (!outcome) {
      EXPECT_EQ(outcome.error().field, wrong.field);
    }
  }
}

TEST(JsonBody, IsNotOverrunByDepth) {
  const std::string deep(100'000, '[');
  expect_refusal(read_json(deep), "request.malformed", "found a list");
  expect_refusal(read_json(R"({"tensor": )" + deep), "request.malformed", "deeper than 8");
  expect_refusal(read_json(R"({"label": )" + deep), "request.malformed", "found a list");
  std::string objects;
  for (int i = 0; i < 100'000; ++i) objects += R"({"tensor":)";
  expect_refusal(read_json(objects), "request.malformed", "no member \"tensor\"");
}

TEST(JsonBody, QuotesNoLongTextBack) {
  const std::string long_text(1'000'000, 'x');
  for (const auto& body : {R"({"tensor": [1], "dtype": ")" + long_text + "\"}",
                           R"({")" + long_text + R"(": 1})", R"({"tensor": ")" + long_text}) {
    const auto outcome = read_json(body);
    ASSERT_FALSE(outcome);
    EXPECT_LT(error_body(outcome.error()).size(), 1000u);
  }
}

TEST(JsonBody, TakesNoMoreElementsThanTheWire) {
  std::string body = R"({"tensor": [0)";
  const std::size_t too_many = wire::kMaxPredictData / sizeof(float);
  for (std::size_t i = 0; i < too_many; ++i) body += ",0";
  expect_refusal(read_json(body + "]}"), "request.too_large", "allowed are");
  EXPECT_TRUE(read_json(body + R"(], "dtype": "uint8"})"));
}

TEST(JsonBody, RefusesTextThatIsNotUtf8WithAnAnswerThatIs) {
  const auto outcome = read_json("{\"\xff\": 1}");
  ASSERT_FALSE(outcome);
  EXPECT_TRUE(parse_json(error_body(outcome.error())));
}

TEST(JsonBody, MayHaveItsDeadlineBesideIt) {
  EXPECT_EQ(read_json(R"({"tensor": [1]})", {{"deadlineMs", "5"}})->meta.patience_us, 5000u);
  expect_refusal(read_json(R"({"tensor": [1], "deadlineMs": 5})", {{"deadlineMs", "5"}}),
                 "request.malformed", "leave one of them out");
  expect_refusal(read_json(R"({"tensor": [1]})", {{"shape", "1"}}), "request.malformed",
                 "goes with application/octet-stream");
}

TEST(TensorBody, TakesShapeAndTypeFromHeaders) {
  const auto question =
      read_question("digits", bytes_with({{"skerry-shape", "1, 2,3"}, {"SKERRY-LABEL", "4"}}), {},
                    "abcdef")
          .value();
  EXPECT_EQ(question.meta.form, wire::Form::uint8);
  EXPECT_EQ(question.meta.shape, (std::vector<std::int64_t>{1, 2, 3}));
  EXPECT_EQ(question.meta.label, 4);
  EXPECT_EQ(question.data, "abcdef");
}

TEST(TensorBody, TakesThemFromTheQueryToo) {
  const std::string body = bytes_of({1, 2});
  const Fields query{{"shape", "2"}, {"dtype", "float32"}, {"deadlineMs", "0.25"}, {"label", "0"}};
  const auto question = read_question("digits", kBytes, query, body).value();
  EXPECT_EQ(question.meta.form, wire::Form::float32);
  EXPECT_EQ(question.meta.patience_us, 250u);
  EXPECT_EQ(question.meta.label, 0);
  EXPECT_EQ(question.data, body);
}

TEST(TensorBody, SaysWhatIsWrong) {
  const auto with = [](Fields more, const std::string& body = "ab") {
    return read_question("digits", bytes_with(std::move(more)), {}, body);
  };
  expect_refusal(with({}), "request.malformed", "needs the header Skerry-Shape");
  expect_refusal(with({{"Skerry-Shape", "3"}}), "shape.mismatch", "found 2 bytes");
  expect_refusal(with({{"Skerry-Shape", "2"}, {"Skerry-Dtype", "float32"}}), "shape.mismatch",
                 "has 8");
  expect_refusal(with({{"Skerry-Shape", "2"}}, ""), "shape.mismatch", "found 0 bytes");
  for (const char* shape : {"", ",", "2,", "a", "2x", "1 2", "1.5", "99999999999999999999",
                            "1,1,1,1,1,1,1,1,2", "+2"}) {
    SCOPED_TRACE(shape);
    expect_refusal(with({{"Skerry-Shape", shape}}), "request.malformed", "as in 1,28,28");
  }
  for (const char* shape : {"0", "-2", "2,0"}) {
    SCOPED_TRACE(shape);
    expect_refusal(with({{"Skerry-Shape", shape}}), "request.malformed", "at least 1");
  }
  expect_refusal(with({{"Skerry-Shape", "9223372036854775807,9223372036854775807"}}),
                 "request.too_large");
  expect_refusal(with({{"Skerry-Shape", "2"}, {"Skerry-Dtype", "int8"}}), "request.malformed",
                 "float32 and uint8");
  expect_refusal(with({{"Skerry-Shape", "2"}, {"Skerry-Deadline-Ms", "soon"}}), "request.malformed",
                 "found the deadline \"soon\"");
  expect_refusal(with({{"Skerry-Shape", "2"}, {"Skerry-Deadline-Ms", "nan"}}), "request.malformed");
  expect_refusal(with({{"Skerry-Shape", "2"}, {"Skerry-Deadline-Ms", "-inf"}}),
                 "request.malformed");
  expect_refusal(with({{"Skerry-Shape", "2"}, {"Skerry-Deadline-Ms", "-1"}}), "deadline.past");
  expect_refusal(with({{"Skerry-Shape", "2"}, {"Skerry-Label", "-1"}}), "request.malformed",
                 "leave it out");
  expect_refusal(with({{"Skerry-Shape", "2"}, {"Skerry-Deadline", "5"}}), "request.malformed",
                 "did you mean \"Skerry-Deadline-Ms\"?");
  expect_refusal(with({{"Skerry-Shape", "2"}, {"Skerry-Shape", "2"}}), "request.malformed",
                 "twice");
  expect_refusal(
      read_question("digits", bytes_with({{"Skerry-Shape", "2"}}), {{"shape", "2"}}, "ab"),
      "request.malformed", "twice");
  expect_refusal(read_question("digits", kBytes, {{"shap", "2"}}, "ab"), "request.malformed",
                 "did you mean \"shape\"?");
}

TEST(TensorBody, MustBeFinite) {
  const Fields headers = bytes_with({{"Skerry-Shape", "2"}, {"Skerry-Dtype", "float32"}});
  for (const float odd : {std::nanf(""), std::numeric_limits<float>::infinity()}) {
    expect_refusal(read_question("digits", headers, {}, bytes_of({1, odd})), "request.malformed",
                   "element 1");
  }
}

TEST(ImageBody, IsTakenAsItIs) {
  for (const char* type : {"image/jpeg", "IMAGE/PNG", "image/webp; q=1"}) {
    const Fields headers{{"Content-Type", type}, {"Skerry-Deadline-Ms", "50"}};
    const auto question = read_question("digits", headers, {}, "\xff\xd8 any").value();
    EXPECT_EQ(question.meta.form, wire::Form::image);
    EXPECT_TRUE(question.meta.shape.empty());
    EXPECT_EQ(question.meta.patience_us, 50'000u);
    EXPECT_EQ(question.data, "\xff\xd8 any");
  }
  const Fields headers{{"Content-Type", "image/png"}};
  expect_refusal(read_question("digits", headers, {}, ""), "image.malformed", "no bytes");
  expect_refusal(read_question("digits", headers, {{"shape", "1"}}, "x"), "request.malformed",
                 "an image has its own");
}

TEST(Body, OfAnotherTypeIsRefused) {
  for (const char* type : {"text/plain", "image/", "application/jsonp", "", "application/x-json"}) {
    SCOPED_TRACE(type);
    expect_refusal(read_question("digits", {{"Content-Type", type}}, {}, "{}"),
                   "request.unsupported_type", "allowed are application/json");
  }
  expect_refusal(read_question("digits", {}, {}, "{}"), "request.unsupported_type",
                 "no Content-Type");
  expect_refusal(
      read_question("digits", {{"Content-Type", "application/json"}, {"Content-Encoding", "gzip"}},
                    {}, "{}"),
      "request.unsupported_type", "gzip");
}

TEST(Query, IsPercentDecoded) {
  const Fields fields = read_query("a=1%2c2&&b&c=%C3%a9=&=d").value();
  EXPECT_EQ(fields, (Fields{{"a", "1,2"}, {"b", ""}, {"c", "\xc3\xa9="}, {"", "d"}}));
  EXPECT_TRUE(read_query("")->empty());
  for (const char* text : {"a=%", "a=%2", "a=%2g", "%zz=1"}) {
    const auto refused = read_query(text);
    ASSERT_FALSE(refused) << text;
    EXPECT_EQ(refused.error().code, "request.malformed");
  }
}

TEST(Answer, SaysWhatTheServiceSaid) {
  wire::PredictReply reply;
  reply.by_cloud = true;
  reply.hard = true;
  reply.score = 0.5;
  reply.version = 18446744073709551615u;
  reply.total_us = 12345;
  reply.wire_us = 7000;
  reply.queue_us = 45;
  reply.compute_us = 5300;
  const auto answer = parse_json(answer_body("dig\"its", reply, {0.1F, 0.7F, 0.2F})).value();
  EXPECT_EQ(
      answer,
      (Json{{"service", "dig\"its"},
            {"output", {0.1, 0.7, 0.2}},
            {"class", 1},
            {"confidence", 0.7},
            {"source", "cloud"},
            {"hard", true},
            {"fallback", false},
            {"score", 0.5},
            {"version", 18446744073709551615u},
            {"latencyMs", {{"total", 12.345}, {"wire", 7}, {"queue", 0.045}, {"compute", 5.3}}}}));
}

TEST(Answer, HasNullWhereThereIsNoNumber) {
  wire::PredictReply reply;
  reply.score = std::nan("");
  const float nan = std::nanf(""), infinity = std::numeric_limits<float>::infinity();
  auto answer = parse_json(answer_body("digits", reply, {nan, 0.5F, nan})).value();
  EXPECT_EQ(answer["output"], (Json{nullptr, 0.5, nullptr}));
  EXPECT_EQ(answer["class"], 1);
  EXPECT_TRUE(answer["score"].is_null());
  EXPECT_EQ(answer["source"], "edge");
  answer = parse_json(answer_body("digits", reply, {0, infinity})).value();
  EXPECT_EQ(answer["class"], 1);
  EXPECT_TRUE(answer["confidence"].is_null());
  for (const auto& outputs : {std::vector<float>{nan}, std::vector<float>{}}) {
    answer = parse_json(answer_body("digits", reply, outputs)).value();
    EXPECT_TRUE(answer["class"].is_null());
    EXPECT_TRUE(answer["confidence"].is_null());
  }
}

TEST(Answer, GivesEveryFloatBack) {
  constexpr unsigned kSeed = 20240607;
  std::mt19937 random(kSeed);
  std::vector<float> outputs{0,
                             -0.0F,
                             1,
                             16777216,
                             std::numeric_limits<float>::max(),
                             std::numeric_limits<float>::lowest(),
                             std::numeric_limits<float>::min(),
                             std::numeric_limits<float>::denorm_min()};
  while (outputs.size() < 100'000) {
    const auto value = std::bit_cast<float>(static_cast<std::uint32_t>(random()));
    if (std::isfinite(value)) outputs.push_back(value);
  }
  const auto answer = parse_json(answer_body("digits", {}, outputs)).value();
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    const auto back = static_cast<float>(answer["output"][i].get<double>());
    ASSERT_EQ(back, outputs[i]) << "seed " << kSeed << ", output " << i;
  }
}

}  // namespace
}  // namespace skerry::gateway
