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
#include "flow/table.h"

enum {
    NAME_TEMPLATE_MAX = 211, /* bytes: 200 that people give, and an ending */
    NAME_MAX_PARTS = 64,
    NAME_COMPONENT_MAX = 255, /* bytes; NAME_MAX of Linux's file systems */
    NAME_MAX_LEN = 1023,      /* bytes of a whole name */
    NAME_FAN_OUT = CLV_PER_DIRECTORY,
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
    NAME_VLAN,
    NAME_MAC,
    NAME_TUNNEL,
    NAME_IFACE,
    NAME_SHARD,
    NAME_PART,
    NAME_COMMUNITY_ID,
};

struct name_part {
    enum name_field field;
    unsigned width;   /* NAME_N, NAME_PART, NAME_SHARD: digits at least */
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
    const struct flow_by *by; /* which fields keys have; borrowed */
    uint16_t community_seed;
};

/* What is named. */
struct name_subject {
    const struct flow *f;
    const struct flow_extra *extra; /* NULL: the key has none */
    uint32_t part;                  /* 0: nothing cuts flows */
    int64_t first_ns;               /* time of its first record */
    unsigned again; /* how many others had the same name before; it becomes a suffix unless 0 */
};

#define NAME_DEFAULT "{n:8}_{key}"
#define NAME_DEFAULT_SHARD "shard_{shard:3}"
#define NAME_DEFAULT_PART "{n:8}_{first}" /* of keys without fields */
#define NAME_OTHER "other"

/* by is borrowed for as long as the template is used. */
CLV_MUST_CHECK bool name_parse(struct name_template *t, const char *text, const char *input_path,
                               const struct flow_by *by, struct clv_error *err);

void name_format(const struct name_template *t, const struct name_subject *s, struct text *out);

/* The words of fields beyond the tuple's: "10", "10.20" or "untagged"; addresses; tunnels. */
void name_put_vlan(const struct flow_extra *extra, struct text *out);
void name_put_mac(const uint8_t mac[6], char separator, struct text *out);
void name_put_tunnel(const struct flow_extra *extra, struct text *out);

/* {input}: the capture's file name without its endings, fit for a path. At most 129 bytes. */
void name_of_input(char name[NAME_COMPONENT_MAX + 1], const char *path);

/* The len bytes at name are the name of another file of the output directory. */
bool name_reserved(const char *name, size_t len);

/* As {proto}: its short name, or "ip-" and its number. */
void name_put_proto(uint8_t proto, struct text *out);

/* The protocol of such a short name, in small or capital letters. */
bool name_find_proto(const char *name, uint8_t *proto);

/* "tcp" for 6; NULL where the number has no short name here. Static. */
const char *name_of_proto(uint8_t proto);

#endif
