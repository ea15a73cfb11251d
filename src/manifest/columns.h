/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The columns of the table of flows: of each its name, its type, which runs have it, and how the
 * value of a flow is got. Every form of the table is made from these rows: a new column is a row
 * here, and a paragraph in cleave-manifest(5).
 */
#ifndef CLEAVE_MANIFEST_COLUMNS_H
#define CLEAVE_MANIFEST_COLUMNS_H

#include "cleave/split.h"
#include "flow/cut.h"
#include "flow/positions.h"
#include "flow/relations.h"
#include "flow/table.h"

struct column;

enum { COLUMNS_MAX = 48 }; /* at most 64: they fit into a set of bits */

/* What rows have in common. Pointers are borrowed. */
struct manifest {
    enum clv_manifest kind;
    const struct flow_by *by;
    const struct flow_cuts *cuts;
    bool community; /* a column for it */
    uint16_t community_seed;
    bool outer; /* columns for the addresses that tunnels hide */
    bool shards;
    bool related, grouped, named;      /* what is known of flows: columns for it */
    const struct relations *relations; /* where it is known from; NULL: rows are not made */
    unsigned n_columns;                /* by columns_choose(), in their order */
    const struct column *columns[COLUMNS_MAX];
};

/* An output. */
struct manifest_entry {
    const struct flow *f;
    const struct flow *head;           /* the first part of the flow, f itself where it has one */
    const struct flow_extra *extra;    /* NULL: the key has none */
    const struct flow_cut *cut;        /* NULL: nothing cuts flows */
    const struct clv_tuple *outer;     /* NULL: nobody asks */
    const struct positions *positions; /* of its records; NULL: nobody asks */
    uint64_t bytes;                    /* of the output; 0: it was not measured */
    const char *name;
    uint16_t linktype;
};

/* Which member of struct column_value has a column's values. */
enum column_type {
    COLUMN_TEXT,    /* text: terminated; of any bytes */
    COLUMN_WORD,    /* text: of ASCII that no form has to quote or escape */
    COLUMN_NUMBER,  /* number */
    COLUMN_PORT,    /* number: 0 to 65535 */
    COLUMN_PROTO,   /* number: of IP's protocols, 0 to 255 */
    COLUMN_FLAGS,   /* number: of TCP, RFC 9293 section 3.1, not 0 */
    COLUMN_TIME,    /* time_ns */
    COLUMN_SPAN,    /* time_ns: from one time to another */
    COLUMN_ADDRESS, /* addr */
    COLUMN_MAC,     /* mac */
};

/* A value, which may point into the flow, or into itself. */
struct column_value {
    union {
        struct {
            const char *p;
            size_t len;
        } text;
        struct {
            const uint8_t *bytes; /* 16, of which IPv4 uses 4 */
            uint8_t family;       /* 4 or 6 */
        } addr;
        const uint8_t *mac; /* 6 bytes */
        uint64_t number;
        int64_t time_ns; /* since the epoch, UTC; or how long */
    };
    char made[96]; /* text that the flow does not have as such */
};

/* Whose value is asked for. */
struct column_of {
    const struct column *c;
    const struct manifest *m;
    const struct manifest_entry *e;
};

/* Whether a column is what tells flows apart: no two have the same in all such. */
enum column_key {
    COLUMN_NO_KEY,
    COLUMN_KEY,
    COLUMN_KEY_END, /* of one end: the other one has such a column, too */
};

struct column {
    const char *name;
    enum column_type type;
    bool src; /* of the source, else of the destination */
    enum column_key key;
    bool numbers; /* outputs or flows of the run, or has their names: others number otherwise */

    /* A run has the column if its keys have this field, 0: any, and if this says so, NULL: yes. */
    enum flow_field field;
    bool (*present)(const struct manifest *m);
    const char *asked; /* the flags that a run has it with; NULL: a field, or no flag */

    /* false: the flow has none, and *v is undefined. */
    bool (*get)(const struct column_of *of, struct column_value *v);
};

/* All columns, in the order in which a row has them. */
extern const struct column columns_all[];
extern const unsigned columns_n;

/* How it is known who opened a flow. */
enum initiator_by {
    INITIATOR_UNKNOWN,
    INITIATOR_SYN,
    INITIATOR_SYNACK,
    INITIATOR_LOOKUP, /* its name was looked up by one end, and the other one has its address */
};

/* *src: it was the source; untouched where it is not known. */
enum initiator_by manifest_initiator(const struct manifest *m, const struct flow *f, bool *src);

/* true: the source is the client, as far as that is known, or else as the ports make one guess. */
bool manifest_from_client(const struct manifest *m, const struct flow *f);

/* Chooses the columns of a run; all else of m is set. */
void columns_choose(struct manifest *m);

#endif
