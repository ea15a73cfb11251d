/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What payloads say of other flows: a byte that chooses the reader, and what it reads. No reader
 * reads outside of it, and what each reports keeps the bounds that its header states.
 */
#include "fuzz.h"

#include "sight/dns.h"
#include "sight/quote.h"
#include "sight/tftp.h"

static bool within(const struct clv_span *part, const struct clv_span *whole)
{
    return part->p >= whole->p && part->p <= whole->p + whole->len &&
           part->len <= (size_t)(whole->p + whole->len - part->p);
}

static void read_dns(struct clv_span message)
{
    struct sight_dns dns;
    memset(&dns, 0xa5, sizeof dns); /* nothing of it counts */
    if (!sight_dns_read(message, &dns))
        return;
    FUZZ_CHECK(dns.n_questions <= SIGHT_DNS_QUESTIONS && dns.n_addrs <= SIGHT_DNS_ADDRS);
    FUZZ_CHECK(dns.response || dns.n_addrs == 0);
    for (unsigned i = 0; i < dns.n_questions; i++) {
        const char *const name = dns.questions[i].name;
        const size_t len = strnlen(name, SIGHT_NAME);
        FUZZ_CHECK(len > 0 && len < SIGHT_NAME);
        for (size_t k = 0; k < len; k++)
            FUZZ_CHECK(name[k] == '.' || name[k] == '\\' ||
                       sight_name_octet((uint8_t)name[k]) == name[k]);
    }
    for (unsigned i = 0; i < dns.n_addrs; i++) {
        FUZZ_CHECK(dns.addrs[i].family == 4 || dns.addrs[i].family == 6);
        FUZZ_CHECK(dns.addrs[i].question < dns.n_questions);
    }
}

static void read_tftp(struct clv_span packet)
{
    struct clv_span file;
    if (!sight_tftp_request(packet, &file))
        return;
    FUZZ_CHECK(file.len > 0 && within(&file, &packet));
}

static void quote(struct clv_span message, uint8_t proto, uint8_t family)
{
    struct clv_tuple t;
    struct decode_fragment f;
    if (!sight_quote(message, proto, &t, &f))
        return;
    FUZZ_CHECK(t.family == family && !(t.flags & CLV_TUPLE_SHORT));
    FUZZ_CHECK(!(t.flags & CLV_TUPLE_FRAGMENT) || f.family == family);
}

static void read_icmp(struct clv_span message)
{
    quote(message, CLV_PROTO_ICMP, 4);
}

static void read_icmpv6(struct clv_span message)
{
    quote(message, CLV_PROTO_ICMPV6, 6);
}

static void read_name(struct clv_span from)
{
    char name[SIGHT_NAME], again[SIGHT_NAME];
    if (!sight_name(from, name)) {
        FUZZ_CHECK(name[0] == '\0');
        return;
    }
    const size_t len = strnlen(name, SIGHT_NAME);
    FUZZ_CHECK(len == from.len || len + 1 == from.len);
    FUZZ_CHECK(sight_name((struct clv_span){(const uint8_t *)name, len}, again));
    FUZZ_CHECK(strcmp(name, again) == 0);
}

/* In the order of `readers` in seeds.py: new ones stand at the end. */
static void (*const readers[])(struct clv_span) = {
    read_dns, read_tftp, read_icmp, read_icmpv6, read_name,
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size > 0 && data[0] < sizeof readers / sizeof *readers)
        readers[data[0]]((struct clv_span){data + 1, size - 1});
    return 0;
}
