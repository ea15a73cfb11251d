/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What protocols of text have in common: lines, the fields of heads (RFC 5322 section 2.2, as SIP,
 * RTSP and MIME have them), pieces between separators, numbers, literal addresses. Each function
 * takes what it reads off the front of *rest, so that reading a text takes time in proportion to
 * its length.
 */
#ifndef CLEAVE_SIGHT_LINES_H
#define CLEAVE_SIGHT_LINES_H

#include "sight/sight.h"

/* Takes a line, which ends in LF or CR LF, without that end. false: no end is there. */
bool sight_line(struct clv_span *rest, struct clv_span *line);

/* The same of a text whose last line may lack its end. false: nothing is left. */
bool sight_text_line(struct clv_span *rest, struct clv_span *line);

/* Without blanks, tabs and ends of lines around it. */
struct clv_span sight_trim(struct clv_span s);

/* Takes the ends of lines at the front: empty lines before a message mean nothing. */
void sight_skip_lines(struct clv_span *rest);

/* In any case. */
bool sight_is(struct clv_span s, const char *word);

/* Takes the prefix, in any case; false: it is not there, and *rest is untouched. */
bool sight_skip(struct clv_span *rest, const char *prefix);

/* Takes what stands before the first separator, and it; without one, all. */
struct clv_span sight_piece(struct clv_span *rest, char separator);

/* The same; a separator within "..." is none (RFC 3261 section 25.1, quoted-string). */
struct clv_span sight_piece_quoted(struct clv_span *rest, char separator);

/* What stands between the quotes, or all if there are none. */
struct clv_span sight_unquote(struct clv_span s);

/* Takes the blanks at the front, and a word: what stands before the next blank. */
struct clv_span sight_word(struct clv_span *rest);

/* Takes a decimal number. false: no digit is there, or it is more than max; *rest is untouched. */
bool sight_number(struct clv_span *rest, uint64_t max, uint64_t *n);

/* Takes a port. false: it is none, or 0. */
bool sight_port(struct clv_span *rest, uint16_t *port);

/* What a field Content-Length says: bytes, or why they are not known. */
enum { SIGHT_NO_LENGTH = -1, SIGHT_TOO_LONG = -2 };
int64_t sight_length(struct clv_span value);

/*
 * A literal address, IPv6 also in brackets or with a zone (RFC 4007 section 11), which is dropped.
 * One of IPv4 in IPv6's form (RFC 4291 section 2.5.5.2) is that of IPv4.
 */
bool sight_address(struct clv_span s, uint8_t addr[16], uint8_t *family);

/* Nobody's (0.0.0.0, ::), or a group's: no flow has it at its end. */
bool sight_is_nowhere(const uint8_t addr[16], uint8_t family);

/*
 * Takes a field of a head: its name, and its value with the lines that continue it, both without
 * blanks around them. Lines that are no field are passed over. false: the empty line after the
 * head was taken, or no whole line was left, and *rest is empty.
 */
bool sight_field(struct clv_span *rest, struct clv_span *name, struct clv_span *value);

/* Takes a head, to the end of its empty line. false: it does not end here; *rest is untouched. */
bool sight_head(struct clv_span *rest, struct clv_span *head);

struct sight_start {
    bool response;
    unsigned status;        /* of a response */
    struct clv_span method; /* of a request */
};

/*
 * Takes the line that a message of SIP or RTSP begins with, and empty ones before it. protocol:
 * "SIP/", "RTSP/". SIGHT_PART: it may be one, but does not end here; *rest is untouched.
 */
enum sight sight_start_line(struct clv_span *rest, const char *protocol, struct sight_start *start);

#endif
