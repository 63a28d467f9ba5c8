#include "cli/cli.h"

int main(int argc, char** argv) { return lockstep::cli::run(argc, argv); }
