/* SPDX-License-Identifier: BSD-2-Clause */
#include "cleave/time.h"

#include <string.h>

#include "base/text.h"

/*
 * The calendar without time_t, which has 32 bits on some machines. Howard Hinnant,
 * "chrono-Compatible Low-Level Date Algorithms", days_from_civil and civil_from_days.
 */
struct date {
    int64_t year;
    unsigned month, day;
};

static int64_t days_of_date(struct date d)
{
    const int64_t y = d.year - (d.month <= 2);
    const int64_t era = (y >= 0 ? y : y - 399) / 400;
    const int64_t yoe = y - era * 400;
    const int64_t doy = (153 * ((d.month + 9) % 12) + 2) / 5 + d.day - 1;
    return era * 146097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719468;
}

static struct date date_of_days(int64_t days)
{
    const int64_t z = days + 719468;
    const int64_t era = (z >= 0 ? z : z - 146096) / 146097;
    const int64_t doe = z - era * 146097;
    const int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    const int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    const int64_t mp = (5 * doy + 2) / 153;
    const unsigned month = (unsigned)(mp < 10 ? mp + 3 : mp - 9);
    return (struct date){yoe + era * 400 + (month <= 2), month,
                         (unsigned)(doy - (153 * mp + 2) / 5 + 1)};
}

void text_span(struct text *t, int64_t ns)
{
    const uint64_t n = ns < 0 ? 0 - (uint64_t)ns : (uint64_t)ns;
    if (ns < 0)
        text_char(t, '-');
    text_u64(t, n / 1000000000, 1);
    text_char(t, '.');
    text_u64(t, n % 1000000000, 9);
}

void text_time(struct text *t, int64_t ts_ns)
{
    char buf[] = "0000-00-00T00:00:00.000000000Z"; /* 64 bits of nanoseconds reach to 2262 */
    int64_t sec = ts_ns / 1000000000, ns = ts_ns % 1000000000;
    if (ns < 0) {
        ns += 1000000000;
        sec--;
    }
    int64_t days = sec / 86400, rest = sec % 86400;
    if (rest < 0) {
        rest += 86400;
        days--;
    }
    const struct date d = date_of_days(days);
    text_digits(buf, (uint64_t)d.year, 4);
    text_digits(buf + 5, d.month, 2);
    text_digits(buf + 8, d.day, 2);
    text_digits(buf + 11, (uint64_t)rest / 3600, 2);
    text_digits(buf + 14, (uint64_t)rest / 60 % 60, 2);
    text_digits(buf + 17, (uint64_t)rest % 60, 2);
    text_digits(buf + 20, (uint64_t)ns, 9);
    text_put(t, buf, sizeof buf - 1);
}

char *clv_time_format(int64_t ts_ns, char *buf, size_t len)
{
    if (len == 0)
        return buf;
    struct text t = text_on(buf, len);
    text_time(&t, ts_ns);
    return text_end(&t);
}

/* Digits of a field of exactly `width`, up to max. Moves *p on. */
static bool digits(const char **p, unsigned width, unsigned max, unsigned *out)
{
    *out = 0;
    for (unsigned i = 0; i < width; i++, (*p)++) {
        if (**p < '0' || **p > '9')
            return false;
        *out = *out * 10 + (unsigned)(**p - '0');
    }
    return *out <= max;
}

/* ".5" and the like, nanoseconds; without a point 0. */
static bool fraction(const char **p, int64_t *ns)
{
    int64_t unit = 100000000;
    *ns = 0;
    if (**p != '.' && **p != ',')
        return true;
    (*p)++;
    if (**p < '0' || **p > '9')
        return false;
    for (; **p >= '0' && **p <= '9'; (*p)++, unit /= 10) {
        if (unit == 0 && **p != '0')
            return false; /* finer than a nanosecond */
        *ns += (**p - '0') * unit;
    }
    return true;
}

/* RFC 3339 section 5.6: "Z", or hours and minutes that the time is ahead. Without: UTC. */
static bool offset(const char **p, int64_t *seconds)
{
    unsigned h, m;
    *seconds = 0;
    if (**p == '\0')
        return true;
    if (**p == 'Z' || **p == 'z') {
        (*p)++;
        return true;
    }
    if (**p != '+' && **p != '-')
        return false;
    const int sign = *(*p)++ == '-' ? -1 : 1;
    if (!digits(p, 2, 23, &h) || *(*p)++ != ':' || !digits(p, 2, 59, &m))
        return false;
    *seconds = sign * (((int64_t)h * 60 + m) * 60);
    return true;
}

static bool parse_rfc3339(const char *p, int64_t *seconds, int64_t *ns)
{
    unsigned year, month, day, h = 0, m = 0, s = 0;
    int64_t ahead = 0;
    *ns = 0;
    if (!digits(&p, 4, 9999, &year) || *p++ != '-' || !digits(&p, 2, 12, &month) || *p++ != '-' ||
        !digits(&p, 2, 31, &day) || month < 1 || day < 1)
        return false;
    if (*p == 'T' || *p == 't' || *p == ' ') {
        p++;
        if (!digits(&p, 2, 23, &h) || *p++ != ':' || !digits(&p, 2, 59, &m) || *p++ != ':' ||
            !digits(&p, 2, 60, &s) || !fraction(&p, ns) || !offset(&p, &ahead))
            return false;
    }
    const int64_t days = days_of_date((struct date){year, month, day});
    *seconds = ((days * 24 + h) * 60 + m) * 60 + s - ahead;
    return *p == '\0' && date_of_days(days).day == day; /* there is no 31st of February */
}

static bool parse_epoch(const char *p, int64_t *seconds, int64_t *ns)
{
    *seconds = 0;
    if (*p < '0' || *p > '9')
        return false;
    for (; *p >= '0' && *p <= '9'; p++) {
        if (*seconds > INT64_MAX / 1000000000 / 10 - 1)
            return false;
        *seconds = *seconds * 10 + (*p - '0');
    }
    return fraction(&p, ns) && *p == '\0';
}

bool clv_time_parse(const char *text, int64_t *out)
{
    int64_t seconds, ns;
    if (!parse_epoch(text, &seconds, &ns) && !parse_rfc3339(text, &seconds, &ns))
        return false;
    if (seconds < 0 && ns) {
        seconds++; /* towards 0, so that no product overflows */
        ns -= 1000000000;
    }
    return !__builtin_mul_overflow(seconds, 1000000000, out) &&
           !__builtin_add_overflow(*out, ns, out);
}
