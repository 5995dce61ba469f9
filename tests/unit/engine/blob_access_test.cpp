#include "core/engine/cloud/blob_access.hpp"

#include "tests/unit/engine/cloud_bench.hpp"

namespace skerry::engine::cloud {
namespace {

class BlobAccessTest : public CloudBench {
 protected:
  std::vector<Json> refusals(const std::string& action) {
    std::vector<Json> found;
    for (const auto& entry : must(store::read_audit(database_, 0, 1000)))
      if (entry.action == action) found.push_back(must(parse_json(entry.details)));
    return found;
  }
  void fetch(const std::string& node, const std::string& bytes) {
    engine_->blob_access().resolve(user(node), digest(bytes), [](const auto& found) {
      EXPECT_EQ(found.error().code, Code::permission_denied);
    });
    loop_->run();
  }
};

TEST_F(BlobAccessTest, AnUploadOrDownloadThatIsRefusedIsAuditedOnceAMinute) {
  add_node("edge-1");
  for (int i = 0; i < 5; ++i) {
    EXPECT_FALSE(admit("edge-1", update('a')));
    fetch("edge-1", update('b'));
  }
  for (const char* action : {"upload.refused", "download.refused"}) {
    ASSERT_EQ(refusals(action).size(), 1u) << action;
    EXPECT_EQ(refusals(action)[0].at("leftOut"), 0);
  }
  loop_->run_for(std::chrono::seconds(60));
  EXPECT_FALSE(admit("edge-1", update('a')));
  ASSERT_EQ(refusals("upload.refused").size(), 2u);
  EXPECT_EQ(refusals("upload.refused")[1].at("leftOut"), 4);
}

TEST_F(BlobAccessTest, OneNodesRefusalsDoNotHideAnothers) {
  add_node("edge-1");
  add_node("edge-2");
  EXPECT_FALSE(admit("edge-1", update('a')));
  EXPECT_FALSE(admit("edge-2", update('a')));
  EXPECT_EQ(refusals("upload.refused").size(), 2u);
}

}  // namespace
}  // namespace skerry::engine::cloud
