/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reading a list of flows: CSV with a head, Zeek's logs, or JSON Lines as Suricata, Zeek and cleave
 * write them; else words, one per line. Columns that say nothing of a flow are passed over.
 */
#ifndef CLEAVE_SCAN_LISTFILE_H
#define CLEAVE_SCAN_LISTFILE_H

#include "scan/flowlist.h"

/* Adds the rows of the file. Of a file of words list->plain is set, and Community IDs are rows. */
CLV_MUST_CHECK bool listfile_read(struct flowlist *list, const char *path, struct clv_error *err);

#endif
