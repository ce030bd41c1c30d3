# The images and the Compose file, on the Docker engine of this machine; skipped where there is none.
add_test(NAME deploy_test COMMAND ${PROJECT_SOURCE_DIR}/tests/integration/deploy_test.sh)
set_tests_properties(deploy_test PROPERTIES
  LABELS deploy SKIP_RETURN_CODE 77 TIMEOUT 1500 RUN_SERIAL ON)
