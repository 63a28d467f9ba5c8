#include "daemon/daemon.h"

int main(int argc, char** argv) { return lockstep::daemon::run(argc, argv); }
