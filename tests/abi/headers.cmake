# Headers made from the frozen one while the build is configured.

# abi_edit(VARIABLE OLD NEW): OLD has to be there once.
function(abi_edit variable old new)
  string(FIND "${${variable}}" "${old}" first)
  string(FIND "${${variable}}" "${old}" last REVERSE)
  if(first EQUAL -1 OR NOT first EQUAL last)
    message(FATAL_ERROR "tests/abi: expected \"${old}\" once in frozen/skerry/abi.h")
  endif()
  string(REPLACE "${old}" "${new}" text "${${variable}}")
  set(${variable} "${text}" PARENT_SCOPE)
endfunction()

file(READ ${CMAKE_CURRENT_SOURCE_DIR}/frozen/skerry/abi.h frozen_text)

# next: what a version 1.1 may be.
set(next_text "${frozen_text}")
abi_edit(next_text "#define SKERRY_ABI_MINOR 0" "#define SKERRY_ABI_MINOR 1")
abi_edit(next_text "} skerry_host;" "  double (*scale)(const struct skerry_host *); /* since 1.1 */\n} skerry_host;")
abi_edit(next_text "} skerry_tile;" "  double scale; /* since 1.1 */\n} skerry_tile;")
abi_edit(next_text "} skerry_train_params;" "  double scale; /* since 1.1 */\n} skerry_train_params;")
abi_edit(next_text "} skerry_entry;" "  const char *builder; /* since 1.1 */\n} skerry_entry;")
foreach(kind aggregation estimator)
  abi_edit(next_text "} skerry_${kind}_v1;"
    "  int32_t (*calls)(skerry_instance *); /* since 1.1 */\n} skerry_${kind}_v1;")
endforeach()
file(CONFIGURE OUTPUT next/skerry/abi.h CONTENT "${next_text}" @ONLY)

# broken: what no version may be. A removed member is missing here: layout.def does not even compile with it.
set(broken_text "${frozen_text}")
abi_edit(broken_text "SKERRY_RETRY = 5" "SKERRY_RETRY = 7")
abi_edit(broken_text "\"skerry.task/1\"" "\"skerry.task/2\"")
abi_edit(broken_text "its training loss, NaN when it told none */" "*/ double seconds;")
abi_edit(broken_text "index into the schema given to begin() */" "*/ uint64_t inserted;")
abi_edit(broken_text "uint64_t seed, uint32_t *chosen" "uint32_t seed, uint32_t *chosen")
file(CONFIGURE OUTPUT broken/skerry/abi.h CONTENT "${broken_text}" @ONLY)
