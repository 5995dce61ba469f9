#include "core/plugin/allow_list.hpp"

#include <gmock/gmock.h>

#include "core/base/digest.hpp"
#include "core/plugin/catalog.hpp"
#include "tests/unit/plugin/fixtures.hpp"

namespace skerry::plugin {
namespace {

using testing::AllOf;
using testing::HasSubstr;

TEST(AllowList, LetsPluginsPassWhoseDigestsItNames) {
  const TempDir dir = temp_dir();
  const std::string good(64, 'a'), other(64, 'b');
  write(dir.path() / "list", "# ours\n\n" + good + "  good.so\n");
  const auto list = AllowList::read(dir.path() / "list");
  ASSERT_TRUE(list) << list.error().text();
  EXPECT_TRUE(list->check(good, "/p/good.so"));
  const auto refused = list->check(other, "/p/other.so");
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().text(),
              AllOf(HasSubstr("/p/other.so: refused: its digest is not on the allow-list "),
                    HasSubstr("add the line: " + other + "  other.so")));
}

TEST(AllowList, TellsTheLineThatIsMalformed) {
  const TempDir dir = temp_dir();
  write(dir.path() / "list", "# ours\nfedavg.so\n");
  const auto list = AllowList::read(dir.path() / "list");
  ASSERT_FALSE(list);
  EXPECT_THAT(list.error().text(), AllOf(HasSubstr("list:2: "), HasSubstr("\"fedavg.so\"")));
  EXPECT_FALSE(AllowList::read(dir.path() / "absent"));
}

}  // namespace
}  // namespace skerry::plugin
