/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Names of services, and the ports that IANA's registry of services has for them. The table is the
 * program's own and not the system's, so that a run means the same on every machine.
 */
#ifndef CLEAVE_FLOW_SERVICE_H
#define CLEAVE_FLOW_SERVICE_H

#include "base/fail.h"

/* The port of a service, in small or capital letters. false: it is not known. */
CLV_MUST_CHECK bool service_find(const char *name, uint16_t *port);

#endif
