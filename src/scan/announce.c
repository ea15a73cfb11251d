/* SPDX-License-Identifier: BSD-2-Clause */
#include "scan/announce.h"

#include "walk/walk.h"

#define SECOND INT64_C(1000000000)

enum {
    /* Questions for one name within this time are one lookup: A and AAAA, and what is asked again
     * (a resolver waits for 5 seconds, resolv.conf(5)). */
    LOOKUP_SECONDS = 10,
};

/* What a fact is found by. */
enum fact {
    FACT_ADDRESS = 1, /* a: the client; b: the address */
    FACT_TRANSACTION, /* a: the client; b: the server; port: the identifier; text: the name */
    FACT_LOOKUP,      /* a: the client; text: the name */
    FACT_ENDPOINT,    /* a, port: the endpoint */
    FACT_ANSWER,      /* the same; b: who will speak to it */
    FACT_SESSION,     /* text: what it is called; port: the relation */
    FACT_PAGE,        /* a: the client; text: the URL */
    FACT_REDIRECT,    /* the same */
};

struct fact_key {
    uint64_t scope;
    uint8_t a[16], b[16];
    uint64_t text[2]; /* the hash of a text */
    uint16_t port;
    uint8_t fact, proto, family;
    uint8_t zero[3];
};
static_assert(sizeof(struct fact_key) == 64, "hashed as bytes: no padding");

void announcer_init(struct announcer *a, struct spill *spill)
{
    expects_init(&a->expects, spill);
}

void announcer_fini(struct announcer *a)
{
    expects_fini(&a->expects);
}

static struct keyed_hash key_of(const struct announcer *a, const struct fact_key *k)
{
    return secret_hash128(a->secret, k, sizeof *k);
}

static void set_text(const struct announcer *a, struct fact_key *k, const void *text, size_t len)
{
    const struct keyed_hash h = secret_hash128(a->secret, text, len);
    k->text[0] = h.lo;
    k->text[1] = h.hi;
}

static bool asks(const struct announcer *a, enum relation relation)
{
    return a->kinds >> relation & 1;
}

static struct relation_row *row_of(const struct announcer *a, const struct sighting *s)
{
    return relations_row(a->relations, s->flow);
}

/* The record's flow has announced something. */
static struct expect *add(struct announcer *a, const struct sighting *s, const struct fact_key *k,
                          enum relation relation)
{
    struct expect *x = expects_add(&a->expects, key_of(a, k));
    if (!x)
        return NULL;
    x->ts_ns = s->ts_ns;
    x->flow = s->flow;
    x->relation = (uint8_t)relation;
    if (s->flow)
        row_of(a, s)->fixed = true;
    return x;
}

/* From one time to another; what has no time is at the same one, what is beyond is as far. */
static int64_t lag(int64_t from, int64_t to)
{
    int64_t ns;
    if (from == WALK_NO_TIME || to == WALK_NO_TIME)
        return 0;
    if (__builtin_sub_overflow(to, from, &ns))
        return to < from ? INT64_MIN : INT64_MAX;
    return ns;
}

static bool within(const struct expect *x, const struct sighting *s, int64_t window_ns)
{
    return x && lag(x->ts_ns, s->ts_ns) <= window_ns;
}

static struct fact_key key_begin(const struct sighting *s, enum fact fact)
{
    return (struct fact_key){.scope = s->scope, .fact = (uint8_t)fact};
}

static struct fact_key client_key(const struct sighting *s, enum fact fact, const uint8_t *client)
{
    struct fact_key k = key_begin(s, fact);
    k.family = s->t->family;
    if (client)
        memcpy(k.a, client, sizeof k.a);
    return k;
}

/* The flow was led to by what was said, in answer to what `by` says the flow and lookup of. */
static void follow(struct announcer *a, const struct sighting *s, struct expect *x,
                   const struct expect *by)
{
    struct relation_row *row = row_of(a, s);
    if (by->flow == s->flow || by->flow == 0)
        return;
    row->master = by->flow;
    row->lookup = by->lookup;
    row->relation = x->relation;
    row->lag_ns = lag(x->ts_ns, row->first_ns);
    x->used = true;
}

/* The fact about one end of the flow, if it is newer than *best. */
static void prefer(const struct announcer *a, struct expect **best, const struct fact_key *k)
{
    struct expect *x = expects_find(&a->expects, key_of(a, k));
    if (!x || (*best && (*best)->serial > x->serial))
        return;
    if ((x->session.lo || x->session.hi) && !expects_find(&a->expects, x->session))
        return;
    *best = x;
}

static struct expect *find_endpoint(const struct announcer *a, const struct sighting *s)
{
    struct expect *best = NULL;
    if (!(s->t->flags & CLV_TUPLE_PORTS))
        return NULL;
    for (unsigned src = 0; src < 2; src++) {
        struct fact_key k = client_key(s, FACT_ENDPOINT, src ? s->t->src : s->t->dst);
        k.port = src ? s->t->sport : s->t->dport;
        k.proto = s->t->proto;
        prefer(a, &best, &k);
        k.fact = FACT_ANSWER;
        memcpy(k.b, src ? s->t->dst : s->t->src, sizeof k.b);
        prefer(a, &best, &k);
    }
    return best;
}

/* The client's own question for a name that was told to all. NULL: it has not asked for it. */
static struct expect *find_question(struct announcer *a, const struct sighting *s,
                                    const struct expect *x, const uint8_t *client)
{
    char name[SIGHT_NAME];
    if (!expects_name_is(&a->expects, x->name, name, sizeof name))
        return NULL;
    struct fact_key k = client_key(s, FACT_LOOKUP, client);
    set_text(a, &k, name, strlen(name));
    struct expect *const by = expects_find(&a->expects, key_of(a, &k));
    return within(by, s, a->dns_window_ns) ? by : NULL;
}

/*
 * Where but a guess tells who is the client, either end may have looked the other one up. What a
 * host tells all (RFC 6762, section 8.3) is for those who have asked: else whatever goes to it
 * would follow from that. *by: the answer, or whose question it answers.
 */
static struct expect *find_address(struct announcer *a, const struct sighting *s,
                                   enum relation_client *client, const struct expect **by)
{
    const bool forth = flow_source_is_client(s->t);
    struct expect *best = NULL;
    *by = NULL;
    for (unsigned i = 0; i < (flow_client_is_told(s->t) ? 1 : 2); i++) {
        const bool from_src = forth == (i == 0);
        const uint8_t *const asker = from_src ? s->t->src : s->t->dst;
        struct expect *const before = best;
        struct fact_key k = client_key(s, FACT_ADDRESS, asker);
        memcpy(k.b, from_src ? s->t->dst : s->t->src, sizeof k.b);
        prefer(a, &best, &k);
        if (best != before)
            *by = best;
        struct expect *told = best;
        memset(k.a, 0, sizeof k.a);
        prefer(a, &told, &k);
        const struct expect *const question =
            told == best ? NULL : find_question(a, s, told, asker);
        if (question) {
            best = told;
            *by = question;
        }
        if (best != before)
            *client = from_src ? RELATION_CLIENT_A : RELATION_CLIENT_B;
    }
    return within(best, s, a->dns_window_ns) ? best : NULL;
}

static bool set_name(struct announcer *a, struct relation_row *row, const char *name, enum app from)
{
    row->name = relations_keep(a->relations, name, strlen(name));
    row->name_from = (uint8_t)from;
    return row->name != 0;
}

bool announce_begin(struct announcer *a, const struct sighting *s)
{
    struct relation_row *row = relations_add(a->relations);
    struct expect *x;
    const struct expect *by;
    enum relation_client client = RELATION_CLIENT_UNKNOWN;
    char name[SIGHT_NAME];
    if (!row)
        return false;
    row->first_ns = s->ts_ns;
    if ((x = find_endpoint(a, s)) != NULL) {
        follow(a, s, x, x);
        if (!expects_name_is(&a->expects, x->name, name, sizeof name))
            name[0] = '\0';
        const bool ok = !name[0] || set_name(a, row, name, APP_SIP);
        if (x->once)
            expects_end(&a->expects, x);
        return ok;
    }
    if ((x = find_address(a, s, &client, &by)) == NULL)
        return true;
    row->client = client & 3;
    if (asks(a, RELATION_DNS))
        follow(a, s, x, by);
    return !expects_name_is(&a->expects, x->name, name, sizeof name) ||
           set_name(a, row, name, APP_DNS);
}

void announce_app(const struct announcer *a, const struct sighting *s, enum app app)
{
    if (s->flow && row_of(a, s)->app == APP_NONE)
        row_of(a, s)->app = (uint8_t)app;
}

bool announce_name(struct announcer *a, const struct sighting *s, const char *name, enum app from)
{
    if (!s->flow || !name[0])
        return true;
    struct relation_row *row = row_of(a, s);
    return (row->name && row->name_from != APP_DNS) || set_name(a, row, name, from);
}

/* A new lookup, which is the flow's next. */
static uint32_t begin_lookup(struct announcer *a, const struct sighting *s, const char *name)
{
    struct relations *const r = a->relations;
    struct relation_lookup *l = relations_add_lookup(r);
    struct relation_row *row = s->flow ? row_of(a, s) : NULL;
    if (!l)
        return 0;
    l->flow = s->flow;
    l->n = row ? ++row->n_lookups : 0;
    l->name = relations_keep(r, name, strlen(name));
    return l->name ? r->n_lookups : 0;
}

/* The lookup that a message about the name is of. 0: no memory. */
static uint32_t lookup_of(struct announcer *a, const struct sighting *s,
                          const struct sight_dns *dns, const uint8_t *client, const uint8_t *server,
                          const char *name)
{
    struct fact_key by_id = client_key(s, FACT_TRANSACTION, client), by_name;
    memcpy(by_id.b, server, sizeof by_id.b);
    by_id.port = dns->id;
    set_text(a, &by_id, name, strlen(name));
    by_name = by_id;
    by_name.fact = FACT_LOOKUP;
    by_name.port = 0;
    memset(by_name.b, 0, sizeof by_name.b);
    const struct expect *x = expects_find(&a->expects, key_of(a, &by_id));
    if (within(x, s, dns->response ? a->dns_window_ns : LOOKUP_SECONDS * SECOND))
        return x->lookup;
    x = expects_find(&a->expects, key_of(a, &by_name));
    uint32_t lookup = within(x, s, LOOKUP_SECONDS * SECOND) ? x->lookup : 0;
    struct expect *more;
    if (!lookup) {
        lookup = begin_lookup(a, s, name);
        if (!lookup || !(more = add(a, s, &by_name, RELATION_NONE)))
            return 0;
        more->lookup = lookup;
        more->used = true; /* nobody waits for it */
    }
    if (!(more = add(a, s, &by_id, RELATION_NONE)))
        return 0;
    more->lookup = lookup;
    more->used = true;
    return lookup;
}

/* A message of the lookup is in the flow, which has its name; of several, no name is the flow's. */
static void take_lookup(const struct announcer *a, struct relation_row *row, uint32_t lookup)
{
    const bool alone = !row->first_lookup || row->first_lookup == lookup;
    if (row->first_lookup && alone)
        return;
    row->name = alone ? relations_lookup(a->relations, lookup)->name : 0;
    row->name_from = alone ? row->app : (uint8_t)APP_NONE;
    if (alone)
        row->first_lookup = lookup;
}

static bool is_multicast(const struct clv_tuple *t)
{
    return t->family == 4 ? t->dst[0] >> 4 == 14 : t->dst[0] == 0xff;
}

bool announce_dns(struct announcer *a, const struct sighting *s, const struct sight_dns *dns,
                  uint32_t *lookup)
{
    const bool to_all = dns->response && is_multicast(s->t);
    const uint8_t *const client = to_all ? NULL : dns->response ? s->t->dst : s->t->src;
    const uint8_t *const server = dns->response ? s->t->src : s->t->dst;
    struct expect_name names[SIGHT_DNS_QUESTIONS] = {{.len = 0}};
    *lookup = 0;
    if (dns->n_questions == 0)
        return true;
    *lookup = lookup_of(a, s, dns, client, server, dns->questions[0].name);
    if (!*lookup)
        return false;
    if (s->flow)
        take_lookup(a, row_of(a, s), *lookup);
    for (unsigned i = 0; dns->response && i < dns->n_addrs; i++) {
        const struct sight_dns_addr *addr = &dns->addrs[i];
        const char *const name = dns->questions[addr->question].name;
        struct expect_name *const kept = &names[addr->question];
        if (!kept->len && !expects_name(&a->expects, name, strlen(name), kept))
            return false;
        struct fact_key k = client_key(s, FACT_ADDRESS, client);
        k.family = addr->family; /* of the flow that will come, whatever the question went by */
        memcpy(k.b, addr->addr, sizeof addr->addr);
        struct expect *x = add(a, s, &k, RELATION_DNS);
        if (!x)
            return false;
        x->lookup = *lookup;
        x->name = *kept;
    }
    return true;
}

static struct fact_key session_key(const struct announcer *a, const struct sighting *s,
                                   enum relation relation, struct clv_span session)
{
    struct fact_key k = key_begin(s, FACT_SESSION);
    k.port = (uint16_t)relation;
    set_text(a, &k, session.p, session.len);
    return k;
}

/* What has been announced of the session; NULL: nothing. */
static struct expect *find_session(const struct announcer *a, const struct sighting *s,
                                   enum relation relation, struct clv_span session)
{
    const struct fact_key k = session_key(a, s, relation, session);
    return expects_find(&a->expects, key_of(a, &k));
}

static struct expect *add_endpoint(struct announcer *a, const struct sighting *s,
                                   enum relation relation, const struct sight_endpoint *at)
{
    struct fact_key k = client_key(s, FACT_ENDPOINT, at->family ? at->addr : s->t->src);
    if (at->family)
        k.family = at->family;
    k.port = at->port;
    k.proto = at->proto;
    return add(a, s, &k, relation);
}

static bool same_address(const struct sighting *s, const struct sight_endpoint *at)
{
    return !at->family || (at->family == s->t->family &&
                           memcmp(at->addr, s->t->src, at->family == 4 ? 4 : 16) == 0);
}

bool announce_media(struct announcer *a, const struct sighting *s, enum relation relation,
                    struct clv_span session, const struct sight_media *media)
{
    struct expect_name name = {.len = 0};
    if (!asks(a, relation) || media->n == 0)
        return true;
    const struct fact_key of_session = session_key(a, s, relation, session);
    const struct expect *const before = find_session(a, s, relation, session);
    const uint16_t dialogs = before ? before->dialogs : 0;
    struct expect *x = add(a, s, &of_session, relation);
    if (!x)
        return false;
    x->used = true;
    x->dialogs = dialogs;
    if (relation == RELATION_SIP && session.len < SIGHT_NAME &&
        !expects_name(&a->expects, (const char *)session.p, session.len, &name))
        return false;
    for (unsigned i = 0; i < media->n; i++) {
        const struct sight_endpoint *at = &media->at[i];
        struct sight_endpoint seen = *at;
        seen.family = 0; /* a translator of addresses may stand between: who sent this is reached */
        for (unsigned twice = 0; twice < (same_address(s, at) ? 1 : 2); twice++) {
            x = add_endpoint(a, s, relation, twice ? &seen : at);
            if (!x)
                return false;
            x->session = key_of(a, &of_session);
            x->name = name;
        }
    }
    return true;
}

void announce_session_end(struct announcer *a, const struct sighting *s, enum relation relation,
                          struct clv_span session)
{
    struct expect *x = find_session(a, s, relation, session);
    if (x)
        expects_end(&a->expects, x);
}

/*
 * A call may be answered by several (RFC 3261 section 13.2.2.4), each of whom is known by a tag, of
 * which four bits are kept.
 */
static uint16_t dialog_bit(struct clv_span tag)
{
    return (uint16_t)(1U << (XXH3_64bits(tag.p, tag.len) & 15));
}

void announce_sip_answer(struct announcer *a, const struct sighting *s, struct clv_span call_id,
                         struct clv_span tag)
{
    struct expect *x = find_session(a, s, RELATION_SIP, call_id);
    if (x)
        x->dialogs |= dialog_bit(tag);
}

void announce_sip_bye(struct announcer *a, const struct sighting *s, struct clv_span call_id,
                      struct clv_span to, struct clv_span from)
{
    struct expect *x = find_session(a, s, RELATION_SIP, call_id);
    if (!x)
        return;
    const uint16_t bit = dialog_bit(to);
    x->dialogs &= (uint16_t) ~(x->dialogs & bit ? bit : dialog_bit(from));
    if (!x->dialogs)
        expects_end(&a->expects, x);
}

void announce_sip_cancel(struct announcer *a, const struct sighting *s, struct clv_span call_id)
{
    struct expect *x = find_session(a, s, RELATION_SIP, call_id);
    if (x && !x->dialogs)
        expects_end(&a->expects, x);
}

/* An address that is no use to anybody outside: RFC 1918, RFC 4193, RFC 6598, or 0. */
static bool is_private(const struct sight_endpoint *at)
{
    const uint8_t *p = at->addr;
    static const uint8_t zero[16];
    if (memcmp(p, zero, at->family == 4 ? 4 : 16) == 0)
        return true;
    if (at->family == 6)
        return (p[0] & 0xfe) == 0xfc || (p[0] == 0xfe && (p[1] & 0xc0) == 0x80);
    return p[0] == 10 || (p[0] == 172 && p[1] >> 4 == 1) || (p[0] == 192 && p[1] == 168) ||
           (p[0] == 100 && p[1] >> 6 == 1) || p[0] == 127;
}

bool announce_ftp(struct announcer *a, const struct sighting *s, const struct sight_endpoint *at)
{
    struct sight_endpoint seen = *at;
    if (!asks(a, RELATION_FTP))
        return true;
    struct expect *x = add_endpoint(a, s, RELATION_FTP, at);
    if (!x)
        return false;
    x->once = true;
    if (same_address(s, at) || !is_private(at))
        return true;
    seen.family = 0;
    if (!(x = add_endpoint(a, s, RELATION_FTP, &seen)))
        return false;
    return x->once = true;
}

bool announce_tftp(struct announcer *a, const struct sighting *s)
{
    if (!asks(a, RELATION_TFTP))
        return true;
    struct fact_key k = client_key(s, FACT_ANSWER, s->t->src);
    k.port = s->t->sport;
    k.proto = s->t->proto;
    memcpy(k.b, s->t->dst, sizeof k.b);
    struct expect *x = add(a, s, &k, RELATION_TFTP);
    if (!x)
        return false;
    return x->once = true;
}

static struct fact_key url_key(const struct announcer *a, const struct sighting *s, enum fact fact,
                               const uint8_t *client, const char *url)
{
    struct fact_key k = client_key(s, fact, client);
    set_text(a, &k, url, strlen(url));
    return k;
}

bool announce_request(struct announcer *a, const struct sighting *s, const char *url,
                      const char *referer)
{
    if (!asks(a, RELATION_HTTP) || !s->flow)
        return true;
    const struct fact_key to = url_key(a, s, FACT_REDIRECT, s->t->src, url);
    const struct fact_key from = url_key(a, s, FACT_PAGE, s->t->src, referer);
    struct relation_row *row = row_of(a, s);
    if (!row->fixed) {
        struct expect *sent = expects_find(&a->expects, key_of(a, &to));
        struct expect *page = expects_find(&a->expects, key_of(a, &from));
        if (within(sent, s, a->http_window_ns) && sent->flow != s->flow)
            follow(a, s, sent, sent);
        else if (referer[0] && within(page, s, a->http_window_ns))
            follow(a, s, page, page);
    }
    const struct fact_key own = url_key(a, s, FACT_PAGE, s->t->src, url);
    return add(a, s, &own, RELATION_HTTP) != NULL;
}

bool announce_location(struct announcer *a, const struct sighting *s, const char *url)
{
    if (!asks(a, RELATION_HTTP))
        return true;
    const struct fact_key k = url_key(a, s, FACT_REDIRECT, s->t->dst, url);
    return add(a, s, &k, RELATION_HTTP) != NULL;
}

void announce_quoted(const struct announcer *a, const struct sighting *s, uint32_t flow,
                     int64_t quoted_ns)
{
    struct relation_row *row = row_of(a, s);
    if (!asks(a, RELATION_ICMP) || !s->flow || row->fixed || flow == s->flow)
        return;
    row->master = flow;
    row->lookup = 0;
    row->relation = RELATION_ICMP;
    row->lag_ns = lag(quoted_ns, row->first_ns);
    row->fixed = true;
}
