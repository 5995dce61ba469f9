// Today's host, with plugins that were built with the header of 1.0 and with that of a later minor.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <ostream>
#include <string>

#include "core/plugin/catalog.hpp"
#include "core/plugin/loader.hpp"
#include "steps_host.hpp"

namespace skerry_test {
namespace {

using ::testing::ElementsAre;

struct Age {
  const char* folder;
  std::uint32_t minor;  // as its entry says
  friend std::ostream& operator<<(std::ostream& out, const Age& age) { return out << age.folder; }
};

class TodaysHost : public testing::TestWithParam<Age> {
 protected:
  const skerry_entry* load() {
    const auto feature = catalog_.find("aggregation/1", "steps");
    EXPECT_TRUE(feature) << feature.error().text();
    const auto loaded = skerry::plugin::Loader().load(**feature);
    EXPECT_TRUE(loaded) << loaded.error().text();
    return loaded ? loaded->entry : nullptr;
  }

 private:
  const skerry::plugin::Catalog catalog_ = skerry::plugin::Catalog::scan(
      {std::filesystem::path(SKERRY_ABI_PLUGINS) / GetParam().folder});
};

// Of a later minor too: such a plugin asks for what is new with SKERRY_HAS, and does without.
TEST_P(TodaysHost, LoadsItAndCallsIt) {
  const skerry_entry* entry = load();
  ASSERT_NE(entry, nullptr);
  EXPECT_EQ(entry->abi_minor, GetParam().minor);
  StepsHost host(*entry);
  EXPECT_THAT(host.average(host.create("aggregation/1")), ElementsAre(2, 4));
  EXPECT_THAT(host.train(host.create("estimator/1")), ElementsAre(11, 12));
}

INSTANTIATE_TEST_SUITE_P(Plugins, TodaysHost,
                         testing::Values(Age{"old", 0}, Age{"new", 1}, Age{"new_as_1_0", 0}),
                         [](const auto& age) { return age.param.folder; });

}  // namespace
}  // namespace skerry_test
