/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The protection of QUIC's Initial packets (RFC 9001 section 5), as a client has it: its keys
 * follow from the version and from the Destination Connection ID of the client's first packet.
 */
#ifndef CLEAVE_SIGHT_INITIAL_H
#define CLEAVE_SIGHT_INITIAL_H

#include "base/bytes.h"

enum { INITIAL_TAG = 16, INITIAL_NUMBER_MAX = 4 }; /* bytes at the end, and of a packet number */

struct initial_keys {
    uint8_t key[16], iv[12], hp[16];
};

/* The two bits that an Initial packet of the version has for its type; -1: it is not known. */
int initial_type(uint32_t version);

/* false: the version is not known, or this build has no nettle. */
bool initial_derive(uint32_t version, struct clv_span dcid, struct initial_keys *keys);

/*
 * Opens a packet, which ends with its tag; its number stands at number_at. largest: the highest
 * number so far. plain: as many bytes as the packet. false: it is not protected by these keys.
 */
bool initial_open(const struct initial_keys *keys, struct clv_span packet, size_t number_at,
                  uint64_t largest, uint8_t *plain, size_t *plain_len, uint64_t *number);

/*
 * The opposite, in place: the number's last number_len bytes stand at number_at, the payload after
 * them, and INITIAL_TAG bytes of room. The packet has at least number_at + 20 bytes.
 */
void initial_seal(const struct initial_keys *keys, uint8_t *packet, size_t len, size_t number_at,
                  size_t number_len, uint64_t number);

#endif
