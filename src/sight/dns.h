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
    char name[SIGHT_NAME]; /* lower case; octets that no host name has are escaped, \DDD */
    uint16_t type;
};

/* An address that answers a question, through CNAMEs, or that is a hint of HTTPS or SVCB. */
struct sight_dns_addr {
    uint8_t addr[16];
    uint8_t family;
    uint8_t question; /* its index */
};

struct sight_dns {
    uint16_t id;
    bool response;
    uint8_t opcode, rcode;
    unsigned n_questions, n_addrs;
    struct sight_dns_question questions[SIGHT_DNS_QUESTIONS];
    struct sight_dns_addr addrs[SIGHT_DNS_ADDRS];
};

/*
 * Reads a message without the length that precedes it in TCP. A response that repeats no question,
 * as those of multicast DNS, has the owners of its address records for questions. false: it is not
 * a DNS message, or names in its header or questions are broken (compression loops, too long); a
 * message that is cut short behind the questions gives the addresses up to there.
 */
bool sight_dns_read(struct clv_span message, struct sight_dns *dns);

#endif
