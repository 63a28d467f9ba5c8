# What a preset may choose. A person normally picks a preset and nothing here.
set(LOCKSTEP_SANITIZE "" CACHE STRING "Sanitizers, comma separated: address,undefined or thread")
set(LOCKSTEP_LIGHT_FLAGS "" CACHE STRING "Last flags for tests and the command line: where compiling them takes longer than running them")
separate_arguments(LOCKSTEP_LIGHT_FLAGS)
option(LOCKSTEP_FUZZ "Build the fuzz targets with libFuzzer (clang only), and no tests" OFF)
option(LOCKSTEP_COVERAGE "Count executed lines" OFF)
