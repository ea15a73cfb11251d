/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which records count: those of some hosts, ports, protocols, VLANs and times, and those that a
 * filter of libpcap's language takes. Lists are separated by commas; what is given several ways has
 * to hold in each. Settled once; any thread reads it.
 */
#ifndef CLEAVE_SCAN_FILTER_H
#define CLEAVE_SCAN_FILTER_H

#include "cleave/split.h"
#include "flow/anykey.h"
#include "format/dialect.h"
#include "walk/walk.h"

struct select_host {
    uint8_t addr[16], mask[16];
    uint8_t family;
};

struct select_range {
    uint16_t from, to;
};

struct select_filter; /* a compiled expression */

struct select {
    struct select_host *hosts;
    struct select_range *ports, *vlans, *protos;
    size_t n_hosts, n_ports, n_vlans, n_protos;
    bool has_after, has_before;
    int64_t after_ns, before_ns;
    const char *expression;                              /* borrowed; NULL: none */
    struct select_filter *filters[2][DIALECT_KINDS + 1]; /* by byte order and kind of output */
};

/* true: some records are left out. */
static inline bool select_any(const struct select *s)
{
    return s->n_hosts || s->n_ports || s->n_vlans || s->n_protos || s->has_after || s->has_before ||
           s->expression;
}

/* true: it depends on the tuple, so that later fragments have to wait for their first. */
static inline bool select_by_tuple(const struct select *s)
{
    return s->n_hosts || s->n_ports || s->n_vlans || s->n_protos;
}

CLV_MUST_CHECK bool select_init(struct select *s, const struct clv_split_params *params,
                                struct clv_error *err);
void select_fini(struct select *s);

/* Compiles the filter for records of a kind, if it has not been. One thread at a time. */
CLV_MUST_CHECK bool select_compile(struct select *s, unsigned kind, uint16_t linktype,
                                   bool big_endian, struct clv_error *err);

/* What is asked before a record is decoded: its time, and the filter. */
bool select_record(const struct select *s, unsigned kind, bool big_endian,
                   const struct walk_record *rec);

/* What is asked of its tuple; family 0: it has no network address. */
bool select_origin(const struct select *s, const struct flow_origin *o);

#endif
