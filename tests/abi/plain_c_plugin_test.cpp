// A plugin written in C, found, loaded and called through the boundary as a worker does.
#include <gtest/gtest.h>
#include <skerry/abi.h>

#include <array>
#include <cstring>
#include <string_view>

#include "core/plugin/catalog.hpp"
#include "core/plugin/loader.hpp"

namespace skerry::plugin {
namespace {

skerry_bytes bytes(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

class PlainCPlugin : public testing::Test {
 protected:
  PlainCPlugin()
      : catalog_(Catalog::scan({std::filesystem::path(SKERRY_FIXTURE_PLUGINS) / "plain_average"})) {
    const auto feature = catalog_.find("aggregation/1", "plain-average");
    EXPECT_TRUE(feature) << feature.error().text();
    const auto entry = Loader().load(**feature);
    EXPECT_TRUE(entry) << entry.error().text();
    entry_ = entry->entry;
    error_.struct_size = sizeof error_;
    host_.struct_size = sizeof host_;
    host_.abi_major = SKERRY_ABI_MAJOR;
  }

  std::array<float, 3> average(std::string_view config) {
    skerry_instance* instance = nullptr;
    EXPECT_EQ(
        entry_->create(&host_, "plain-average", "aggregation/1", bytes(config), &instance, &error_),
        SKERRY_OK);
    const auto* rule =
        static_cast<const skerry_aggregation_v1*>(entry_->get_interface(instance, "aggregation/1"));
    const std::int64_t shape = 3;
    skerry_named_tensor tensor{"w", {}};
    tensor.tensor.ndim = 1;
    tensor.tensor.shape = &shape;
    const std::array<skerry_update, 2> updates{{{"edge-1", 1, 0.5}, {"edge-2", 3, 0.5}}};
    EXPECT_EQ(rule->begin(instance, &tensor, 1, updates.data(), updates.size(), &error_),
              SKERRY_OK);
    const std::array<float, 3> one{0, 4, -8};
    const std::array<float, 3> two{4, 4, 8};
    const std::array<const void*, 2> inputs{one.data(), two.data()};
    std::array<float, 3> output{};
    skerry_tile tile{};
    tile.struct_size = sizeof tile;
    tile.dtype_code = SKERRY_FLOAT;
    tile.dtype_bits = 32;
    tile.clients = 2;
    tile.count = 3;
    tile.inputs = inputs.data();
    tile.output = output.data();
    EXPECT_EQ(rule->combine(instance, &tile, &error_), SKERRY_OK);
    entry_->destroy(instance);
    return output;
  }

  const Catalog catalog_;
  const skerry_entry* entry_ = nullptr;
  skerry_host host_{};
  skerry_error error_{};
};

TEST_F(PlainCPlugin, AggregatesAsItIsConfigured) {
  EXPECT_EQ(average(R"({"weighted":true})"), (std::array<float, 3>{3, 4, 4}));
  EXPECT_EQ(average(R"({"weighted":false})"), (std::array<float, 3>{2, 4, 0}));
}

TEST_F(PlainCPlugin, SaysNoWithAMessage) {
  skerry_instance* instance = nullptr;
  EXPECT_EQ(entry_->create(&host_, "median", "aggregation/1", bytes("{}"), &instance, &error_),
            SKERRY_INVALID_ARGUMENT);
  EXPECT_EQ(instance, nullptr);
  EXPECT_EQ(error_.code, SKERRY_INVALID_ARGUMENT);
  EXPECT_STREQ(error_.message, "there is only plain-average of kind aggregation/1");
}

TEST_F(PlainCPlugin, HasNoInterfaceOfOtherKinds) {
  skerry_instance* instance = nullptr;
  ASSERT_EQ(
      entry_->create(&host_, "plain-average", "aggregation/1", bytes("{}"), &instance, &error_),
      SKERRY_OK);
  EXPECT_EQ(entry_->get_interface(instance, "dataset/1"), nullptr);
  entry_->destroy(instance);
}

}  // namespace
}  // namespace skerry::plugin
