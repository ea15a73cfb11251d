/* SPDX-License-Identifier: BSD-2-Clause */
/* What a person may have meant by a word that is not known; see also clv_nearest_word(). */
#ifndef CLEAVE_BASE_NEAR_H
#define CLEAVE_BASE_NEAR_H

#include <stddef.h>

/* What others call something, and what it is here. */
struct near_word {
    const char *theirs, *ours;
};

/*
 * What the n words call it that is len bytes at word, in small or capital letters; else the nearest
 * of the n_known words; NULL: none is near.
 */
const char *near_find(const struct near_word *words, size_t n, const char *const *known,
                      size_t n_known, const char *word, size_t len);

#endif
