/* SPDX-License-Identifier: BSD-2-Clause */
#include "sight/initial.h"

#include "config.h"

#if HAVE_NETTLE
#include <nettle/gcm.h>
#include <nettle/hmac.h>
#endif

enum { SALT = 20, SAMPLE = 16 };

static const struct scheme {
    uint8_t salt[SALT];
    const char *key, *iv, *hp; /* labels */
    int type;
} schemes[] = {
    /* RFC 9001 section 5.2. */
    {"\x38\x76\x2c\xf7\xf5\x59\x34\xb3\x4d\x17\x9a\xe6\xa4\xc8\x0c\xad\xcc\xbb\x7f\x0a", "quic key",
     "quic iv", "quic hp", 0},
    /* RFC 9369 section 3. */
    {"\x0d\xed\xe3\xde\xf7\x00\xa6\xdb\x81\x93\x81\xbe\x6e\x26\x9d\xcb\xf9\xbd\x2e\xd9",
     "quicv2 key", "quicv2 iv", "quicv2 hp", 1},
    /* draft-ietf-quic-tls-29 section 5.2. */
    {"\xaf\xbf\xec\x28\x99\x93\xd2\x4c\x9e\x97\x86\xf1\x9c\x61\x11\xe0\x43\x90\xa8\x99", "quic key",
     "quic iv", "quic hp", 0},
    /* draft-ietf-quic-tls-23 section 5.2. */
    {"\xc3\xee\xf7\x12\xc7\x2e\xbb\x5a\x11\xa7\xd2\x43\x2b\xb4\x63\x65\xbe\xf9\xf5\x02", "quic key",
     "quic iv", "quic hp", 0},
};

static const struct {
    uint32_t first, last;
    const struct scheme *scheme;
} versions[] = {
    {1, 1, &schemes[0]},
    {0x6b3343cf, 0x6b3343cf, &schemes[1]},
    {0xff000021, 0xff000022, &schemes[0]}, /* drafts 33 and 34 */
    {0xff00001d, 0xff000020, &schemes[2]}, /* 29 to 32 */
    {0xff000017, 0xff00001c, &schemes[3]}, /* 23 to 28 */
    {0xfaceb002, 0xfaceb002, &schemes[3]}, /* mvfst's own number for draft 27 */
};

static const struct scheme *find(uint32_t version)
{
    for (size_t i = 0; i < sizeof versions / sizeof *versions; i++)
        if (version >= versions[i].first && version <= versions[i].last)
            return versions[i].scheme;
    return NULL;
}

int initial_type(uint32_t version)
{
    const struct scheme *s = find(version);
    return s ? s->type : -1;
}

#if HAVE_NETTLE

/* HKDF-Expand-Label (RFC 8446 section 7.1) without a context; n is at most that of one hash. */
static void expand(const uint8_t secret[SHA256_DIGEST_SIZE], const char *label, uint8_t *to,
                   size_t n)
{
    static const char prefix[] = "tls13 ";
    struct hmac_sha256_ctx hmac;
    const size_t len = strlen(label);
    const uint8_t before[] = {0, (uint8_t)n, (uint8_t)(sizeof prefix - 1 + len)};
    const uint8_t after[] = {0, 1}; /* no context; the first and only block, RFC 5869 section 2.3 */
    hmac_sha256_set_key(&hmac, SHA256_DIGEST_SIZE, secret);
    hmac_sha256_update(&hmac, sizeof before, before);
    hmac_sha256_update(&hmac, sizeof prefix - 1, (const uint8_t *)prefix);
    hmac_sha256_update(&hmac, len, (const uint8_t *)label);
    hmac_sha256_update(&hmac, sizeof after, after);
    hmac_sha256_digest(&hmac, n, to);
}

bool initial_derive(uint32_t version, struct clv_span dcid, struct initial_keys *keys)
{
    uint8_t initial[SHA256_DIGEST_SIZE], client[SHA256_DIGEST_SIZE];
    struct hmac_sha256_ctx hmac;
    const struct scheme *s = find(version);
    if (!s)
        return false;
    hmac_sha256_set_key(&hmac, SALT, s->salt);
    hmac_sha256_update(&hmac, dcid.len, dcid.p);
    hmac_sha256_digest(&hmac, sizeof initial, initial);
    expand(initial, "client in", client, sizeof client);
    expand(client, s->key, keys->key, sizeof keys->key);
    expand(client, s->iv, keys->iv, sizeof keys->iv);
    expand(client, s->hp, keys->hp, sizeof keys->hp);
    return true;
}

/* RFC 9001 section 5.4.3: what hides a number and the bits of its length. */
static void make_mask(const struct initial_keys *keys, const uint8_t *sample,
                      uint8_t mask[AES_BLOCK_SIZE])
{
    struct aes128_ctx aes;
    aes128_set_encrypt_key(&aes, keys->hp);
    aes128_encrypt(&aes, AES_BLOCK_SIZE, mask, sample);
}

/* RFC 9001 section 5.3: the nonce is the IV, and the number in its last bytes. */
static void begin_gcm(struct gcm_aes128_ctx *gcm, const struct initial_keys *keys, uint64_t number,
                      const uint8_t *header, size_t header_len)
{
    uint8_t nonce[sizeof keys->iv];
    memcpy(nonce, keys->iv, sizeof nonce);
    for (size_t i = 0; i < 8; i++)
        nonce[sizeof nonce - 1 - i] ^= (uint8_t)(number >> 8 * i);
    gcm_aes128_set_key(gcm, keys->key);
    gcm_aes128_set_iv(gcm, sizeof nonce, nonce);
    gcm_aes128_update(gcm, header_len, header);
}

/* RFC 9000 appendix A.3: the number closest to the next one that ends with these bytes. */
static uint64_t whole_number(uint64_t largest, uint64_t end, size_t bytes)
{
    const uint64_t expected = largest + 1, window = UINT64_C(1) << 8 * bytes, half = window / 2;
    const uint64_t candidate = (expected & ~(window - 1)) | end;
    if (candidate + half <= expected && candidate < (UINT64_C(1) << 62) - window)
        return candidate + window;
    if (candidate > expected + half && candidate >= window)
        return candidate - window;
    return candidate;
}

bool initial_open(const struct initial_keys *keys, struct clv_span packet, size_t number_at,
                  uint64_t largest, uint8_t *plain, size_t *plain_len, uint64_t *number)
{
    uint8_t mask[AES_BLOCK_SIZE], tag[INITIAL_TAG];
    if (!span_has(&packet, number_at, INITIAL_NUMBER_MAX + SAMPLE))
        return false;
    make_mask(keys, packet.p + number_at + INITIAL_NUMBER_MAX, mask);
    /* The header as it was before it was protected, where the payload will stand. */
    memcpy(plain, packet.p, number_at + INITIAL_NUMBER_MAX);
    plain[0] ^= mask[0] & 0x0f;
    const size_t number_len = (plain[0] & 3U) + 1, header = number_at + number_len;
    uint64_t end = 0;
    for (size_t i = 0; i < number_len; i++) {
        plain[number_at + i] ^= mask[1 + i];
        end = end << 8 | plain[number_at + i];
    }
    *number = whole_number(largest, end, number_len);
    struct gcm_aes128_ctx gcm;
    begin_gcm(&gcm, keys, *number, plain, header);
    *plain_len = packet.len - header - INITIAL_TAG;
    gcm_aes128_decrypt(&gcm, *plain_len, plain, packet.p + header);
    gcm_aes128_digest(&gcm, INITIAL_TAG, tag);
    return memcmp(tag, packet.p + packet.len - INITIAL_TAG, INITIAL_TAG) == 0;
}

void initial_seal(const struct initial_keys *keys, uint8_t *packet, size_t len, size_t number_at,
                  size_t number_len, uint64_t number)
{
    uint8_t mask[AES_BLOCK_SIZE];
    struct gcm_aes128_ctx gcm;
    const size_t header = number_at + number_len, payload = len - header - INITIAL_TAG;
    begin_gcm(&gcm, keys, number, packet, header);
    gcm_aes128_encrypt(&gcm, payload, packet + header, packet + header);
    gcm_aes128_digest(&gcm, INITIAL_TAG, packet + header + payload);
    make_mask(keys, packet + number_at + INITIAL_NUMBER_MAX, mask);
    packet[0] ^= mask[0] & 0x0f;
    for (size_t i = 0; i < number_len; i++)
        packet[number_at + i] ^= mask[1 + i];
}

#else

bool initial_derive(uint32_t version, struct clv_span dcid, struct initial_keys *keys)
{
    (void)version;
    (void)dcid;
    (void)keys;
    return false;
}

bool initial_open(const struct initial_keys *keys, struct clv_span packet, size_t number_at,
                  uint64_t largest, uint8_t *plain, size_t *plain_len, uint64_t *number)
{
    (void)keys;
    (void)packet;
    (void)number_at;
    (void)largest;
    (void)plain;
    (void)plain_len;
    (void)number;
    return false;
}

void initial_seal(const struct initial_keys *keys, uint8_t *packet, size_t len, size_t number_at,
                  size_t number_len, uint64_t number)
{
    (void)keys;
    (void)packet;
    (void)len;
    (void)number_at;
    (void)number_len;
    (void)number;
}

#endif
