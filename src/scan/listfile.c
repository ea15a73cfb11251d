/* SPDX-License-Identifier: BSD-2-Clause */
#include "scan/listfile.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cleave/packet.h"
#include "cleave/time.h"
#include "manifest/community.h"
#include "manifest/name.h"

/* What a column is. */
enum column {
    NOTHING,
    SRC,
    DST,
    SPORT,
    DPORT,
    PROTO,
    ID,
    FIRST,
    LAST,
    START,    /* first, and last where nothing else says when that is */
    DURATION, /* from START on, in seconds */
    LABEL,
    N_COLUMNS,
};

/* The columns of cleave's manifests, and what they are called by Zeek, Suricata and others. */
static const struct {
    const char *name;
    enum column column;
} names[] = {
    {"src", SRC},
    {"src_ip", SRC},
    {"id.orig_h", SRC},
    {"srcip", SRC},
    {"saddr", SRC},
    {"source_ip", SRC},
    {"dst", DST},
    {"dst_ip", DST},
    {"dest_ip", DST},
    {"id.resp_h", DST},
    {"dstip", DST},
    {"daddr", DST},
    {"destination_ip", DST},
    {"sport", SPORT},
    {"src_port", SPORT},
    {"id.orig_p", SPORT},
    {"source_port", SPORT},
    {"dport", DPORT},
    {"dst_port", DPORT},
    {"dest_port", DPORT},
    {"id.resp_p", DPORT},
    {"destination_port", DPORT},
    {"proto", PROTO},
    {"protocol", PROTO},
    {"community_id", ID},
    {"first", FIRST},
    {"flow.start", FIRST},
    {"last", LAST},
    {"flow.end", LAST},
    {"ts", START},
    {"duration", DURATION},
    {"label", LABEL},
};

static enum column column_of(const char *name, size_t len)
{
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strlen(names[i].name) == len && strncasecmp(names[i].name, name, len) == 0)
            return names[i].column;
    return NOTHING;
}

enum { COLUMNS_IN_FILE = 1024, NAME_MAX_HERE = 64, DEPTH_MAX = 32 };

struct reading {
    struct flowlist *list;
    const char *path;
    uint64_t line;
    char *value[N_COLUMNS]; /* of the row, terminated; NULL: it has none */
    uint16_t columns[COLUMNS_IN_FILE];
    unsigned n_columns;
    char delimiter;
    bool of_program;     /* written by one, which may have words that are not known here */
    char proto_word[16]; /* the last one, and what it is: rows have few */
    uint8_t proto;
    char number[N_COLUMNS][48]; /* of JSON, where no byte behind a number is free */
    struct clv_error *err;
};

enum kind { UNKNOWN, TABLE, JSON, WORDS };

enum wrong {
    NO_ADDRESS,
    OTHER_FAMILY,
    NO_PORT,
    NO_PROTOCOL,
    NO_TIME,
    NO_ID,
    NO_END,
};

static const char *reason_of(enum wrong wrong)
{
    static const char *const reasons[] = {
        [NO_ADDRESS] = "is not an address",
        [OTHER_FAMILY] = "and the other address are not of the same family",
        [NO_PORT] = "is not a port",
        [NO_PROTOCOL] = "is not a protocol",
        [NO_TIME] = "is not a time",
        [NO_ID] = "is not a Community ID",
        [NO_END] = "cannot follow a closing quote",
    };
    return reasons[wrong];
}

static CLV_COLD bool bad(const struct reading *r, enum wrong wrong, const char *value)
{
    return clv_fail(r->err, CLV_ERR_ARG, r->path, "line %llu: \"%.60s\" %s",
                    (unsigned long long)r->line, value, reason_of(wrong));
}

/* ---- values ---- */

static bool put_addr(struct reading *r, enum column c, uint8_t addr[16], uint8_t *family)
{
    const char *const text = r->value[c];
    memset(addr, 0, 16);
    const uint8_t of = inet_pton(AF_INET, text, addr) == 1    ? 4
                       : inet_pton(AF_INET6, text, addr) == 1 ? 6
                                                              : 0;
    if (!of)
        return bad(r, NO_ADDRESS, text);
    if (*family && *family != of)
        return bad(r, OTHER_FAMILY, text);
    *family = of;
    return true;
}

static bool put_port(struct reading *r, enum column c, uint16_t *port)
{
    const char *p = r->value[c];
    unsigned n = 0;
    for (; *p >= '0' && *p <= '9' && n <= UINT16_MAX; p++)
        n = n * 10 + (unsigned)(*p - '0');
    if (*p || p == r->value[c] || n > UINT16_MAX)
        return bad(r, NO_PORT, r->value[c]);
    *port = (uint16_t)n;
    return true;
}

/* false, and no error: it says nothing, as Zeek's unknown_transport. */
static bool put_proto(struct reading *r, uint8_t family, uint8_t *proto, bool *ok)
{
    const char *const text = r->value[PROTO];
    char *end;
    *ok = true;
    if (*r->proto_word && strcmp(text, r->proto_word) == 0) {
        *proto = r->proto == CLV_PROTO_ICMP && family == 6 ? CLV_PROTO_ICMPV6 : r->proto;
        return true;
    }
    if (strncasecmp(text, "unknown", 7) == 0)
        return false;
    const unsigned long n = strtoul(text, &end, 10);
    if (*text >= '0' && *text <= '9' && !*end && n <= UINT8_MAX) {
        *proto = (uint8_t)n;
        return true;
    }
    if (!name_find_proto(text, proto) && r->of_program)
        return false;
    if (!name_find_proto(text, proto))
        return *ok = bad(r, NO_PROTOCOL, text);
    if (strlen(text) < sizeof r->proto_word) {
        (void)snprintf(r->proto_word, sizeof r->proto_word, "%s", text);
        r->proto = *proto;
    }
    if (*proto == CLV_PROTO_ICMP && family == 6)
        *proto = CLV_PROTO_ICMPV6; /* others have one word for both */
    return true;
}

/* What the last digit of a time stands for, in nanoseconds. */
static int64_t unit_of(const char *text)
{
    int64_t unit = 1000000000;
    const char *p = strchr(text, '.');
    for (p = p ? p + 1 : ""; *p >= '0' && *p <= '9' && unit > 1; p++)
        unit /= 10;
    return unit;
}

/* A time, or seconds. Suricata's zones have no colon. */
static bool put_time(struct reading *r, enum column c, int64_t *ns, int64_t *unit)
{
    const char *const text = r->value[c];
    const size_t len = strlen(text);
    char own[64];
    *unit = unit_of(text);
    if (len >= 5 && len < sizeof own - 1 && (text[len - 5] == '+' || text[len - 5] == '-') &&
        strchr(text, 'T')) {
        (void)snprintf(own, sizeof own, "%.*s:%s", (int)(len - 2), text, text + len - 2);
        return clv_time_parse(own, ns) || bad(r, NO_TIME, text);
    }
    /* More digits than nanoseconds have say nothing. */
    const char *const point = strchr(text, '.');
    if (point && strspn(point + 1, "0123456789") > 9 && (size_t)(point - text) < 40) {
        const char *const rest = point + 1 + strspn(point + 1, "0123456789");
        (void)snprintf(own, sizeof own, "%.*s%s", (int)(point - text) + 10, text,
                       strlen(rest) < 8 ? rest : "");
        return clv_time_parse(own, ns) || bad(r, NO_TIME, text);
    }
    return clv_time_parse(text, ns) || bad(r, NO_TIME, text);
}

static int64_t plus(int64_t a, int64_t b)
{
    int64_t sum;
    return __builtin_add_overflow(a, b, &sum) ? (b < 0 ? INT64_MIN : INT64_MAX) : sum;
}

/* Times are as right as their last digits, however these were rounded. */
static bool put_times(struct reading *r, struct flowlist_row *row)
{
    int64_t ns, unit, more, more_unit;
    row->first_ns = INT64_MIN;
    row->last_ns = INT64_MAX;
    if (r->value[START]) {
        if (!put_time(r, START, &ns, &unit))
            return false;
        row->first_ns = plus(ns, 1 - unit);
        row->last_ns = plus(ns, unit - 1);
        if (r->value[DURATION]) {
            if (!put_time(r, DURATION, &more, &more_unit))
                return false;
            row->last_ns = plus(row->last_ns, plus(more, more_unit - 1));
        }
    }
    if (r->value[FIRST]) {
        if (!put_time(r, FIRST, &ns, &unit))
            return false;
        row->first_ns = plus(ns, 1 - unit);
        row->last_ns = INT64_MAX;
    }
    if (r->value[LAST]) {
        if (!put_time(r, LAST, &ns, &unit))
            return false;
        row->last_ns = plus(ns, unit - 1);
    }
    return true;
}

static bool has_ports(uint8_t proto)
{
    return proto == CLV_PROTO_TCP || proto == CLV_PROTO_UDP || proto == CLV_PROTO_UDPLITE ||
           proto == CLV_PROTO_SCTP || proto == CLV_PROTO_DCCP;
}

static bool put_tuple(struct reading *r, struct flow_key *k)
{
    bool ok = true;
    if (r->value[SRC] && !put_addr(r, SRC, k->a, &k->family))
        return false;
    if (r->value[DST] && !put_addr(r, DST, k->b, &k->family))
        return false;
    k->kind = (uint8_t)((r->value[SRC] ? LIST_SRC : 0) | (r->value[DST] ? LIST_DST : 0));
    if (r->value[PROTO] && put_proto(r, k->family, &k->proto, &ok))
        k->kind |= LIST_PROTO;
    if (!ok || (k->kind & LIST_PROTO && !has_ports(k->proto)))
        return ok; /* of ICMP there is type and code in the place of ports */
    if (r->value[SPORT] && !put_port(r, SPORT, &k->a_port))
        return false;
    if (r->value[DPORT] && !put_port(r, DPORT, &k->b_port))
        return false;
    k->kind |= (uint8_t)((r->value[SPORT] ? LIST_SPORT : 0) | (r->value[DPORT] ? LIST_DPORT : 0));
    return true;
}

/* The row's values become a row, if they say anything of a flow. */
static bool take_row(struct reading *r)
{
    struct flowlist_row row = {.line = (uint32_t)r->line};
    const char *const id = r->value[ID];
    if (!put_times(r, &row))
        return false;
    if (id && !r->value[SRC] && !r->value[DST]) {
        if (strlen(id) != COMMUNITY_ID_LEN || strncmp(id, "1:", 2) != 0)
            return bad(r, NO_ID, id);
        memcpy(&row.key, id, COMMUNITY_ID_LEN);
        row.key.kind = LIST_ID;
    } else if (!put_tuple(r, &row.key)) {
        return false;
    }
    if (!row.key.kind && row.first_ns == INT64_MIN && row.last_ns == INT64_MAX)
        return true;
    if (r->value[LABEL] && !flowlist_label(r->list, r->value[LABEL], &row.label))
        return clv_fail_nomem(r->err, r->path, strlen(r->value[LABEL]));
    return flowlist_add(r->list, &row) || clv_fail_nomem(r->err, r->path, sizeof row);
}

/* A value; "-" and the like are none. */
static void take_value(struct reading *r, enum column c, char *value)
{
    const bool none = !*value || strcmp(value, "-") == 0 || strcmp(value, "(empty)") == 0;
    if (c != NOTHING && !none)
        r->value[c] = value;
}

/* ---- tables ---- */

/* The next cell of a line, terminated where it is; *p moves to the one after it, or to NULL. */
static bool next_cell(struct reading *r, char **p, char **cell)
{
    char *from = *p, *to = *p;
    *cell = from;
    if (*from != '"' || r->delimiter == '\t') {
        from += strcspn(from, (char[]){r->delimiter, '\0'});
        *p = *from ? from + 1 : NULL;
        *from = '\0';
        return true;
    }
    for (from++; *from && !(from[0] == '"' && from[1] != '"'); from++) { /* RFC 4180 */
        from += *from == '"';
        *to++ = *from;
    }
    if (!*from || (from[1] && from[1] != r->delimiter))
        return bad(r, NO_END, from);
    *p = from[1] ? from + 2 : NULL;
    *to = '\0';
    return true;
}

static bool take_head(struct reading *r, char *line)
{
    char *cell;
    r->n_columns = 0;
    for (char *p = line; p;) {
        if (!next_cell(r, &p, &cell))
            return false;
        if (r->n_columns < COLUMNS_IN_FILE)
            r->columns[r->n_columns++] = (uint16_t)column_of(cell, strlen(cell));
    }
    return true;
}

static bool take_cells(struct reading *r, char *line)
{
    char *cell;
    unsigned i = 0;
    memset(r->value, 0, sizeof r->value);
    for (char *p = line; p; i++) {
        if (!next_cell(r, &p, &cell))
            return false;
        if (i < r->n_columns)
            take_value(r, (enum column)r->columns[i], cell);
    }
    return take_row(r);
}

/* true: the line is the head of a table; what separates cells is seen in it. */
static bool find_head(struct reading *r, const char *line)
{
    static const char delimiters[] = ",;\t";
    for (const char *d = delimiters; *d; d++)
        for (const char *p = line;;) {
            size_t len = strcspn(p, (char[]){*d, '\0'});
            const bool more = p[len];
            const bool quoted = len > 1 && p[0] == '"' && p[len - 1] == '"';
            if (column_of(p + quoted, len - (quoted ? 2 : 0)) != NOTHING) {
                r->delimiter = *d;
                return true;
            }
            if (!more)
                break;
            p += len + 1;
        }
    return false;
}

/* ---- JSON (RFC 8259) ---- */

static char *skip_blanks(char *p)
{
    return p + strspn(p, " \t\r\n");
}

static void put_utf8(char **to, unsigned c)
{
    if (c < 0x80) {
        *(*to)++ = (char)c;
    } else if (c < 0x800) {
        *(*to)++ = (char)(0xc0 | c >> 6);
        *(*to)++ = (char)(0x80 | (c & 0x3f));
    } else {
        *(*to)++ = (char)(0xe0 | c >> 12);
        *(*to)++ = (char)(0x80 | (c >> 6 & 0x3f));
        *(*to)++ = (char)(0x80 | (c & 0x3f));
    }
}

/* What a string's escape stands for, of one character at most; what is beyond is a '?'. */
static bool escape(char **from, char **to)
{
    static const char letters[] = "\"\\/bfnrt", meant[] = "\"\\/\b\f\n\r\t";
    const char *const letter = **from ? strchr(letters, **from) : NULL;
    if (letter) {
        *(*to)++ = meant[letter - letters];
        ++*from;
        return true;
    }
    if (*(*from)++ != 'u' || strspn(*from, "0123456789abcdefABCDEF") < 4)
        return false;
    const char hex[] = {(*from)[0], (*from)[1], (*from)[2], (*from)[3], '\0'};
    const unsigned c = (unsigned)strtoul(hex, NULL, 16);
    *from += 4;
    put_utf8(to, c == 0 || (c >= 0xd800 && c < 0xe000) ? '?' : c);
    return true;
}

/* A string, made plain where it is; *p moves behind it. NULL: it is none. */
static char *take_string(char **p)
{
    char *from = *p + 1, *to = from;
    char *const text = to;
    if (**p != '"')
        return NULL;
    while (*from && *from != '"')
        if (*from != '\\')
            *to++ = *from++;
        else if (from++, !escape(&from, &to))
            return NULL;
    if (!*from)
        return NULL;
    *p = from + 1;
    *to = '\0';
    return text;
}

static bool take_object(struct reading *r, char **p, char name[NAME_MAX_HERE], size_t len,
                        unsigned depth);

/* A value that is not looked at: an array, or what is too deep. */
static bool skip_value(char **p)
{
    unsigned depth = 0;
    do {
        *p = skip_blanks(*p);
        if (**p == '"') {
            if (!take_string(p))
                return false;
        } else if (**p == '{' || **p == '[') {
            depth++;
            ++*p;
        } else if (depth && (**p == '}' || **p == ']')) {
            depth--;
            ++*p;
        } else if (depth && (**p == ',' || **p == ':')) {
            ++*p;
        } else {
            const size_t len = strcspn(*p, " \t\r\n,:{}[]\"");
            if (len == 0)
                return false;
            *p += len;
        }
    } while (depth);
    return true;
}

/* Members of a value that is an object are called name, a point, and their own name. */
static bool take_member(struct reading *r, char **p, char name[NAME_MAX_HERE], size_t len,
                        unsigned depth)
{
    if (**p == '{' && len + 1 < NAME_MAX_HERE && depth < DEPTH_MAX) {
        name[len] = '.';
        return take_object(r, p, name, len + 1, depth + 1);
    }
    const enum column c = len < NAME_MAX_HERE ? column_of(name, len) : NOTHING;
    if (**p == '"') {
        char *const text = take_string(p);
        if (text)
            take_value(r, c, text);
        return text;
    }
    const char *const from = *p;
    const bool is_number = *from == '-' || (*from >= '0' && *from <= '9');
    if (!skip_value(p))
        return false;
    if (is_number && c != NOTHING && (size_t)(*p - from) < sizeof r->number[c]) {
        memcpy(r->number[c], from, (size_t)(*p - from));
        r->number[c][*p - from] = '\0';
        take_value(r, c, r->number[c]);
    }
    return true;
}

static bool take_object(struct reading *r, char **p, char name[NAME_MAX_HERE], size_t len,
                        unsigned depth)
{
    ++*p;
    for (bool first = true;; first = false) {
        *p = skip_blanks(*p);
        if (**p == '}' && first)
            break;
        const char *const own = take_string(p);
        const size_t own_len = own ? strlen(own) : 0;
        *p = skip_blanks(*p);
        if (!own || *(*p)++ != ':')
            return false;
        const size_t all = len + own_len;
        for (size_t i = 0; all < NAME_MAX_HERE && i < own_len; i++)
            name[len + i] = own[i];
        *p = skip_blanks(*p);
        if (!take_member(r, p, name, all, depth))
            return false;
        *p = skip_blanks(*p);
        if (**p == '}')
            break;
        if (*(*p)++ != ',')
            return false;
    }
    ++*p;
    return true;
}

static bool take_json(struct reading *r, char *line)
{
    char name[NAME_MAX_HERE], *p = line;
    memset(r->value, 0, sizeof r->value);
    if (*p != '{' || !take_object(r, &p, name, 0, 0) || *skip_blanks(p))
        return clv_fail(r->err, CLV_ERR_ARG, r->path, "line %llu: not a JSON object",
                        (unsigned long long)r->line);
    return take_row(r);
}

/* ---- files ---- */

/* "#fields" of Zeek, whose cells are between tabs; other comments are passed over. */
static bool take_comment(struct reading *r, enum kind *kind, char *line)
{
    static const char fields[] = "#fields\t";
    if (strncmp(line, fields, sizeof fields - 1) != 0)
        return true;
    *kind = TABLE;
    r->of_program = true;
    r->delimiter = '\t';
    return take_head(r, line + sizeof fields - 1);
}

static bool take_word(struct reading *r, char *word)
{
    memset(r->value, 0, sizeof r->value);
    r->list->plain = true;
    if (strlen(word) != COMMUNITY_ID_LEN || strncmp(word, "1:", 2) != 0) {
        r->list->worded = r->list->worded ? r->list->worded : r->line;
        return true;
    }
    r->value[ID] = word;
    return take_row(r);
}

static bool take_line(struct reading *r, enum kind *kind, char *line)
{
    if (*line == '\0')
        return true;
    if (*line == '#' && *kind != JSON)
        return take_comment(r, kind, line);
    if (*kind == UNKNOWN && *line == '{') {
        *kind = JSON;
        r->of_program = true;
    }
    if (*kind == UNKNOWN) {
        *kind = find_head(r, line) ? TABLE : WORDS;
        if (*kind == TABLE)
            return take_head(r, line);
    }
    return *kind == JSON    ? take_json(r, line)
           : *kind == TABLE ? take_cells(r, line)
                            : take_word(r, line);
}

/* Only a regular file: what else somebody's cleave.json may name is not waited for. */
static FILE *open_list(const char *path, struct clv_error *err)
{
    struct stat st;
    const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    FILE *f = NULL;
    if (fd < 0 || fstat(fd, &st) != 0)
        (void)clv_fail_errno(err, path, "cannot be opened");
    else if (!S_ISREG(st.st_mode))
        (void)clv_fail(err, CLV_ERR_ARG, path, "is not a file, as a list of flows must be");
    else if (!(f = fdopen(fd, "r")))
        (void)clv_fail_errno(err, path, "cannot be read");
    if (fd >= 0 && !f)
        (void)close(fd);
    return f;
}

bool listfile_read(struct flowlist *list, const char *path, struct clv_error *err)
{
    struct reading r = {.list = list, .path = path, .err = err};
    enum kind kind = UNKNOWN;
    FILE *f = open_list(path, err);
    char *line = NULL;
    size_t cap = 0;
    ssize_t n;
    bool ok = f;
    while (ok && (n = getline(&line, &cap, f)) > 0) {
        r.line++;
        if (r.line == 1 && n >= 3 && memcmp(line, "\xef\xbb\xbf", 3) == 0)
            memmove(line, line + 3, (size_t)(n -= 3) + 1);
        while (n && (line[n - 1] == '\n' || line[n - 1] == '\r'))
            line[--n] = '\0';
        if (strlen(line) != (size_t)n)
            ok = clv_fail(err, CLV_ERR_ARG, path, "line %llu: contains a NUL byte",
                          (unsigned long long)r.line);
        else
            ok = take_line(&r, &kind, line);
    }
    if (ok && ferror(f))
        ok = clv_fail_errno(err, path, "cannot be read");
    free(line);
    if (f)
        (void)fclose(f);
    return ok;
}
