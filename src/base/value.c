/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/value.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#include "base/fail.h"
#include "cleave/split.h"
#include "cleave/time.h"

static const void *member(const struct clv_option *o, const void *params)
{
    return (const char *)params + o->at;
}

static const void *other(const struct clv_option *o, const void *params)
{
    return (const char *)params + o->other;
}

static void *member_of(const struct clv_option *o, void *params)
{
    return (char *)params + o->at;
}

static void *other_of(const struct clv_option *o, void *params)
{
    return (char *)params + o->other;
}

const struct clv_option *clv_option_find(clv_options *options, const char *name)
{
    const struct clv_option *o;
    for (size_t i = 0; (o = options(i)) != NULL; i++)
        if (strcmp(o->name, name) == 0)
            return o;
    return NULL;
}

/* ---- what members hold ---- */

uint64_t value_number(const struct clv_option *o, const void *params)
{
    const void *const at = member(o, params);
    switch (o->type) {
    case CLV_OPTION_BOOL:
    case CLV_OPTION_NOT:
        return *(const bool *)at;
    case CLV_OPTION_U16:
        return *(const uint16_t *)at;
    case CLV_OPTION_U32:
        return *(const uint32_t *)at;
    case CLV_OPTION_U64:
    case CLV_OPTION_SIZE:
        return *(const uint64_t *)at;
    case CLV_OPTION_DURATION:
    case CLV_OPTION_TIME:
        return (uint64_t) * (const int64_t *)at;
    case CLV_OPTION_WORD:
    case CLV_OPTION_CHOICE:
    case CLV_OPTION_EVERY:
    case CLV_OPTION_MODE:
        return *(const unsigned *)at;
    case CLV_OPTION_TEXT:
    case CLV_OPTION_LIST:
    case CLV_OPTION_IPV4:
        break;
    }
    return 0;
}

bool value_store(const struct clv_option *o, void *params, uint64_t v)
{
    void *const at = member_of(o, params);
    switch (o->type) {
    case CLV_OPTION_BOOL:
    case CLV_OPTION_NOT:
        *(bool *)at = v;
        return v <= 1;
    case CLV_OPTION_U16:
        *(uint16_t *)at = (uint16_t)v;
        return v <= UINT16_MAX;
    case CLV_OPTION_U32:
        *(uint32_t *)at = (uint32_t)v;
        return v <= UINT32_MAX;
    case CLV_OPTION_U64:
    case CLV_OPTION_SIZE:
        *(uint64_t *)at = v;
        return true;
    case CLV_OPTION_TIME:
        *(bool *)other_of(o, params) = true;
        *(int64_t *)at = (int64_t)v;
        return true;
    case CLV_OPTION_DURATION:
        *(int64_t *)at = (int64_t)v;
        return v <= INT64_MAX;
    case CLV_OPTION_WORD:
    case CLV_OPTION_CHOICE:
    case CLV_OPTION_EVERY:
    case CLV_OPTION_MODE:
        *(unsigned *)at = (unsigned)v;
        return v <= UINT32_MAX;
    case CLV_OPTION_TEXT:
    case CLV_OPTION_LIST:
    case CLV_OPTION_IPV4:
        break;
    }
    return false;
}

uint64_t value_amount(const struct clv_option *o, const void *params)
{
    return *(const uint64_t *)other(o, params);
}

void value_store_amount(const struct clv_option *o, void *params, uint64_t n)
{
    *(uint64_t *)other_of(o, params) = n;
}

const char *value_text(const struct clv_option *o, const void *params)
{
    return *(const char *const *)member(o, params);
}

void value_store_text(const struct clv_option *o, void *params, const char *text)
{
    *(const char **)member_of(o, params) = text;
}

/* true: the struct, which begins with its size, has it. */
static bool is_there(const struct clv_option *o, const void *params)
{
    size_t size;
    memcpy(&size, params, sizeof size);
    return o->at < size && o->other < size;
}

bool value_is_set(const struct clv_option *o, const void *params)
{
    static const uint8_t zero[4];
    switch (o->type) {
    case CLV_OPTION_TEXT:
    case CLV_OPTION_LIST:
        return value_text(o, params);
    case CLV_OPTION_TIME:
        return *(const bool *)other(o, params);
    case CLV_OPTION_IPV4:
        return memcmp(member(o, params), zero, sizeof zero) != 0;
    default:
        return value_number(o, params) != 0;
    }
}

bool clv_option_is_set(const struct clv_option *o, const void *params)
{
    return is_there(o, params) && value_is_set(o, params);
}

/* ---- words ---- */

/* Word number i, with its length; NULL: there are not so many. */
static const char *word_at(const char *words, uint64_t i, size_t *len)
{
    for (;; i--) {
        *len = strcspn(words, "|");
        if (i == 0)
            return words;
        if (words[*len] == '\0')
            return NULL;
        words += *len + 1;
    }
}

void value_put_word(struct text *t, const char *words, uint64_t i)
{
    size_t len;
    const char *word = word_at(words, i, &len);
    if (word)
        text_put(t, word, len);
}

bool value_find_word(const char *words, const char *word, uint64_t *i)
{
    const char *w;
    size_t len;
    for (*i = 0; (w = word_at(words, *i, &len)) != NULL; ++*i)
        if (strlen(word) == len && memcmp(w, word, len) == 0)
            return true;
    return false;
}

/* The same of what a person wrote: in small or capital letters, or by another name of it. */
static bool find_word_kindly(const char *words, const char *word, uint64_t *i)
{
    static const struct {
        const char *other, *word;
    } others[] = {{"gz", "gzip"}, {"zst", "zstd"}};
    const char *w;
    size_t len;
    for (size_t k = 0; k < sizeof others / sizeof *others; k++)
        if (strcasecmp(word, others[k].other) == 0)
            word = others[k].word;
    for (*i = 0; (w = word_at(words, *i, &len)) != NULL; ++*i)
        if (strlen(word) == len && strncasecmp(w, word, len) == 0)
            return true;
    return false;
}

/* ---- text to values ---- */

struct unit {
    const char *name;
    uint64_t factor;
};

static const struct unit no_units[] = {{"", 1}, {NULL, 0}};

static const struct unit size_units[] = {
    {"", 1},
    {"B", 1},
    {"k", 1000},
    {"K", 1000},
    {"kB", 1000},
    {"KB", 1000},
    {"M", 1000000},
    {"MB", 1000000},
    {"G", 1000000000},
    {"GB", 1000000000},
    {"T", UINT64_C(1000000000000)},
    {"TB", UINT64_C(1000000000000)},
    {"Ki", 1 << 10},
    {"KiB", 1 << 10},
    {"Mi", 1 << 20},
    {"MiB", 1 << 20},
    {"Gi", 1 << 30},
    {"GiB", 1 << 30},
    {"Ti", UINT64_C(1) << 40},
    {"TiB", UINT64_C(1) << 40},
    {NULL, 0},
};

static const struct unit duration_units[] = {
    {"", 1000000000},
    {"ns", 1},
    {"us", 1000},
    {"ms", 1000000},
    {"s", 1000000000},
    {"sec", 1000000000},
    {"m", UINT64_C(60000000000)},
    {"min", UINT64_C(60000000000)},
    {"h", UINT64_C(3600000000000)},
    {"d", UINT64_C(86400000000000)},
    {NULL, 0},
};

static const struct unit record_units[] = {
    {"p", 1}, {"kp", 1000}, {"Mp", 1000000}, {"Gp", 1000000000}, {NULL, 0},
};

/* A whole number and one of the units; the one named "" is for none. */
static bool parse_number(const char *text, const struct unit *units, uint64_t *out)
{
    char *end;
    if (*text < '0' || *text > '9')
        return false;
    errno = 0;
    const unsigned long long n = strtoull(text, &end, 10);
    if (errno)
        return false;
    for (const struct unit *u = units; u->name; u++)
        if (strcmp(end, u->name) == 0)
            return !__builtin_mul_overflow(n, u->factor, out);
    return false;
}

static bool parse_octal(const char *text, uint64_t max, uint64_t *out)
{
    *out = 0;
    for (const char *p = text; *p; p++) {
        if (*p < '0' || *p > '7' || (*out = *out * 8 + (uint64_t)(*p - '0')) > max)
            return false;
    }
    return *out != 0; /* nobody could look at it */
}

/* A size needs its unit, and one that no duration has: 60m are minutes. */
static bool parse_every(const char *text, uint64_t *kind, uint64_t *n)
{
    const char *unit = text + strspn(text, "0123456789");
    if (parse_number(text, record_units, n))
        *kind = CLV_EVERY_RECORDS;
    else if (*unit && parse_number(text, duration_units, n))
        *kind = CLV_EVERY_NS;
    else if (*unit && parse_number(text, size_units, n))
        *kind = CLV_EVERY_BYTES;
    else
        return false;
    return *n > 0 && *n <= INT64_MAX;
}

static uint64_t largest(const struct clv_option *o)
{
    const uint64_t type = o->type == CLV_OPTION_U16        ? UINT16_MAX
                          : o->type == CLV_OPTION_U32      ? UINT32_MAX
                          : o->type == CLV_OPTION_DURATION ? INT64_MAX
                                                           : UINT64_MAX;
    return o->max && o->max < type ? o->max : type;
}

static const struct unit *units_of(enum clv_option_type type)
{
    return type == CLV_OPTION_SIZE       ? size_units
           : type == CLV_OPTION_DURATION ? duration_units
                                         : no_units;
}

static bool set(const struct clv_option *o, void *params, const char *text)
{
    uint64_t n, kind;
    int64_t ns;
    uint8_t addr[4];
    switch (o->type) {
    case CLV_OPTION_BOOL:
        return value_find_word("false|true", text, &n) && value_store(o, params, n);
    case CLV_OPTION_NOT:
        return value_find_word("true|false", text, &n) && value_store(o, params, n);
    case CLV_OPTION_TEXT:
    case CLV_OPTION_LIST:
        value_store_text(o, params, text);
        return true;
    case CLV_OPTION_U16:
    case CLV_OPTION_U32:
    case CLV_OPTION_U64:
    case CLV_OPTION_SIZE:
    case CLV_OPTION_DURATION:
        return parse_number(text, units_of(o->type), &n) && n >= o->min && n <= largest(o) &&
               value_store(o, params, n);
    case CLV_OPTION_TIME:
        return clv_time_parse(text, &ns) && value_store(o, params, (uint64_t)ns);
    case CLV_OPTION_WORD:
    case CLV_OPTION_CHOICE:
        return find_word_kindly(o->value, text, &n) && value_store(o, params, n);
    case CLV_OPTION_EVERY:
        if (!parse_every(text, &kind, &n) || !value_store(o, params, kind))
            return false;
        value_store_amount(o, params, n);
        return true;
    case CLV_OPTION_MODE:
        return parse_octal(text, o->max, &n) && value_store(o, params, n);
    case CLV_OPTION_IPV4:
        if (inet_pton(AF_INET, text, addr) != 1)
            return false;
        memcpy(member_of(o, params), addr, sizeof addr);
        return true;
    }
    return false;
}

/* After an error: what would have been right. */
static bool hint(const struct clv_option *o, struct clv_error *err)
{
    const bool sized = o->type == CLV_OPTION_SIZE;
    switch (o->type) {
    case CLV_OPTION_BOOL:
    case CLV_OPTION_NOT:
        return clv_fail_hint(err, "use true or false");
    case CLV_OPTION_WORD:
    case CLV_OPTION_CHOICE:
        return clv_fail_hint(err, "use one of %s", o->value);
    case CLV_OPTION_DURATION:
        return clv_fail_hint(err, "use seconds, or a whole number with ns, us, ms, s, m, h or d%s",
                             o->min ? "; more than 0" : "");
    case CLV_OPTION_TIME:
        return clv_fail_hint(err,
                             "use a time such as 2026-11-22T23:59:59Z, or seconds since the epoch");
    case CLV_OPTION_EVERY:
        return clv_fail_hint(err, "use a duration such as 60s, a size such as 1GiB, or a number of "
                                  "records such as 1000000p");
    case CLV_OPTION_MODE:
        return clv_fail_hint(err, "use permissions in octal such as 0600, at most %04llo",
                             (unsigned long long)o->max);
    case CLV_OPTION_IPV4:
        return clv_fail_hint(err, "use an IPv4 address such as 192.168.0.1");
    default:
        if (o->max)
            return clv_fail_hint(err, "use a whole number from %llu to %llu%s",
                                 (unsigned long long)o->min, (unsigned long long)o->max,
                                 sized ? ", or one with a unit such as 64MiB" : "");
        if (sized)
            return clv_fail_hint(err, "use a number of bytes, or one with a unit such as 64MiB%s",
                                 o->min ? "; at least 1" : "");
        return clv_fail_hint(err, "use a whole number of at least %llu",
                             (unsigned long long)o->min);
    }
}

bool clv_option_set(const struct clv_option *o, void *params, const char *text,
                    struct clv_error *err)
{
    if (!is_there(o, params))
        return clv_fail(err, CLV_ERR_OPTION, o->name, "is not known to the caller of the library");
    if (set(o, params, text))
        return true;
    (void)clv_fail(err, CLV_ERR_OPTION, o->name, "invalid value \"%.120s\"", text);
    return hint(o, err);
}

/* ---- values to text ---- */

static void put_every(struct text *t, uint64_t kind, uint64_t n)
{
    static const char *const units[] = {"", "ns", "B", "p"};
    text_u64(t, n, 1);
    text_str(t, units[kind & 3]);
}

static void put_ipv4(struct text *t, const uint8_t addr[4])
{
    for (unsigned i = 0; i < 4; i++) {
        text_str(t, i ? "." : "");
        text_u64(t, addr[i], 1);
    }
}

static void put_octal(struct text *t, uint64_t v)
{
    for (unsigned shift = 12; shift; shift -= 3)
        text_char(t, (char)('0' + (v >> (shift - 3) & 7)));
}

static void put(struct text *t, const struct clv_option *o, const void *params)
{
    if (o->type == CLV_OPTION_TEXT || o->type == CLV_OPTION_LIST) {
        text_str(t, value_text(o, params));
        return;
    }
    const uint64_t n = value_number(o, params);
    switch (o->type) {
    case CLV_OPTION_BOOL:
        text_str(t, n ? "true" : "false");
        break;
    case CLV_OPTION_NOT:
        text_str(t, n ? "false" : "true");
        break;
    case CLV_OPTION_WORD:
    case CLV_OPTION_CHOICE:
        value_put_word(t, o->value, n);
        break;
    case CLV_OPTION_DURATION:
        put_every(t, CLV_EVERY_NS, n);
        break;
    case CLV_OPTION_TIME:
        text_time(t, (int64_t)n);
        break;
    case CLV_OPTION_EVERY:
        put_every(t, n, value_amount(o, params));
        break;
    case CLV_OPTION_MODE:
        put_octal(t, n);
        break;
    case CLV_OPTION_IPV4:
        put_ipv4(t, member(o, params));
        break;
    default:
        text_u64(t, n, 1);
    }
}

static bool has_text(enum clv_option_type type)
{
    return type == CLV_OPTION_BOOL || type == CLV_OPTION_NOT || type == CLV_OPTION_WORD ||
           type == CLV_OPTION_CHOICE;
}

size_t clv_option_get(const struct clv_option *o, const void *params, char *buf, size_t len)
{
    struct text t = text_on(buf, len);
    if (is_there(o, params) && (has_text(o->type) || value_is_set(o, params)))
        put(&t, o, params);
    return text_whole(&t);
}

/* ---- ranges ---- */

static bool is_sound(const struct clv_option *o, const void *params)
{
    const uint64_t n = value_number(o, params);
    size_t len;
    switch (o->type) {
    case CLV_OPTION_WORD:
    case CLV_OPTION_CHOICE:
        return word_at(o->value, n, &len);
    case CLV_OPTION_EVERY:
        return n == CLV_EVERY_NONE || (n <= CLV_EVERY_RECORDS && value_amount(o, params) > 0 &&
                                       value_amount(o, params) <= INT64_MAX);
    case CLV_OPTION_MODE:
        return n <= o->max;
    case CLV_OPTION_U16:
    case CLV_OPTION_U32:
    case CLV_OPTION_U64:
    case CLV_OPTION_SIZE:
    case CLV_OPTION_DURATION:
        return n == 0 || (n >= o->min && n <= largest(o));
    default:
        return true;
    }
}

bool value_check(const struct clv_option *o, const void *params, struct clv_error *err)
{
    if (is_sound(o, params))
        return true;
    const bool every = o->type == CLV_OPTION_EVERY;
    const uint64_t n = every ? value_amount(o, params) : value_number(o, params);
    const bool negative = o->type == CLV_OPTION_DURATION && (int64_t)n < 0;
    (void)clv_fail(err, CLV_ERR_OPTION, o->name, "invalid value %s%llu", negative ? "-" : "",
                   (unsigned long long)(negative ? 0 - n : n));
    return hint(o, err);
}
