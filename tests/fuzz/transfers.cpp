// The bulk client's downloads and uploads against a server that says anything: a download that
// succeeds has its digest.
#include "core/wire/bulk_get.hpp"
#include "core/wire/bulk_put.hpp"
#include "tests/fuzz/bulk.hpp"

namespace skerry::wire {
namespace {

using fuzz::require;

template <class Message>
void say(Transfer& transfer, const Message& message) {
  const std::string bytes = frame(0, 1, 0, message);
  transfer.receive(check_frame(bytes, kBulkLimit).value());
}

void server_speaks(fuzz::Input& input, const fuzz::Blob& blob, Transfer& transfer) {
  const auto op = input.byte();
  const auto size = op & 0x80 ? input.number() : blob.content.size();
  switch (op % 6) {
    case 0:
      return say(transfer, BlobPutReply{blob.digest, input.number() % 4096, input.byte() % 3u,
                                        input.byte() == 255});
    case 1: {
      const std::uint64_t received = input.number() % 4096;
      return say(transfer, BlobPutAck{blob.digest, received, received / 2, input.byte() == 255});
    }
    case 2: {
      const auto code = static_cast<Code>(input.byte() % 10);
      return say(transfer, BlobError{blob.digest, std::string(code_name(code)), "no"});
    }
    default: {
      const std::uint64_t offset = op & 0x40 ? input.number() : 256u * input.byte();
      const auto data = op & 0x20 ? std::string(input.take(input.byte()))
                                  : blob.content.substr(std::min(offset, blob.content.size()), 256);
      const auto chunk = fuzz::chunk_frame({Type::blob_chunk, 0, 1}, blob, offset, size, data);
      return transfer.receive(check_frame(chunk.to_string_view(), kBulkLimit).value());
    }
  }
}

void run(fuzz::Input& input, const fuzz::Blob& blob, Transfer& transfer) {
  while (!input.empty() && !transfer.outcome()) {
    const auto op = input.byte();
    if (op % 8 == 0) transfer.restart(Transfer::Clock::now());
    if (const auto request = transfer.next(1 + op % 3)) {
      const auto view = check_frame(request->to_string_view(), kBulkLimit);
      require(view.has_value(), "the server can read what we send");
      if (view->header.type == Type::blob_put_chunk)
        require(parse_chunk(view->payload).has_value(), "we send chunks of the blob");
    }
    if (op % 8 != 0 && !transfer.outcome()) server_speaks(input, blob, transfer);
  }
}

}  // namespace
}  // namespace skerry::wire

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace skerry;
  fuzz::Input input(data, std::min<std::size_t>(size, 2048));
  const auto choice = input.byte();
  const auto& blob = fuzz::blob(choice);
  fuzz::empty_folder();
  const auto file = fuzz::folder() / "blob";
  if (choice & 0x80) {
    wire::PutTransfer put(1, blob.digest, {{}, blob.content, blob.content.size()});
    wire::run(input, blob, put);
    return 0;
  }
  // What an earlier try left.
  if (choice & 0x40) (void)write_file_durably(file, input.take(input.byte()));
  wire::GetTransfer get(1, blob.digest, file);
  wire::run(input, blob, get);
  if (get.outcome() && *get.outcome())
    fuzz::require(read_file(file).value() == blob.content, "what was fetched is the blob");
  return 0;
}
