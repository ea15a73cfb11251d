/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * DNS messages: RFC 1035 section 4, EDNS (RFC 6891), SVCB and HTTPS (RFC 9460), multicast DNS
 * (RFC 6762) and LLMNR (RFC 4795), whose messages are the same.
 */
#ifndef CLEAVE_SIGHT_DNS_H
#define CLEAVE_SIGHT_DNS_H

#include "sight/sight.h"

enum { SIGHT_DNS_QUESTIONS = 8, SIGHT_DNS_ADDRS = 64 };

struct sight_dns_question {
    /*
     * Lower case, without a final dot; the root is ".". Octets that no host name has are escaped,
     * \DDD (RFC 1035 section 5.1).
     */
    char name[SIGHT_NAME];
    uint16_t type;
};

/*
 * An address that answers a question, through CNAMEs, or that is a hint of HTTPS or SVCB. Also one
 * in the additional section, if an answer of HTTPS, SVCB, SRV or MX leads to its owner: but no glue
 * of a referral, which answers nothing.
 */
struct sight_dns_addr {
    uint8_t addr[16];
    uint8_t family;
    uint8_t question; /* its index: the first that it answers, one of its own type before others */
};

struct sight_dns {
    uint16_t id;
    bool response;
    uint8_t opcode, rcode; /* rcode as the header has it, without EDNS's upper bits */
    unsigned n_questions, n_addrs;
    struct sight_dns_question questions[SIGHT_DNS_QUESTIONS];
    struct sight_dns_addr addrs[SIGHT_DNS_ADDRS]; /* in the message's order */
};

/*
 * Reads a message without the length that precedes it in TCP. A response that repeats no question,
 * as those of multicast DNS, has the owners of its address records for questions; over TCP that may
 * also be a later message of a zone transfer (RFC 5936 section 2.2.1), so such a response answers
 * somebody only where its port is that of multicast DNS.
 *
 * true: *dns is filled; of its arrays what the counts say. Of more questions, addresses, or records
 * that lead to addresses than there is room for, the first ones count; a question whose name does
 * not fit is left out. Zone transfers, and messages that are no queries (opcode), have no
 * addresses. A message that is cut short behind the questions gives the addresses up to there.
 * false: it is not a DNS message, or its header or questions are broken (compression loops, names
 * too long, cut short); *dns means nothing.
 */
bool sight_dns_read(struct clv_span message, struct sight_dns *dns);

#endif
