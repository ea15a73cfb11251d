/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cleave/time.h"
#include "cli/cli.h"

enum { BUFS = 8, BUF_LEN = 1024 };

static char *next_buf(void)
{
    static char bufs[BUFS][BUF_LEN];
    static unsigned next;
    return bufs[next++ % BUFS];
}

bool is_dumb(void)
{
    const char *term = getenv("TERM");
    return !term || strcmp(term, "dumb") == 0;
}

const char *color(FILE *to, enum color c)
{
    static const char *const codes[] = {"\033[0m", "\033[1m", "\033[1;31m", "\033[1;32m"};
    const char *off = getenv("NO_COLOR");
    const bool on = !(off && *off) && !is_dumb() && isatty(fileno(to));
    return on ? codes[c] : "";
}

FILE *complaint(const char *command)
{
    (void)fprintf(stderr, "%scleave%s%s:%s ", color(stderr, COLOR_BAD), command ? " " : "",
                  command ? command : "", color(stderr, COLOR_END));
    return stderr;
}

void advise(const char *hint, ...)
{
    va_list args;
    va_start(args, hint);
    (void)fprintf(stderr, "%8s", "");
    (void)vfprintf(stderr, hint, args);
    (void)fputc('\n', stderr);
    va_end(args);
}

const char *plural(uint64_t n)
{
    return n == 1 ? "" : "s";
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
    static const char *const units[] = {"s", "ms", "us"};
    unsigned u = 0;
    char *out = next_buf();
    while (s > 0 && s < 0.01 && u < 2) {
        s *= 1000;
        u++;
    }
    (void)snprintf(out, BUF_LEN, s < 9.995 ? "%.2f %s" : "%.1f %s", s, units[u]);
    return out;
}

const char *human_time(int64_t ts_ns)
{
    char *out = clv_time_format(ts_ns, next_buf(), BUF_LEN);
    for (char *p = out; *p; p++)
        *p = (char)(*p == 'T' ? ' ' : *p == 'Z' ? '\0' : *p);
    return out;
}

void human_row(FILE *to, const char *name, const char *value, const char *rest)
{
    (void)fprintf(to, "%s%-10s%s %14s%s%s\n", color(to, COLOR_STRONG), name, color(to, COLOR_END),
                  value, *rest ? "  " : "", rest);
}

const char *printable(const char *s)
{
    return clv_printable(s, next_buf(), BUF_LEN);
}
