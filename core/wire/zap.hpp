// Who may come in: the ZAP handler that libzmq asks about every CURVE key.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "core/base/result.hpp"

namespace zmq {
class context_t;
}

namespace skerry::wire {

inline constexpr const char* kZapDomain = "skerry";

struct Refusal {
  std::string address;      // IP
  std::string public_key;   // Z85, the last one tried; empty: it did not come to that
  std::uint64_t count = 0;  // refusals of that address since it was last reported
  std::string reason = "its key is not known here";
};

// One a context, started before any CURVE socket binds. Lets nobody in until set_keys().
class ZapHandler {
 public:
  // `on_refused` is called on the handler's thread, at most once a minute an address.
  using OnRefused = std::function<void(const Refusal&)>;
  static Result<std::unique_ptr<ZapHandler>> start(zmq::context_t& context, OnRefused on_refused);
  ~ZapHandler();

  // Replaces all keys. Any thread. Sessions that are up stay up: the caller must end those of a
  // revoked key.
  void set_keys(std::map<std::string, std::string> public_key_to_user_id);
  // Refusals are told of and counted from now on, or not: a host tries its own lock first.
  void tell(bool refusals);
  // Of all addresses, ever.
  std::uint64_t refused() const;

 private:
  class Impl;
  explicit ZapHandler(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

// Connects with a random key and succeeds only when the server says that it refuses it. libzmq lets
// every key in when no handler answers, so a host that cannot prove the refusal must not go on.
// Takes 10 s at most.
Status prove_strangers_are_refused(zmq::context_t& context, const std::string& endpoint,
                                   const std::string& server_public_key);

}  // namespace skerry::wire
