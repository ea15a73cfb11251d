/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What readers of payloads found, as text: "192.0.2.1:5004", TCP's with "/tcp", in their order.
 */
#ifndef CLEAVE_SUPPORT_SIGHT_H
#define CLEAVE_SUPPORT_SIGHT_H

#include "support_check.h"

#include "base/text.h"
#include "cleave/packet.h"
#include "sight/sip.h"

static inline struct clv_span span_of(const char *text)
{
    return (struct clv_span){(const uint8_t *)text, strlen(text)};
}

static inline void put_endpoint(struct text *t, const struct sight_endpoint *at)
{
    if (t->len)
        text_char(t, ' ');
    if (at->family)
        text_addr(t, at->addr, at->family, ':');
    text_char(t, at->family == 6 ? '#' : ':');
    text_u64(t, at->port, 1);
    text_str(t, at->proto == CLV_PROTO_TCP ? "/tcp" : at->proto == CLV_PROTO_UDP ? "" : "/?");
}

static inline void put_media(struct text *t, const struct sight_media *media)
{
    assert_true(media->n <= SIGHT_MEDIA);
    for (unsigned i = 0; i < media->n; i++) {
        assert_true(media->at[i].port != 0);
        put_endpoint(t, &media->at[i]);
    }
}

/* In the same order of the same length, or only the first of want. */
static inline bool is_prefix_of(const char *got, const char *want)
{
    return strncmp(got, want, strlen(got)) == 0;
}

#endif
