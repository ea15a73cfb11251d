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

struct filter_host {
    uint8_t addr[16], mask[16];
    uint8_t family;
};

struct filter_range {
    uint16_t from, to;
};

struct bpf_compiler;
struct filter_program; /* a compiled expression */

struct filter {
    struct filter_host *hosts;
    struct filter_range *ports, *vlans, *protos;
    size_t n_hosts, n_ports, n_vlans, n_protos;
    bool has_after, has_before;
    int64_t after_ns, before_ns;
    struct bpf_compiler *compiler;                        /* NULL: no expression */
    struct filter_program *filters[2][DIALECT_KINDS + 1]; /* by byte order and kind of output */
};

/* true: some records are left out. */
static inline bool filter_any(const struct filter *s)
{
    return s->n_hosts || s->n_ports || s->n_vlans || s->n_protos || s->has_after || s->has_before ||
           s->compiler;
}

/* true: it depends on the tuple, so that later fragments have to wait for their first. */
static inline bool filter_by_tuple(const struct filter *s)
{
    return s->n_hosts || s->n_ports || s->n_vlans || s->n_protos;
}

/*
 * params->filter is borrowed. If there is one, this forks a process that lasts until filter_fini():
 * call it before the run has threads, see bpf.h.
 */
CLV_MUST_CHECK bool filter_init(struct filter *s, const struct clv_split_params *params,
                                struct clv_error *err);
void filter_fini(struct filter *s);

/* Compiles the filter for records of a kind, if it has not been. One thread at a time. */
CLV_MUST_CHECK bool filter_compile(struct filter *s, unsigned kind, uint16_t linktype,
                                   bool big_endian, struct clv_error *err);

/* What is asked before a record is decoded: its time, and the filter. */
bool filter_record(const struct filter *s, unsigned kind, bool big_endian,
                   const struct walk_record *rec);

/* What is asked of its tuple; family 0: it has no network address. */
bool filter_origin(const struct filter *s, const struct flow_origin *o);

#endif
