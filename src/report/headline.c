/* SPDX-License-Identifier: BSD-2-Clause */
#include "report/headline.h"

#include <string.h>

#include "base/path.h"

const char *headline_noun(const struct manifest *m)
{
    return m->shards ? "shard" : m->grouped ? "group" : m->by->fields ? "flow" : "part";
}

/* A byte that is not UTF-8 becomes U+FFFD, a control character a space. */
static void put_html(struct text *t, const char *s)
{
    for (size_t left = strlen(s), len; left; s += len, left -= len) {
        len = text_utf8(s, left);
        const unsigned char c = (unsigned char)*s;
        if (len == 0)
            text_str(t, "\xef\xbf\xbd");
        else if (c == '<' || c == '>' || c == '&' || c == '"')
            text_str(t, c == '<' ? "&lt;" : c == '>' ? "&gt;" : c == '&' ? "&amp;" : "&quot;");
        else if (c < 0x20 || c == 0x7f)
            text_char(t, ' ');
        else
            text_put(t, s, len);
        len = len ? len : 1;
    }
}

/* With commas between thousands. */
static void put_count(struct text *t, uint64_t n)
{
    if (n >= 1000) {
        put_count(t, n / 1000);
        text_char(t, ',');
    }
    text_u64(t, n % 1000, n >= 1000 ? 3 : 1);
}

static bool is_stream(const struct clv_split_params *params)
{
    return strcmp(params->inputs[0], "-") == 0;
}

void headline_title(struct text *t, const struct clv_split_params *params)
{
    put_html(t, is_stream(params) ? "standard input" : path_base(params->inputs[0]));
    if (params->n_inputs == 1)
        return;
    text_str(t, " and ");
    put_count(t, params->n_inputs - 1);
    text_str(t, params->n_inputs == 2 ? " more capture" : " more captures");
}

void headline_heading(struct text *t, const struct clv_split_params *params)
{
    const char *const path = params->inputs[0];
    text_str(t, "<h1 id=\"title\"><bdi>");
    headline_title(t, params);
    text_str(t, "</bdi></h1>\n");
    if (path_base(path) == path)
        return;
    text_str(t, "<p id=\"path\"><bdi>");
    put_html(t, path);
    text_str(t, "</bdi></p>\n");
}

/* Exact, and with its unit. */
static void put_data(struct text *t, const char *class, uint64_t n)
{
    text_str(t, "<data class=\"");
    text_str(t, class);
    text_str(t, "\" value=\"");
    text_u64(t, n, 1);
    text_str(t, "\">");
    if (strcmp(class, "ns") == 0) {
        text_span(t, (int64_t)n);
        text_str(t, " s");
    } else {
        put_count(t, n);
        text_str(t, n == 1 ? " byte" : " bytes");
    }
    text_str(t, "</data>");
}

static void open_total(struct text *t, const char *name)
{
    text_str(t, "<div><dt>");
    text_str(t, name);
    text_str(t, "</dt><dd>");
}

static void close_total(struct text *t)
{
    text_str(t, "</dd></div>\n");
}

static void put_total(struct text *t, const char *name, uint64_t n)
{
    open_total(t, name);
    put_count(t, n);
    close_total(t);
}

/* Of the packets that were read, how many are in outputs. */
static void put_packets(struct text *t, const struct clv_split_result *r)
{
    open_total(t, "Packets");
    if (!r->copies && r->records_written != r->records_read) {
        put_count(t, r->records_written);
        text_str(t, " of ");
    }
    put_count(t, r->records_read);
    close_total(t);
}

static uint64_t wire_of(const struct figures *f)
{
    uint64_t wire = f->unnamed.wire + f->other.wire;
    for (unsigned i = 0; i < sizeof f->protos / sizeof *f->protos; i++)
        wire += f->protos[i].wire;
    return wire;
}

/* To the microsecond: more digits are in the table. */
static void put_moment(struct text *t, int64_t ts_ns)
{
    enum { TO_MICROSECONDS = 26 };
    char moment[64];
    struct text full = text_on(moment, sizeof moment);
    text_time(&full, ts_ns);
    (void)text_end(&full);
    char *const between = strchr(moment, 'T');
    if (between)
        *between = ' ';
    text_put(t, moment, TO_MICROSECONDS);
}

void headline_totals(struct text *t, const struct clv_split_params *params,
                     const struct clv_split_result *result, const struct figures *figures,
                     const char *noun)
{
    const bool timed = result->records_written && result->first_ns <= result->last_ns;
    char nouns[16] = "";
    struct text word = text_on(nouns, sizeof nouns);
    text_char(&word, (char)(noun[0] - 'a' + 'A'));
    text_str(&word, noun + 1);
    text_char(&word, 's');
    text_str(t, "<p id=\"about\">");
    if (params->n_inputs > 1)
        put_count(t, params->n_inputs);
    text_str(t, params->n_inputs > 1 ? " files of " : is_stream(params) ? "Input of " : "File of ");
    put_data(t, "bytes", result->input_bytes);
    if (params->n_inputs > 1)
        text_str(t, " in all");
    if (timed) {
        text_str(t, ", from ");
        put_moment(t, result->first_ns);
        text_str(t, " to ");
        put_moment(t, result->last_ns);
        text_str(t, " UTC");
    }
    text_str(t, "</p>\n<dl id=\"totals\">\n");
    put_packets(t, result);
    put_total(t, text_end(&word), result->flows);
    if (params->dry_run) {
        open_total(t, "Files");
        text_str(t, "none: a dry run");
        close_total(t);
    } else {
        put_total(t, "Files", result->outputs);
    }
    open_total(t, "Bytes on the wire");
    put_data(t, "bytes", wire_of(figures));
    close_total(t);
    if (figures->all_hosts)
        put_total(t, "Hosts", figures->all_hosts);
    if (timed) {
        open_total(t, "Duration");
        put_data(t, "ns", (uint64_t)result->last_ns - (uint64_t)result->first_ns);
        close_total(t);
    }
    text_str(t, "</dl>\n");
}
