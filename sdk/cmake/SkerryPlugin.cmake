# skerry_add_plugin(NAME fedavg KIND aggregation SOURCES fedavg.cpp
#                   [MANIFEST plugin.json] [LIBS target ...] [TEST test.cpp ...] [CHECK_CONFIG json ...] [CHECK_STRICT 1|2|3]
#                   [OUTPUT_DIR dir] [NO_INSTALL] [NO_CHECK])
#
# Builds NAME.so: a module that exports skerry_plugin_entry_v1 and nothing else, with plugin.json (and how it was built)
# in the ELF section ".skerry.plugin". The target is plugin_NAME. It lands in the build directory unless OUTPUT_DIR says
# otherwise, and is installed to lib/skerry/plugins unless NO_INSTALL is given.
#
# Where testing is enabled, `ctest` runs check_NAME, which is `skerry plugin check` (see its --strict and --config), and
# test_NAME, a program of the sources TEST that ends with 0 where all is well.
set(SKERRY_SDK_CMAKE_DIR ${CMAKE_CURRENT_LIST_DIR} CACHE INTERNAL "Where plugin.map is")

function(skerry_add_plugin)
  cmake_parse_arguments(arg "NO_INSTALL;NO_CHECK" "NAME;KIND;MANIFEST;OUTPUT_DIR;CHECK_STRICT"
    "SOURCES;LIBS;TEST;CHECK_CONFIG" ${ARGN})
  foreach(required NAME KIND SOURCES)
    if(NOT arg_${required})
      message(FATAL_ERROR "skerry_add_plugin: ${required} is missing")
    endif()
  endforeach()
  if(arg_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "skerry_add_plugin(${arg_NAME}): unknown arguments: ${arg_UNPARSED_ARGUMENTS}")
  endif()
  if(NOT arg_MANIFEST)
    set(arg_MANIFEST plugin.json)
  endif()
  if(NOT arg_OUTPUT_DIR)
    set(arg_OUTPUT_DIR ${CMAKE_CURRENT_BINARY_DIR})
    if(SKERRY_PLUGIN_OUTPUT_DIR)
      set(arg_OUTPUT_DIR ${SKERRY_PLUGIN_OUTPUT_DIR})
    endif()
  endif()
  if(NOT arg_CHECK_STRICT)
    set(arg_CHECK_STRICT 2)
  endif()

  get_filename_component(manifest ${arg_MANIFEST} ABSOLUTE)
  set(embedded ${CMAKE_CURRENT_BINARY_DIR}/${arg_NAME}_manifest.cpp)
  _skerry_check_manifest(${manifest} ${arg_KIND})
  _skerry_embed_manifest(${manifest} ${embedded})

  set(target plugin_${arg_NAME})
  add_library(${target} MODULE ${arg_SOURCES} ${embedded})
  target_link_libraries(${target} PRIVATE Skerry::sdk ${arg_LIBS})
  set_target_properties(${target} PROPERTIES
    PREFIX "" OUTPUT_NAME ${arg_NAME} SUFFIX .so LIBRARY_OUTPUT_DIRECTORY ${arg_OUTPUT_DIR}
    C_VISIBILITY_PRESET hidden CXX_VISIBILITY_PRESET hidden VISIBILITY_INLINES_HIDDEN ON
    POSITION_INDEPENDENT_CODE ON LINK_DEPENDS ${SKERRY_SDK_CMAKE_DIR}/plugin.map)
  target_compile_options(${target} PRIVATE -Wall -Wextra)
  if(CMAKE_CXX_COMPILER_ID STREQUAL GNU)
    # Otherwise inline statics of two plugins in one process would be one object.
    target_compile_options(${target} PRIVATE $<$<COMPILE_LANGUAGE:CXX>:-fno-gnu-unique>)
  endif()
  target_link_options(${target} PRIVATE -Wl,--version-script=${SKERRY_SDK_CMAKE_DIR}/plugin.map)
  if(NOT SKERRY_SANITIZE AND NOT "${CMAKE_CXX_FLAGS} ${CMAKE_MODULE_LINKER_FLAGS}" MATCHES "-fsanitize")
    # A missing symbol is an error here, not at dlopen. Sanitizers leave theirs to the executable.
    target_link_options(${target} PRIVATE -Wl,--no-undefined)
  endif()
  if(NOT arg_NO_INSTALL)
    install(TARGETS ${target} LIBRARY DESTINATION lib/skerry/plugins)
  endif()
  if(NOT CMAKE_TESTING_ENABLED OR arg_NO_CHECK)
    return()
  endif()
  _skerry_add_plugin_tests(${target} ${arg_NAME} ${arg_CHECK_STRICT} "${arg_CHECK_CONFIG}" "${arg_TEST}" "${arg_LIBS}")
endfunction()

function(_skerry_add_plugin_tests target name strict configs sources libs)
  set(options "")
  foreach(config ${configs})
    list(APPEND options --config ${config})
  endforeach()
  if(TARGET Skerry::skerry)
    add_test(NAME check_${name} COMMAND Skerry::skerry plugin check $<TARGET_FILE:${target}> --strict ${strict} ${options})
    set_tests_properties(check_${name} PROPERTIES LABELS plugin TIMEOUT 600)
  endif()
  if(sources)
    add_executable(test_${name} ${sources})
    target_link_libraries(test_${name} PRIVATE Skerry::sdk ${libs})
    # The plugin's entry refers to its manifest.
    target_sources(test_${name} PRIVATE ${CMAKE_CURRENT_BINARY_DIR}/${name}_manifest.cpp)
    add_test(NAME test_${name} COMMAND test_${name})
  endif()
endfunction()

# Stops with a message that names the file and the member unless the manifest is one of a plugin of this kind.
function(_skerry_check_manifest manifest kind)
  if(NOT EXISTS ${manifest})
    message(FATAL_ERROR "${manifest}: no such file. Every plugin has a plugin.json: name, version, features.")
  endif()
  file(READ ${manifest} text)
  string(STRIP "${text}" text)
  string(JSON type ERROR_VARIABLE error TYPE "${text}")
  if(error)
    message(FATAL_ERROR "${manifest}: not valid JSON: ${error}")
  endif()
  # CMake's reader also takes comments and trailing commas; what reads the manifest later does not.
  string(REGEX REPLACE "\"([^\"\\]|\\\\.)*\"" "text" bare "${text}")
  if(bare MATCHES "(,[ \t\r\n]*[]}])|/")
    message(FATAL_ERROR "${manifest}: not valid JSON: a comment, or a comma before a closing bracket")
  endif()
  if(NOT type STREQUAL OBJECT OR NOT text MATCHES "}$")
    message(FATAL_ERROR "${manifest}: must hold one JSON object and nothing after it")
  endif()
  foreach(member name version)
    _skerry_manifest_string("${text}" ${manifest} ignored ${member})
  endforeach()
  string(JSON count ERROR_VARIABLE error LENGTH "${text}" features)
  if(error OR count EQUAL 0)
    message(FATAL_ERROR "${manifest}: \"features\" must be an array of at least one feature")
  endif()
  set(kinds "")
  math(EXPR last "${count} - 1")
  foreach(index RANGE ${last})
    _skerry_manifest_string("${text}" ${manifest} ignored features ${index} id)
    _skerry_manifest_string("${text}" ${manifest} feature_kind features ${index} kind)
    if(NOT feature_kind MATCHES "^[a-z]+/[1-9][0-9]*$")
      message(FATAL_ERROR "${manifest}: features[${index}].kind is \"${feature_kind}\"; a kind looks like \"aggregation/1\"")
    endif()
    list(APPEND kinds ${feature_kind})
  endforeach()
  if(NOT ";${kinds};" MATCHES ";${kind}/")
    message(FATAL_ERROR "${manifest}: no feature of kind ${kind}, which skerry_add_plugin was told; found ${kinds}")
  endif()
endfunction()

function(_skerry_manifest_string text manifest out)
  string(JSON type ERROR_VARIABLE error TYPE "${text}" ${ARGN})
  if(error OR NOT type STREQUAL STRING)
    string(REPLACE ";" "." member "${ARGN}")
    message(FATAL_ERROR "${manifest}: \"${member}\" must be a string")
  endif()
  string(JSON value GET "${text}" ${ARGN})
  set(${out} "${value}" PARENT_SCOPE)
endfunction()

# Writes a source file whose one array, in section ".skerry.plugin", is the manifest with a last member "build".
function(_skerry_embed_manifest manifest source)
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${manifest})
  file(READ ${manifest} text)
  string(STRIP "${text}" text)
  string(REGEX REPLACE "[ \t\r\n]*}$" "" text "${text}")
  if(CMAKE_BUILD_TYPE)
    set(build_type ${CMAKE_BUILD_TYPE})
  else()
    set(build_type None)
  endif()
  string(APPEND text ",\n  \"build\": {\"compiler\": \"${CMAKE_CXX_COMPILER_ID} ${CMAKE_CXX_COMPILER_VERSION}\", "
    "\"type\": \"${build_type}\", \"system\": \"${CMAKE_SYSTEM_NAME} ${CMAKE_SYSTEM_PROCESSOR}\"}\n}\n")
  string(HEX "${text}" hex)
  string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${hex}")
  string(REGEX REPLACE "((0x[0-9a-f][0-9a-f],)(0x[0-9a-f][0-9a-f],)(0x[0-9a-f][0-9a-f],)(0x[0-9a-f][0-9a-f],))" "\\1\n" bytes "${bytes}")
  # unsigned char: bytes above 0x7f must not narrow.
  file(CONFIGURE OUTPUT ${source} @ONLY CONTENT [=[
// Made from plugin.json by skerry_add_plugin(). `retain` keeps the section through --gc-sections.
#include <cstdint>
extern "C" {
extern const unsigned char skerry_manifest_text[];
extern const std::uint64_t skerry_manifest_size;
__attribute__((used, retain, section(".skerry.plugin"))) const unsigned char skerry_manifest_text[] = {
@bytes@
};
const std::uint64_t skerry_manifest_size = sizeof(skerry_manifest_text);
}
]=])
endfunction()
