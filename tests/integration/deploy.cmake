# The images and the Compose file, on the Docker engine of this machine; skipped where there is none. The first part
# waits most of its time, beside other tests.
set(deploy_test ${PROJECT_SOURCE_DIR}/tests/integration/deploy_test.sh)
add_test(NAME deploy_base COMMAND ${deploy_test} --base)
set_tests_properties(deploy_base PROPERTIES
  LABELS deploy SKIP_RETURN_CODE 77 TIMEOUT 1900 COST 100 FIXTURES_SETUP deploy_base)
add_test(NAME deploy_test COMMAND ${deploy_test})
set_tests_properties(deploy_test PROPERTIES
  LABELS deploy SKIP_RETURN_CODE 77 TIMEOUT 1500 RUN_SERIAL ON FIXTURES_REQUIRED deploy_base)
