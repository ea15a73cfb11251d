/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reading a list of flows: CSV with a head, Zeek's logs, or JSON Lines as Suricata, Zeek and cleave
 * write them; else words, one per line. Columns that say nothing of a flow are passed over.
 *
 * The file is cut into pieces, which threads read side by side: each gives a part of the list. What
 * the list is, and what is said of a bad file, depends on neither.
 */
#ifndef CLEAVE_SCAN_LISTFILE_H
#define CLEAVE_SCAN_LISTFILE_H

#include "scan/flowlist.h"

/*
 * Makes the list, which is empty, of the rows of the file. Of a file of words list->plain is set,
 * and Community IDs are rows.
 */
CLV_MUST_CHECK bool listfile_read(struct flowlist *list, const char *path, unsigned threads,
                                  struct clv_error *err);

/* The same, in pieces of so many bytes. */
CLV_MUST_CHECK bool listfile_read_pieces(struct flowlist *list, const char *path, unsigned threads,
                                         uint64_t piece, struct clv_error *err);

/* A table needs a head: refuses a file whose first line, which is not one, looks like it. */
bool listfile_refuse_head(const char *path, const char *line, struct clv_error *err);

/* Words of a list as this, with a delimiter of cells in it, may well be a table's head. */
bool listfile_may_be_head(const char *line);

#endif
