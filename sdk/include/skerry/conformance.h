/* The conformance suite of `skerry plugin check` as a library, with a C interface so that any
 * compiler's tests can use it. skerry/conformance.hpp makes GoogleTest cases of it. Link
 * Skerry::conformance. */
#ifndef SKERRY_CONFORMANCE_H
#define SKERRY_CONFORMANCE_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The checks that concern the plugin in `file`, in the order in which they should run; for each one
 * calls `each` with ctx, its name ("fedavg/zero-clients"), its level (1 required, 2 expected, 3
 * polished) and its rule as a sentence. All texts are borrowed for the call. Returns how many there
 * are, or -1 where the file is no plugin; then `message` (room for `size` bytes) says why. Nothing
 * of the plugin's code runs. Any thread. */
int32_t skerry_conformance_list(const char* file,
                                void (*each)(void* ctx, const char* name, int32_t level,
                                             const char* rule),
                                void* ctx, char* message, uint64_t size);

enum {
  SKERRY_CONFORMANCE_PASSED = 0,
  SKERRY_CONFORMANCE_FAILED = 1,
  SKERRY_CONFORMANCE_SKIPPED = 2
};

/* Runs one check. config: the feature's configuration, a JSON object; NULL: {}. isolated: in a
 * process of its own, which the plugin may crash or hang; it forks, so no other thread may run.
 * Otherwise in this process, for a debugger. `message` says what was found, and is empty where it
 * passed. Returns one of the verdicts above. */
int32_t skerry_conformance_run(const char* file, const char* name, const char* config,
                               uint64_t seed, int32_t isolated, char* message, uint64_t size);

#ifdef __cplusplus
}
#endif

#endif
