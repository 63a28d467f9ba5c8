set(CMAKE_CXX_STANDARD 23)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_CXX_SCAN_FOR_MODULES OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/bin")
set(CMAKE_ARCHIVE_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/lib")

# CMAKE_BUILD_TYPE stays empty: a preset says its optimisation in CMAKE_CXX_FLAGS, so that asserts of the
# standard library and CHECK are the same everywhere.
add_compile_options(-fno-omit-frame-pointer -fstack-protector-strong)
add_compile_definitions(_GLIBCXX_ASSERTIONS _FILE_OFFSET_BITS=64)
if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
  add_compile_options(-march=x86-64-v2)   # CRC32 and the like are chosen at run time
endif()
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  add_compile_options(-fcoroutines)
endif()

# For our own code; generated code and other people's headers are spared.
set(LOCKSTEP_WARNINGS -Wall -Wextra -Wshadow -Wnon-virtual-dtor -Woverloaded-virtual -Wno-missing-field-initializers
    -Werror)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  list(APPEND LOCKSTEP_WARNINGS -Wno-restrict)   # g++ 12 imagines overlaps in std::string (its bug 105651)
endif()
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND LOCKSTEP_SANITIZE)
  # g++ 12 sees ghosts through the instrumentation.
  list(APPEND LOCKSTEP_WARNINGS -Wno-maybe-uninitialized -Wno-array-bounds -Wno-stringop-overflow -Wno-stringop-overread
       -Wno-restrict)
endif()
if(CMAKE_CXX_COMPILER_ID MATCHES "Clang")
  list(APPEND LOCKSTEP_WARNINGS -Wthread-safety)
endif()

if(LOCKSTEP_SANITIZE)
  add_compile_options(-fsanitize=${LOCKSTEP_SANITIZE} -fno-sanitize-recover=all)
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    # A check at every use of a member, a quarter of the time to compile. The address sanitizer stops at null and at the end of an
    # object too; alignment is checked by the fuzz preset, whose compiler is quicker.
    add_compile_options(-fno-sanitize=null,alignment,object-size)
    # Left alone, the compiler tidies up its memory at 128 MB and then often, for a tenth of its time; most files are done before 512 MB.
    add_compile_options(--param=ggc-min-heapsize=524288)
    # The checks of the address sanitizer as calls, not written out at every place: a tenth of the time to compile.
    add_compile_options(--param=asan-instrumentation-with-call-threshold=0)
  endif()
  add_link_options(-fsanitize=${LOCKSTEP_SANITIZE})
  # Says that a sanitizer watches, for tests that must go easier then.
  add_compile_definitions(LOCKSTEP_SANITIZE)
endif()
if(LOCKSTEP_FUZZ)
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()
if(LOCKSTEP_COVERAGE)
  add_compile_options(--coverage)
  add_link_options(--coverage)
endif()

find_program(LOCKSTEP_CCACHE ccache)
if(LOCKSTEP_CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER "${LOCKSTEP_CCACHE}")
endif()

# The quickest linker at hand. mold 1.10 and lld both serve g++ 12.
if(CMAKE_CXX_COMPILER_ID MATCHES "Clang")
  find_program(LOCKSTEP_LLD NAMES ld.lld-19 ld.lld)
  if(LOCKSTEP_LLD)
    add_link_options(--ld-path=${LOCKSTEP_LLD})
  endif()
else()
  find_program(LOCKSTEP_MOLD mold)
  find_program(LOCKSTEP_LLD NAMES ld.lld)
  if(LOCKSTEP_MOLD)
    add_link_options(-fuse-ld=mold)
  elseif(LOCKSTEP_LLD)
    add_link_options(-fuse-ld=lld)
  endif()
endif()
add_link_options(-Wl,-z,relro,-z,now)
