# What every test runs with. Workers are killed by signals on purpose, and tests look at which: a sanitizer must not turn them into
# exits. Some tests preload a library of theirs.
set(SKERRY_TEST_ENVIRONMENT "")
if(SKERRY_SANITIZE)
  set(lenient handle_segv=0:handle_abort=0)
  list(APPEND SKERRY_TEST_ENVIRONMENT
    ASAN_OPTIONS=${lenient}:verify_asan_link_order=0
    TSAN_OPTIONS=${lenient}:suppressions=${PROJECT_SOURCE_DIR}/tests/sanitizers/thread.supp)
endif()

# skerry_add_test(NAME name LABEL unit|plugin|abi|integration|e2e|fault|fuzz SOURCES ... [LIBS ...] [TIMEOUT seconds] [DEPENDS target ...])
# One GoogleTest binary, one CTest entry a binary: starting a process for each case would cost more than most cases.
function(skerry_add_test)
  cmake_parse_arguments(arg "" "NAME;LABEL;TIMEOUT" "SOURCES;LIBS;DEPENDS" ${ARGN})
  if(NOT arg_TIMEOUT)
    set(arg_TIMEOUT 120)
  endif()
  if(SKERRY_SANITIZE)
    math(EXPR arg_TIMEOUT "3 * ${arg_TIMEOUT}")
  endif()
  add_executable(${arg_NAME} ${arg_SOURCES})
  target_link_libraries(${arg_NAME} PRIVATE skerry::options ${arg_LIBS} GTest::gtest GTest::gmock GTest::gtest_main)
  target_compile_definitions(${arg_NAME} PRIVATE
    SKERRY_SOURCE_DIR="${PROJECT_SOURCE_DIR}" SKERRY_BIN_DIR="${CMAKE_RUNTIME_OUTPUT_DIRECTORY}")
  set_target_properties(${arg_NAME} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
  if(arg_DEPENDS)
    add_dependencies(${arg_NAME} ${arg_DEPENDS})
  endif()
  add_test(NAME ${arg_NAME} COMMAND ${arg_NAME})
  set_tests_properties(${arg_NAME} PROPERTIES LABELS ${arg_LABEL} TIMEOUT ${arg_TIMEOUT}
    ENVIRONMENT "${SKERRY_TEST_ENVIRONMENT}")
endfunction()
