# cmake --install: headers, libraries, programs, and what find_package(penstock) needs.
include(CMakePackageConfigHelpers)

set(penstock_targets
  penstock_asio penstock_runtime_headers penstock_runtime penstock_proto penstock_frame penstock_values penstock_sha256 penstock_scheduler_core
  penstock_dashboard penstock_scheduler penstock_worker_core penstock_worker penstock_client penstock
  penstock_plugin penstock_plugin_host)
get_property(penstock_connectors GLOBAL PROPERTY PENSTOCK_CONNECTORS)
list(APPEND penstock_targets ${penstock_connectors})
set_target_properties(penstock_runtime PROPERTIES EXPORT_NAME runtime)
set_target_properties(penstock_plugin PROPERTIES EXPORT_NAME plugin)
set_target_properties(penstock_plugin_host PROPERTIES EXPORT_NAME plugin_host)

install(TARGETS ${penstock_targets} EXPORT penstock_targets
        ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(TARGETS penstock-scheduler penstock-worker RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
foreach(folder runtime connectors client worker)
  install(DIRECTORY ${PROJECT_SOURCE_DIR}/${folder}/include/penstock
          DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
endforeach()

set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/penstock)
install(EXPORT penstock_targets NAMESPACE penstock:: DESTINATION ${package_dir})
configure_package_config_file(
  ${PROJECT_SOURCE_DIR}/deploy/cmake/penstock-config.cmake.in
  ${PROJECT_BINARY_DIR}/penstock-config.cmake
  INSTALL_DESTINATION ${package_dir})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/penstock-config-version.cmake
                                 COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/penstock-config.cmake
              ${PROJECT_BINARY_DIR}/penstock-config-version.cmake
        DESTINATION ${package_dir})
