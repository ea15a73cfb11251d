/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Names of services, and the ports that IANA's registry of services has for them. The table is the
 * program's own and not the system's, so that a run means the same on every machine.
 */
#ifndef CLEAVE_FLOW_SERVICE_H
#define CLEAVE_FLOW_SERVICE_H

#include "base/fail.h"

enum service_on { SERVICE_TCP = 1, SERVICE_UDP = 2 };

struct service {
    const char *name;
    uint16_t port;
    uint8_t on; /* the transports that it is known on, enum service_on */
};

/*
 * Number i, from 0; NULL: there are no more. Where a port has several names, the last one is what
 * people call it.
 */
const struct service *service_at(size_t i);

/* The port of a service, in small or capital letters. false: it is not known. */
CLV_MUST_CHECK bool service_find(const char *name, uint16_t *port);

/* true: the table has a service on this port. */
bool service_has(uint16_t port);

#endif
