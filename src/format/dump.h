/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Records through libpcap's dumper: what is converted to classic pcap is written by the field's own
 * writer, in this machine's byte order.
 */
#ifndef CLEAVE_FORMAT_DUMP_H
#define CLEAVE_FORMAT_DUMP_H

#include "format/dialect.h"
#include "format/stage.h"

struct dump;

/* NULL is closed too. */
void dump_close(struct dump **d);

/* Adds the file header of the kind of output to what the stage serves. */
CLV_MUST_CHECK bool dump_header(struct stage *s, const struct dialect_kind *kind);

/* Adds a record. *d: NULL before the first one; it may be of any kind and go to any stage. */
CLV_MUST_CHECK bool dump_record(struct dump **d, struct stage *s, const struct dialect_kind *kind,
                                const struct walk_record *rec);

#endif
