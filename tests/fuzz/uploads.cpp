// The bulk server's uploads under any order of requests, chunks, answers of the store, restarts and
// what a crash may have left: what is stored has its digest, and only what is stored is called so.
#include "core/wire/bulk_uploads.hpp"

#include <deque>
#include <fstream>
#include <set>

#include "tests/fuzz/bulk.hpp"

namespace skerry::wire {
namespace {

using fuzz::require;
using Answer = std::function<void(bool)>;

class Store : public BulkBackend {
 public:
  std::set<Digest> stored;
  std::deque<Answer> waiting;

  static std::filesystem::path partial(const std::string& user, const Digest& digest) {
    return fuzz::folder() / (user + digest.hex());
  }
  void resolve(const std::string&, const Digest&,
               std::function<void(Result<BulkSource>)>) override {}
  void admit(const std::string& user, const Digest& digest, std::uint64_t,
             std::function<void(Result<BulkTarget>)> done) override {
    waiting.push_back([=, this](bool yes) {
      if (!yes) return done(fail(Code::permission_denied, "no"));
      done(BulkTarget{stored.contains(digest), partial(user, digest)});
    });
  }
  void received(const std::string&, const Digest& digest, std::uint64_t size,
                std::filesystem::path file, std::function<void(Status)> done) override {
    const auto content = read_file(file);
    require(content && content->size() == size,
            "what was received has the size that was announced");
    require(digest_of(as_bytes(*content)) == digest, "what was received has its digest");
    waiting.push_back([=, this](bool yes) {
      std::filesystem::remove(file);
      if (!yes) return done(fail(Code::unavailable, "no"));
      stored.insert(digest);
      done({});
    });
  }
};

class Server {
 public:
  explicit Server(fuzz::Input& input) : input_(input) { start(); }

  void step() {
    const auto op = input_.byte();
    const std::string user = op & 0x80 ? "one" : "two";
    const auto& blob = fuzz::blob(input_.byte());
    switch (op % 8) {
      case 0:
        return uploads_->put({"peer", 1}, user, {blob.digest, size_for(blob)});
      case 1:
      case 2:
        return chunk(user, blob, size_for(blob));
      case 3:
        for (const auto& work : inbox_->take()) work();
        return;
      case 4:
      case 5:
        return answer(op & 0x40);
      case 6:
        return uploads_->tidy(Uploads::Clock::now() + std::chrono::seconds(input_.byte()));
      default:
        return crash(Store::partial(user, blob.digest));
    }
  }

 private:
  void start() {
    inbox_ = Inbox::create().value();
    outlet_.emplace(router(), tally_);
    uploads_.emplace(store_, inbox_, *outlet_);
  }
  // Nobody is connected: replies are counted and dropped, as to a peer that is gone.
  static zmq::socket_t& router() {
    static zmq::context_t context(1);
    static zmq::socket_t socket(context, zmq::socket_type::router);
    socket.set(zmq::sockopt::router_mandatory, true);
    return socket;
  }
  std::uint64_t size_for(const fuzz::Blob& blob) {
    const auto delta = input_.byte();
    return delta < 240 ? blob.content.size() : blob.content.size() + delta - 250;
  }
  void chunk(const std::string& user, const fuzz::Blob& blob, std::uint64_t size) {
    const auto how = input_.byte();
    std::error_code none;
    auto offset = std::filesystem::file_size(Store::partial(user, blob.digest), none);
    if (none || how & 1) offset = input_.number();
    std::string data(blob.content.substr(std::min<std::size_t>(offset, blob.content.size()),
                                         how & 2 ? input_.byte() : 3000));
    if (how & 4) data = input_.take(input_.byte());
    const auto frame = fuzz::chunk_frame({Type::blob_put_chunk, 0, 1}, blob, offset, size, data);
    const auto view = check_frame(frame.to_string_view(), kBulkLimit);
    require(view.has_value(), "what we frame, we accept");
    if (const auto parsed = parse_chunk(view->payload)) uploads_->chunk({"peer", 1}, user, *parsed);
  }
  void answer(bool yes) {
    if (store_.waiting.empty()) return;
    const Answer first = std::move(store_.waiting.front());
    store_.waiting.pop_front();
    first(yes);
  }
  // The host starts anew; a partial file may end in anything.
  void crash(const std::filesystem::path& partial) {
    inbox_->close();
    store_.waiting.clear();
    start();
    if (input_.byte() & 1) std::ofstream(partial, std::ios::app) << input_.take(input_.byte());
  }

  fuzz::Input& input_;
  Store store_;
  BulkTally tally_;
  std::shared_ptr<Inbox> inbox_;
  std::optional<BulkOutlet> outlet_;
  std::optional<Uploads> uploads_;
};

}  // namespace
}  // namespace skerry::wire

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  skerry::fuzz::Input input(data, std::min<std::size_t>(size, 2048));
  skerry::fuzz::empty_folder();
  skerry::wire::Server server(input);
  while (!input.empty()) server.step();
  return 0;
}
