/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A flow becomes a file name. The template is parsed once; a name is a function of the flow's
 * identity and the input alone. Names are relative to the output directory and cannot leave it.
 */
#ifndef CLEAVE_OUTPUT_NAME_H
#define CLEAVE_OUTPUT_NAME_H

#include "base/fail.h"
#include "base/text.h"
#include "flow/table.h"

enum {
    NAME_MAX_PARTS = 64,
    NAME_COMPONENT_MAX = 255, /* bytes; NAME_MAX of Linux's file systems */
    NAME_MAX_LEN = 1023,      /* bytes of a whole name */
    NAME_FAN_OUT = 10000,     /* outputs per directory where the template names none */
};

enum name_field {
    NAME_LITERAL,
    NAME_N,
    NAME_KEY,
    NAME_PROTO,
    NAME_SRC,
    NAME_DST,
    NAME_SPORT,
    NAME_DPORT,
    NAME_FIRST,
    NAME_INPUT,
};

struct name_part {
    enum name_field field;
    unsigned width;   /* NAME_N: digits at least */
    const char *text; /* NAME_LITERAL: in the template */
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
};

#define NAME_DEFAULT "{n:8}_{key}.pcap"
#define NAME_DEFAULT_PCAPNG "{n:8}_{key}.pcapng"
#define NAME_OTHER "other"

CLV_MUST_CHECK bool name_parse(struct name_template *t, const char *text, const char *input_path,
                               struct clv_error *err);

/*
 * Appends the name of flow f, whose first record has the time first_ns. again: how many other flows
 * were found to have the same name before; it becomes a suffix unless it is 0.
 */
void name_format(const struct name_template *t, const struct flow *f, int64_t first_ns,
                 unsigned again, struct text *out);

/* {input}: the capture's file name without its endings, fit for a path. At most 128 bytes. */
void name_of_input(char name[NAME_COMPONENT_MAX + 1], const char *path);

/* The len bytes at name are the name of another file of the output directory. */
bool name_reserved(const char *name, size_t len);

/* "tcp" for 6; NULL where the number has no short name here. Static. */
const char *name_of_proto(uint8_t proto);

#endif
