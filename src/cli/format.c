/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>
#include <time.h>

#include "cli/cli.h"

enum { BUFS = 8, BUF_LEN = 1024 };

static char *next_buf(void)
{
    static char bufs[BUFS][BUF_LEN];
    static unsigned next;
    return bufs[next++ % BUFS];
}

const char *human_count(uint64_t n)
{
    char digits[32];
    char *out = next_buf();
    size_t at = 0;
    const int len = snprintf(digits, sizeof digits, "%llu", (unsigned long long)n);
    for (int i = 0; i < len; i++) {
        if (i && (len - i) % 3 == 0)
            out[at++] = ',';
        out[at++] = digits[i];
    }
    out[at] = '\0';
    return out;
}

const char *human_bytes(double bytes)
{
    static const char *const units[] = {"B", "kB", "MB", "GB", "TB", "PB", "EB"};
    unsigned u = 0;
    char *out = next_buf();
    while (bytes >= 999.5 && u < 6) {
        bytes /= 1000;
        u++;
    }
    const int decimals = u == 0 || bytes >= 99.95 ? 0 : bytes >= 9.995 ? 1 : 2;
    (void)snprintf(out, BUF_LEN, "%.*f %s", decimals, bytes, units[u]);
    return out;
}

const char *human_seconds(double s)
{
    char *out = next_buf();
    (void)snprintf(out, BUF_LEN, s < 10 ? "%.2f s" : "%.1f s", s);
    return out;
}

const char *human_time(int64_t ts_ns)
{
    char *out = next_buf();
    int64_t ns = ts_ns % 1000000000;
    time_t sec = (time_t)(ts_ns / 1000000000);
    if (ns < 0) {
        ns += 1000000000;
        sec--;
    }
    struct tm tm;
    size_t n = 0;
    if (gmtime_r(&sec, &tm))
        n = strftime(out, BUF_LEN, "%Y-%m-%d %H:%M:%S", &tm);
    (void)snprintf(out + n, BUF_LEN - n, ".%09lld", (long long)ns);
    return out;
}

const char *printable(const char *s)
{
    char *out = next_buf();
    size_t n = 0;
    for (; *s && n + 5 < BUF_LEN; s++) {
        const unsigned char c = (unsigned char)*s;
        if (c < 0x20 || c == 0x7f)
            n += (size_t)snprintf(out + n, BUF_LEN - n, "\\x%02x", c);
        else
            out[n++] = (char)c;
    }
    out[n] = '\0';
    return out;
}
