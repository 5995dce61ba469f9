// A host of an imagined 1.1, with a plugin that was built with the header of 1.0 and one of its own
// age.
#include <dlfcn.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "steps_host.hpp"

static_assert(SKERRY_ABI_MINOR == 1, "this test is built with the header that headers.cmake makes");

namespace skerry_test {
namespace {

using ::testing::ElementsAre;

const skerry_entry* entry_of(const std::string& folder) {
  const std::string file = std::string(SKERRY_ABI_PLUGINS) + "/" + folder + "/steps.so";
  void* library = dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) {
    ADD_FAILURE() << dlerror();
    return nullptr;
  }
  return static_cast<const skerry_entry*>(dlsym(library, SKERRY_ENTRY_SYMBOL));
}

class NextHost : public testing::Test {
 protected:
  // Ten times two times three, where the plugin asks.
  static void offer_scales(StepsHost& host) {
    host.host.value.scale = [](const skerry_host*) { return 10.0; };
    host.tile.value.scale = 2;
    host.params.value.scale = 3;
  }
  template <class Interface>
  static bool offers_calls(const Interface& functions) {
    return SKERRY_HAS(Interface, &functions, calls) && functions.calls != nullptr;
  }
};

TEST_F(NextHost, DrivesAPluginOfTheFrozenHeader) {
  const skerry_entry* entry = entry_of("old");
  ASSERT_NE(entry, nullptr);
  EXPECT_EQ(entry->abi_minor, 0u);
  EXPECT_FALSE(SKERRY_HAS(skerry_entry, entry, builder));
  StepsHost host(*entry);
  offer_scales(host);
  const auto rule = host.create("aggregation/1"), model = host.create("estimator/1");
  EXPECT_THAT(host.average(rule), ElementsAre(2, 4));
  EXPECT_THAT(host.train(model), ElementsAre(11, 12));
  EXPECT_FALSE(offers_calls(host.interface<skerry_aggregation_v1>(rule, "aggregation/1")));
  EXPECT_FALSE(offers_calls(host.interface<skerry_estimator_v1>(model, "estimator/1")));
}

// Or the tests of other ages would prove nothing.
TEST_F(NextHost, FindsWhatAPluginOfItsOwnAgeAppended) {
  const skerry_entry* entry = entry_of("new");
  ASSERT_NE(entry, nullptr);
  EXPECT_EQ(entry->abi_minor, 1u);
  ASSERT_TRUE(SKERRY_HAS(skerry_entry, entry, builder));
  EXPECT_STREQ(entry->builder, "steps");
  StepsHost host(*entry);
  offer_scales(host);
  const auto rule = host.create("aggregation/1"), model = host.create("estimator/1");
  EXPECT_THAT(host.average(rule), ElementsAre(40, 80));
  EXPECT_THAT(host.train(model), ElementsAre(330, 331));
  const auto& aggregation = host.interface<skerry_aggregation_v1>(rule, "aggregation/1");
  ASSERT_TRUE(offers_calls(aggregation));
  EXPECT_EQ(aggregation.calls(rule.get()), 1);
  const auto& estimator = host.interface<skerry_estimator_v1>(model, "estimator/1");
  ASSERT_TRUE(offers_calls(estimator));
  EXPECT_EQ(estimator.calls(model.get()), 1);
}

}  // namespace
}  // namespace skerry_test
