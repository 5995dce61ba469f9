#include "core/engine/examiner.hpp"
#include "core/engine/asio_loop.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <optional>

#include "core/base/file.hpp"
#include "core/tensor/safetensors.hpp"

namespace skerry::engine {
namespace {

std::string tensors(const std::string& name, std::vector<float> values) {
  std::vector<tensor::TensorSpec> specs{{name, "F32", {static_cast<std::int64_t>(values.size())}}};
  std::string file = tensor::encode_header(specs);
  file.append(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(float));
  return file;
}

class Examining : public testing::Test {
 protected:
  Verdict examine(Content found, std::function<Status()> prepare = nullptr) {
    return judge(Exhibit{"update", std::move(found), Content{tensors("w", {1, 2, 3}), {}}, 0, {}},
                 std::move(prepare));
  }
  Verdict judge(Exhibit exhibit, std::function<Status()> prepare = nullptr) {
    std::optional<Verdict> verdict;
    boost::asio::io_context io;
    AsioLoop loop(io);
    Examiner examiner(loop);
    auto work = boost::asio::make_work_guard(io);
    examiner.examine({std::move(exhibit)}, std::move(prepare), [&](Verdict given) {
      verdict = std::move(given);
      io.stop();
    });
    if (!verdict) io.run_for(std::chrono::seconds(10));
    return verdict.value_or(Verdict{false, "no answer", "", {}});
  }
};

TEST_F(Examining, AcceptsAnUpdateThatLooksLikeItsModel) {
  EXPECT_TRUE(examine({tensors("w", {4, 5, 6}), {}}).ok);
}

TEST_F(Examining, RefusesANaNAndNamesItsPlace) {
  const Verdict verdict = examine({tensors("w", {4, std::nanf(""), 6}), {}});
  EXPECT_EQ(verdict.code, "rejected.nan");
  EXPECT_NE(verdict.message.find("w"), std::string::npos);
  EXPECT_NE(verdict.message.find("1"), std::string::npos);
}

TEST_F(Examining, RefusesAnotherShape) {
  EXPECT_EQ(examine({tensors("w", {4, 5}), {}}).code, "rejected.shape");
}

TEST_F(Examining, RefusesAnotherName) {
  EXPECT_EQ(examine({tensors("v", {4, 5, 6}), {}}).code, "rejected.shape");
}

TEST_F(Examining, RefusesWhatIsNoSafetensorsFile) {
  EXPECT_EQ(examine({"garbage", {}}).code, "rejected.malformed");
}

TEST_F(Examining, RefusesWhatIsLargerThanTheModelNeeds) {
  const Verdict verdict = examine({std::string(std::size_t{2} << 20, 'x'), {}});
  EXPECT_EQ(verdict.code, "rejected.size");
  EXPECT_NE(verdict.message.find("2097152"), std::string::npos);
}

TEST_F(Examining, RefusesWhatIsLargerThanTheJobAllows) {
  const Content model{tensors("w", {1, 2, 3}), {}};
  EXPECT_EQ(judge(Exhibit{"update", model, model, 20, {}}).code, "rejected.size");
  EXPECT_TRUE(judge(Exhibit{"update", model, model, model.data.size(), {}}).ok);
}

// 5 away from the model, whose values are 1, 2, 3.
Exhibit five_away(double max, bool clip, const Content& found = {tensors("w", {4, 6, 3}), {}}) {
  const Content model{tensors("w", {1, 2, 3}), {}};
  return {"update", found, model, 0, NormLimit{max, clip, model, {}, {}}};
}

TEST_F(Examining, RefusesWhatIsTooFarFromItsBase) {
  EXPECT_TRUE(judge(five_away(5, false)).ok);
  const Verdict verdict = judge(five_away(4.9, false));
  EXPECT_EQ(verdict.code, "rejected.norm");
  EXPECT_NE(verdict.message.find("5 away"), std::string::npos);
}

TEST_F(Examining, BringsWhatIsTooFarNearerWhenThePolicySaysSo) {
  const Verdict verdict = judge(five_away(2.5, true));
  ASSERT_TRUE(verdict.ok) << verdict.message;
  const Clipped& clipped = verdict.clipped.at("update");
  EXPECT_EQ(clipped.norm, 5);
  EXPECT_EQ(clipped.data, tensors("w", {2.5, 4, 3}));
  EXPECT_EQ(clipped.digest, digest_of(as_bytes(clipped.data)));
  EXPECT_TRUE(judge(five_away(5, true)).clipped.empty());
}

TEST_F(Examining, WritesAClippedFileForTheStore) {
  const TempDir dir = *TempDir::create();
  const auto file = dir.path() / "update";
  ASSERT_TRUE(write_file_durably(file, tensors("w", {4, 6, 3})));
  Exhibit exhibit = five_away(2.5, true, {"", file});
  std::string stored;
  exhibit.norm->scratch = dir.path() / "scratch";
  exhibit.norm->store = [&](const auto& path, const Digest&, std::uint64_t) -> Status {
    stored = read_file(path).value();
    return {};
  };
  const Verdict verdict = judge(exhibit);
  ASSERT_TRUE(verdict.ok) << verdict.message;
  EXPECT_EQ(stored, tensors("w", {2.5, 4, 3}));
  EXPECT_EQ(verdict.clipped.at("update").digest, digest_of(as_bytes(stored)));
}

TEST_F(Examining, LooksAtTheCheapestFirst) {
  const std::string odd = tensors("w", {NAN, 1e30F, 3});
  const Content model{tensors("w", {1, 2, 3}), {}};
  EXPECT_EQ(judge({"update", {odd, {}}, model, 8, NormLimit{1, false, model, {}, {}}}).code,
            "rejected.size");
  EXPECT_EQ(judge({"update", {odd, {}}, model, 0, NormLimit{1, false, model, {}, {}}}).code,
            "rejected.nan");
}

TEST_F(Examining, ReadsFilesAsideAndPreparesOnlyWhatIsGood) {
  const TempDir dir = *TempDir::create();
  const auto file = dir.path() / "update";
  bool prepared = false;
  const auto prepare = [&]() -> Status {
    prepared = true;
    return {};
  };
  ASSERT_TRUE(write_file_durably(file, tensors("w", {1, INFINITY, 3})));
  EXPECT_EQ(examine({"", file}, prepare).code, "rejected.nan");
  EXPECT_FALSE(prepared);
  ASSERT_TRUE(write_file_durably(file, tensors("w", {1, 2, 4})));
  EXPECT_TRUE(examine({"", file}, prepare).ok);
  EXPECT_TRUE(prepared);
}

TEST_F(Examining, TellsWhenPreparingFails) {
  const auto fails = []() -> Status { return fail(Code::data_loss, "the disk is full"); };
  const Verdict verdict = examine({tensors("w", {4, 5, 6}), {}}, fails);
  EXPECT_EQ(verdict.code, "data_loss");
  EXPECT_NE(verdict.message.find("the disk is full"), std::string::npos);
}

}  // namespace
}  // namespace skerry::engine
