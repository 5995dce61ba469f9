#include "core/gateway/routes.hpp"

#include <algorithm>
#include <memory>

#include "core/base/json.hpp"
#include "core/base/try.hpp"
#include "core/gateway/openapi.hpp"
#include "core/gateway/predict_body.hpp"
#include "core/gateway/settings.hpp"
#include "core/wire/names.hpp"

namespace skerry::gateway {
namespace {

constexpr std::string_view kServices = "/v1/services";
constexpr std::string_view kPredict = "/predict";

enum class Place { nowhere, predict, services, openapi, health };

struct Route {
  Place place = Place::nowhere;
  std::string service;  // as it is asked for; empty where it is no name
};

std::string service_in(std::string_view part) {
  const auto name = percent_decoded(part);
  return name && wire::is_id(*name) ? *name : std::string();
}

Route route_of(std::string_view target) {
  const std::string_view path = target.substr(0, target.find('?'));
  if (path == "/healthz") return {Place::health, {}};
  if (path == "/v1/openapi.json") return {Place::openapi, {}};
  if (path == kServices) return {Place::services, {}};
  if (!path.starts_with(kServices) || !path.ends_with(kPredict)) return {};
  const std::string_view rest = path.substr(kServices.size());
  if (rest.size() <= kPredict.size() || rest.front() != '/') return {};
  const std::string_view part = rest.substr(1, rest.size() - 1 - kPredict.size());
  if (part.find('/') != part.npos) return {};
  return {Place::predict, service_in(part)};
}

// What a second one of could mean something else to whoever stands between.
Outcome<void> check_once(const Fields& headers) {
  for (const std::string_view name :
       {"Host", "Origin", "Authorization", "Content-Type", "Content-Encoding"}) {
    const auto same = [name](const auto& field) { return same_name(field.first, name); };
    if (std::ranges::count_if(headers, same) > 1) {
      return refuse("request.malformed", "found the header " + std::string(name) + " twice",
                    std::string(name));
    }
  }
  return {};
}

bool is_allowed(Place place, std::string_view method) {
  if (place == Place::predict) return method == "POST";
  return method == "GET" || method == "HEAD";
}

Outcome<void> check_target(const HttpRequest& request, const Route& route) {
  if (route.place == Place::nowhere) {
    return refuse("path.unknown",
                  "there is nothing at " + in_quotes(request.target) +
                      "; there are POST /v1/services/NAME/predict, GET /v1/services, GET "
                      "/v1/openapi.json and GET /healthz");
  }
  if (!is_allowed(route.place, request.method)) {
    return refuse("request.method", "found the method " + in_quotes(request.method) +
                                        "; allowed here: " +
                                        (route.place == Place::predict ? "POST" : "GET and HEAD"));
  }
  if (route.place != Place::predict) return {};
  if (route.service.empty()) {
    return refuse("service.unknown", "found no name of a service in " + in_quotes(request.target) +
                                         "; GET /v1/services has those that there are");
  }
  if (const auto kind = body_kind(request.headers); !kind) return fail(kind.error());
  return {};
}

// A browser asks whether a page may send what needs permission. It has no token at that point.
bool is_preflight(const HttpRequest& request, const Rules& rules) {
  return request.method == "OPTIONS" && allowed_origin(request, rules) != nullptr &&
         find_field(request.headers, "Access-Control-Request-Method") != nullptr;
}

Outcome<void> check_head(const HttpRequest& request, const Route& route, const Rules& rules) {
  SKERRY_TRY(check_once(request.headers));
  SKERRY_TRY(check_host(request, rules));
  SKERRY_TRY(check_origin(request, rules));
  if (is_preflight(request, rules)) return {};
  SKERRY_TRY(check_token(request, rules));
  return check_target(request, route);
}

// Headers that depend on the request; an answer without them is of no use to a page.
Fields headers_for(const HttpRequest& request, const Rules& rules) {
  Fields headers;
  const auto* const origin = allowed_origin(request, rules);
  if (origin == nullptr) return headers;
  headers.emplace_back("Access-Control-Allow-Origin", *origin);
  headers.emplace_back("Vary", "Origin");
  if (!is_preflight(request, rules)) return headers;
  headers.emplace_back("Access-Control-Allow-Methods", "GET, HEAD, POST");
  headers.emplace_back("Access-Control-Allow-Headers",
                       "Authorization, Content-Type, Skerry-Shape, Skerry-Dtype, "
                       "Skerry-Deadline-Ms, Skerry-Label");
  headers.emplace_back("Access-Control-Max-Age", "600");
  return headers;
}

HttpAnswer with(HttpAnswer answer, const Fields& headers) {
  answer.headers.insert(answer.headers.end(), headers.begin(), headers.end());
  return answer;
}

HttpAnswer refusal_answer(const Refusal& refusal, const Route& route) {
  HttpAnswer answer = error_answer(refusal);
  if (answer.status == 405) {
    answer.headers.emplace_back("Allow", route.place == Place::predict ? "POST" : "GET, HEAD");
  }
  return answer;
}

HttpAnswer answer_of(const std::string& service, const wire::PredictReply& reply,
                     const std::vector<float>& outputs) {
  if (!reply.code.empty()) return error_answer({reply.code, reply.message, {}});
  return {200, answer_body(service, reply, outputs)};
}

Outcome<Question> question_of(HttpRequest& request, const std::string& service) {
  const std::string_view target = request.target;
  const auto mark = std::min(target.find('?'), target.size() - 1);
  SKERRY_ASSIGN(const Fields query, read_query(target.substr(mark + 1)));
  return read_question(service, request.headers, query, std::move(request.body));
}

void predict(HttpRequest& request, const std::string& service, Asker& asker,
             std::function<void(HttpAnswer)> done) {
  auto question = question_of(request, service);
  if (!question) return done(error_answer(question.error()));
  asker.ask(
      question->meta, std::move(question->data),
      [service, done = std::move(done)](wire::PredictReply reply, std::vector<float> outputs) {
        done(answer_of(service, reply, outputs));
      });
}

}  // namespace

std::optional<HttpAnswer> refuse_head(const HttpRequest& head, const Rules& rules) {
  const Route route = route_of(head.target);
  const auto checked = check_head(head, route, rules);
  if (checked) return std::nullopt;
  return with(refusal_answer(checked.error(), route), headers_for(head, rules));
}

void respond(HttpRequest request, const Rules& rules, Asker& asker,
             std::function<void(HttpAnswer)> done) {
  if (auto refused = refuse_head(request, rules)) return done(std::move(*refused));
  auto headers = headers_for(request, rules);
  if (is_preflight(request, rules)) return done({200, "{}", std::move(headers)});
  const Route route = route_of(request.target);
  switch (route.place) {
    case Place::predict:
      return predict(request, route.service, asker,
                     [done = std::move(done), headers = std::move(headers)](HttpAnswer answer) {
                       done(with(std::move(answer), headers));
                     });
    case Place::services:
      return done({200, dump_json(asker.services()), std::move(headers)});
    case Place::openapi:
      return done({200, openapi(), std::move(headers)});
    case Place::health:
    case Place::nowhere:
      return done({200, R"({"status":"ok"})", std::move(headers)});
  }
}

}  // namespace skerry::gateway
