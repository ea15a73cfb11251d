/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A flow becomes a file name. The template is parsed once; a name is a function of the flow's
 * identity and the input alone. Names are relative to the output directory and cannot leave it.
 */
#ifndef CLEAVE_MANIFEST_NAME_H
#define CLEAVE_MANIFEST_NAME_H

#include "base/fail.h"
#include "base/text.h"
#include "cleave/split.h"
#include "flow/field.h"
#include "flow/relations.h"

enum {
    NAME_TEMPLATE_MAX = 211, /* bytes: 200 that people give, and an ending */
    NAME_MAX_PARTS = 64,
    NAME_COMPONENT_MAX = 255, /* bytes; NAME_MAX of Linux's file systems */
    NAME_MAX_LEN = 1023,      /* bytes of a whole name */
    NAME_FAN_OUT = CLV_PER_DIRECTORY,
    NAME_FAN_OUT_DIGITS = 8, /* at least, of its directories */
};

struct name_of;
typedef void name_put_fn(const struct name_of *of, struct text *out);

/* A field, or the text between two. */
struct name_part {
    name_put_fn *put;
    const struct flow_key_field *field; /* of keys; NULL: it is another */
    unsigned width;                     /* digits at least */
    const char *text;                   /* of text: in the template */
    size_t len;
};

struct name_template {
    char text[NAME_MAX_LEN + 1];
    char input[NAME_COMPONENT_MAX + 1]; /* {input}: the capture's file name without its ending */
    struct name_part parts[NAME_MAX_PARTS];
    size_t n_parts;
    const char *ending; /* the end of text, such as ".pcap", which no part has, or "" */
    size_t ending_len;
    const char *other_ending; /* of `other`, ".pcap" */
    bool unique;  /* no two flows can have the same name, since {n} can be read back from it */
    bool has_dir; /* the template names directories itself: no fan-out */
    const struct flow_by *by; /* which fields keys have; borrowed */
    bool names_hosts;         /* it has {name}, which needs to be known from an earlier reading */
    bool grouped;             /* outputs are groups of flows */
    const struct relations *known; /* where it is known from; NULL: it is not asked for */
    uint16_t community_seed;
    const char *page; /* file name of the report, which may be among the outputs; NULL: none */
};

/* What is named. */
struct name_subject {
    const struct flow *f;
    const struct flow_extra *extra; /* NULL: the key has none */
    uint32_t part;                  /* 0: nothing cuts flows */
    int64_t first_ns;               /* time of its first record */
    unsigned again; /* how many others had the same name before; it becomes a suffix unless 0 */
};

/* What a part puts into the name of what. */
struct name_of {
    const struct name_template *t;
    const struct name_part *part;
    const struct name_subject *s;
};

#define NAME_DEFAULT "{n:8}_{key}"
#define NAME_DEFAULT_SHARD "shard_{shard:3}"
#define NAME_DEFAULT_GROUP "{n:8}_{name}"
#define NAME_DEFAULT_PART "{n:8}_{first}" /* of keys without fields */
#define NAME_OTHER "other"

/* by is borrowed for as long as the template is used. */
CLV_MUST_CHECK bool name_parse(struct name_template *t, const char *text, const char *input_path,
                               const struct flow_by *by, struct clv_error *err);

/* *out is empty before. */
void name_format(const struct name_template *t, const struct name_subject *s, struct text *out);

/* {input}: the capture's file name without its endings, fit for a path. At most 129 bytes. */
void name_of_input(char name[NAME_COMPONENT_MAX + 1], const char *path);

/* The length without the ending of a compressed file, if there is one. */
size_t name_unpacked(const char *name, size_t len);

/* The len bytes at name are the name of another file of the output directory. */
bool name_reserved(const char *name, size_t len);

/* The same, or the report's. */
bool name_taken(const struct name_template *t, const char *name, size_t len);

/* As {proto}: its short name, or "ip-" and its number. */
void name_put_proto(uint8_t proto, struct text *out);

/* The protocol of such a short name, in small or capital letters. */
bool name_find_proto(const char *name, uint8_t *proto);

/* "tcp" for 6; NULL where the number has no short name here. Static. */
const char *name_of_proto(uint8_t proto);

#endif
