// A plugin author's test: each check of the conformance suite is a case of GoogleTest.
#include <skerry/conformance.hpp>

#include <cstdio>

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  if (argc != 2) {
    std::fputs("usage: conformance_test PLUGIN.so\n", stderr);
    return 2;
  }
  skerry::conformance::register_checks({argv[1], "{}", 3});
  return RUN_ALL_TESTS();
}
