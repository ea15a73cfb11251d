/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The fields that a key can be made of, a row each: its word, what it takes of a record, and how it
 * stands in names and rows of text. A new field is a bit in key.h, a member of struct flow_extra,
 * and a row in this table, which parses --by and makes keys and names; then a column
 * (manifest/columns.h) for what programs want to read.
 */
#ifndef CLEAVE_FLOW_FIELD_H
#define CLEAVE_FLOW_FIELD_H

#include "base/text.h"
#include "flow/table.h"

/* Puts what a flow has of the field. false: it has none, and nothing is put. */
typedef bool flow_put_fn(const struct flow_by *by, const struct flow *f,
                         const struct flow_extra *extra, struct text *out);

struct flow_key_field {
    const char *word; /* of --by */
    enum flow_field bit;
    enum flow_field with; /* another field that it brings along, or 0 */

    /* What it takes of a record's ends, enum flow_end, and of the record itself, or NULL. */
    uint8_t a, b;
    flow_take_fn *take;
    bool sided;   /* it says which end is a; no order of the ends does */
    bool network; /* a record without a network address has none, and is `other` */

    /*
     * As text; NULL: the tuple's text has it. In {key}, `before` stands before the text, and `none`
     * in place of it; {word} alone is the text, or `alone` where the flow has none, or `lacking`
     * where no key has the field.
     */
    flow_put_fn *put;
    const char *before, *none, *alone, *lacking;
};

extern const struct flow_key_field flow_key_fields[FLOW_KEY_FIELDS];

/* The label that a key has the number of; NULL: none. */
const char *flow_label(const struct flow_by *by, const struct flow_extra *extra);

/* The row of one field, which there is. */
const struct flow_key_field *flow_key_field(enum flow_field bit);

#endif
