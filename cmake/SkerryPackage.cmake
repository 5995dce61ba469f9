# Two Debian packages, made by `cpack`: skerry (the hosts, the command line tool, the plugins) and skerry-dev (the SDK).
set(CMAKE_SKIP_INSTALL_ALL_DEPENDENCY ON)  # installing does not build the tests
set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME skerry)
set(CPACK_PACKAGE_VENDOR Skerry)
set(CPACK_PACKAGE_CONTACT "Skerry <skerry@localhost>")
set(CPACK_PACKAGE_DIRECTORY ${CMAKE_BINARY_DIR}/packages)
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_COMPONENTS_ALL runtime dev)
set(CPACK_COMPONENTS_GROUPING ONE_PER_GROUP)
set(CPACK_STRIP_FILES ON)

set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION science)
set(CPACK_DEBIAN_RUNTIME_PACKAGE_NAME skerry)
set(CPACK_DEBIAN_RUNTIME_PACKAGE_SHLIBDEPS ON)
set(CPACK_COMPONENT_RUNTIME_DESCRIPTION "Machine learning across a cloud and many edges
 Hosts for cloud and edge, the command line tool, and the plugins that jobs name.")
set(CPACK_DEBIAN_DEV_PACKAGE_NAME skerry-dev)
set(CPACK_DEBIAN_DEV_PACKAGE_SECTION libdevel)
set(CPACK_DEBIAN_DEV_PACKAGE_DEPENDS "skerry (= ${PROJECT_VERSION}), cmake (>= 3.25), g++, make | ninja-build, nlohmann-json3-dev")
set(CPACK_COMPONENT_DEV_DESCRIPTION "What plugins for Skerry are built with
 The C and C++ headers, skerry_add_plugin() for CMake, and the conformance suite as a library.")
include(CPack)
