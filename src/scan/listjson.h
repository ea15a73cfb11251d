/* SPDX-License-Identifier: BSD-2-Clause */
/* Rows of lists of flows that are JSON objects (RFC 8259), one per line. */
#ifndef CLEAVE_SCAN_LISTJSON_H
#define CLEAVE_SCAN_LISTJSON_H

#include "scan/listrow.h"

/*
 * Takes the texts of the members whose names are columns; those of a member that is an object are
 * called by its name, a point, and their own. Strings are made plain where they are. false: the
 * line, which is terminated, is no object.
 */
CLV_MUST_CHECK bool listjson_read(struct listrow *r, char *line);

#endif
