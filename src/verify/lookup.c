/* SPDX-License-Identifier: BSD-2-Clause */
#include "verify/lookup.h"

#include <arpa/inet.h>
#include <sys/socket.h>

#include "base/bytes.h"
#include "base/fail.h"

/*
 * The words of pcap-filter(7), as libpcap's scanner.l of 1.10 and 1.11 has them. A word that is not
 * here, and no number or address, may be one that is looked up.
 */
static const char keywords[] =
    " dst src link ether ppp slip fddi tr wlan arp rarp ip sctp tcp udp icmp igmp igrp pim vrrp "
    "carp "
    "radio ip6 icmp6 ah esp atalk aarp decnet lat sca moprc mopdl iso esis es-is isis is-is l1 l2 "
    "iih lsp snp csnp psnp clnp stp ipx netbeui host net mask gateway address1 addr1 address2 "
    "addr2 "
    "address3 addr3 address4 addr4 ra ta less greater byte broadcast multicast len length inbound "
    "outbound ifindex vlan mpls pppoed pppoes geneve vxlan lane llc metac bcc oam oamf4 oamf4ec "
    "oamf4sc sc ilmic vpi vci connectmsg metaconnect rnr rulenum srnr subrulenum fisu lssu lsu msu "
    "hfisu hlssu hmsu sio opc dpc sls hsio hopc hdpc hsls icmptype icmpcode icmp-echoreply "
    "icmp-unreach icmp-sourcequench icmp-redirect icmp-echo icmp-routeradvert icmp-routersolicit "
    "icmp-timxceed icmp-paramprob icmp-tstamp icmp-tstampreply icmp-ireq icmp-ireqreply "
    "icmp-maskreq icmp-maskreply icmp6type icmp6code icmp6-destinationunreach icmp6-packettoobig "
    "icmp6-timeexceeded icmp6-parameterproblem icmp6-echo icmp6-echoreply "
    "icmp6-multicastlistenerquery icmp6-multicastlistenerreportv1 icmp6-multicastlistenerdone "
    "icmp6-routersolicit icmp6-routeradvert icmp6-neighborsolicit icmp6-neighboradvert "
    "icmp6-redirect icmp6-routerrenum icmp6-nodeinformationquery icmp6-nodeinformationresponse "
    "icmp6-ineighbordiscoverysolicit icmp6-ineighbordiscoveryadvert "
    "icmp6-multicastlistenerreportv2 icmp6-homeagentdiscoveryrequest icmp6-homeagentdiscoveryreply "
    "icmp6-mobileprefixsolicit icmp6-mobileprefixadvert icmp6-certpathsolicit icmp6-certpathadvert "
    "icmp6-multicastrouteradvert icmp6-multicastroutersolicit icmp6-multicastrouterterm tcpflags "
    "tcp-fin tcp-syn tcp-rst tcp-push tcp-ack tcp-urg tcp-ece tcp-cwr ";

/* What follows these is a word of this system's files (services, protocols), or of libpcap's own.
 */
static const char takes_words[] = " port portrange proto protochain type subtype direction dir on "
                                  "ifname rset ruleset reason action ";

static const char between[] = " and or not ";

static bool is_in(const char *list, const char *word, size_t len)
{
    for (const char *p = list; (p = strchr(p, ' ')) && p[1]; p++)
        if (strncmp(p + 1, word, len) == 0 && p[1 + len] == ' ')
            return true;
    return false;
}

static const char digits[] = "0123456789", hex[] = "0123456789abcdefABCDEF";

static bool consists_of(const char *word, size_t len, const char *set)
{
    return len && strspn(word, set) >= len;
}

/* A number, or an IPv4 address or the beginning of one. */
static bool is_number(const char *word, size_t len)
{
    if (len > 2 && word[0] == '0' && (word[1] == 'x' || word[1] == 'X'))
        return consists_of(word + 2, len - 2, hex);
    unsigned parts = 1;
    for (const char *dot; (dot = memchr(word, '.', len)) && parts < 4; parts++) {
        if (!consists_of(word, (size_t)(dot - word), digits))
            return false;
        len -= (size_t)(dot - word) + 1;
        word = dot + 1;
    }
    return consists_of(word, len, digits);
}

/* Groups of hexadecimal digits, as many as make a MAC address. */
static bool is_mac(const char *word, size_t len)
{
    unsigned groups = 0, longest = 0, shortest = UINT32_MAX;
    char mark = '\0';
    if (len == 12 && consists_of(word, len, hex))
        return true;
    while (len) {
        const unsigned n = (unsigned)min_u64(strspn(word, hex), len);
        longest = n > longest ? n : longest;
        shortest = n < shortest ? n : shortest;
        groups++;
        if (n == len)
            break;
        if ((mark && word[n] != mark) || !strchr(":-.", word[n]))
            return false;
        mark = word[n];
        word += n + 1;
        len -= n + 1;
    }
    return (groups == 6 && shortest >= 1 && longest <= 2) ||
           (groups == 3 && mark == '.' && shortest == 4 && longest == 4);
}

static bool is_ipv6(const char *word, size_t len)
{
    char text[INET6_ADDRSTRLEN];
    struct in6_addr addr;
    if (len >= sizeof text)
        return false;
    memcpy(text, word, len);
    text[len] = '\0';
    return inet_pton(AF_INET6, text, &addr) == 1;
}

/* A word without colons. *free_word: what comes next may be any word. */
static bool is_harmless(const char *word, size_t len, bool *free_word)
{
    if (is_in(between, word, len))
        return true;
    if (is_in(keywords, word, len) || is_in(takes_words, word, len)) {
        *free_word = is_in(takes_words, word, len);
        return true;
    }
    return is_number(word, len) || is_mac(word, len) || (*free_word && !memchr(word, '.', len));
}

bool filter_looks_up(const char *expression, char word[FILTER_WORD_MAX])
{
    static const char in_words[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.:-";
    bool free_word = false;
    for (const char *p = expression; *p;) {
        const bool escaped = *p == '\\'; /* up to a blank or a bracket it is one word */
        p += escaped;
        const size_t len = escaped ? strcspn(p, " !()\n\t") : strspn(p, in_words);
        const char *part = p, *const end = p + len;
        bool ok = !escaped && (is_mac(p, len) || is_ipv6(p, len));
        if (escaped)
            ok = free_word && !memchr(p, '.', len);
        for (bool all = !escaped && !ok; all && part < end;) {
            /* Bytes of a packet, as in tcp[12:1]. Signs are not part of a word's ends. */
            while (part < end && strchr("_-:.", *part))
                part++;
            size_t n = strcspn(part, ":");
            n = (size_t)min_u64(n, (size_t)(end - part));
            size_t used = n;
            while (used && strchr("_-", part[used - 1]))
                used--;
            all = ok = used == 0 || is_harmless(part, used, &free_word);
            part += ok ? n : 0;
        }
        if (len && !ok && part < end) {
            const size_t n = min_u64((size_t)(end - part), FILTER_WORD_MAX - 1);
            memcpy(word, part, n);
            word[n] = '\0';
            return true;
        }
        p += len ? len : *p != '\0';
    }
    return false;
}

bool verify_filter(const struct clv_receipt *receipt, struct clv_error *err)
{
    char word[FILTER_WORD_MAX];
    if (!receipt->params.filter || !filter_looks_up(receipt->params.filter, word))
        return true;
    (void)clv_fail(err, CLV_ERR_ARG, receipt->path,
                   "the filter contains the name \"%.50s\", and verify looks up no names", word);
    return clv_fail_hint(err,
                         "use addresses and numbers in filters of outputs that are to be verified");
}
