#include "core/runtime/artifacts.hpp"

#include <gtest/gtest.h>

#include "core/runtime/tensor_types.hpp"
#include "tests/unit/runtime/tensor_file.hpp"

namespace skerry::runtime {
namespace {

class Artifacts : public testing::Test {
 protected:
  TempDir dir_ = TempDir::create().value();
  std::filesystem::path file_ = dir_.path() / "out";
};

skerry_named_tensor float_tensor(const char* name, std::vector<float>& values,
                                 const std::int64_t* shape, int ndim) {
  skerry_named_tensor named{name, {}};
  named.tensor.data = values.data();
  named.tensor.device_type = SKERRY_CPU;
  named.tensor.ndim = ndim;
  named.tensor.dtype_code = SKERRY_FLOAT;
  named.tensor.dtype_bits = 32;
  named.tensor.dtype_lanes = 1;
  named.tensor.shape = shape;
  return named;
}

TEST_F(Artifacts, SmallOutputsStayInMemoryAndReadBack) {
  std::vector<float> values{1, 2, 3, 4, 5, 6};
  const std::int64_t shape[] = {2, 3};
  const auto tensor = float_tensor("w", values, shape, 2);
  const auto output = write_tensors("model", &tensor, 1, file_);
  ASSERT_TRUE(output) << output.error().text();
  EXPECT_TRUE(output->path.empty());
  EXPECT_EQ(output->size, output->data.size());
  EXPECT_EQ(output->digest, digest_of(as_bytes(output->data)));
  EXPECT_FALSE(std::filesystem::exists(file_));

  const wire::TaskInput input{.name = "model", .data = output->data};
  const auto read = InputTensors::open(input).value();
  ASSERT_EQ(read->views().size(), 1u);
  EXPECT_STREQ(read->views()[0].name, "w");
  EXPECT_EQ(read->views()[0].tensor.shape[1], 3);
  EXPECT_EQ(static_cast<const float*>(read->views()[0].tensor.data)[5], 6.0f);
}

TEST_F(Artifacts, LargeOutputsGoToAFile) {
  std::vector<float> values(100'000, 2.5f);
  const std::int64_t shape[] = {100'000};
  const auto tensor = float_tensor("w", values, shape, 1);
  const auto output = write_tensors("model", &tensor, 1, file_).value();
  EXPECT_EQ(output.path, file_.string());
  EXPECT_EQ(output.digest, digest_of_file(file_).value());
  EXPECT_EQ(output.size, std::filesystem::file_size(file_));
  const wire::TaskInput input{.name = "model", .path = output.path};
  EXPECT_EQ(
      static_cast<const float*>(InputTensors::open(input).value()->views()[0].tensor.data)[99'999],
      2.5f);
}

TEST_F(Artifacts, RefuseWhatASafetensorsFileCannotHold) {
  std::vector<float> values{1, 2, 3, 4};
  const std::int64_t shape[] = {2, 2}, transposed[] = {1, 2};
  const auto good = float_tensor("w", values, shape, 2);
  auto strided = good, device = good, type = good, unnamed = good;
  strided.tensor.strides = transposed;
  device.tensor.device_type = 2;
  type.tensor.dtype_bits = 24;
  unnamed.name = nullptr;
  for (const auto& bad : {strided, device, type, unnamed})
    EXPECT_FALSE(write_tensors("x", &bad, 1, file_));
  const skerry_named_tensor twice[] = {good, good};
  EXPECT_FALSE(write_tensors("x", twice, 2, file_));
}

TEST_F(Artifacts, RefuseAFileWhoseBytesAreNotThoseOfItsDigest) {
  std::vector<float> values(100'000, 2.5f);
  const std::int64_t shape[] = {100'000};
  const auto tensor = float_tensor("w", values, shape, 1);
  const auto output = write_tensors("model", &tensor, 1, file_).value();
  const wire::TaskInput input{.name = "model", .digest = output.digest.hex(), .path = output.path};
  EXPECT_TRUE(InputTensors::open(input));
  EXPECT_TRUE(check_inputs({&input, &input, &input}, 2));
  std::string bytes = read_file(file_).value();
  bytes[bytes.size() / 2] ^= 1;
  ASSERT_TRUE(write_file_durably(file_, std::string_view(bytes)));
  const auto damaged = InputTensors::open(input);
  ASSERT_FALSE(damaged);
  EXPECT_EQ(damaged.error().code, Code::data_loss);
  EXPECT_EQ(damaged.error().where, file_.string());
  EXPECT_FALSE(check_inputs({&input, &input, &input}, 2));
}

TEST_F(Artifacts, RefuseAFileThatIsNoSafetensors) {
  EXPECT_FALSE(InputTensors::open({.name = "x", .data = "hello"}));
  EXPECT_FALSE(InputTensors::open({.name = "x", .path = (dir_.path() / "absent").string()}));
}

TEST_F(Artifacts, CopyDataThatIsNotAligned) {
  // A header of odd length, as a foreign writer may leave it.
  const std::string header = R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})";
  for (std::size_t pad = 0; pad < 4; ++pad) {
    const std::string padded = header + std::string(pad, ' ');
    const std::uint64_t length = padded.size();
    std::string file(reinterpret_cast<const char*>(&length), 8);
    file += padded + raw(std::vector<float>{7});
    const wire::TaskInput input{.name = "x", .data = file};
    const auto read = InputTensors::open(input);
    ASSERT_TRUE(read) << read.error().text();
    const auto* data = (*read)->views()[0].tensor.data;
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(data) % 4, 0u);
    EXPECT_EQ(*static_cast<const float*>(data), 7.0f);
  }
}

}  // namespace
}  // namespace skerry::runtime
