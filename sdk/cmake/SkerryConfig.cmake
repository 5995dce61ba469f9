# find_package(Skerry CONFIG): the targets Skerry::sdk and Skerry::conformance, the program Skerry::skerry, and skerry_add_plugin().
include(CMakeFindDependencyMacro)
find_dependency(nlohmann_json)
include(${CMAKE_CURRENT_LIST_DIR}/SkerryTargets.cmake)
include(${CMAKE_CURRENT_LIST_DIR}/SkerryPlugin.cmake)

# The program of the same installation: what it checks is what it runs.
get_filename_component(_skerry_prefix ${CMAKE_CURRENT_LIST_DIR}/../../.. ABSOLUTE)
if(NOT TARGET Skerry::skerry AND EXISTS ${_skerry_prefix}/bin/skerry)
  add_executable(Skerry::skerry IMPORTED)
  set_target_properties(Skerry::skerry PROPERTIES IMPORTED_LOCATION ${_skerry_prefix}/bin/skerry)
endif()
unset(_skerry_prefix)
