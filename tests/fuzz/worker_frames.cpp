// Frames between a host and its workers and operators: a worker runs code of strangers, and the
// host reads what it says. The first byte chooses the message.
#include "core/wire/envelope.hpp"
#include "tests/fuzz/messages.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace skerry;
  using Messages = fuzz::LocalMessages;
  fuzz::Input input(data, size);
  const auto choice = input.byte();
  const auto type = Messages::types[choice % Messages::types.size()];
  const auto received = wire::parse_frame(wire::frame({type}, input.rest()), wire::kLocalLimit);
  fuzz::require(received.has_value(), "what we frame, we accept");
  Messages::run(choice, received->payload());
  return 0;
}
