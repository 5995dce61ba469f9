# find_package(Skerry CONFIG): the target Skerry::sdk and skerry_add_plugin().
include(CMakeFindDependencyMacro)
find_dependency(nlohmann_json)
include(${CMAKE_CURRENT_LIST_DIR}/SkerryTargets.cmake)
include(${CMAKE_CURRENT_LIST_DIR}/SkerryPlugin.cmake)
