/* SPDX-License-Identifier: BSD-2-Clause */
#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cleave/split.h"
#include "cleave/time.h"
#include "cli/cli.h"

static const struct flag help_flag = {
    "help", 'h', FLAG_BOOL, 0, 0, 0, NULL, "show this help; -h: the flags alone"};

/* Levenshtein's distance, as far as words of a command line need it. */
static unsigned distance(const char *a, const char *b)
{
    enum { MAX = 32 };
    unsigned row[MAX + 1];
    const size_t m = strlen(a), n = strlen(b);
    if (m > MAX || n > MAX)
        return MAX;
    for (size_t j = 0; j <= n; j++)
        row[j] = (unsigned)j;
    for (size_t i = 1; i <= m; i++) {
        unsigned diagonal = row[0];
        row[0] = (unsigned)i;
        for (size_t j = 1; j <= n; j++) {
            unsigned best = diagonal + (a[i - 1] != b[j - 1]);
            diagonal = row[j];
            if (row[j] + 1 < best)
                best = row[j] + 1;
            if (row[j - 1] + 1 < best)
                best = row[j - 1] + 1;
            row[j] = best;
        }
    }
    return row[n];
}

const char *nearest_word(const char *word, const char *const *words, size_t n)
{
    const char *best = NULL;
    unsigned best_distance = 3;
    for (size_t i = 0; i < n; i++) {
        const bool begins = word[0] && strncmp(words[i], word, strlen(word)) == 0;
        const unsigned d = begins ? 0 : distance(word, words[i]);
        if (d < best_distance && d < strlen(words[i])) {
            best_distance = d;
            best = words[i];
        }
    }
    return best;
}

static int usage_error(const struct command *cmd, const char *what, const char *subject)
{
    (void)fprintf(complaint(cmd->name), "%s: %s\n", what, printable(subject));
    (void)fprintf(stderr, "'cleave %s --help' shows what it takes\n", cmd->name);
    return -1;
}

static int unknown_flag(const struct command *cmd, const char *name)
{
    const char *names[64];
    size_t n = 0;
    for (const struct flag *f = cmd->flags; f->name && n < 64; f++)
        names[n++] = f->name;
    const char *near = nearest_word(name, names, n);
    char flag[80];
    (void)snprintf(flag, sizeof flag, "--%s", name);
    if (!near)
        return usage_error(cmd, "no such flag", flag);
    (void)fprintf(complaint(cmd->name), "no such flag: --%s\n", printable(name));
    (void)fprintf(stderr, "did you mean --%s?\n", near);
    return -1;
}

/* A word that begins with a dash. It may be a file, or a flag as another tool has it. */
static int unknown_letter(const struct command *cmd, const char *word, char letter)
{
    (void)fprintf(complaint(cmd->name), "no such flag: %s\n", printable(word));
    if (access(word, F_OK) == 0) {
        (void)fprintf(stderr, "for the file of that name: ./%s\n", printable(word));
        return -1;
    }
    for (const struct habit *h = cmd->habits; h && h->letter; h++)
        if (h->letter == letter) {
            (void)fprintf(stderr, "%s\n", h->instead);
            return -1;
        }
    (void)fprintf(stderr, "'cleave %s --help' shows what it takes\n", cmd->name);
    return -1;
}

struct unit {
    const char *name;
    uint64_t factor;
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
    {"m", UINT64_C(60000000000)},
    {"h", UINT64_C(3600000000000)},
    {NULL, 0},
};

static const struct unit record_units[] = {
    {"p", 1}, {"kp", 1000}, {"Mp", 1000000}, {"Gp", 1000000000}, {NULL, 0},
};

/* A size needs its unit, and one that no duration has: 60m are minutes. */
static bool parse_every(const char *text, struct every *e)
{
    const char *unit = text + strspn(text, "0123456789");
    uint64_t n;
    if (parse_number(text, record_units, &n))
        e->kind = CLV_EVERY_RECORDS;
    else if (*unit && parse_number(text, duration_units, &n))
        e->kind = CLV_EVERY_NS;
    else if (*unit && parse_number(text, size_units, &n))
        e->kind = CLV_EVERY_BYTES;
    else
        return false;
    e->n = n;
    return n > 0 && n <= INT64_MAX;
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

static bool parse_word(const char *words, const char *text, int *out)
{
    const size_t len = strlen(text);
    int i = 0;
    for (const char *w = words;; i++) {
        const size_t n = strcspn(w, "|");
        if (n == len && memcmp(w, text, n) == 0) {
            *out = i;
            return true;
        }
        if (w[n] == '\0')
            return false;
        w += n + 1;
    }
}

/* "[=all]": the words between. */
static bool parse_choice(const char *arg, const char *text, int *out)
{
    char words[64];
    (void)snprintf(words, sizeof words, "%.*s", (int)strcspn(arg + 2, "]"), arg + 2);
    if (!parse_word(words, text, out))
        return false;
    *out += 2;
    return true;
}

static int bad_value(const struct command *cmd, const struct flag *f, const char *text)
{
    (void)fprintf(complaint(cmd->name), "--%s does not take \"%s\"\n", f->name, printable(text));
    if (f->kind == FLAG_WORD)
        (void)fprintf(stderr, "it takes one of %s\n", f->arg);
    else if (f->kind == FLAG_CHOICE)
        (void)fprintf(stderr, "it is --%s%s\n", f->name, f->arg);
    else if ((f->kind == FLAG_COUNT || f->kind == FLAG_SIZE) && f->max)
        (void)fprintf(stderr, "it takes a whole number from %llu to %llu%s\n",
                      (unsigned long long)f->min, (unsigned long long)f->max,
                      f->kind == FLAG_SIZE ? ", or one with a unit such as 64MiB" : "");
    else if (f->kind == FLAG_SIZE)
        (void)fprintf(stderr, "it takes bytes, or a number with a unit such as 64MiB%s\n",
                      f->min ? "; at least 1" : "");
    else if (f->kind == FLAG_DURATION)
        (void)fprintf(stderr, "it takes seconds, or a whole number with ns, us, ms, s, m or h%s\n",
                      f->min ? "; more than 0" : "");
    else if (f->kind == FLAG_TIME)
        (void)fprintf(stderr, "it takes a time such as 2026-11-22T23:59:59Z, or seconds since the "
                              "epoch\n");
    else if (f->kind == FLAG_EVERY)
        (void)fprintf(stderr,
                      "it takes a duration such as 60s, a size such as 1GiB, or records as in "
                      "1000000p\n");
    else if (f->kind == FLAG_MODE)
        (void)fprintf(stderr, "it takes permissions in octal such as 0600, at most %04llo\n",
                      (unsigned long long)f->max);
    else if (f->kind == FLAG_IPV4)
        (void)fprintf(stderr, "it takes an IPv4 address such as 192.168.0.1\n");
    else
        (void)fprintf(stderr, "it takes a whole number of at least %llu\n",
                      (unsigned long long)f->min);
    return -1;
}

static int set_value(const struct command *cmd, const struct flag *f, void *options,
                     const char *text)
{
    void *at = (char *)options + f->at;
    uint64_t n;
    switch (f->kind) {
    case FLAG_BOOL:
        *(bool *)at = true;
        return 0;
    case FLAG_TEXT:
        *(const char **)at = text;
        return 0;
    case FLAG_COUNT:
    case FLAG_SIZE:
        if (!parse_number(text, f->kind == FLAG_SIZE ? size_units : no_units, &n) || n < f->min ||
            (f->max && n > f->max))
            return bad_value(cmd, f, text);
        *(uint64_t *)at = n;
        return 0;
    case FLAG_MODE:
        if (!parse_octal(text, f->max, at))
            return bad_value(cmd, f, text);
        return 0;
    case FLAG_DURATION:
        if (!parse_number(text, duration_units, &n) || n > INT64_MAX || n < f->min)
            return bad_value(cmd, f, text);
        *(int64_t *)at = (int64_t)n;
        return 0;
    case FLAG_TIME:
        ((struct moment *)at)->given = true;
        return clv_time_parse(text, &((struct moment *)at)->ns) ? 0 : bad_value(cmd, f, text);
    case FLAG_EVERY:
        return parse_every(text, at) ? 0 : bad_value(cmd, f, text);
    case FLAG_WORD:
        return parse_word(f->arg, text, at) ? 0 : bad_value(cmd, f, text);
    case FLAG_CHOICE:
        if (!text) {
            *(int *)at = *(int *)at ? *(int *)at : 1;
            return 0;
        }
        return parse_choice(f->arg, text, at) ? 0 : bad_value(cmd, f, text);
    case FLAG_IPV4:
        return inet_pton(AF_INET, text, at) == 1 ? 0 : bad_value(cmd, f, text);
    }
    return -1;
}

static const struct flag *find_flag(const struct command *cmd, const char *name, size_t len,
                                    char letter)
{
    for (const struct flag *f = cmd->flags; f->name; f++)
        if (letter ? f->letter == letter : strlen(f->name) == len && !memcmp(f->name, name, len))
            return f;
    if (letter ? letter == 'h' : len == 4 && memcmp(name, "help", 4) == 0)
        return &help_flag;
    return NULL;
}

/* One word that begins with a dash; *i moves on where it takes the next word as its value. */
static int parse_flag(const struct command *cmd, int argc, char **argv, int *i, void *options,
                      enum help *help)
{
    const char *word = argv[*i];
    const bool is_long = word[1] == '-';
    const char *p = word + (is_long ? 2 : 1);
    do {
        const size_t len = is_long ? strcspn(p, "=") : 1;
        const struct flag *f = find_flag(cmd, p, len, (char)(is_long ? 0 : *p));
        if (!f) {
            char name[64];
            (void)snprintf(name, sizeof name, "%.*s", (int)len, p);
            return is_long ? unknown_flag(cmd, name) : unknown_letter(cmd, word, *p);
        }
        p += len;
        if (f->kind == FLAG_CHOICE && !(is_long && *p)) {
            (void)set_value(cmd, f, options, NULL);
            continue;
        }
        if (f->kind == FLAG_BOOL) {
            if (is_long && *p)
                return usage_error(cmd, "this flag takes no value", word);
            if (f == &help_flag)
                *help = is_long ? HELP_LONG : HELP_SHORT;
            else
                (void)set_value(cmd, f, options, NULL);
            continue;
        }
        const char *value = p;
        if (is_long ? *p == '=' : *p != '\0')
            value += is_long;
        else if (*i + 1 < argc)
            value = argv[++*i];
        else
            return usage_error(cmd, "this flag needs a value", word);
        return set_value(cmd, f, options, value);
    } while (!is_long && *p);
    return 0;
}

int flags_parse(const struct command *cmd, int argc, char **argv, int from, void *options,
                enum help *help)
{
    int n = 0;
    bool only_operands = false;
    *help = HELP_NONE;
    for (int i = from; i < argc; i++) {
        char *word = argv[i];
        if (!only_operands && strcmp(word, "--") == 0) {
            only_operands = true;
        } else if (!only_operands && word[0] == '-' && word[1]) {
            if (parse_flag(cmd, argc, argv, &i, options, help) != 0)
                return -1;
        } else {
            argv[from + n++] = word;
        }
    }
    if (*help)
        return n;
    if ((unsigned)n < cmd->min_operands) {
        struct stat in;
        (void)fprintf(complaint(cmd->name), "%s is missing\n", cmd->operands);
        if (fstat(STDIN_FILENO, &in) == 0 && S_ISFIFO(in.st_mode))
            (void)fprintf(stderr, "for what comes through a pipe: cleave %s -\n", cmd->name);
        else
            (void)fprintf(stderr, "'cleave %s --help' shows what it takes\n", cmd->name);
        return -1;
    }
    if ((unsigned)n > cmd->max_operands)
        return usage_error(cmd, "one operand too many", argv[from + (int)cmd->max_operands]);
    return n;
}

static void help_row(const struct flag *f, FILE *to)
{
    char left[64];
    (void)snprintf(left, sizeof left, "%c%c%s --%s%s%s", f->letter ? '-' : ' ',
                   f->letter ? f->letter : ' ', f->letter ? "," : " ", f->name,
                   f->arg && f->kind != FLAG_CHOICE ? " " : "", f->arg ? f->arg : "");
    (void)fprintf(to, strlen(left) > 29 ? "  %s\n%33s%s\n" : "  %-29s%.0s  %s\n", left, "",
                  f->help);
}

static void table_row(const struct flag *f, FILE *to)
{
    (void)fprintf(to, "flag\t%s\t%.1s\t%s\t%s\n", f->name, &f->letter, f->arg ? f->arg : "",
                  f->help);
}

void flags_table(const struct command *cmd, FILE *to)
{
    (void)fprintf(to, "command\t%s\t%s\t%s\n", cmd->name, cmd->operands, cmd->summary);
    for (const struct flag *f = cmd->flags; f->name; f++)
        table_row(f, to);
    table_row(&help_flag, to);
}

void flags_help(const struct command *cmd, enum help help, FILE *to)
{
    (void)fprintf(to, "%s\n\nUsage: cleave %s [FLAGS]%s%s\n\nFlags:\n", cmd->summary, cmd->name,
                  *cmd->operands ? " " : "", cmd->operands);
    for (const struct flag *f = cmd->flags; f->name; f++)
        help_row(f, to);
    help_row(&help_flag, to);
    if (*cmd->details && help == HELP_SHORT)
        (void)fprintf(to, "\n'cleave %s --help' says more.\n", cmd->name);
    else if (*cmd->details)
        (void)fprintf(to, "\n%s", cmd->details);
}
