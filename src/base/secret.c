/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/secret.h"

#include "base/port.h"

bool secret_bytes(void *p, size_t len, struct clv_error *err)
{
    enum { AT_A_TIME = 256 }; /* of port_random() */
    for (uint8_t *at = p; len;) {
        const size_t n = (size_t)min_u64(len, AT_A_TIME);
        if (!port_random(at, n))
            return clv_fail_errno(err, "cleave", "the system provides no random bytes");
        at += n;
        len -= n;
    }
    return true;
}

bool secret_draw(struct secret *s, struct clv_error *err)
{
    return secret_bytes(s->bytes, sizeof s->bytes, err);
}
