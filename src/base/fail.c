/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/fail.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"

static void set_subject(struct clv_error *err, const char *subject)
{
    const size_t len = strlen(subject);
    const size_t room = sizeof err->subject - 1;
    if (len <= room) {
        memcpy(err->subject, subject, len + 1);
        return;
    }
    memcpy(err->subject, "...", 3);
    memcpy(err->subject + 3, subject + len - (room - 3), room - 3 + 1);
}

CLV_PRINTF(5, 0)
static void fill(struct clv_error *err, enum clv_errc code, int sys, const char *subject,
                 const char *what, va_list ap)
{
    *err = (struct clv_error){.code = code, .sys = sys, .offset = CLV_NO_OFFSET};
    set_subject(err, subject);
    (void)vsnprintf(err->what, sizeof err->what, what, ap);
}

bool clv_fail_list(struct clv_error *err, enum clv_errc code, const char *subject, const char *what,
                   va_list ap)
{
    if (err)
        fill(err, code, 0, subject, what, ap);
    return false;
}

bool clv_fail(struct clv_error *err, enum clv_errc code, const char *subject, const char *what, ...)
{
    if (err) {
        va_list ap;
        va_start(ap, what);
        fill(err, code, 0, subject, what, ap);
        va_end(ap);
    }
    return false;
}

bool clv_fail_errno(struct clv_error *err, const char *subject, const char *what, ...)
{
    const int sys = errno;
    if (err) {
        va_list ap;
        va_start(ap, what);
        fill(err, sys == ENOMEM ? CLV_ERR_NOMEM : CLV_ERR_IO, sys, subject, what, ap);
        va_end(ap);
        if (sys == EMFILE)
            (void)clv_fail_hint(err, "raise the limit of open files, as with ulimit -n 4096");
    }
    return false;
}

bool clv_fail_nomem(struct clv_error *err, const char *what, size_t bytes)
{
    (void)clv_fail(err, CLV_ERR_NOMEM, what, "cannot allocate %zu bytes of memory", bytes);
    return clv_fail_hint(err, "try a smaller --memory or fewer --threads");
}

bool clv_fail_hint(struct clv_error *err, const char *hint, ...)
{
    if (err) {
        va_list ap;
        va_start(ap, hint);
        (void)vsnprintf(err->hint, sizeof err->hint, hint, ap);
        va_end(ap);
    }
    return false;
}

bool clv_fail_at(struct clv_error *err, uint64_t offset, uint64_t record)
{
    if (err) {
        err->offset = offset;
        err->record = record;
    }
    return false;
}

char *clv_printable(const char *s, char *buf, size_t len)
{
    if (len) {
        struct text t = text_on(buf, len - 1);
        text_printable(&t, s);
        buf[t.len] = '\0'; /* beside the text: it was given one byte less */
    }
    return buf;
}

CLV_PRINTF(4, 5)
static void put(char *buf, size_t len, size_t *n, const char *fmt, ...)
{
    if (*n >= len)
        return;
    va_list ap;
    va_start(ap, fmt);
    const int k = vsnprintf(buf + *n, len - *n, fmt, ap);
    va_end(ap);
    if (k > 0)
        *n += (size_t)k;
}

char *clv_error_format(const struct clv_error *err, char *buf, unsigned len)
{
    if (len == 0)
        return buf;
    size_t n = strlen(clv_printable(*err->subject ? err->subject : "\"\"", buf, len));
    if (err->offset != CLV_NO_OFFSET && err->record)
        put(buf, len, &n, ": byte %llu (record %llu)", (unsigned long long)err->offset,
            (unsigned long long)err->record);
    else if (err->offset != CLV_NO_OFFSET)
        put(buf, len, &n, ": byte %llu", (unsigned long long)err->offset);
    if (n < len) {
        put(buf, len, &n, ": ");
        n += n < len ? strlen(clv_printable(err->what, buf + n, len - n)) : 0;
    }
    if (err->sys)
        put(buf, len, &n, ": %s", strerror(err->sys));
    return buf;
}
