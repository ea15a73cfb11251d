/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/near.h"

#include <string.h>
#include <strings.h>

#include "base/bytes.h"
#include "cleave/option.h"

enum { WORD_MAX = 32 };

static unsigned min3(unsigned a, unsigned b, unsigned c)
{
    const unsigned d = a < b ? a : b;
    return d < c ? d : c;
}

/* Letters to be added, left out, changed, or exchanged with the next one; words of m and n bytes.
 */
static unsigned distance(const char *a, size_t m, const char *b, size_t n)
{
    unsigned rows[3][WORD_MAX + 1], *before = rows[0], *last = rows[1], *row = rows[2];
    for (size_t j = 0; j <= n; j++)
        before[j] = last[j] = (unsigned)j;
    for (size_t i = 1; i <= m; i++) {
        unsigned *const spare = before;
        row[0] = (unsigned)i;
        for (size_t j = 1; j <= n; j++) {
            row[j] = min3(last[j] + 1, row[j - 1] + 1, last[j - 1] + (a[i - 1] != b[j - 1]));
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                row[j] = min3(row[j], row[j], before[j - 2] + 1);
        }
        before = last;
        last = row;
        row = spare;
    }
    return last[n];
}

const char *clv_nearest_word(const char *word, const char *const *words, size_t n)
{
    const size_t len = strlen(word);
    const char *best = NULL;
    /* In a short word two letters make another one of it. */
    unsigned best_distance = len < 6 ? 2 : 3;
    if (len == 0 || len > WORD_MAX)
        return NULL;
    for (size_t i = 0; i < n && best_distance; i++) {
        const size_t m = strlen(words[i]);
        const bool begins = strncmp(words[i], word, len) == 0;
        const unsigned d = begins ? 0 : m > WORD_MAX ? WORD_MAX : distance(word, len, words[i], m);
        if (d < best_distance && d < m) {
            best_distance = d;
            best = words[i];
        }
    }
    return best;
}

const char *near_find(const struct near_word *words, size_t n, const char *const *known,
                      size_t n_known, const char *word, size_t len)
{
    char copy[WORD_MAX + 1];
    if (len > WORD_MAX)
        return NULL;
    for (size_t i = 0; i < n; i++)
        if (strlen(words[i].theirs) == len && strncasecmp(words[i].theirs, word, len) == 0)
            return words[i].ours;
    memcpy(copy, word, len);
    copy[len] = '\0';
    return clv_nearest_word(copy, known, n_known);
}
