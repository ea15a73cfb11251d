/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A recipe makes one or two captures and the options of a run, changes some bytes of the first, and
 * may damage an output: what was split is proven, or it says why it could not be split; what was
 * damaged is not proven. Of an archive any bytes may be damaged, and of a manifest that is a
 * database, which is read then.
 */
#include "fuzz.h"
#include "fuzz_capture.h"
#include "fuzz_error.h"
#include "fuzz_temp.h"

#include <dirent.h>

#include "cleave/verify.h"
#include "config.h"

enum { OPTIONS = 8, CHANGES = 16, FILE_MAX = CAPTURE_MAX * 4 };

static uint8_t bytes[FILE_MAX];

static void settle(struct clv_split_params *p, const uint8_t *o)
{
    static const char *const keys[] = {
        "flow",          "3tuple",     "hostpair", "connection",
        "host",          "ip,vlan",    "mac",      "flow,tunnel,iface,vlan,mac",
        "client,server", "service",    "none",     "server,port,mac",
        "port",          "host,proto", "iface",    "tunnel",
    };
    static const char *const names[] = {NULL, "{key}", "{proto}/{n}_{first}", "x{part}"};
    p->by = keys[o[0] & 15];
    p->inner = o[0] & 16;
    p->directed = o[0] & 32;
    p->merge = o[0] & 64;
    p->each = (o[0] & 192) == 128;
    p->recover = o[1] & 1;
    p->no_other = o[1] & 2;
    p->no_metadata = o[1] & 4;
    p->name = names[o[1] >> 3 & 3];
    p->format = (enum clv_format)((o[1] >> 5 & 3) % 3);
    p->window = o[1] & 128 ? 4096 : 0;
    p->every = (enum clv_every)(o[2] & 3);
    p->every_n = p->every == CLV_EVERY_NS ? 100000000 : p->every == CLV_EVERY_BYTES ? 300 : 3;
    p->idle_timeout_ns = o[2] & 4 ? 10000000 : 0;
    p->active_timeout_ns = o[2] & 8 ? 20000000 : 0;
    p->shards = o[2] & 16 ? 3 : 0;
    p->max_packets_per_flow = o[2] & 32 ? 2 : 0;
    p->max_bytes_per_flow = o[2] & 64 ? 200 : 0;
    p->snaplen = o[2] & 128 ? 61 : 0;
    p->top = (o[3] & 3) == 1 ? 2 : 0;
    p->min_packets = (o[3] & 3) == 2 ? 2 : 0;
    p->min_bytes = (o[3] & 3) == 3 ? 150 : 0;
    p->manifest = (enum clv_manifest)(o[3] >> 2 & 3); /* all that are files, and none */
    if (p->manifest == CLV_MANIFEST_SQLITE && !HAVE_SQLITE)
        p->manifest = CLV_MANIFEST_CSV;
    p->compress = (o[3] & 112) == 112  ? CLV_COMPRESS_GZIP
                  : (o[3] & 112) == 96 ? CLV_COMPRESS_ZSTD
                                       : CLV_COMPRESS_NONE;
    p->max_open = o[3] & 128 ? 2 : 0;
    p->port = o[4] & 1 ? "0-1000" : NULL;
    p->host = o[4] & 2 ? "10.0.0.1,fd00::/16" : NULL;
    p->proto = o[4] & 4 ? "tcp,udp" : NULL;
    p->vlan = o[4] & 8 ? "0-1" : NULL;
    p->filter = o[4] & 16 ? "ip or ip6" : NULL;
    p->has_after = o[4] & 32;
    p->after_ns = INT64_C(1700000000) * 1000000000;
    p->has_before = o[4] & 64;
    p->before_ns = p->after_ns + 1000000000;
}

static int is_checked(const struct dirent *e)
{
    const char *const ending = strrchr(e->d_name, '.');
    return ending && (strcmp(ending, ".pcap") == 0 || strcmp(e->d_name, "manifest.csv") == 0 ||
                      strcmp(e->d_name, "manifest.jsonl") == 0);
}

/* 0: it is a directory. */
static size_t read_file(const char *path)
{
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    FUZZ_CHECK(fd >= 0);
    const ssize_t len = read(fd, bytes, sizeof bytes);
    (void)close(fd);
    return len < 0 ? 0 : (size_t)len;
}

/*
 * Damages one of the files of which each byte is proven: the manifest, or an output of classic
 * pcap behind its file header. false: there is none.
 */
static bool damage(const char *dir, const uint8_t *how)
{
    enum { HEADER = 24 };
    struct dirent **files;
    char path[512];
    const int n = scandir(dir, &files, is_checked, alphasort);
    FUZZ_CHECK(n >= 0);
    path[0] = '\0';
    for (int i = 0; i < n; i++) {
        if (i == how[0] % n)
            FUZZ_CHECK(snprintf(path, sizeof path, "%s/%s", dir, files[i]->d_name) > 0);
        free(files[i]);
    }
    free(files);
    if (!path[0])
        return false;
    const size_t from = strstr(path, "manifest") ? 0 : HEADER;
    const size_t len = read_file(path);
    if (len <= from || len == FILE_MAX)
        return false;
    const size_t at = from + load_be16(how + 1) % (len - from);
    switch (how[3] & 7) {
    case 0: /* its end is gone */
        temp_write(path, bytes, at);
        break;
    case 1: /* something follows */
        bytes[len] = how[1];
        temp_write(path, bytes, len + 1);
        break;
    case 2: /* it is gone */
        FUZZ_CHECK(unlink(path) == 0);
        break;
    case 3: /* a file that nobody knows */
        FUZZ_CHECK(snprintf(path, sizeof path, "%s/stray", dir) > 0);
        temp_write(path, bytes, at);
        break;
    default:
        bytes[at] ^= how[3] | 1;
        temp_write(path, bytes, len);
    }
    return true;
}

/* Damages an archive, most likely where its headers are: at its beginning or in its directory. */
static bool damage_archive(const char *path, const uint8_t *how)
{
    const size_t len = read_file(path), n = how[0] % 64 + 1;
    if (len <= n || len + n > FILE_MAX)
        return false;
    const size_t near_end = len / 3 < 2048 ? len / 3 : 2048;
    const size_t at =
        how[3] & 8 ? load_be16(how + 1) % len : len - 1 - load_be16(how + 1) % (near_end + 1);
    const size_t rest = len - at < n ? len - at : n;
    switch (how[3] & 7) {
    case 0: /* its end is gone */
        temp_write(path, bytes, at);
        break;
    case 1: /* something is in between, or follows */
        memmove(bytes + at + n, bytes + at, len - at);
        memset(bytes + at, how[3], n);
        temp_write(path, bytes, len + n);
        break;
    case 2: /* something is gone */
        memmove(bytes + at, bytes + at + rest, len - at - rest);
        temp_write(path, bytes, len - rest);
        break;
    case 3: /* it is there twice */
        memmove(bytes + at + rest, bytes + at, len - at);
        temp_write(path, bytes, len + rest);
        break;
    case 4: /* numbers as large as can be */
        for (size_t i = at; i < len && i < at + 4; i++)
            bytes[i] = (uint8_t)~bytes[i];
        temp_write(path, bytes, len);
        break;
    default:
        bytes[at] ^= how[3] | 1;
        temp_write(path, bytes, len);
    }
    return true;
}

/* A manifest that is a database may say the same whatever its bytes are: it is read, no more. */
static void damage_database(const struct clv_split_params *params,
                            const struct clv_verify_params *again, const uint8_t *how)
{
    char path[512];
    struct clv_verify_result v;
    struct clv_error err = {.code = CLV_ERR_NONE};
    FUZZ_CHECK(snprintf(path, sizeof path, "%s/manifest.db", params->output) > 0);
    if (params->manifest != CLV_MANIFEST_SQLITE || params->archive || access(path, F_OK) != 0)
        return;
    const size_t len = read_file(path);
    for (unsigned i = 0; i < 4 && len; i++) /* where its pages say what they are */
        bytes[((size_t)how[i] * 4096 + how[3 - i]) % len] ^= how[i] | 1;
    temp_write(path, bytes, len);
    if (!clv_verify(again, &v, &err))
        check_error(&err);
}

static void check(const struct clv_split_params *params, const uint8_t *how)
{
    struct clv_split_result r;
    struct clv_verify_result v;
    struct clv_error err = {.code = CLV_ERR_NONE};
    const struct clv_verify_params again = {
        .output = params->output,
        .inputs = params->inputs,
        .n_inputs = params->n_inputs,
        .threads = params->threads,
        .memory = params->memory,
    };
    if (!clv_split(params, &r, &err)) {
        check_error(&err);
        FUZZ_CHECK(err.code != CLV_ERR_UNPROVEN);
        return;
    }
    FUZZ_CHECK(!params->verify || r.verified == r.outputs);
    if (!HAVE_JANSSON) /* then only the run itself can prove what it did */
        return;
    FUZZ_CHECK(clv_verify(&again, &v, &err) && v.faults == 0);
    FUZZ_CHECK(v.records == r.records_read && v.written == r.records_written);
    damage_database(params, &again, how);
    /* Of a single member permissions may be any. */
    if (how[3] & 128 || (params->archive && r.outputs == 0) ||
        !(params->archive ? damage_archive(params->output, how) : damage(params->output, how)))
        return;
    if (clv_verify(&again, &v, &err))
        FUZZ_CHECK(v.faults > 0);
    else
        check_error(&err);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct capture capture;
    struct recipe r = {data, size};
    struct temp temp;
    uint8_t o[OPTIONS], how[4];
    for (unsigned i = 0; i < OPTIONS; i++)
        o[i] = recipe_next(&r);
    for (unsigned i = 0; i < sizeof how; i++)
        how[i] = recipe_next(&r);
    temp_make(&temp);
    const struct temp_name a = temp_path(&temp, "a"), b = temp_path(&temp, "b");
    const struct temp_name out = temp_path(&temp, "out");
    const char *const inputs[] = {a.path, b.path};
    struct clv_split_params params = {
        .inputs = inputs,
        .n_inputs = o[5] & 1 ? 2 : 1,
        .output = out.path,
        .verify = o[5] & 2,
        .archive = o[5] & 8,
        .threads = o[5] & 4 ? 2 : 1,
        .memory = o[5] & 4 ? 64 << 20 : 1 << 20,
    };
    settle(&params, o);
    capture_make(&capture, &r);
    if (params.n_inputs == 2) {
        temp_write(b.path, capture.p, capture.len);
        capture_make(&capture, &r);
    }
    for (unsigned i = 0; i < CHANGES && r.left >= 3; i++) {
        const size_t at = (size_t)recipe_next(&r) << 8;
        const size_t place = (at | recipe_next(&r)) % capture.len;
        capture.p[place] = recipe_next(&r);
    }
    temp_write(a.path, capture.p, capture.len);
    check(&params, how);
    temp_remove(&temp);
    return 0;
}
