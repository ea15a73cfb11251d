/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdio.h>
#include <string.h>

#include "manifest/manifest.h"
#include "verify/directory.h"

enum { STEP = 8 * 1024, SHOWN = 48, HEAD = 1024 }; /* on a thread's stack, which may have 64 KiB */

/* The value that the byte `at` of a row is in. Commas in quoted names only make it shorter. */
static struct clv_span value_at(const char *row, size_t len, size_t at)
{
    size_t from = at < len ? at : len, to = from;
    while (from > 0 && row[from - 1] != ',')
        from--;
    while (to < len && row[to] != ',' && row[to] != '\n')
        to++;
    return (struct clv_span){(const uint8_t *)row + from, to - from};
}

/*
 * Puts into name the column that byte `at` of a CSV row is in, and a space: as the table's own head
 * calls it, which was found right before any row. "" where nothing is known.
 */
static void name_column(const struct verify *v, const char *row, size_t at, char name[SHOWN])
{
    char head[HEAD];
    const char *p = head;
    bool quoted = false;
    unsigned column = 0;
    for (size_t i = 0; i < at; i++) {
        quoted ^= row[i] == '"';
        column += row[i] == ',' && !quoted;
    }
    name[0] = '\0';
    const ssize_t got = store_read(&v->manifest, 0, head, sizeof head - 1);
    if (v->job->params->manifest != CLV_MANIFEST_CSV || v->manifest_rows == 0 || got <= 0)
        return;
    head[got] = '\0';
    while (column && (p = strchr(p, ',')) != NULL) {
        column--;
        p++;
    }
    if (p)
        (void)snprintf(name, SHOWN, "%.*s ", (int)strcspn(p, ",\n"), p);
}

/* text is of whole rows, and not what the manifest has at byte k of it. */
CLV_COLD static void tell_row(struct verify *v, const char *text, size_t len, size_t k)
{
    char name[PATH_MAX];
    if (!store_path(v->store, manifest_file_name(v->job->params->manifest), name, NULL))
        name[0] = '\0'; /* it was opened by this path */
    size_t from = k, to = k;
    char found[STEP];
    while (from > 0 && text[from - 1] != '\n')
        from--;
    while (to < len && text[to] != '\n')
        to++;
    for (size_t i = 0; i < from; i++)
        v->manifest_rows += text[i] == '\n';
    ssize_t got = store_read(&v->manifest, v->manifest_at + from, found, sizeof found);
    const char *end = got > 0 ? memchr(found, '\n', (size_t)got) : NULL;
    got = end ? end - found : got < 0 ? 0 : got;
    const struct clv_span want = value_at(text + from, to - from, k - from);
    const struct clv_span have = value_at(found, (size_t)got, k - from);
    struct clv_error fault = {.offset = CLV_NO_OFFSET};
    char column[SHOWN];
    name_column(v, text + from, k - from, column);
    if (got == 0)
        (void)clv_fail(&fault, CLV_ERR_UNPROVEN, name, "ends before row %llu",
                       (unsigned long long)v->manifest_rows);
    else
        (void)clv_fail(&fault, CLV_ERR_UNPROVEN, name,
                       "row %llu has %s\"%.*s\", but should have \"%.*s\"",
                       (unsigned long long)v->manifest_rows, column, (int)min_u64(have.len, SHOWN),
                       have.p, (int)min_u64(want.len, SHOWN), want.p);
    (void)clv_fail_at(&fault, v->manifest.from + v->manifest_at + k, 0);
    v->manifest_wrong = true;
    verify_tell(v, &fault);
}

static bool open_table(struct verify *v, struct clv_error *err)
{
    char path[PATH_MAX];
    struct clv_error fault = {.offset = CLV_NO_OFFSET};
    const char *const name = manifest_file_name(v->job->params->manifest);
    if (!store_path(v->store, name, path, err))
        return false;
    v->manifest_rows = v->job->params->manifest == CLV_MANIFEST_JSONL; /* rows count from 1 */
    const enum store_look look = store_file(v->store, name, path, &v->manifest);
    v->manifest_wrong = look != STORE_HAS;
    if (look == STORE_LACKS || look == STORE_UNKNOWN) {
        (void)clv_fail_errno(&fault, path, "cannot be read");
        fault.code = CLV_ERR_UNPROVEN;
        verify_tell(v, &fault);
    }
    return true; /* what is there and no file verify_strays() reports */
}

bool verify_manifest(void *user, const char *text, size_t len, struct clv_error *err)
{
    struct verify *v = user;
    char buf[STEP];
    if (v->manifest.fd < 0 && !v->manifest_wrong && !open_table(v, err))
        return false;
    for (size_t at = 0; at < len && !v->manifest_wrong;) {
        const size_t n = len - at < sizeof buf ? len - at : sizeof buf;
        const ssize_t got = store_read(&v->manifest, v->manifest_at + at, buf, n);
        if (got < 0)
            return clv_fail_errno(err, manifest_file_name(v->job->params->manifest),
                                  "cannot be read");
        size_t same = 0;
        if ((size_t)got == n && memcmp(buf, text + at, n) == 0)
            same = n;
        while (same < n && same < (size_t)got && buf[same] == text[at + same])
            same++;
        at += same;
        if (same < n)
            tell_row(v, text, len, at);
    }
    for (size_t i = 0; i < len && !v->manifest_wrong; i++)
        v->manifest_rows += text[i] == '\n';
    v->manifest_at += len;
    return true;
}
