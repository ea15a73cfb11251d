/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The parameters of clv_split() and other functions as a table: the name, place, type and range of
 * each. A command line, a configuration file or a binding to another language can read and fill a
 * params struct with it, and gets new parameters together with the library.
 */
#ifndef CLEAVE_OPTION_H
#define CLEAVE_OPTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cleave/error.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What an option is in its struct, and as text. */
enum clv_option_type {
    CLV_OPTION_BOOL = 0, /* bool: "true" or "false" */
    CLV_OPTION_NOT,      /* bool with the opposite value: the option is "true" by default */
    CLV_OPTION_TEXT,     /* const char *, borrowed */
    CLV_OPTION_LIST,     /* const char *, borrowed: words separated by commas */
    CLV_OPTION_U16,      /* uint16_t: a whole number */
    CLV_OPTION_U32,      /* uint32_t */
    CLV_OPTION_U64,      /* uint64_t */
    CLV_OPTION_SIZE,     /* uint64_t, bytes; units k M G T and Ki Mi Gi Ti, with or without B */
    CLV_OPTION_DURATION, /* int64_t, nanoseconds; units ns us ms s m h, s when there is none */
    CLV_OPTION_TIME,     /* int64_t, nanoseconds since the epoch, as clv_time_parse() reads it; the
                            other member is a bool: it was given */
    CLV_OPTION_WORD,     /* an enum: one of the words, in the order of its constants */
    CLV_OPTION_CHOICE,   /* the same; without a word, the second one is meant */
    CLV_OPTION_EVERY,    /* enum clv_every: a duration, a size with a unit, or records as in 1000p;
                            the other member is a uint64_t: so many of them */
    CLV_OPTION_MODE,     /* unsigned: permissions, octal */
    CLV_OPTION_IPV4,     /* uint8_t[4] */
};

/* What an option is about, in the order in which help shows them. */
enum clv_option_group {
    CLV_GROUP_NONE = 0, /* one of so few that they are not grouped */
    CLV_GROUP_FLOW,     /* what makes a flow */
    CLV_GROUP_CHOOSE,   /* which packets or flows are taken */
    CLV_GROUP_OUTPUT,   /* what is made, and where */
    CLV_GROUP_CUT,      /* where flows and packets end */
    CLV_GROUP_FORMAT,   /* in which format */
    CLV_GROUP_INPUT,    /* which captures are read, and how */
    CLV_GROUP_RELATED,  /* flows that led to others */
    CLV_GROUP_SAFETY,   /* what is replaced, proven, flushed, allowed */
    CLV_GROUP_SPEED,    /* threads and memory */
    CLV_GROUP_TALK,     /* what is printed */
    CLV_GROUP_COUNT,
};

struct clv_option {
    const char *name; /* "max_packets_per_flow" */
    char letter;      /* short form on a command line; 0: none */
    enum clv_option_type type;
    bool shapes_result; /* it affects what is made, and is recorded in cleave.json; otherwise it
                           only affects the run */
    size_t at, other;   /* offsets of the member, and of the other one of the types that have two */
    uint64_t min, max;  /* of numbers and durations; max 0: any */
    /* What help calls it, "N", or "[=TIME]" if the default text is meant where no value is given;
     * of words: these, separated by |; NULL: of bool. */
    const char *value;
    const char *default_text; /* what an all-zero member means, for people; NULL: nothing to say */
    const char *help;         /* one line; of CLV_OPTION_NOT: what it is to say "false" */
    enum clv_option_group group;
};

/*
 * A table of options: the one number i, from 0; NULL: there are no more. Static storage. Those of
 * one table have offsets into the same struct.
 */
typedef const struct clv_option *clv_options(size_t i);

/* The options of struct clv_split_params, and of struct clv_verify_params. Threads: any. */
CLV_API const struct clv_option *clv_split_options(size_t i);
CLV_API const struct clv_option *clv_verify_options(size_t i);

/* The option of that name; NULL: there is none. Threads: any. */
CLV_API const struct clv_option *clv_option_find(clv_options *options, const char *name);

/*
 * params of these functions begin with their size, as set by CLV_SPLIT_PARAMS_INIT and its like: an
 * option beyond that size, because the program was compiled with older headers, is never set.
 */

/* true: the option differs from that of an all-zero struct. */
CLV_API bool clv_option_is_set(const struct clv_option *option, const void *params);

/*
 * Sets an option from text, which must outlive params if the member is a string.
 * false: the value is invalid; the subject of *err is the name of the option, and params are
 *        unchanged. Whether options can be combined is checked when they are used.
 */
CLV_API CLV_MUST_CHECK bool clv_option_set(const struct clv_option *option, void *params,
                                           const char *text, struct clv_error *err);

/*
 * Writes an option into the len bytes at buf, terminated, as clv_option_set() reads it; returns its
 * length. 0 with buf empty: it does not fit, or the option is not set (a bool or a word always has
 * a value).
 */
CLV_API size_t clv_option_get(const struct clv_option *option, const void *params, char *buf,
                              size_t len);

/*
 * The one of the n words that a person may have meant who wrote word: it begins so, or differs in a
 * letter or two; NULL: none does. Threads: any.
 */
CLV_API const char *clv_nearest_word(const char *word, const char *const *words, size_t n);

#ifdef __cplusplus
}
#endif

#endif
