// Which request gets which answer, without a socket.
#include "core/gateway/routes.hpp"

#include <gtest/gtest.h>

#include <optional>
#include <set>

#include "core/base/json.hpp"
#include "core/gateway/openapi.hpp"
#include "tests/unit/gateway/fake_asker.hpp"

namespace skerry::gateway {
namespace {

class RoutesTest : public testing::Test {
 protected:
  Rules rules;
  FakeAsker asker;

  HttpAnswer answer_to(HttpRequest request) {
    std::optional<HttpAnswer> answer;
    int answers = 0;
    respond(std::move(request), rules, asker, [&](HttpAnswer given) {
      answer = std::move(given);
      ++answers;
    });
    EXPECT_EQ(answers, 1);
    return answer.value_or(HttpAnswer{});
  }

  HttpAnswer get(const std::string& target, Fields more = {}) {
    more.emplace_back("Host", "localhost:8080");
    return answer_to({"GET", target, std::move(more), {}});
  }

  HttpAnswer predict(const std::string& target, const std::string& body = R"({"tensor": [1, 2]})",
                     Fields more = {}) {
    more.emplace_back("host", "127.0.0.1");
    more.emplace_back("content-type", "application/json");
    return answer_to({"POST", target, std::move(more), body});
  }
};

Json body_of(const HttpAnswer& answer) {
  return parse_json(answer.body).value();
}

std::string code_of(const HttpAnswer& answer) {
  const Json body = body_of(answer);
  return body.contains("error") ? body["error"]["code"].get<std::string>() : "";
}

std::string header_of(const HttpAnswer& answer, std::string_view name) {
  const auto* const value = find_field(answer.headers, name);
  return value == nullptr ? "" : *value;
}

TEST_F(RoutesTest, AnswersAQuestion) {
  const auto answer = predict("/v1/services/digits/predict?deadlineMs=5");
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(body_of(answer)["output"], (Json{0.25, 0.75}));
  EXPECT_EQ(body_of(answer)["class"], 1);
  ASSERT_EQ(asker.asked().size(), 1u);
  EXPECT_EQ(asker.asked()[0].request.service, "digits");
  EXPECT_EQ(asker.asked()[0].request.patience_us, 5000u);
  EXPECT_EQ(asker.asked()[0].data.size(), 8u);
}

TEST_F(RoutesTest, DecodesTheNameOfTheService) {
  EXPECT_EQ(predict("/v1/services/my%20digits%2f2/predict").status, 200);
  EXPECT_EQ(asker.asked().at(0).request.service, "my digits/2");
  const std::vector<std::string> no_names{"", "%", "%zz", "%00", "%C3%A9", std::string(201, 'x')};
  for (const std::string& name : no_names) {
    SCOPED_TRACE(name);
    const auto answer = predict("/v1/services/" + name + "/predict");
    EXPECT_EQ(answer.status, 404);
    EXPECT_EQ(code_of(answer), "service.unknown");
  }
  EXPECT_EQ(asker.asked().size(), 1u);
}

TEST_F(RoutesTest, PassesOnWhatTheAskerRefuses) {
  for (const Failure& failure : failures()) {
    asker.reply.code = failure.code;
    asker.reply.message = "why";
    const auto answer = predict("/v1/services/digits/predict");
    EXPECT_EQ(answer.status, failure.status);
    EXPECT_EQ(code_of(answer), failure.code);
    EXPECT_EQ(body_of(answer)["error"]["message"], "why");
    EXPECT_EQ(header_of(answer, "Retry-After"), failure.status == 503 ? "1" : "");
  }
  asker.reply.code = "something.else";
  const auto answer = predict("/v1/services/digits/predict");
  EXPECT_EQ(answer.status, 500);
  EXPECT_EQ(code_of(answer), "something.else");
}

TEST_F(RoutesTest, KeepsToTheStatusesThatArePromised) {
  const std::pair<const char*, int> promised[] = {
      {"request.malformed", 400},   {"request.too_large", 413},   {"request.unsupported_type", 415},
      {"request.method", 405},      {"shape.mismatch", 422},      {"type.mismatch", 422},
      {"image.malformed", 422},     {"deadline.past", 400},       {"service.unknown", 404},
      {"service.unavailable", 503}, {"overloaded", 503},          {"cloud.unavailable", 504},
      {"deadline.exceeded", 504},   {"model.failed", 500},        {"path.unknown", 404},
      {"request.origin", 403},      {"request.unauthorized", 401}};
  for (const auto& [code, status] : promised) EXPECT_EQ(status_of(code), status) << code;
  std::set<std::string_view> codes;
  for (const Failure& failure : failures()) EXPECT_TRUE(codes.insert(failure.code).second);
}

TEST_F(RoutesTest, ListsTheServices) {
  const auto answer = get("/v1/services");
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(body_of(answer), asker.services());
  EXPECT_EQ(body_of(get("/v1/services?any=thing")), asker.services());
}

TEST_F(RoutesTest, TellsThatItIsThere) {
  const auto answer = get("/healthz");
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.body, R"({"status":"ok"})");
}

TEST_F(RoutesTest, RefusesOtherPathsAndSaysWhatThereIs) {
  for (const char* target :
       {"/", "*", "/v1", "/v1/services/", "/v1/services/predict", "/v1/services/a/b/predict",
        "/v1/services/a/predict/", "/v1/servicesa/predict", "/healthz/", "http://x/healthz",
        "/v1/services/a", "/V1/services"}) {
    SCOPED_TRACE(target);
    const auto answer = get(target);
    EXPECT_EQ(answer.status, 404);
    EXPECT_EQ(code_of(answer), "path.unknown");
    EXPECT_NE(answer.body.find("/v1/services/NAME/predict"), std::string::npos);
  }
}

TEST_F(RoutesTest, RefusesOtherMethodsAndSaysWhichThereAre) {
  auto answer = get("/v1/services/digits/predict");
  EXPECT_EQ(answer.status, 405);
  EXPECT_EQ(code_of(answer), "request.method");
  EXPECT_EQ(header_of(answer, "Allow"), "POST");
  answer = predict("/v1/services");
  EXPECT_EQ(answer.status, 405);
  EXPECT_EQ(header_of(answer, "Allow"), "GET, HEAD");
  EXPECT_EQ(answer_to({"HEAD", "/healthz", {{"Host", "localhost"}}, {}}).status, 200);
  EXPECT_EQ(answer_to({"OPTIONS", "/healthz", {{"Host", "localhost"}}, {}}).status, 405);
  EXPECT_EQ(answer_to({"get", "/healthz", {{"Host", "localhost"}}, {}}).status, 405);
}

TEST_F(RoutesTest, RefusesBodiesBeforeTheAskerSeesThem) {
  EXPECT_EQ(code_of(predict("/v1/services/digits/predict", "{")), "request.malformed");
  EXPECT_EQ(code_of(predict("/v1/services/digits/predict?x=1")), "request.malformed");
  EXPECT_EQ(code_of(predict("/v1/services/digits/predict?label=%")), "request.malformed");
  const auto answer = answer_to({"POST",
                                 "/v1/services/digits/predict",
                                 {{"Host", "localhost"}, {"Content-Type", "text/plain"}},
                                 "x"});
  EXPECT_EQ(answer.status, 415);
  EXPECT_TRUE(asker.asked().empty());
}

TEST_F(RoutesTest, RefusesAHostThatAPageCouldHaveNamed) {
  rules.allowed_hosts = {"edge-1.example"};
  for (const char* host : {"localhost", "LOCALHOST:80", "127.0.0.1", "192.168.1.2:8080", "[::1]",
                           "[fe80::1]:80", "Edge-1.example:8443"}) {
    EXPECT_EQ(answer_to({"GET", "/healthz", {{"Host", host}}, {}}).status, 200) << host;
  }
  for (const char* host :
       {"", "evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "::1", "[::1", "[",
        "[]", "[localhost]", "localhost:80x", "127.1", "2130706433", "[::1]x", "user@localhost",
        "localhost.", "a.edge-1.example"}) {
    const auto answer = answer_to({"GET", "/healthz", {{"Host", host}}, {}});
    EXPECT_EQ(answer.status, 403) << host;
    EXPECT_EQ(code_of(answer), "request.host") << host;
  }
}

TEST_F(RoutesTest, NeedsAHostButOfHttp10) {
  EXPECT_EQ(code_of(answer_to({"GET", "/healthz", {}, {}})), "request.malformed");
  EXPECT_EQ(answer_to({"GET", "/healthz", {}, {}, true}).status, 200);
}

TEST_F(RoutesTest, RefusesPages) {
  const Fields evil{{"oRiGiN", "https://evil.example"}};
  auto answer = predict("/v1/services/digits/predict", R"({"tensor": [1]})", evil);
  EXPECT_EQ(answer.status, 403);
  EXPECT_EQ(code_of(answer), "request.origin");
  EXPECT_EQ(header_of(answer, "Access-Control-Allow-Origin"), "");
  EXPECT_EQ(get("/healthz", {{"Origin", "null"}}).status, 403);
  EXPECT_EQ(get("/healthz", {{"Origin", ""}}).status, 403);
  EXPECT_TRUE(asker.asked().empty());
}

TEST_F(RoutesTest, LetsAllowedPagesAskAndRead) {
  rules.allowed_origins = {"https://app.example"};
  rules.token = "secret";
  const Fields origin{{"Origin", "https://app.example"}};
  auto answer = predict("/v1/services/digits/predict", R"({"tensor": [1]})", origin);
  EXPECT_EQ(answer.status, 401);
  EXPECT_EQ(header_of(answer, "Access-Control-Allow-Origin"), "https://app.example");
  answer = predict("/v1/services/digits/predict", R"({"tensor": [1]})",
                   {origin[0], {"Authorization", "Bearer secret"}});
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(header_of(answer, "Access-Control-Allow-Origin"), "https://app.example");
  EXPECT_EQ(get("/healthz", {{"Origin", "https://app.example.evil"}}).status, 403);
  // A browser's question before the page's: it has no token.
  answer = answer_to({"OPTIONS",
                      "/v1/services/digits/predict",
                      {{"Host", "localhost"}, origin[0], {"Access-Control-Request-Method", "POST"}},
                      {}});
  EXPECT_EQ(answer.status, 200);
  EXPECT_NE(header_of(answer, "Access-Control-Allow-Methods").find("POST"), std::string::npos);
}

TEST_F(RoutesTest, AsksForTheTokenWhereThereIsOne) {
  rules.token = "s3cret-token";
  EXPECT_EQ(get("/healthz", {{"Authorization", "Bearer s3cret-token"}}).status, 200);
  EXPECT_EQ(get("/healthz", {{"authorization", "bearer s3cret-token"}}).status, 200);
  for (const char* given :
       {"", "Bearer", "Bearer ", "Bearer s3cret", "Bearer s3cret-tokenX", "Bearer s3cret-tokem",
        "s3cret-token", "Basic s3cret-token", "Bearer s3cret-tokens3cret-token"}) {
    const auto answer = get("/healthz", {{"Authorization", given}});
    EXPECT_EQ(answer.status, 401) << given;
    EXPECT_EQ(code_of(answer), "request.unauthorized");
    EXPECT_EQ(header_of(answer, "WWW-Authenticate"), "Bearer");
  }
  EXPECT_EQ(get("/healthz").status, 401);
  EXPECT_EQ(get("/nowhere").status, 401) << "what there is, is for who has the token";
}

TEST_F(RoutesTest, RefusesHeadersThatCouldMeanTwoThings) {
  for (const char* name : {"Host", "Content-Type", "Authorization", "Origin"}) {
    const auto answer = answer_to({"POST",
                                   "/v1/services/digits/predict",
                                   {{"Host", "localhost"},
                                    {"Content-Type", "application/json"},
                                    {name, "localhost"},
                                    {name, "localhost"}},
                                   R"({"tensor": [1]})"});
    EXPECT_EQ(answer.status, 400) << name;
  }
}

TEST_F(RoutesTest, DescribesItselfWithEveryCode) {
  const auto answer = get("/v1/openapi.json");
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.body, openapi());
  const Json document = body_of(answer);
  EXPECT_EQ(document["openapi"], "3.0.3");
  const Json& responses = document["paths"]["/v1/services/{name}/predict"]["post"]["responses"];
  for (const Failure& failure : failures()) {
    const Json& response = responses[std::to_string(failure.status)];
    EXPECT_NE(response["description"].get<std::string>().find(failure.code), std::string::npos);
  }
  const Json& health = document["paths"]["/healthz"]["get"]["responses"];
  EXPECT_TRUE(health.contains("200"));
  EXPECT_FALSE(health.contains("422"));
}

// Each "#/components/..." that the document names is in it.
void expect_resolved(const Json& document, const Json& part) {
  if (part.is_object() && part.contains("$ref")) {
    const auto pointer = part["$ref"].get<std::string>().substr(1);
    EXPECT_TRUE(document.contains(Json::json_pointer(pointer))) << pointer;
  }
  if (!part.is_structured()) return;
  for (const auto& member : part) expect_resolved(document, member);
}

TEST_F(RoutesTest, DescribesItselfWithoutLooseEnds) {
  const Json document = parse_json(openapi()).value();
  expect_resolved(document, document);
}

TEST(Render, HasWhatAClientNeeds) {
  const HttpAnswer answer{503, "{}", {{"Retry-After", "1"}}};
  EXPECT_EQ(render(answer, true, true),
            "HTTP/1.1 503 Service Unavailable\r\nServer: skerry\r\nContent-Type: "
            "application/json\r\nContent-Length: 2\r\nConnection: keep-alive\r\nRetry-After: "
            "1\r\n\r\n{}");
  const std::string head = render(answer, false, false);
  EXPECT_TRUE(head.ends_with("\r\n\r\n"));
  EXPECT_NE(head.find("Content-Length: 2\r\n"), std::string::npos);
  EXPECT_NE(head.find("Connection: close\r\n"), std::string::npos);
}

}  // namespace
}  // namespace skerry::gateway
