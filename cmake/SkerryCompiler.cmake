# Warnings and sanitizers for Skerry's own targets: link skerry::options to have them.

add_library(skerry_options INTERFACE)
add_library(skerry::options ALIAS skerry_options)
target_include_directories(skerry_options INTERFACE ${PROJECT_SOURCE_DIR})
target_compile_options(skerry_options INTERFACE -Wall -Wextra -Wpedantic -Wshadow -Wno-missing-field-initializers)

if(SKERRY_FAILPOINTS)
  target_compile_definitions(skerry_options INTERFACE SKERRY_FAILPOINTS)
endif()

if(SKERRY_SANITIZE)
  add_compile_options(-fsanitize=${SKERRY_SANITIZE} -fno-omit-frame-pointer -g)
  add_link_options(-fsanitize=${SKERRY_SANITIZE})
endif()
if(SKERRY_FUZZ)
  add_compile_options(-fno-sanitize-recover=all)  # libFuzzer must see undefined behaviour as a crash
endif()

find_program(CCACHE ccache)
if(CCACHE)
  # Paths relative to the source tree: presets and clones share what was compiled. Precompiled headers need the rest.
  set(launcher ${CMAKE_COMMAND} -E env CCACHE_BASEDIR=${PROJECT_SOURCE_DIR} CCACHE_NOHASHDIR=1
      CCACHE_SLOPPINESS=pch_defines,time_macros ${CCACHE})
  set(CMAKE_C_COMPILER_LAUNCHER ${launcher})
  set(CMAKE_CXX_COMPILER_LAUNCHER ${launcher})
endif()
