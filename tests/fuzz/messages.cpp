// Every message that comes from another machine. The first byte chooses which.
#include "tests/fuzz/messages.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  skerry::fuzz::Input input(data, size);
  const auto choice = input.byte();
  skerry::fuzz::NetworkMessages::run(choice, skerry::as_bytes(input.rest()));
  return 0;
}
