/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/secret.h"

#include "base/port.h"

bool secret_draw(struct secret *s, struct clv_error *err)
{
    return port_random(s->bytes, sizeof s->bytes) ||
           clv_fail_errno(err, "cleave", "the system gives no random bytes");
}
