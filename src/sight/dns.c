/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One walk over the records keeps those that matter, with their names as numbers. Then questions
 * are followed through records that lead from one name to another, in whatever order these come.
 *
 * Names are decompressed as RFC 9267 section 2 advises: a pointer leads backward only, and only so
 * many are followed; so the time for a name is bounded, and that for a message, as is the number of
 * records that are kept.
 */
#include "sight/dns.h"

enum {
    HEADER = 12, /* RFC 1035 section 4.1.1 */
    FIXED = 10,  /* of a record, between its owner and its data: section 4.1.3 */
    NAME_OCTETS = 255,
    LABEL_MAX = 63,
    POINTER = 0xc0,    /* a label's first byte from here on: section 4.1.4 */
    POINTERS_MAX = 64, /* of one name */
    RECORDS = 128,     /* that are kept */
    NAMES = SIGHT_DNS_QUESTIONS + 2 * RECORDS,
    MESSAGE_MAX = 65535,
    NONE = 0xffff,
};

/* IANA "Domain Name System Parameters". */
enum { QUERY = 0, IQUERY = 1, STATUS = 2, NOTIFY = 4, UPDATE = 5, DSO = 6 };
enum {
    A = 1,
    CNAME = 5,
    MX = 15,
    AAAA = 28,
    SRV = 33,
    SVCB = 64,
    HTTPS = 65,
    IXFR = 251,
    AXFR = 252,
};
enum {
    IN = 1,
    CLASS = 0x7fff /* the other bit is multicast DNS's: RFC 6762 sections 5.4 and 10.2 */
};
enum { IPV4HINT = 4, IPV6HINT = 6 }; /* RFC 9460 section 14.3.2 */

/* A name of the message, and what it stands for. */
struct name {
    uint32_t hash;
    uint16_t at;
    uint8_t asked; /* the questions, a bit each, that ask for it or that lead to it */
    uint8_t led;   /* those of them that lead to it, by a record that counts */
};

/* A record that has addresses, or leads to them. */
struct record {
    uint16_t type;
    uint16_t data, len;     /* in the message, and all there */
    uint16_t owner, target; /* indices of names; NONE */
    bool additional, spent; /* spent: with a TTL of 0 */
};

struct message {
    const uint8_t *p;
    size_t len;
    unsigned n_names, n_records;
    struct name names[NAMES];
    struct record records[RECORDS];
};

/* A name that is read label by label. */
struct labels {
    size_t at, run; /* run: where the labels begin that were not led to by a pointer */
    unsigned left;  /* octets that the name may still have */
    unsigned pointers;
};

static struct labels labels_of(size_t at)
{
    return (struct labels){.at = at, .run = at, .left = NAME_OCTETS, .pointers = POINTERS_MAX};
}

/*
 * The length of the next label, which begins at *label; 0: the name has ended; -1: it is broken.
 * Safe because runs of labels lie one before the other: no pointer leads to one again.
 */
static int next_label(const struct message *m, struct labels *l, const uint8_t **label)
{
    while (l->at < m->len) {
        const unsigned c = m->p[l->at];
        if (c <= LABEL_MAX) {
            if (c >= m->len - l->at || c + 1 > l->left)
                return -1;
            *label = m->p + l->at + 1;
            l->left -= c + 1;
            l->at += c + 1;
            return (int)c;
        }
        if (c < POINTER || m->len - l->at < 2 || l->pointers-- == 0)
            return -1;
        const size_t to = load_be16(m->p + l->at) & 0x3fff;
        if (to < HEADER || to >= l->run)
            return -1;
        l->at = l->run = to;
    }
    return -1;
}

/* Where the name ends that begins at `at`, not followed through pointers; 0: it does not end. */
static size_t skip_name(const struct message *m, size_t at)
{
    const size_t begin = at;
    while (at < m->len && at - begin < NAME_OCTETS) {
        const unsigned c = m->p[at];
        if (c >= POINTER)
            return m->len - at >= 2 ? at + 2 : 0;
        if (c > LABEL_MAX)
            return 0;
        at += c + 1;
        if (c == 0)
            return at;
    }
    return 0;
}

static uint8_t lower(uint8_t c)
{
    return c >= 'A' && c <= 'Z' ? c | 0x20 : c; /* RFC 4343 section 3: ASCII alone */
}

static bool hash_name(const struct message *m, size_t at, uint32_t *hash)
{
    struct labels l = labels_of(at);
    const uint8_t *label;
    uint32_t h = 2166136261U; /* FNV-1a; equal names are compared after that */
    int n;
    while ((n = next_label(m, &l, &label)) > 0) {
        h = (h ^ (uint32_t)n) * 16777619U;
        for (int i = 0; i < n; i++)
            h = (h ^ lower(label[i])) * 16777619U;
    }
    *hash = h;
    return n == 0;
}

/* Of two names that are not broken. */
static bool same_name(const struct message *m, size_t a, size_t b)
{
    struct labels la = labels_of(a), lb = labels_of(b);
    const uint8_t *pa, *pb;
    for (;;) {
        const int n = next_label(m, &la, &pa);
        if (next_label(m, &lb, &pb) != n)
            return false;
        if (n <= 0)
            return n == 0;
        for (int i = 0; i < n; i++)
            if (lower(pa[i]) != lower(pb[i]))
                return false;
    }
}

/* The name's index; NONE: it is broken. There is room for those of all questions and records. */
static uint16_t find_name(struct message *m, size_t at)
{
    /* Most are pointers to where the name stands: these need no reading. */
    if (m->len - at >= 2 && m->p[at] >= POINTER) {
        const size_t to = load_be16(m->p + at) & 0x3fff;
        if (to < HEADER || to >= at)
            return NONE;
        at = to;
    }
    for (unsigned i = 0; i < m->n_names; i++)
        if (m->names[i].at == at)
            return (uint16_t)i;
    uint32_t hash;
    if (!hash_name(m, at, &hash))
        return NONE;
    for (unsigned i = 0; i < m->n_names; i++)
        if (m->names[i].hash == hash && same_name(m, m->names[i].at, at))
            return (uint16_t)i;
    m->names[m->n_names] = (struct name){.hash = hash, .at = (uint16_t)at};
    return (uint16_t)m->n_names++;
}

/* What name_text() gives. */
enum fit { BROKEN, TOO_LONG, FITS };

static enum fit name_text(const struct message *m, size_t at, char to[SIGHT_NAME])
{
    struct labels l = labels_of(at);
    const uint8_t *label;
    size_t len = 0;
    int n;
    bool full = false;
    while ((n = next_label(m, &l, &label)) > 0) {
        for (int i = 0; i < n && !full; i++) {
            const char c = sight_name_octet(label[i]);
            const bool dot = i == 0 && len > 0;
            full = len + dot + (c ? 1 : 4) >= SIGHT_NAME;
            if (full)
                break;
            if (dot)
                to[len++] = '.';
            if (c) {
                to[len++] = c;
                continue;
            }
            to[len++] = '\\';
            to[len++] = (char)('0' + label[i] / 100);
            to[len++] = (char)('0' + label[i] / 10 % 10);
            to[len++] = (char)('0' + label[i] % 10);
        }
    }
    if (n < 0)
        return BROKEN;
    if (full)
        return TOO_LONG;
    if (len == 0)
        to[len++] = '.';
    to[len] = '\0';
    return FITS;
}

/* The n questions (RFC 1035 section 4.1.2). false: broken, or cut short; else *at is behind them.
 */
static bool read_questions(struct message *m, size_t *at, unsigned n, struct sight_dns *dns)
{
    for (unsigned i = 0; i < n; i++) {
        const size_t name = *at, end = skip_name(m, name);
        if (end == 0 || m->len - end < 4)
            return false;
        *at = end + 4;
        if (dns->n_questions == SIGHT_DNS_QUESTIONS)
            continue;
        struct sight_dns_question *const q = &dns->questions[dns->n_questions];
        const enum fit fit = name_text(m, name, q->name);
        if (fit == BROKEN)
            return false;
        if (fit == TOO_LONG)
            continue;
        q->type = load_be16(m->p + end);
        const bool transfer = q->type == AXFR || q->type == IXFR;
        const uint16_t found = dns->response && !transfer ? find_name(m, name) : NONE;
        if (found != NONE)
            m->names[found].asked |= (uint8_t)(1U << dns->n_questions);
        dns->n_questions++;
    }
    return true;
}

/*
 * The name within a record's data at `at`. NONE: broken, or it does not end where it should: at the
 * data's end, or before it.
 */
static uint16_t find_target(struct message *m, const struct record *r, size_t before, bool is_all)
{
    const size_t limit = (size_t)r->data + r->len;
    if (r->len <= before)
        return NONE;
    const size_t end = skip_name(m, r->data + before);
    return end == 0 || end > limit || (is_all && end < limit) ? NONE
                                                              : find_name(m, r->data + before);
}

/* Where the target ends in the data of a record of SVCB or HTTPS (RFC 9460 section 2.2); or 0. */
static size_t svcb_params(const struct message *m, const struct record *r)
{
    size_t at = (size_t)r->data + 2;
    const size_t limit = (size_t)r->data + r->len;
    while (at < limit && m->p[at] <= LABEL_MAX) { /* it is not compressed */
        const unsigned c = m->p[at];
        at += c + 1;
        if (c == 0)
            return at;
    }
    return 0;
}

/* The name that a service is at; "." is the owner itself, or that there is none (section 2.5). */
static uint16_t svcb_target(struct message *m, const struct record *r)
{
    const size_t params = svcb_params(m, r);
    if (params == 0)
        return NONE;
    if (params == (size_t)r->data + 3)
        return load_be16(m->p + r->data) ? r->owner : NONE;
    return find_name(m, (size_t)r->data + 2);
}

/* false: this type has no addresses, and leads to none. */
static bool matters(uint16_t type)
{
    switch (type) {
    case A:
    case CNAME:
    case MX:
    case AAAA:
    case SRV:
    case SVCB:
    case HTTPS:
        return true;
    default:
        return false;
    }
}

static void keep_record(struct message *m, struct record *r, size_t owner)
{
    if (m->n_records == RECORDS)
        return;
    r->owner = find_name(m, owner);
    if (r->owner == NONE)
        return;
    switch (r->type) {
    case CNAME:
        r->target = find_target(m, r, 0, true);
        break;
    case MX: /* preference: RFC 1035 section 3.3.9 */
        r->target = find_target(m, r, 2, true);
        break;
    case SRV: /* priority, weight, port: RFC 2782 */
        r->target = find_target(m, r, 6, true);
        break;
    case SVCB:
    case HTTPS:
        r->target = svcb_target(m, r);
        break;
    default:
        break;
    }
    m->records[m->n_records++] = *r;
}

/* The n records of a section. false: the message ends within it. */
static bool read_records(struct message *m, size_t *at, unsigned n, bool kept, bool additional)
{
    for (unsigned i = 0; i < n; i++) {
        const size_t owner = *at, end = skip_name(m, owner);
        if (end == 0 || m->len - end < FIXED)
            return false;
        const uint8_t *const p = m->p + end;
        struct record r = {.type = load_be16(p),
                           .data = (uint16_t)(end + FIXED),
                           .len = load_be16(p + 8),
                           .owner = NONE,
                           .target = NONE,
                           .additional = additional,
                           .spent = load_be32(p + 4) == 0};
        if (r.len > m->len - end - FIXED)
            return false;
        *at = end + FIXED + r.len;
        if (kept && (load_be16(p + 2) & CLASS) == IN && matters(r.type))
            keep_record(m, &r, owner);
    }
    return true;
}

/* The questions that a record answers: in the additional section those that lead to its owner. */
static uint8_t answers(const struct message *m, const struct record *r)
{
    const struct name *const owner = &m->names[r->owner];
    return r->additional ? owner->led : owner->asked;
}

/*
 * Gives to each name the questions that lead to it. Safe because each round but the last sets a bit
 * that was not set, and names and questions are few; usually there are two.
 */
static void follow(struct message *m)
{
    bool again;
    do {
        again = false;
        for (unsigned i = 0; i < m->n_records; i++) {
            const struct record *const r = &m->records[i];
            if (r->target == NONE)
                continue;
            struct name *const target = &m->names[r->target];
            const uint8_t asked = answers(m, r), led = target->led | asked;
            again |= led != target->led;
            target->led = led;
            target->asked |= asked;
        }
    } while (again);
}

/* Of those that are asked, the first of the record's own type, or the first. */
static uint8_t choose_question(const struct sight_dns *dns, uint8_t asked, uint16_t type)
{
    for (unsigned i = 0; i < dns->n_questions; i++)
        if (asked >> i & 1 && dns->questions[i].type == type)
            return (uint8_t)i;
    return (uint8_t)__builtin_ctz(asked);
}

static void add_addr(struct sight_dns *dns, uint8_t family, const uint8_t *addr, uint8_t question)
{
    if (dns->n_addrs == SIGHT_DNS_ADDRS)
        return;
    struct sight_dns_addr *const to = &dns->addrs[dns->n_addrs++];
    *to = (struct sight_dns_addr){.family = family, .question = question};
    memcpy(to->addr, addr, family == 4 ? 4 : 16);
}

/*
 * The hints of a record of SVCB or HTTPS (RFC 9460 section 7.3). Its parameters have to be in order
 * and whole, or none counts (section 2.2): with dns NULL they are only looked at. false: they are
 * not, or there is no hint.
 */
static bool read_hints(const struct message *m, const struct record *r, struct sight_dns *dns,
                       uint8_t question)
{
    size_t at = svcb_params(m, r);
    const size_t limit = (size_t)r->data + r->len;
    /* An alias has no parameters that count: section 2.4.2. */
    if (at == 0 || load_be16(m->p + r->data) == 0)
        return false;
    bool found = false;
    for (long last = -1; at < limit;) {
        if (limit - at < 4)
            return false;
        const uint8_t *const p = m->p + at;
        const uint16_t key = load_be16(p), len = load_be16(p + 2);
        if (key <= last || len > limit - at - 4)
            return false;
        last = key;
        at += 4 + (size_t)len;
        if (key != IPV4HINT && key != IPV6HINT)
            continue;
        const unsigned size = key == IPV4HINT ? 4 : 16;
        if (len == 0 || len % size)
            return false;
        found = true;
        for (unsigned i = 0; dns && i < len; i += size)
            add_addr(dns, key == IPV4HINT ? 4 : 6, p + 4 + i, question);
    }
    return found;
}

static bool has_addrs(const struct message *m, const struct record *r)
{
    switch (r->type) {
    case A:
        return r->len == 4;
    case AAAA: /* RFC 3596 section 2.2 */
        return r->len == 16;
    case SVCB:
    case HTTPS:
        return read_hints(m, r, NULL, 0);
    default:
        return false;
    }
}

/* Makes the owner of a record a question. false: there is no room for it. */
static bool ask_owner(struct message *m, const struct record *r, struct sight_dns *dns)
{
    struct name *const owner = &m->names[r->owner];
    if (owner->asked)
        return true;
    if (dns->n_questions == SIGHT_DNS_QUESTIONS)
        return false;
    struct sight_dns_question *const q = &dns->questions[dns->n_questions];
    if (name_text(m, owner->at, q->name) != FITS)
        return false;
    q->type = r->type;
    owner->asked = (uint8_t)(1U << dns->n_questions++);
    return true;
}

static void read_answers(struct message *m, bool repeats, struct sight_dns *dns)
{
    for (unsigned i = 0; i < m->n_records; i++) {
        const struct record *const r = &m->records[i];
        if ((repeats && !answers(m, r)) || !has_addrs(m, r))
            continue;
        /* With a TTL of 0 multicast DNS takes a record back: RFC 6762 section 10.1. */
        if (!repeats && (r->spent || !ask_owner(m, r, dns)))
            continue;
        const uint8_t asked = repeats ? answers(m, r) : m->names[r->owner].asked;
        const uint8_t question = choose_question(dns, asked, r->type);
        if (r->type == SVCB || r->type == HTTPS)
            (void)read_hints(m, r, dns, question);
        else
            add_addr(dns, r->type == A ? 4 : 6, m->p + r->data, question);
    }
}

static bool opcode_is_known(uint8_t opcode)
{
    switch (opcode) {
    case QUERY:
    case IQUERY:
    case STATUS:
    case NOTIFY:
    case UPDATE:
    case DSO:
        return true;
    default:
        return false;
    }
}

bool sight_dns_read(struct clv_span message, struct sight_dns *dns)
{
    if (message.len < HEADER)
        return false;
    const uint8_t *const p = message.p;
    dns->id = load_be16(p);
    dns->response = p[2] & 0x80;
    dns->opcode = p[2] >> 3 & 15;
    dns->rcode = p[3] & 15;
    dns->n_questions = dns->n_addrs = 0;
    if (!opcode_is_known(dns->opcode))
        return false;
    struct message m; /* of its arrays, only what the counts say */
    m.p = p;
    m.len = message.len < MESSAGE_MAX ? message.len : MESSAGE_MAX;
    m.n_names = m.n_records = 0;
    size_t at = HEADER;
    const unsigned n_questions = load_be16(p + 4);
    if (!read_questions(&m, &at, n_questions, dns))
        return false;
    if (!dns->response || dns->opcode != QUERY)
        return true;
    if (read_records(&m, &at, load_be16(p + 6), true, false) &&
        read_records(&m, &at, load_be16(p + 8), false, false))
        (void)read_records(&m, &at, load_be16(p + 10), true, true);
    if (n_questions)
        follow(&m);
    read_answers(&m, n_questions, dns);
    return true;
}
