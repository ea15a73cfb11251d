/* SPDX-License-Identifier: BSD-2-Clause */
#include "sight/sight.h"

enum { LABEL_MAX = 63 }; /* RFC 1035 section 2.3.4 */

/* Copies the n octets at p, n less than SIGHT_NAME. false: they are no name. */
static bool copy(const uint8_t *p, size_t n, char *to)
{
    size_t label = 0; /* octets of the label so far */
    bool digits = true;
    for (size_t i = 0; i < n; i++) {
        if (p[i] == '.') {
            if (label == 0)
                return false;
            to[i] = '.';
            label = 0;
            digits = true;
            continue;
        }
        to[i] = sight_name_octet(p[i]);
        if (to[i] == '\0' || ++label > LABEL_MAX)
            return false;
        digits &= to[i] >= '0' && to[i] <= '9';
    }
    to[n] = '\0';
    return label > 0 && !digits;
}

bool sight_name(struct clv_span from, char to[SIGHT_NAME])
{
    const size_t n = from.len - (from.len > 0 && from.p[from.len - 1] == '.');
    const bool is_name = n < SIGHT_NAME && copy(from.p, n, to);
    if (!is_name)
        to[0] = '\0';
    return is_name;
}
