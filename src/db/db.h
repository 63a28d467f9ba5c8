// Db: SQLite 3 over os: one writer, readers beside it, and a checksum on every page.
// Promises: a committed transaction survives a power cut whole, an uncommitted one leaves no trace; a page whose bytes
//           changed under us is never returned: the error is `corrupt` and names file and page; a failed sync is final:
//           nothing is written after it until the database is opened again.
// Refuses:  temporary files, memory maps, waiting for a lock (that is `busy`), databases of a newer release (`unsupported`).
// Lives on: worker jobs only, every call may block. A Connection and its Statements serve one job at a time; different
//           Connections of one Database may be used by different jobs at once.
// The caller holds a lock (os::Files::lock) that keeps other processes away.   On disk: README.md.
#pragma once

#include "db/connection.h"
#include "db/database.h"
#include "db/statement.h"
