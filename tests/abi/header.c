/* Compiled in each language that a plugin may be written in; see CMakeLists.txt. */
#include <skerry/abi.h>

extern const skerry_entry skerry_plugin_entry_v1;
const skerry_entry skerry_plugin_entry_v1 = {
    sizeof(skerry_entry), SKERRY_ABI_MAJOR, SKERRY_ABI_MINOR, 0, NULL, 0, NULL, NULL, NULL};

int knows_destroy(const skerry_entry* entry);
int knows_destroy(const skerry_entry* entry) {
  return SKERRY_HAS(skerry_entry, entry, destroy);
}
