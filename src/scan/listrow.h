/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a row of a file says, as texts of columns, becomes a row of a list of flows. Texts lie where
 * they were read, and the byte behind each may be overwritten, once all of the row is known.
 */
#ifndef CLEAVE_SCAN_LISTROW_H
#define CLEAVE_SCAN_LISTROW_H

#include "scan/flowlist.h"

/* What a column is. */
enum list_column {
    COLUMN_NONE,
    COLUMN_SRC,
    COLUMN_DST,
    COLUMN_SPORT,
    COLUMN_DPORT,
    COLUMN_PROTO,
    COLUMN_ID,
    COLUMN_FIRST,
    COLUMN_LAST,
    COLUMN_START,    /* first, and last where nothing else says when that is */
    COLUMN_DURATION, /* from START on, in seconds */
    COLUMN_LABEL,
    LIST_COLUMNS,
};

/* By the names of cleave's manifests, and those that Zeek, Suricata and others have. */
enum list_column list_column_of(const char *name, size_t len);

enum list_wrong {
    LIST_NOTHING_WRONG,
    LIST_NO_ADDRESS,
    LIST_OTHER_FAMILY,
    LIST_NO_PORT,
    LIST_NO_PROTOCOL,
    LIST_NO_TIME,
    LIST_NO_ID,
    LIST_NO_END,
    LIST_NO_OBJECT,
    LIST_HAS_NUL,
    LIST_NO_MEMORY,
    LIST_UNREADABLE,
};

/* Why a row, or a file, cannot be taken. */
struct list_fault {
    enum list_wrong wrong;
    int sys;        /* errno of LIST_UNREADABLE */
    size_t bytes;   /* of LIST_NO_MEMORY */
    char value[64]; /* that is wrong, its beginning */
};

/* A word of up to 16 bytes, and what it stands for; 0: that is not known. */
struct list_word {
    uint64_t text[2];
    uint32_t value;
};

enum { LIST_WORDS = 128 };

struct list_text {
    char *p;
    size_t len;
};

/*
 * A row on its way. Behind all that texts lie in there are LISTROW_PAD bytes more, which may be
 * read.
 */
struct listrow {
    const struct flowlist *list;
    struct flowlist_part *part;
    struct list_text text[LIST_COLUMNS];
    unsigned has; /* 1 << column: the row has a text there */
    uint32_t line;
    bool of_program; /* written by one, which may have words that are not known here */
    struct list_word protos[LIST_WORDS]; /* + 1 */
    struct list_word labels[LIST_WORDS];
    struct list_word names[LIST_WORDS]; /* of columns; + 1 */
    struct list_fault fault;
};

enum { LISTROW_PAD = 32 };

/* Rows of a part follow, whose lines are counted from 1. */
void listrow_begin(struct listrow *r, struct flowlist_part *part, bool of_program);

/* As list_column_of(), where names are there again and again; 16 bytes of the name may be read. */
enum list_column listrow_column(struct listrow *r, char *name, size_t len);

/* Notes what is wrong. Returns false. */
bool listrow_fail(struct listrow *r, enum list_wrong wrong, const char *value);
bool listrow_fail_nomem(struct listrow *r, size_t bytes);

/* A text of the row, which has none of a column yet where r->has is 0; "-" and the like are none.
 */
static inline void listrow_text(struct listrow *r, enum list_column c, char *p, size_t len)
{
    const bool none =
        len == 0 || (len == 1 && *p == '-') || (len == 7 && memcmp(p, "(empty)", 7) == 0);
    if (c == COLUMN_NONE || none)
        return;
    r->text[c] = (struct list_text){p, len};
    r->has |= 1U << c;
}

/* The texts become a row of the part, if they say anything of a flow. false: r->fault. */
CLV_MUST_CHECK bool listrow_take(struct listrow *r);

#endif
