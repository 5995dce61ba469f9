#include "hosts/cli/view/problems.hpp"

#include <algorithm>
#include <cstdio>

#include "hosts/cli/view/record.hpp"
#include "hosts/cli/view/terminal.hpp"

namespace skerry::cli {
namespace {

constexpr Code kCodes[] = {
    Code::invalid_argument,  Code::not_found,   Code::already_exists,    Code::failed_precondition,
    Code::permission_denied, Code::unavailable, Code::deadline_exceeded, Code::cancelled,
    Code::data_loss,         Code::internal};

Code code_from_name(const std::string& name) {
  for (const Code code : kCodes) {
    if (code_name(code) == name) return code;
  }
  return Code::internal;
}

Problem problem_from_json(const Json& value) {
  return {code_from_name(text_at(value, "code")),
          text_at(value, "message", "failed without a reason"), text_at(value, "where"),
          text_at(value, "field")};
}

}  // namespace

int complain(const Problems& problems, bool json, int exit) {
  const Style style = style_of(stderr);
  for (const Problem& problem : problems) {
    const std::string text = paint(style, Tone::bad, "error:") + " " + printable(problem.text());
    std::fputs((text + "\n").c_str(), stderr);
  }
  if (json) print_json({{"problems", problems_json(problems)}});
  return exit;
}

int complain(const Problem& problem, bool json, int exit) {
  return complain(Problems{problem}, json, exit);
}

int exit_for(const Problems& problems) {
  const bool bad_input = std::all_of(problems.begin(), problems.end(), [](const Problem& problem) {
    return problem.code == Code::invalid_argument;
  });
  return bad_input && !problems.empty() ? kBadInput : kFailed;
}

Json problems_json(const Problems& problems) {
  Json list = Json::array();
  for (const Problem& problem : problems) {
    list.push_back({{"code", code_name(problem.code)},
                    {"where", problem.where},
                    {"field", problem.field},
                    {"message", problem.message}});
  }
  return list;
}

Problems problems_from_json(const Json& body) {
  Problems problems;
  if (body.is_object() && body.contains("problems") && body["problems"].is_array()) {
    for (const Json& entry : body["problems"]) problems.push_back(problem_from_json(entry));
  }
  if (problems.empty()) problems.push_back(problem_from_json(body));
  return problems;
}

void print_json(const Json& value) {
  std::fputs((dump_json(value) + "\n").c_str(), stdout);
  std::fflush(stdout);
}

}  // namespace skerry::cli
