# What a preset may choose. A person normally picks a preset and nothing here.
set(LOCKSTEP_SANITIZE "" CACHE STRING "Sanitizers, comma separated: address,undefined or thread")
option(LOCKSTEP_FUZZ "Build the fuzz targets with libFuzzer (clang only), and no tests" OFF)
option(LOCKSTEP_COVERAGE "Count executed lines" OFF)
