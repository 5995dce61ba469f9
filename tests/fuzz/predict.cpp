// A question to a service, or an answer: what its asker, its worker and hosts on the way read. The
// first byte says which, and where it lies in memory.
#include "core/wire/predict.hpp"

#include "core/wire/envelope.hpp"
#include "tests/fuzz/fuzz.hpp"

namespace skerry::fuzz {
namespace {

// What was accepted is passed on as it was read.
template <class Parse, class Frame>
void try_it(Bytes payload, Parse parse, Frame frame) {
  const auto read = parse(payload);
  if (!read) return;
  const std::string framed = frame(1, 2, read->meta, read->data);
  const auto view = wire::check_frame(framed, wire::kPredictLimit);
  require(view.has_value(), "what was accepted fits into a frame");
  const auto again = parse(view->payload);
  require(again.has_value(), "what was accepted is accepted again");
  require(as_text(again->data) == as_text(read->data), "its data is the same");
  require(frame(1, 2, again->meta, again->data) == framed, "nothing changes on the way");
}

}  // namespace
}  // namespace skerry::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace skerry;
  fuzz::Input input(data, size);
  const auto choice = input.byte();
  const std::size_t shift = choice / 2 % 16;
  const std::string moved = std::string(shift, 'x').append(input.rest());
  const Bytes payload = as_bytes(std::string_view(moved).substr(shift));
  if (choice % 2 == 0)
    fuzz::try_it(payload, wire::parse_request, wire::frame_request);
  else
    fuzz::try_it(payload, wire::parse_reply, wire::frame_reply);
  return 0;
}
