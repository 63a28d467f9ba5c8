// Cim: manage in the language of CIM: classes, instances, methods, and the operations of DSP0200 over CIM-XML.
// Promises: what is said of an object is true, or NULL; every return value but 0 and 4096 comes with an MSFT_SMExtendedStatus.
// Refuses:  deciding anything that manage decides.
// Lives on: the control loop.
#pragma once

#include "cim/provider.h"
#include "cim/schema.h"
#include "cim/value.h"
