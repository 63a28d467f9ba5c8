// Os: the world as interfaces. os/real is this machine; os/sim is a seeded one that loses power, tears and partitions.
// Nothing above names a kernel call, a thread, a clock or a TLS library.
#pragma once

#include "os/address.h"
#include "os/file.h"
#include "os/host.h"
#include "os/random.h"
#include "os/stream.h"
#include "os/tls.h"
