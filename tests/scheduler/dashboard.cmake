# The dashboard's tests, and a program that serves it with made-up figures.
find_package(nlohmann_json REQUIRED)

penstock_test(dashboard_test LABEL unit
  SOURCES
    ${CMAKE_CURRENT_LIST_DIR}/dashboard_json_test.cpp
    ${CMAKE_CURRENT_LIST_DIR}/dashboard_metrics_test.cpp
    ${CMAKE_CURRENT_LIST_DIR}/dashboard_server_test.cpp
  LIBRARIES penstock_dashboard nlohmann_json::nlohmann_json absl::strings)

penstock_program(dashboard_preview ${CMAKE_CURRENT_LIST_DIR}/dashboard_preview.cpp)
target_link_libraries(dashboard_preview PRIVATE penstock_dashboard)

find_package(Python3 COMPONENTS Interpreter)
find_program(PENSTOCK_CHROMIUM NAMES chromium chromium-browser google-chrome)
if(Python3_FOUND AND PENSTOCK_CHROMIUM)
  add_test(NAME dashboard_browser_test
    COMMAND Python3::Interpreter ${PROJECT_SOURCE_DIR}/tests/integration/dashboard_browser_test.py
            --chromium ${PENSTOCK_CHROMIUM} --serve $<TARGET_FILE:dashboard_preview>)
  set_tests_properties(dashboard_browser_test PROPERTIES LABELS browser TIMEOUT 120 PROCESSORS 2)
endif()
