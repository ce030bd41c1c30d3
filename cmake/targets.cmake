# penstock_library(NAME SOURCES... ): a static library with the house's settings. Warnings and
# sanitizers stand on one INTERFACE target; nothing is set globally.
add_library(penstock_warnings INTERFACE)
target_compile_options(penstock_warnings INTERFACE
  -Wall -Wextra -Wshadow -Wnon-virtual-dtor -Wno-missing-field-initializers
  # GCC 12 sees overlaps in every "text" + std::to_string(...).
  $<$<CXX_COMPILER_ID:GNU>:-Wno-maybe-uninitialized -Wno-subobject-linkage -Wno-restrict>
  # A program built in two directories must have one build-id, or its workers refuse its tasks.
  -ffile-prefix-map=${CMAKE_SOURCE_DIR}=.)
if(PENSTOCK_SANITIZE)
  target_compile_options(penstock_warnings INTERFACE -fsanitize=${PENSTOCK_SANITIZE}
                         -fno-omit-frame-pointer -fno-sanitize-recover=all)
  target_link_options(penstock_warnings INTERFACE -fsanitize=${PENSTOCK_SANITIZE})
endif()

function(penstock_library name)
  add_library(${name} STATIC ${ARGN})
  target_link_libraries(${name} PRIVATE $<BUILD_INTERFACE:penstock_warnings>)
  # Private headers are included from the root: "scheduler/core/core.hpp".
  target_include_directories(${name} PRIVATE ${PROJECT_SOURCE_DIR})
endfunction()

# A library whose symbols shared libraries may use, when the program that links it loads them.
function(penstock_public_library name)
  penstock_library(${name} ${ARGN})
  set_target_properties(${name} PROPERTIES CXX_VISIBILITY_PRESET default)
endfunction()

function(penstock_program name)
  add_executable(${name} ${ARGN})
  target_link_libraries(${name} PRIVATE $<BUILD_INTERFACE:penstock_warnings>)
  target_include_directories(${name} PRIVATE ${PROJECT_SOURCE_DIR})
endfunction()
