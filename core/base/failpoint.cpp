#include "core/base/failpoint.hpp"

#ifdef SKERRY_FAILPOINTS

#include <fmt/format.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "core/base/try.hpp"

namespace skerry::failpoint {
namespace {

constexpr std::string_view kAny = "*";
constexpr int kBadOrders = 2;

enum class Action { kill, abort, exit, sleep, fsync_error, full_error, crash };

struct Order {
  std::string name;
  Action action = Action::kill;
  std::uint64_t millis = 0;  // of sleep
  std::uint64_t at = 0;      // the hit that it is for; 0: each
};

struct State {
  std::mutex mutex;
  std::vector<Order> orders;
  std::map<std::string, std::uint64_t, std::less<>> hits;
  std::uint64_t all_hits = 0;
  std::function<void()> last_act;
};

// Never destroyed: threads may still run when the process ends.
State& state() {
  static State& instance = *new State;
  return instance;
}

thread_local std::function<Status(std::string_view)> handler_of_this_thread;

std::string& bug() {
  static std::string& the = *new std::string;
  return the;
}

std::optional<std::uint64_t> number(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

tl::unexpected<Problem> bad_order(std::string_view order, std::string_view why) {
  return fail(Code::invalid_argument,
              fmt::format("failpoint order \"{}\": {}. An order is NAME=ACTION or NAME=ACTION@N; "
                          "NAME * is any; actions are kill, abort, exit, sleep(MILLISECONDS), "
                          "error(fsync), error(full) and throw",
                          order, why));
}

Status parse_action(std::string_view whole, std::string_view text, Order& order) {
  static const std::map<std::string_view, Action> kActions{{"kill", Action::kill},
                                                           {"abort", Action::abort},
                                                           {"exit", Action::exit},
                                                           {"throw", Action::crash},
                                                           {"error(fsync)", Action::fsync_error},
                                                           {"error(full)", Action::full_error}};
  if (const auto known = kActions.find(text); known != kActions.end()) {
    order.action = known->second;
    return {};
  }
  if (!text.starts_with("sleep(") || !text.ends_with(")")) {
    return bad_order(whole, fmt::format("the action \"{}\" is not known", text));
  }
  const auto millis = number(text.substr(6, text.size() - 7));
  if (!millis) return bad_order(whole, "sleep wants a number of milliseconds");
  order.action = Action::sleep;
  order.millis = *millis;
  return {};
}

Result<Order> parse_order(std::string_view text) {
  Order order;
  const auto equals = text.find('=');
  if (equals == 0 || equals == std::string_view::npos) return bad_order(text, "no NAME=ACTION");
  order.name = text.substr(0, equals);
  std::string_view action = text.substr(equals + 1);
  if (const auto at = action.rfind('@'); at != std::string_view::npos) {
    const auto count = number(action.substr(at + 1));
    if (!count || *count == 0) return bad_order(text, "@ wants the number of a hit, from 1 on");
    order.at = *count;
    action = action.substr(0, at);
  }
  SKERRY_TRY(parse_action(text, action, order));
  return order;
}

Result<std::vector<Order>> parse(std::string_view text) {
  std::vector<Order> orders;
  while (!text.empty()) {
    const auto end = std::min(text.find(';'), text.size());
    const std::string_view one = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (one.empty()) continue;
    SKERRY_ASSIGN(auto order, parse_order(one));
    orders.push_back(std::move(order));
  }
  return orders;
}

Status carry_out(const Order& order, std::string_view name) {
  const auto say = [name](const char* what) {
    std::fprintf(stderr, "failpoint %.*s: %s\n", static_cast<int>(name.size()), name.data(), what);
    std::fflush(stderr);
  };
  const auto end = [&](const char* what) {
    say(what);
    if (state().last_act) state().last_act();
  };
  switch (order.action) {
    case Action::kill:
      end("kill");
      ::raise(SIGKILL);
      return {};
    case Action::abort:
      end("abort");
      std::abort();
    case Action::exit:
      end("exit");
      std::_Exit(EXIT_FAILURE);
    case Action::sleep:
      std::this_thread::sleep_for(std::chrono::milliseconds(order.millis));
      return {};
    case Action::crash:
      throw Crash{std::string(name)};
    case Action::fsync_error:
      say("error(fsync)");
      return fail(Code::data_loss, "cannot sync: Input/output error", std::string(name));
    case Action::full_error:
      say("error(full)");
      return fail(Code::unavailable, "cannot write: No space left on device", std::string(name));
  }
  return {};
}

// Before main(): a process that misunderstood its orders must not pass for one that survived them.
[[maybe_unused]] const bool configured = [] {
  const char* orders = std::getenv("SKERRY_FAILPOINTS");
  if (orders == nullptr) return false;
  if (const auto status = configure(orders); !status) {
    std::fprintf(stderr, "SKERRY_FAILPOINTS: %s\n", status.error().text().c_str());
    std::_Exit(kBadOrders);
  }
  return true;
}();

}  // namespace

Status hit(std::string_view name) {
  if (handler_of_this_thread) return handler_of_this_thread(name);
  std::vector<Order> due;
  {
    State& all = state();
    const std::lock_guard lock(all.mutex);
    auto known = all.hits.find(name);
    if (known == all.hits.end()) known = all.hits.emplace(name, 0).first;
    const std::uint64_t count = ++known->second;
    ++all.all_hits;
    for (const Order& order : all.orders) {
      const bool any = order.name == kAny;
      if (!any && order.name != name) continue;
      if (order.at == 0 || order.at == (any ? all.all_hits : count)) due.push_back(order);
    }
  }
  for (const Order& order : due) SKERRY_TRY(carry_out(order, name));
  return {};
}

void reach(std::string_view name) {
  const Status status = hit(name);
  if (status) return;
  std::fprintf(stderr, "failpoint %.*s stands where nothing can fail: order no error there\n",
               static_cast<int>(name.size()), name.data());
  std::_Exit(kBadOrders);
}

Status configure(std::string_view orders) {
  SKERRY_ASSIGN(auto parsed, parse(orders));
  State& all = state();
  const std::lock_guard lock(all.mutex);
  all.orders = std::move(parsed);
  all.hits.clear();
  all.all_hits = 0;
  return {};
}

void set_handler(std::function<Status(std::string_view)> handler) {
  handler_of_this_thread = std::move(handler);
}

void plant_bug(std::string_view name) {
  bug() = name;
}

bool planted(std::string_view name) {
  return !bug().empty() && bug() == name;
}

bool has_handler() {
  return static_cast<bool>(handler_of_this_thread);
}

void before_kill(std::function<void()> last_act) {
  const std::lock_guard lock(state().mutex);
  state().last_act = std::move(last_act);
}

std::map<std::string, std::uint64_t, std::less<>> names() {
  State& all = state();
  const std::lock_guard lock(all.mutex);
  return all.hits;
}

}  // namespace skerry::failpoint

#endif
