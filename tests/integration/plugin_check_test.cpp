// What `skerry plugin check` says of plugins that are bad in one way each: tests/fixtures/plugins.
#include <gmock/gmock.h>

#include "core/base/sanitizer.hpp"
#include "tests/support/skerry.hpp"

namespace skerry::testing {
namespace {

using ::testing::HasSubstr;

std::filesystem::path faulty(const std::string& name) {
  return fixture_plugins("faulty") / (name + ".so");
}

class PluginCheck : public SkerryTest {
 protected:
  // The messages of the checks that failed, by the checks' names.
  std::map<std::string, std::string> failures(const std::filesystem::path& file,
                                              std::vector<std::string> options = {}) {
    options.insert(options.begin(), {"plugin", "check", file.string(), "--json", "--timeout", "5"});
    const Output output = skerry(options);
    std::map<std::string, std::string> found;
    if (output.out.empty()) {
      ADD_FAILURE() << output.all();
      return found;
    }
    const Json told = output.json();
    for (const Json& check : told.at("checks"))
      if (check.at("verdict") == "failed") found[check.at("name")] = check.at("message");
    EXPECT_EQ(output.ending.status, found.empty() ? 0 : 1) << output.all();
    return found;
  }
};

struct Fault {
  std::string plugin;
  std::string check;  // without the feature
  std::string says;
};
void PrintTo(const Fault& fault, std::ostream* out) {
  *out << fault.plugin;
}

class FaultyPlugin : public PluginCheck, public ::testing::WithParamInterface<Fault> {};

TEST_P(FaultyPlugin, FailsTheCheckThatIsAboutItWithTheseWords) {
  const auto& [plugin, check, says] = GetParam();
  const auto found = failures(faulty(plugin), {"--include", "(^|/)" + check + "$"});
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found.begin()->second, says);
}

const std::string kThrow =
    "thrown on purpose; throw skerry::Error, which says what a person can do";
const std::vector<Fault> kFaults = {
    {"throws_in_create", "create-destroy", "create() reported a fault of its own: " + kThrow},
    {"throws_in_begin", "one-client", "begin() reported a fault of its own: " + kThrow},
    {"throws_in_observe", "one-client",
     "observe() reported a fault of its own: an exception of an unknown type; throw "
     "skerry::Error, which says what a person can do"},
    {"throws_in_combine", "one-client", "combine() reported a fault of its own: " + kThrow},
    {"throws_in_finish", "one-client", "finish() reported a fault of its own: " + kThrow},
    {"aborts", "one-client", "was ended by signal 6 (Aborted) in aggregation.finish of aborts"},
    {"segfault_in_constructor", "opens",
     "was ended by signal 11 (Segmentation fault) in plugin.open of segfault_in_constructor"},
    {"segfault_in_create", "create-destroy",
     "was ended by signal 11 (Segmentation fault) in aggregation.create of segfault_in_create"},
    {"segfault_in_call", "one-client",
     "was ended by signal 11 (Segmentation fault) in aggregation.combine of segfault_in_call"},
    {"segfault_in_destroy", "create-destroy",
     "was ended by signal 11 (Segmentation fault) in aggregation.destroy of segfault_in_destroy"},
    {"leaks_thread", "threads-joined",
     "each instance leaves a thread behind: 1 more after one more create() and destroy(); join it "
     "in the destructor"},
    {"loops", "one-client", "did not end within 5 s in aggregation.finish of loops"},
    {"writes_past_tile", "writes-only-its-tile",
     "combine() writes before or after its tile's output; write `count` elements"},
    {"returns_nan", "one-client",
     "one client with finite weights gives a model that is not finite"},
    {"exits", "one-client",
     "ended its process with exit status 3 in aggregation.finish of exits; a plugin returns, or "
     "throws skerry::Error"},
    {"out_of_range", "indices-in-range", "chose candidate 1 of 1, counting from 0"},
    {"ignores_cancel", "cancel-honoured",
     "train() was told to stop from the start, and ended as if nothing were; call "
     "Host::throw_if_cancelled(params.call_id) between batches"},
    {"forgets_to_predict", "steps-are-known", "lets stage 0 answer, which has not predicted"},
    {"predicts_for_ever", "comes-to-an-end",
     "stage 0 predicts a second time; a question ends when the cloud is asked or a stage answers"},
    {"asks_now_and_then", "same-step",
     "the same question gets another step after other questions; keep nothing between calls, and "
     "use no clock but the question's"},
    {"repeats_numbers", "numbers-rise", "example 0 comes after example 0; numbers must rise"},
    {"gives_other_shape", "examples-hold",
     "the tensor of example 0 has the shape [1]; open() was given [3, 32, 48]"},
    {"never_waits", "timeout-used",
     "next() with a timeout of 100 ms has no example and returns long before that; wait for one, "
     "or the host keeps a processor busy with asking"},
    {"waits_too_long", "timeout-kept",
     "next() with a timeout of 0 ms takes over 2 s more; the host's other sources wait meanwhile: "
     "leave slow work to a thread of your own"},
    {"writes_into_lent", "memory-stays",
     "what next() lent changes before the next call; read into other memory, and swap there"},
    {"goes_on_after_end", "end-stays",
     "next() gives something after it said that there would be nothing more"},
    {"fails_to_open", "opens-or-refuses",
     "open() for examples of shape [3, 32, 48] failed: the camera is away; what a person must "
     "change is SKERRY_INVALID_ARGUMENT, and what may heal by itself is to be waited for in "
     "next()"},
};

INSTANTIATE_TEST_SUITE_P(Each, FaultyPlugin, ::testing::ValuesIn(kFaults),
                         [](const auto& each) { return each.param.plugin; });

// Compilers add names of their own, so that not all words are known.
TEST_F(PluginCheck, NamesSymbolsThatAreExportedBesidesTheEntry) {
  if (kSanitized) GTEST_SKIP() << "a sanitizer exports names of its own";
  const auto found = failures(faulty("extra_symbol"), {"--include", "entry-only-export"});
  EXPECT_THAT(found.at("entry-only-export"), HasSubstr("exports besides its entry: one_too_many"));
  EXPECT_THAT(found.at("entry-only-export"), HasSubstr("Build with skerry_add_plugin"));
}

TEST_F(PluginCheck, NamesWhatDoesNotOpen) {
  const auto found =
      failures(fixture_plugins("disagrees") / "disagrees.so", {"--include", "section|opens"});
  EXPECT_THAT(found.at("section-matches-descriptor"),
              HasSubstr("describe different plugins; rebuild it with skerry_add_plugin"));
  EXPECT_TRUE(found.contains("opens"));
}

// What a host refuses, with the words that it has for it, and nothing that follows from it.
class Unopenable : public PluginCheck, public ::testing::WithParamInterface<Fault> {};

TEST_P(Unopenable, IsSaidOnce) {
  const auto& [plugin, check, says] = GetParam();
  const auto file = fixture_plugins(plugin) / (plugin + ".so");
  const auto found = failures(file);
  EXPECT_EQ(found.at("opens"), file.string() + ": " + says);
  for (const auto& [label, message] : found)  // plugin.json is looked at all the same
    if (label.find('/') != label.npos) EXPECT_THAT(message, HasSubstr("plugin.json"));
}

const std::string kHost =
    "this host speaks 1.0; rebuild it with the SDK of Skerry 0.1.0, or "
    "update Skerry to one that speaks ";
INSTANTIATE_TEST_SUITE_P(
    Each, Unopenable,
    ::testing::Values(
        Fault{"other_abi", "", "built for plugin ABI 2, " + kHost + "2"},
        Fault{"wrong_major", "", "built for plugin ABI 7.3, " + kHost + "7.3"},
        Fault{
            "no_entry", "",
            "describes a plugin but exports no skerry_plugin_entry_v1; define it, and do not hide "
            "it with a version script"},
        Fault{"small_entry", "",
              "its entry says it has 0 bytes, expected at least 56; set struct_size to "
              "sizeof(skerry_entry)"},
        Fault{"no_functions", "",
              "its entry lacks create, get_interface or destroy; set all three"}),
    [](const auto& each) { return each.param.plugin; });

TEST_F(PluginCheck, NamesAWordThatASchemaDoesNotHave) {
  const auto file = fixture_plugins("bad_manifest") / "bad_manifest.so";
  const Output output = skerry({"plugin", "check", file.string()});
  EXPECT_EQ(output.ending.status, 2);
  EXPECT_EQ(output.err,
            "error: " + file.string() +
                ": plugin.json: features[0] (bad-manifest).config.properties.tile: unknown word "
                "\"minimun\" in the schema; did you mean \"minimum\"?; a newer Skerry may know "
                "it\n");
}

// A later minor only appends: the host calls what it knows.
TEST_F(PluginCheck, TakesAPluginOfANewerMinor) {
  EXPECT_TRUE(failures(fixture_plugins("newer_minor") / "newer_minor.so",
                       {"--include", "^(opens|section-matches-descriptor)$"})
                  .empty());
}

TEST_F(PluginCheck, PassesAPluginInPlainC) {
  if (kSanitized) GTEST_SKIP() << "a sanitizer exports names of its own";
  EXPECT_TRUE(
      failures(fixture_plugins("plain_average") / "plain_average.so", {"--include", "^[^/]*$"})
          .empty());
}

TEST_F(PluginCheck, RepeatsAFailureFromItsSeedInOneProcess) {
  const auto file = faulty("returns_nan");
  const std::vector<std::string> one = {"--seed", "7", "--include", "finite-in-finite-out"};
  auto here = one;
  here.push_back("--in-process");
  EXPECT_EQ(failures(file, one), failures(file, here));
  EXPECT_EQ(failures(file, one).size(), 1u);
}

TEST_F(PluginCheck, FailsWhereTheGivenConfigurationIsRefused) {
  const auto found =
      failures(fixture_plugins("plain_average") / "plain_average.so",
               {"--include", "create-destroy$", "--config", R"({"weigthed": true})"});
  EXPECT_THAT(found.at("plain-average/create-destroy"),
              HasSubstr("the given configuration: unknown key `weigthed`"));
}

TEST_F(PluginCheck, RefusesBadOptionsWithWhatIsAllowed) {
  const auto refused = [&](std::vector<std::string> options, const std::string& words) {
    options.insert(options.begin(), {"plugin", "check"});
    const Output output = skerry(options);
    EXPECT_EQ(output.ending.status, 2) << output.all();
    EXPECT_THAT(output.err, HasSubstr(words));
  };
  const std::string good = (fixture_plugins("plain_average") / "plain_average.so").string();
  refused({}, "which plugin? Give its file, as ./mine.so");
  refused({"/no/such.so"}, "/no/such.so: cannot open: No such file or directory");
  refused({good, "--include", "("}, "is no regular expression");
  refused({good, "--include", "no-such-check"},
          "no check of this plugin matches \"no-such-check\"");
  refused({good, "--config", "5"}, "expected a JSON object");
  refused({good, "--config", "plan={}"}, "the plugin has no feature \"plan\"");
  refused({good, "--strict", "4"}, "--strict");
}

}  // namespace
}  // namespace skerry::testing
