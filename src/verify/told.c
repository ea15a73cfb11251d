/* SPDX-License-Identifier: BSD-2-Clause */
#include "verify/told.h"

#include "base/fail.h"
#include "config.h"
#include "output/publish.h"
#include "split/counts.h"

#if HAVE_JANSSON

#include <jansson.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/mem.h"

/* How an option stands in the record. */
enum told_kind {
    TOLD_TEXT,   /* const char * */
    TOLD_BOOL,   /* bool */
    TOLD_NOT,    /* bool: the contrary */
    TOLD_U64,    /* uint64_t */
    TOLD_U32,    /* uint32_t */
    TOLD_U16,    /* uint16_t */
    TOLD_NS,     /* int64_t */
    TOLD_TIME,   /* int64_t, and whether it was given is before it */
    TOLD_WORD,   /* int: number of one of the words */
    TOLD_EACH,   /* struct told's own */
    TOLD_REPORT, /* struct told's own */
    TOLD_LABEL,  /* for people */
};

struct told_option {
    const char *name;
    enum told_kind kind;
    size_t at, given_at; /* in struct clv_split_params */
    const char *const *words;
};

#define IN(member) offsetof(struct clv_split_params, member)

static const char *const forms[] = {"copied", "pcap", "pcapng", NULL};
static const char *const compressions[] = {"none", "zstd", "gzip", NULL};
static const char *const manifests[] = {"csv", "jsonl", "none", NULL};
static const char *const slices[] = {"none", "nanoseconds", "bytes", "records", NULL};

static const struct told_option options[] = {
    {"by", TOLD_TEXT, IN(by), 0, NULL},
    {"inner", TOLD_BOOL, IN(inner), 0, NULL},
    {"directed", TOLD_BOOL, IN(directed), 0, NULL},
    {"shards", TOLD_U32, IN(shards), 0, NULL},
    {"idle_timeout_ns", TOLD_NS, IN(idle_timeout_ns), 0, NULL},
    {"active_timeout_ns", TOLD_NS, IN(active_timeout_ns), 0, NULL},
    {"max_packets_per_flow", TOLD_U64, IN(max_packets_per_flow), 0, NULL},
    {"max_bytes_per_flow", TOLD_U64, IN(max_bytes_per_flow), 0, NULL},
    {"min_packets", TOLD_U64, IN(min_packets), 0, NULL},
    {"min_bytes", TOLD_U64, IN(min_bytes), 0, NULL},
    {"top", TOLD_U64, IN(top), 0, NULL},
    {"snaplen", TOLD_U32, IN(snaplen), 0, NULL},
    {"community_seed", TOLD_U16, IN(community_seed), 0, NULL},
    {"filter", TOLD_TEXT, IN(filter), 0, NULL},
    {"host", TOLD_TEXT, IN(host), 0, NULL},
    {"port", TOLD_TEXT, IN(port), 0, NULL},
    {"proto", TOLD_TEXT, IN(proto), 0, NULL},
    {"vlan", TOLD_TEXT, IN(vlan), 0, NULL},
    {"after", TOLD_LABEL, 0, 0, NULL},
    {"after_ns", TOLD_TIME, IN(after_ns), IN(has_after), NULL},
    {"before", TOLD_LABEL, 0, 0, NULL},
    {"before_ns", TOLD_TIME, IN(before_ns), IN(has_before), NULL},
    {"every", TOLD_WORD, IN(every), 0, slices},
    {"every_n", TOLD_U64, IN(every_n), 0, NULL},
    {"name", TOLD_TEXT, IN(name), 0, NULL},
    {"format", TOLD_WORD, IN(format), 0, forms},
    {"compress", TOLD_WORD, IN(compress), 0, compressions},
    {"each", TOLD_EACH, 0, 0, NULL},
    {"merge", TOLD_BOOL, IN(merge), 0, NULL},
    {"metadata", TOLD_NOT, IN(no_metadata), 0, NULL},
    {"recover", TOLD_BOOL, IN(recover), 0, NULL},
    {"other", TOLD_NOT, IN(no_other), 0, NULL},
    {"manifest", TOLD_WORD, IN(manifest), 0, manifests},
    {"report", TOLD_REPORT, 0, 0, NULL},
};

static bool set_number(char *to, enum told_kind kind, json_int_t v)
{
    const uint64_t max = kind == TOLD_U16 ? UINT16_MAX : kind == TOLD_U32 ? UINT32_MAX : INT64_MAX;
    if (v < 0 || (uint64_t)v > max)
        return false;
    if (kind == TOLD_U16)
        *(uint16_t *)(void *)to = (uint16_t)v;
    else if (kind == TOLD_U32)
        *(uint32_t *)(void *)to = (uint32_t)v;
    else
        *(uint64_t *)(void *)to = (uint64_t)v;
    return true;
}

static bool set_word(char *to, const char *const *words, const char *word)
{
    for (int i = 0; words[i]; i++)
        if (strcmp(words[i], word) == 0) {
            *(int *)(void *)to = i;
            return true;
        }
    return false;
}

static bool set_option(struct told *t, const struct told_option *o, const json_t *v)
{
    char *to = (char *)&t->params + o->at;
    switch (o->kind) {
    case TOLD_TEXT:
        *(const char **)(void *)to = json_string_value(v);
        return json_is_string(v);
    case TOLD_BOOL:
    case TOLD_NOT:
        *(bool *)to = json_is_true(v) == (o->kind == TOLD_BOOL);
        return json_is_boolean(v);
    case TOLD_U64:
    case TOLD_U32:
    case TOLD_U16:
    case TOLD_NS:
        return json_is_integer(v) && set_number(to, o->kind, json_integer_value(v));
    case TOLD_TIME:
        *(int64_t *)(void *)to = json_integer_value(v);
        *(bool *)((char *)&t->params + o->given_at) = true;
        return json_is_integer(v);
    case TOLD_WORD:
        return json_is_string(v) && set_word(to, o->words, json_string_value(v));
    case TOLD_EACH:
        t->each = json_is_true(v);
        return json_is_boolean(v);
    case TOLD_REPORT:
        t->report = json_string_value(v);
        return json_is_string(v);
    case TOLD_LABEL:
        break;
    }
    return true;
}

/* An option that is not known here would be left out, and what it did be called a fault. */
static bool read_options(struct told *t, json_t *from, struct clv_error *err)
{
    const char *name;
    json_t *v;
    json_object_foreach(from, name, v)
    {
        const struct told_option *o = options;
        const struct told_option *const end = options + sizeof options / sizeof *options;
        while (o < end && strcmp(o->name, name) != 0)
            o++;
        if (o == end)
            return clv_fail(err, CLV_ERR_FORMAT, t->path, "option \"%.40s\" is not known here",
                            name);
        if (!set_option(t, o, v))
            return clv_fail(err, CLV_ERR_FORMAT, t->path, "option \"%.40s\" has no such value",
                            name);
    }
    /* What was copied is copied again where pcap is asked for. */
    if (t->params.format == 0)
        t->params.format = CLV_FORMAT_PCAP;
    return true;
}

static bool read_inputs(struct told *t, const json_t *from, struct clv_error *err)
{
    const size_t n = json_array_size(from);
    if (n == 0)
        return clv_fail(err, CLV_ERR_FORMAT, t->path, "it names no inputs");
    const char **inputs = mem_zalloc(n, sizeof *inputs);
    t->params.inputs = inputs;
    t->sizes = mem_zalloc(n, sizeof *t->sizes);
    if (!inputs || !t->sizes)
        return clv_fail_nomem(err, t->path, n * sizeof *inputs);
    t->params.n_inputs = n;
    for (size_t i = 0; i < n; i++) {
        const json_t *input = json_array_get(from, i);
        const json_t *bytes = json_object_get(input, "bytes");
        inputs[i] = json_string_value(json_object_get(input, "file"));
        if (!inputs[i] || !json_is_integer(bytes))
            return clv_fail(err, CLV_ERR_FORMAT, t->path, "input %zu has no name or size", i + 1);
        t->sizes[i] = (uint64_t)json_integer_value(bytes);
    }
    return true;
}

static bool read_counts(struct told *t, const json_t *from, struct clv_error *err)
{
    for (const struct counts_row *row = counts_rows; row->name; row++) {
        if (!(row->in & COUNTS_RECEIPT))
            continue;
        const json_t *group = row->group ? json_object_get(from, row->group) : from;
        const json_t *v = json_object_get(group, row->name);
        if (!json_is_integer(v))
            return clv_fail(err, CLV_ERR_FORMAT, t->path, "%s is missing", row->name);
        counts_set(&t->counts, row, (uint64_t)json_integer_value(v));
    }
    return true;
}

bool told_read(struct told *t, const char *dir, struct clv_error *err)
{
    json_error_t why;
    *t = (struct told){.each = false};
    char *const path = t->path;
    const int n = snprintf(path, sizeof t->path, "%s/%s", dir, PUBLISH_MARK);
    if (n < 0 || (size_t)n >= sizeof t->path)
        return clv_fail(err, CLV_ERR_ARG, dir, "its path is too long");
    struct stat st;
    if (stat(path, &st) == 0 && !S_ISREG(st.st_mode))
        return clv_fail(err, CLV_ERR_ARG, path, "is no regular file");
    FILE *f = fopen(path, "rbe");
    if (!f) {
        (void)clv_fail_errno(err, path, "cannot be read");
        return clv_fail_hint(err, "only what cleave split wrote can be verified");
    }
    json_t *root = json_loadf(f, JSON_REJECT_DUPLICATES, &why);
    (void)fclose(f);
    if (!root)
        return clv_fail(err, CLV_ERR_FORMAT, path, "line %d: %.100s", why.line, why.text);
    t->json = root;
    t->digest = json_string_value(json_object_get(root, "records_digest"));
    json_t *settings = json_object_get(root, "options");
    if (!json_is_object(settings))
        return clv_fail(err, CLV_ERR_FORMAT, path, "it names no options");
    return read_options(t, settings, err) && read_inputs(t, json_object_get(root, "inputs"), err) &&
           read_counts(t, root, err);
}

void told_fini(struct told *t)
{
    mem_free((void *)(uintptr_t)t->params.inputs);
    mem_free(t->sizes);
    json_decref(t->json);
    *t = (struct told){.each = false};
}

#else

bool told_read(struct told *t, const char *dir, struct clv_error *err)
{
    *t = (struct told){.each = false};
    (void)clv_fail(err, CLV_ERR_ARG, dir, "cannot be verified: built without jansson");
    return clv_fail_hint(err, "install libjansson-dev and build again");
}

void told_fini(struct told *t)
{
    (void)t;
}

#endif
