/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Options that are texts, separated by zero bytes, of a run over a capture of many kinds of
 * packets: it succeeds and accounts for every record, or says what is wrong with which option.
 */
#include "fuzz.h"
#include "fuzz_capture.h"
#include "fuzz_error.h"
#include "fuzz_temp.h"

#include <netdb.h>

#include "base/text.h"
#include "cleave/verify.h"
#include "config.h"

enum { FILTER_MAX = 100 };

/* A filter may have names of hosts in it: nobody is asked for them. */
int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
                struct addrinfo **res)
{
    (void)node;
    (void)service;
    (void)hints;
    (void)res;
    return EAI_NONAME;
}

struct hostent *gethostbyname(const char *name)
{
    (void)name;
    return NULL;
}

#ifdef __GLIBC__
int getnetbyname_r(const char *name, struct netent *result_buf, char *buf, size_t len,
                   struct netent **result, int *error)
{
    (void)name;
    (void)result_buf;
    (void)buf;
    (void)len;
    *result = NULL;
    *error = HOST_NOT_FOUND;
    return HOST_NOT_FOUND;
}
#endif

/* Each shape of packet, twice, with times in between. */
static void make(struct capture *c)
{
    uint8_t bytes[2 + 32 * 5] = {0, 32};
    for (uint8_t i = 0; i < 32; i++) {
        uint8_t *p = bytes + 2 + (size_t)i * 5;
        p[0] = i;
        p[1] = (uint8_t)(i * 37);
        p[2] = (uint8_t)(i * 11);
        p[3] = 5;
    }
    struct recipe r = {bytes, sizeof bytes};
    capture_make(c, &r);
}

/* The next of the texts, or NULL for an empty one. */
static const char *next_text(char **at, const char *end)
{
    char *const text = *at;
    if (text >= end)
        return NULL;
    *at += strlen(text) + 1;
    return *text ? text : NULL;
}

/* What cleave.json, being JSON, can repeat. */
static bool is_utf8(const char *s, size_t n)
{
    size_t len = 1;
    for (size_t i = 0; i < n && len; i += len)
        len = text_utf8(s + i, n - i);
    return len;
}

static void check(const struct clv_split_params *params)
{
    struct clv_split_result r;
    struct clv_verify_result v;
    struct clv_error err = {.code = CLV_ERR_NONE};
    if (!clv_split(params, &r, &err)) {
        check_error(&err);
        FUZZ_CHECK(err.code != CLV_ERR_UNPROVEN);
        return;
    }
    FUZZ_CHECK(r.records_read + r.copies == r.records_written + r.dropped_other +
                                                r.dropped_filtered + r.dropped_small +
                                                r.dropped_capped);
    const bool chosen =
        params->filter || params->host || params->port || params->proto || params->vlan;
    FUZZ_CHECK(chosen || r.dropped_filtered == 0);
    if (params->dry_run || !HAVE_JANSSON)
        return;
    /* What the run says of its options is enough to do it again. */
    const struct clv_verify_params again = {
        .output = params->output, .threads = 1, .memory = params->memory};
    FUZZ_CHECK(clv_verify(&again, &v, &err) && v.faults == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct capture capture;
    struct temp temp;
    if (size < 2)
        return 0;
    char *const texts = malloc(size - 1);
    FUZZ_CHECK(texts);
    memcpy(texts, data + 2, size - 2);
    texts[size - 2] = '\0';
    char *at = texts;
    enum { BY, HOST, PORT, PROTO, VLAN, NAME, FILTER, TEXTS };
    const char *text[TEXTS];
    for (unsigned i = 0; i < TEXTS; i++)
        text[i] = next_text(&at, texts + size - 2);
    /* What libpcap makes of long ones takes its time, and is not ours. */
    if (text[FILTER] && strlen(text[FILTER]) > FILTER_MAX)
        text[FILTER] = NULL;
    temp_make(&temp);
    const struct temp_name in = temp_path(&temp, "in.pcap"), out = temp_path(&temp, "out");
    const char *const inputs[] = {in.path};
    const struct clv_split_params params = {
        .inputs = inputs,
        .n_inputs = 1,
        .output = out.path,
        .by = text[BY],
        .host = text[HOST],
        .port = text[PORT],
        .proto = text[PROTO],
        .vlan = text[VLAN],
        .name = text[NAME],
        .filter = text[FILTER],
        .dry_run = !(data[0] & 1) || !is_utf8(texts, size - 2),
        .inner = data[0] & 2,
        .directed = data[0] & 4,
        .no_other = data[0] & 8,
        .shards = data[0] & 16 ? data[1] : 0,
        .every = data[0] & 32 ? CLV_EVERY_RECORDS : CLV_EVERY_NONE,
        .every_n = 4,
        .top = data[0] & 64 ? 3 : 0,
        .manifest = data[0] & 128 ? CLV_MANIFEST_JSONL : CLV_MANIFEST_CSV,
        .threads = 1,
        .memory = 1 << 20,
    };
    if (!capture.len)
        make(&capture);
    temp_write(in.path, capture.p, capture.len);
    check(&params);
    temp_remove(&temp);
    free(texts);
    return 0;
}
