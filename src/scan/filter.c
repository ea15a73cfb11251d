/* SPDX-License-Identifier: BSD-2-Clause */
#include "scan/filter.h"

#include <arpa/inet.h>
#include <pcap/pcap.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "base/fail.h"
#include "base/mem.h"
#include "cleave/packet.h"
#include "flow/service.h"
#include "manifest/name.h"
#include "scan/bpf.h"

enum { WORD_MAX = 64 };

struct filter_program {
    struct bpf_program program;
    uint16_t linktype;
};

/* A number of at most max; *end is what follows it. false: there is none. */
static bool number(const char *p, uint32_t max, uint32_t *n, const char **end)
{
    *n = 0;
    *end = p;
    for (; **end >= '0' && **end <= '9'; (*end)++) {
        *n = *n * 10 + (uint32_t)(**end - '0');
        if (*n > max)
            return false;
    }
    return *end > p;
}

/* "80" or "8000-8100", of numbers up to max. */
static bool range(const char *word, uint32_t max, struct filter_range *r)
{
    const char *p;
    uint32_t from, to;
    if (!number(word, max, &from, &p))
        return false;
    to = from;
    if (*p == '-' && !number(p + 1, max, &to, &p))
        return false;
    *r = (struct filter_range){(uint16_t)from, (uint16_t)to};
    return *p == '\0' && from <= to;
}

/* Numbers, or a service's name. */
static bool port(const char *word, void *to)
{
    uint16_t n;
    if (range(word, UINT16_MAX, to))
        return true;
    if (!service_find(word, &n))
        return false;
    *(struct filter_range *)to = (struct filter_range){n, n};
    return true;
}

static bool vlan(const char *word, void *to)
{
    return range(word, 4095, to);
}

/* A number, or a name as outputs have it, in small or capital letters. */
static bool proto(const char *word, void *to)
{
    uint8_t n;
    if (range(word, UINT8_MAX, to))
        return true;
    if (!name_find_proto(word, &n))
        return false;
    *(struct filter_range *)to = (struct filter_range){n, n};
    return true;
}

/* An address, with the length of a prefix behind a slash or without (RFC 4632, 4291). */
static bool host(const char *word, void *to)
{
    struct filter_host *h = to;
    char addr[WORD_MAX];
    const char *slash = strchr(word, '/'), *end;
    const size_t len = slash ? (size_t)(slash - word) : strlen(word);
    *h = (struct filter_host){0};
    memcpy(addr, word, len);
    addr[len] = '\0';
    if (inet_pton(AF_INET, addr, h->addr) == 1)
        h->family = 4;
    else if (inet_pton(AF_INET6, addr, h->addr) == 1)
        h->family = 6;
    else
        return false;
    uint32_t bits = h->family == 4 ? 32 : 128;
    if (slash && (!number(slash + 1, bits, &bits, &end) || *end))
        return false;
    for (uint32_t i = 0; i < bits; i++)
        h->mask[i / 8] |= (uint8_t)(0x80 >> i % 8);
    for (unsigned i = 0; i < sizeof h->addr; i++)
        h->addr[i] &= h->mask[i];
    return true;
}

/* A host's name, as far as its characters say, and no address with a fault in it. */
static bool is_name(const char *word, size_t len)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ",
                      all[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_";
    size_t last = len; /* where what follows the last dot begins */
    while (last && word[last - 1] != '.')
        last--;
    return len - last > 1 && strchr(letters, word[last]) && strspn(word, all) >= len;
}

/* Says what is meant by a host that is no address, if that is known. */
static void hint_host(const char *word, size_t len, struct clv_error *err)
{
    enum { OCTETS = 3 };
    char addr[WORD_MAX] = "";
    uint32_t octets[OCTETS] = {0}, bits;
    const char *const colon = memchr(word, ':', len), *p = word, *end;
    if (colon && colon - word < WORD_MAX && number(colon + 1, UINT16_MAX, &bits, &end) &&
        end == word + len) {
        struct filter_host h;
        memcpy(addr, word, (size_t)(colon - word));
        if (host(addr, &h))
            (void)clv_fail_hint(err, "use --host %s --port %u", addr, bits);
    }
    unsigned n = 0;
    while (n < OCTETS && number(p, UINT8_MAX, &octets[n], &end)) {
        n++;
        p = end + (*end == '.');
        if (*end != '.')
            break;
    }
    const size_t rest = (size_t)(word + len - p);
    if (n && strspn(p, "*xX.") >= rest && (n > 1 || rest))
        (void)clv_fail_hint(err, "use --host %u.%u.%u.0/%u", octets[0], octets[1], octets[2],
                            8 * n);
    if (is_name(word, len))
        (void)clv_fail_hint(err, "by name: cleave flows FILE --names --where \"name = '%.*s'\"",
                            (int)min_u64(len, 60), word);
}

/* The words of a list become an array of elements of the size. */
static bool parse_list(const char *option, const char *takes, const char *text, size_t size,
                       void **list, size_t *n, bool (*parse)(const char *word, void *to),
                       struct clv_error *err)
{
    size_t cap = 0;
    if (!text)
        return true;
    for (const char *p = text;; p++) {
        char word[WORD_MAX];
        const size_t len = strcspn(p, ",");
        void *more = mem_reserve(*list, &cap, *n + 1, size);
        if (!more)
            return clv_fail_nomem(err, "the filter", (*n + 1) * size);
        *list = more;
        if (len < sizeof word) {
            memcpy(word, p, len);
            word[len] = '\0';
        }
        if (len >= sizeof word || !parse(word, (char *)more + *n * size)) {
            (void)clv_fail(err, CLV_ERR_OPTION, option, "invalid value \"%.*s\"",
                           (int)min_u64(len, 60), p);
            (void)clv_fail_hint(err, "use %s, separated by commas", takes);
            if (parse == host)
                hint_host(p, len, err);
            return false;
        }
        ++*n;
        p += len;
        if (*p == '\0')
            return true;
    }
}

bool filter_init(struct filter *s, const struct clv_split_params *params, struct clv_error *err)
{
    void *hosts = NULL, *ports = NULL, *vlans = NULL, *protos = NULL;
    *s = (struct filter){
        .has_after = params->has_after,
        .has_before = params->has_before,
        .after_ns = params->after_ns,
        .before_ns = params->before_ns,
    };
    const bool ok =
        parse_list("host", "addresses, or prefixes such as 10.0.0.0/8", params->host,
                   sizeof *s->hosts, &hosts, &s->n_hosts, host, err) &&
        parse_list("port", "numbers up to 65535, ranges such as 8000-8100, or names such as http",
                   params->port, sizeof *s->ports, &ports, &s->n_ports, port, err) &&
        parse_list("vlan", "numbers up to 4095, or ranges such as 10-19", params->vlan,
                   sizeof *s->vlans, &vlans, &s->n_vlans, vlan, err) &&
        parse_list("proto", "numbers up to 255, or names such as udp", params->proto,
                   sizeof *s->protos, &protos, &s->n_protos, proto, err);
    s->hosts = hosts;
    s->ports = ports;
    s->vlans = vlans;
    s->protos = protos;
    return ok && (!params->filter || bpf_compiler_create(&s->compiler, params->filter, err));
}

static void free_filter(struct filter_program **f)
{
    if (!*f)
        return;
    bpf_free(&(*f)->program);
    mem_free(*f);
    *f = NULL;
}

void filter_fini(struct filter *s)
{
    for (unsigned i = 0; i <= DIALECT_KINDS; i++) {
        free_filter(&s->filters[false][i]);
        free_filter(&s->filters[true][i]);
    }
    bpf_compiler_destroy(&s->compiler);
    mem_free(s->hosts);
    mem_free(s->ports);
    mem_free(s->vlans);
    mem_free(s->protos);
    *s = (struct filter){0};
}

bool filter_compile(struct filter *s, unsigned kind, uint16_t linktype, bool big,
                    struct clv_error *err)
{
    struct filter_program **at = &s->filters[big][kind];
    if (!s->compiler || (*at && (*at)->linktype == linktype))
        return true;
    if (kind == DIALECT_KINDS)
        return clv_fail(err, CLV_ERR_OPTION, "filter", "more than %d link types", DIALECT_KINDS);
    free_filter(at); /* of another capture */
    struct filter_program *f = mem_zalloc(1, sizeof *f);
    if (!f)
        return clv_fail_nomem(err, "the filter", sizeof *f);
    if (!bpf_compile(s->compiler, &f->program, linktype, big, err)) {
        mem_free(f);
        return false;
    }
    f->linktype = linktype;
    *at = f;
    return true;
}

bool filter_record(const struct filter *s, unsigned kind, bool big, const struct walk_record *rec)
{
    const struct filter_program *f = s->filters[big][kind];
    if (s->has_after && (rec->ts_ns == WALK_NO_TIME || rec->ts_ns < s->after_ns))
        return false;
    if (s->has_before && (rec->ts_ns == WALK_NO_TIME || rec->ts_ns >= s->before_ns))
        return false;
    const struct pcap_pkthdr head = {.caplen = rec->caplen, .len = rec->origlen};
    return !f || pcap_offline_filter(&f->program, &head, rec->data) != 0;
}

static bool in_ranges(const struct filter_range *r, size_t n, uint16_t v)
{
    for (size_t i = 0; i < n; i++)
        if (v >= r[i].from && v <= r[i].to)
            return true;
    return false;
}

static bool is_host(const struct filter *s, const uint8_t addr[16], uint8_t family)
{
    for (size_t i = 0; i < s->n_hosts; i++) {
        const struct filter_host *h = &s->hosts[i];
        bool same = h->family == family;
        for (unsigned k = 0; same && k < 16; k++)
            same = (addr[k] & h->mask[k]) == h->addr[k];
        if (same)
            return true;
    }
    return false;
}

bool filter_origin(const struct filter *s, const struct flow_origin *o)
{
    const struct clv_tuple *t = &o->tuple;
    const bool ports = t->flags & CLV_TUPLE_PORTS;
    if (s->n_vlans) {
        bool found = false;
        for (unsigned i = 0; i < o->path.n_vlans; i++)
            found |= in_ranges(s->vlans, s->n_vlans, o->path.vlan[i]);
        if (!found)
            return false;
    }
    if ((s->n_hosts || s->n_ports || s->n_protos) && t->family == 0)
        return false;
    if (s->n_hosts && !is_host(s, t->src, t->family) && !is_host(s, t->dst, t->family))
        return false;
    if (s->n_protos && !in_ranges(s->protos, s->n_protos, t->proto))
        return false;
    return !s->n_ports || (ports && (in_ranges(s->ports, s->n_ports, t->sport) ||
                                     in_ranges(s->ports, s->n_ports, t->dport)));
}
