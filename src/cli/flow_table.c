/* SPDX-License-Identifier: BSD-2-Clause */
/* The table of flows for people: aligned columns, as wide as the terminal. */
#include <string.h>

#include "cleave/result.h"
#include "cli/cli.h"

enum { HELD = 256 }; /* rows by which widths are settled */

/* A cell's text, short enough for a line of a terminal. */
struct cell {
    char text[64];
};

enum { FLOW, PROTO, SOURCE, DESTINATION, KEY, NAME, LED_BY, PACKETS, BYTES, BEGAN, LASTED, CELLS };

static const char *const heads[CELLS] = {
    "flow",   "proto",   "source", "destination", "key",    "name",
    "led by", "packets", "bytes",  "began (UTC)", "lasted",
};

static bool is_right_aligned(unsigned i)
{
    return i == FLOW || i == PACKETS || i == BYTES || i == LASTED;
}

/* What else keys may have, and what it is called. */
static const struct {
    const char *column, *before;
} more_of_keys[] = {
    {"vlan", "vlan="},   {"src_mac", "mac="}, {"dst_mac", ">"},    {"tunnel", "tunnel="},
    {"iface", "iface="}, {"bssid", "bssid="}, {"shard", "shard="}, {"part", "part="},
};
enum { MORE_OF_KEYS = sizeof more_of_keys / sizeof *more_of_keys };

/* Where the rows have the columns that cells are made of; UINT_MAX: not at all. */
struct sources {
    unsigned flow, file, proto, src, sport, dst, dport, name, relation, master, src_packets,
        dst_packets, src_bytes, dst_bytes, first, last;
    unsigned more[MORE_OF_KEYS];
    bool has_more;
};

static unsigned find(const struct clv_rows *rows, const char *name)
{
    const char *column;
    for (unsigned i = 0; (column = clv_rows_column(rows, i, NULL)) != NULL; i++)
        if (strcmp(column, name) == 0)
            return i;
    return UINT32_MAX;
}

/* false: the result has no column that these cells could be made of. */
static bool has_cells(const struct sources *s, unsigned i)
{
    return i == NAME     ? s->name != UINT32_MAX
           : i == LED_BY ? s->master != UINT32_MAX
                         : i != KEY || s->has_more;
}

static struct sources find_all(const struct clv_rows *rows)
{
    struct sources s = {
        .flow = find(rows, "flow"),
        .file = find(rows, "file"),
        .proto = find(rows, "proto"),
        .src = find(rows, "src"),
        .sport = find(rows, "sport"),
        .dst = find(rows, "dst"),
        .dport = find(rows, "dport"),
        .name = find(rows, "name"),
        .relation = find(rows, "relation"),
        .master = find(rows, "master"),
        .src_packets = find(rows, "src_packets"),
        .dst_packets = find(rows, "dst_packets"),
        .src_bytes = find(rows, "src_wire_bytes"),
        .dst_bytes = find(rows, "dst_wire_bytes"),
        .first = find(rows, "first"),
        .last = find(rows, "last"),
    };
    for (unsigned i = 0; i < MORE_OF_KEYS; i++) {
        s.more[i] = find(rows, more_of_keys[i].column);
        s.has_more |= s.more[i] != UINT32_MAX;
    }
    return s;
}

/* "192.168.1.2:80", "[2001:db8::1]:80", or what there is of it. */
static void put_end(struct cell *c, struct clv_rows *rows, unsigned addr, unsigned port)
{
    char host[48] = "";
    const char *text = clv_rows_text(rows, addr, NULL);
    if (text)
        (void)snprintf(host, sizeof host, "%s", printable(text));
    text = clv_rows_text(rows, port, NULL);
    if (!text)
        (void)snprintf(c->text, sizeof c->text, "%s", host[0] ? host : "-");
    else
        (void)snprintf(c->text, sizeof c->text, strchr(host, ':') ? "[%s]:%.5s" : "%s:%.5s", host,
                       text);
}

/* "dns 12", and the like. */
static void put_master(struct cell *c, struct clv_rows *rows, const struct sources *s)
{
    char relation[16];
    const char *text = clv_rows_text(rows, s->relation, NULL);
    *c = (struct cell){"-"};
    if (!text)
        return;
    (void)snprintf(relation, sizeof relation, "%.12s", printable(text));
    text = clv_rows_text(rows, s->master, NULL);
    (void)snprintf(c->text, sizeof c->text, "%s %.12s", relation, text ? text : "");
}

/* "vlan=7 mac=02:00:00:00:00:01>02:00:00:00:00:02" */
static void put_more(struct cell *c, struct clv_rows *rows, const struct sources *s)
{
    size_t len = 0;
    *c = (struct cell){"-"};
    for (unsigned i = 0; i < MORE_OF_KEYS && len < sizeof c->text; i++) {
        const char *const text = clv_rows_text(rows, s->more[i], NULL);
        const char *const space = len && more_of_keys[i].before[1] ? " " : "";
        if (text)
            len += (size_t)snprintf(c->text + len, sizeof c->text - len, "%s%s%s", space,
                                    more_of_keys[i].before, printable(text));
    }
}

static uint64_t sum(struct clv_rows *rows, unsigned a, unsigned b)
{
    int64_t x = 0, y = 0;
    (void)clv_rows_number(rows, a, &x);
    (void)clv_rows_number(rows, b, &y);
    return (uint64_t)x + (uint64_t)y;
}

static void fill(struct cell cells[CELLS], struct clv_rows *rows, const struct sources *s)
{
    int64_t first, last;
    const char *text = clv_rows_text(rows, s->flow, NULL);
    (void)snprintf(cells[FLOW].text, sizeof cells->text, "%s", text ? text : "other");
    text = clv_rows_text(rows, s->proto, NULL);
    (void)snprintf(cells[PROTO].text, sizeof cells->text, "%.12s", text ? printable(text) : "-");
    put_end(&cells[SOURCE], rows, s->src, s->sport);
    put_end(&cells[DESTINATION], rows, s->dst, s->dport);
    put_more(&cells[KEY], rows, s);
    text = clv_rows_text(rows, s->name, NULL);
    (void)snprintf(cells[NAME].text, sizeof cells->text, "%.48s", text ? printable(text) : "-");
    put_master(&cells[LED_BY], rows, s);
    (void)snprintf(cells[PACKETS].text, sizeof cells->text, "%s",
                   human_count(sum(rows, s->src_packets, s->dst_packets)));
    (void)snprintf(cells[BYTES].text, sizeof cells->text, "%s",
                   human_bytes((double)sum(rows, s->src_bytes, s->dst_bytes)));
    cells[BEGAN] = cells[LASTED] = (struct cell){"-"};
    if (!clv_rows_number(rows, s->first, &first) || !clv_rows_number(rows, s->last, &last))
        return;
    (void)snprintf(cells[BEGAN].text, sizeof cells->text, "%.23s", human_time(first));
    (void)snprintf(cells[LASTED].text, sizeof cells->text, "%s",
                   human_seconds((double)(last - first) / 1e9));
}

static void print_cells(const struct cell cells[CELLS], const unsigned widths[CELLS], size_t width,
                        const char *before, const char *after)
{
    char line[512];
    size_t len = 0;
    for (unsigned i = 0; i < CELLS; i++) {
        const int w = (int)widths[i];
        if (!w)
            continue; /* the result has no such column */
        const int n =
            snprintf(line + len, sizeof line - len, is_right_aligned(i) ? "%s%*s" : "%s%-*s",
                     i ? "  " : "", w, cells[i].text);
        if (n < 0 || len + (size_t)n > width)
            break; /* what does not fit is left out */
        len += (size_t)n;
    }
    while (len && line[len - 1] == ' ')
        len--;
    line[len] = '\0';
    (void)printf("%s%.*s%s\n", before, (int)len, line, after);
}

/*
 * Columns are left out, the least wanted first, until the others fit; not the one that sorts. What
 * even then is too wide is cut off at the right. *hidden: their bits.
 */
static void fit(unsigned widths[CELLS], size_t width, const char *sort, unsigned *hidden)
{
    static const struct {
        unsigned cell;
        const char *column; /* that it is sorted by */
    } order[] = {{LASTED, "duration"}, {BEGAN, "time"},      {LED_BY, "master"}, {PROTO, "proto"},
                 {KEY, "vlan"},        {PACKETS, "packets"}, {NAME, "name"},     {BYTES, "bytes"}};
    size_t total = 0;
    for (unsigned i = 0; i < CELLS; i++)
        total += widths[i] ? widths[i] + (i ? 2 : 0) : 0;
    for (unsigned i = 0; i < sizeof order / sizeof *order && total > width; i++) {
        const unsigned cell = order[i].cell;
        if (!widths[cell] || (sort && strcmp(sort, order[i].column) == 0))
            continue;
        total -= widths[cell] + 2;
        widths[cell] = 0;
        *hidden |= 1U << cell;
    }
}

static void print_hidden(unsigned hidden)
{
    const char *before = "not shown, for lack of width: ";
    for (unsigned i = 0; i < CELLS; i++)
        if (hidden >> i & 1) {
            (void)printf("%s%s", before, heads[i]);
            before = ", ";
        }
    if (hidden)
        (void)printf(" (--csv prints all)\n");
}

static int print_totals(struct clv_result *result, const struct clv_selection *selection,
                        uint64_t shown)
{
    struct clv_totals t;
    struct clv_error err;
    if (!clv_result_totals(result, selection, &t, &err))
        return print_error(&err);
    (void)printf("%s flow%s%s", human_count(t.flows), plural(t.flows),
                 t.rows > t.flows ? " and `other`" : "");
    if (shown < t.rows)
        (void)printf(" (%s shown)", human_count(shown));
    (void)printf(", %s packet%s, %s%s\n", human_count(t.packets), plural(t.packets),
                 human_bytes((double)t.wire_bytes),
                 t.by_host ? ", those between two hosts counted for both" : "");
    return EXIT_ALL;
}

int print_flows(struct clv_rows *rows, struct clv_result *result,
                const struct clv_selection *selection)
{
    static struct cell held[HELD][CELLS]; /* too much for a small stack */
    const size_t width = output_width();
    struct clv_error err;
    unsigned widths[CELLS];
    struct cell head[CELLS] = {0};
    enum clv_rows_step step = CLV_ROWS_ROW;
    const struct sources s = find_all(rows);
    uint64_t shown = 0;
    unsigned hidden = 0;
    for (unsigned i = 0; i < CELLS; i++) {
        (void)snprintf(head[i].text, sizeof head[i].text, "%s", heads[i]);
        widths[i] = has_cells(&s, i) ? (unsigned)strlen(heads[i]) : 0;
    }
    bool arrives = true;
    while (step == CLV_ROWS_ROW && arrives) {
        unsigned n = 0;
        while (n < HELD && (step = clv_rows_next(rows, &err)) == CLV_ROWS_ROW)
            fill(held[n++], rows, &s);
        for (unsigned k = 0; k < n; k++)
            for (unsigned i = 0; i < CELLS; i++) {
                const unsigned len = (unsigned)strlen(held[k][i].text);
                widths[i] = widths[i] && len > widths[i] ? len : widths[i];
            }
        if (shown == 0)
            fit(widths, width, selection->sort, &hidden);
        if (shown == 0 && (n || step != CLV_ROWS_FAILED))
            print_cells(head, widths, width, color(stdout, COLOR_STRONG), color(stdout, COLOR_END));
        for (unsigned k = 0; k < n && arrives; k++) {
            print_cells(held[k], widths, width, "", "");
            arrives = words_arrive();
        }
        shown += n;
    }
    print_hidden(hidden);
    return step == CLV_ROWS_FAILED ? print_error(&err) : print_totals(result, selection, shown);
}

bool check_recursive(const struct words *w, const struct input_flags *f)
{
    enum clv_result_kind kind;
    struct clv_error err;
    for (size_t i = 0; f->recursive && i < w->n; i++) {
        if (!clv_result_look(w->all[i], &kind, &err) || kind == CLV_RESULT_CAPTURES)
            continue; /* who reads it says what is wrong with it */
        (void)fprintf(complaint(NULL), "%s: already has its flows\n", printable(w->all[i]));
        advise("--recursive is for directories of captures");
        return false;
    }
    return true;
}

/* Of what was made before, that run has set the status. */
static void print_old_damage(const struct clv_result *result, const char *path,
                             const struct clv_error *damage)
{
    char first[1024];
    const uint64_t n = clv_result_faulty(result);
    (void)fprintf(complaint(NULL),
                  "%s: %s of its captures %s damaged or left out when it was made"
                  "%s%s\n",
                  printable(path), human_count(n), n == 1 ? "was" : "were",
                  n == 1 ? ": " : "; the first: ", clv_error_format(damage, first, sizeof first));
}

int print_damage(const struct clv_result *result, const char *path,
                 const struct clv_split_params *p, int status)
{
    const struct clv_error *damage = clv_result_damage(result);
    if (status != EXIT_ALL || !damage)
        return status;
    if (clv_result_kind(result) != CLV_RESULT_CAPTURES) {
        print_old_damage(result, path, damage);
        return status;
    }
    print_faults(p, clv_result_faulty(result));
    return EXIT_DAMAGED;
}

void repeat_damage(const char *path)
{
    const struct clv_result_params params = {
        .struct_size = sizeof params, .paths = &path, .n_paths = 1};
    struct clv_result *result;
    struct clv_error err;
    if (!clv_result_open(&result, &params, &err))
        return;
    if (clv_result_damage(result))
        print_old_damage(result, path, clv_result_damage(result));
    clv_result_close(&result);
}

/* "tcp 192.168.1.2:80 to 192.168.1.1:50000", what there is of it, or when it began. */
static void describe(struct clv_rows *rows, const struct sources *s, char *said, size_t max)
{
    struct cell cells[CELLS];
    fill(cells, rows, s);
    const char *parts[] = {cells[PROTO].text, cells[SOURCE].text, cells[DESTINATION].text,
                           cells[KEY].text};
    size_t len = 0;
    for (size_t i = 0; i < sizeof parts / sizeof *parts && len < max; i++)
        if (strcmp(parts[i], "-") != 0)
            len += (size_t)snprintf(said + len, max - len, "%s%s",
                                    !len                         ? ""
                                    : i == 2 && *parts[1] != '-' ? " to "
                                                                 : " ",
                                    parts[i]);
    if (len == 0)
        (void)snprintf(said, max, "from %s on", cells[BEGAN].text);
}

/* The rows of the flow, or where flows are cut, of the output of that number. */
static bool find_flow(struct clv_rows **rows, struct clv_result *result, uint32_t number,
                      bool is_cut)
{
    char text[32];
    struct clv_error err;
    struct clv_selection selection = CLV_SELECTION_INIT;
    (void)snprintf(text, sizeof text, is_cut ? "output=%u" : "%u", number);
    selection.flow = is_cut ? NULL : text;
    selection.where = is_cut ? text : NULL;
    selection.limit = 1;
    if (!clv_rows_open(rows, result, &selection, &err))
        return false;
    if (clv_rows_next(*rows, &err) == CLV_ROWS_ROW)
        return true;
    clv_rows_close(rows);
    return false;
}

void describe_flows(const char *path, const struct clv_split_largest *flows, unsigned n,
                    char (*said)[FLOW_SAID_MAX])
{
    const struct clv_result_params params = {
        .struct_size = sizeof params, .paths = &path, .n_paths = 1};
    struct clv_result *result;
    struct clv_rows *rows;
    struct clv_error err;
    for (unsigned i = 0; i < n; i++)
        *said[i] = '\0';
    if (!clv_result_open(&result, &params, &err))
        return;
    bool is_cut = false;
    if (clv_rows_open(&rows, result, NULL, &err)) {
        is_cut = find(rows, "output") != UINT32_MAX;
        clv_rows_close(&rows);
    }
    for (unsigned i = 0; i < n && find_flow(&rows, result, flows[i].flow, is_cut); i++) {
        const struct sources s = find_all(rows);
        const int len =
            snprintf(said[i], FLOW_SAID_MAX, "%s %u: ", is_cut ? "output" : "flow", flows[i].flow);
        if (len > 0)
            describe(rows, &s, said[i] + len, FLOW_SAID_MAX - (size_t)len);
        clv_rows_close(&rows);
    }
    clv_result_close(&result);
}
