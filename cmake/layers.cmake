# The order of the house. `layers` runs before anything is compiled and costs a tenth of a second.
find_program(LOCKSTEP_PYTHON python3 PATHS /usr/bin NO_DEFAULT_PATH REQUIRED)
function(lockstep_add_layers)
  add_custom_target(layers ALL
    COMMAND "${LOCKSTEP_PYTHON}" "${PROJECT_SOURCE_DIR}/cmake/check_layers.py" "${PROJECT_SOURCE_DIR}" --quiet
    COMMENT "" VERBATIM)
  if(NOT LOCKSTEP_FUZZ AND NOT LOCKSTEP_SANITIZE)
    add_test(NAME layers COMMAND "${LOCKSTEP_PYTHON}" "${PROJECT_SOURCE_DIR}/cmake/check_layers.py" "${PROJECT_SOURCE_DIR}")
    add_test(NAME check_layers_test COMMAND "${LOCKSTEP_PYTHON}" "${PROJECT_SOURCE_DIR}/cmake/check_layers_test.py")
    set_tests_properties(layers check_layers_test PROPERTIES LABELS unit)
  endif()
endfunction()
