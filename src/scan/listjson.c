/* SPDX-License-Identifier: BSD-2-Clause */
#include "scan/listjson.h"

#include <stdlib.h>

#include "base/marks.h"

enum { NAME_MAX_HERE = 64, DEPTH_MAX = 32, NUMBER_MAX = 48 };

static char *skip_blanks(char *p)
{
    while (*p == ' ' || *p == '\t' || *p == '\r' || *p == '\n')
        p++;
    return p;
}

static void put_utf8(char **to, unsigned c)
{
    if (c < 0x80) {
        *(*to)++ = (char)c;
    } else if (c < 0x800) {
        *(*to)++ = (char)(0xc0 | c >> 6);
        *(*to)++ = (char)(0x80 | (c & 0x3f));
    } else {
        *(*to)++ = (char)(0xe0 | c >> 12);
        *(*to)++ = (char)(0x80 | (c >> 6 & 0x3f));
        *(*to)++ = (char)(0x80 | (c & 0x3f));
    }
}

/* What a string's escape stands for, of one character at most; what is beyond is a '?'. */
static bool escape(char **from, char **to)
{
    static const char letters[] = "\"\\/bfnrt", meant[] = "\"\\/\b\f\n\r\t";
    const char *const letter = **from ? strchr(letters, **from) : NULL;
    if (letter) {
        *(*to)++ = meant[letter - letters];
        ++*from;
        return true;
    }
    if (*(*from)++ != 'u' || strspn(*from, "0123456789abcdefABCDEF") < 4)
        return false;
    const char hex[] = {(*from)[0], (*from)[1], (*from)[2], (*from)[3], '\0'};
    const unsigned c = (unsigned)strtoul(hex, NULL, 16);
    *from += 4;
    put_utf8(to, c == 0 || (c >= 0xd800 && c < 0xe000) ? '?' : c);
    return true;
}

/* To the first quote, backslash or terminator from p on. */
static char *end_of_plain(char *p)
{
    for (;; p += MARKS_BYTES) {
        const unsigned bits = marks_of(p, '"', '\\', '\0');
        if (bits)
            return p + __builtin_ctz(bits);
    }
}

/* A string, made plain where it is, not terminated; *p moves behind it. false: it is none. */
static bool take_string(char **p, struct list_text *text)
{
    if (**p != '"')
        return false;
    char *from = end_of_plain(*p + 1), *to = from;
    text->p = *p + 1;
    while (*from == '\\') {
        from++;
        if (!escape(&from, &to))
            return false;
        char *const plain = end_of_plain(from);
        memmove(to, from, (size_t)(plain - from));
        to += plain - from;
        from = plain;
    }
    *p = from + 1;
    text->len = (size_t)(to - text->p);
    return *from == '"';
}

static bool take_object(struct listrow *r, char **p, char name[NAME_MAX_HERE], size_t len,
                        unsigned depth);

/* A value that is not looked at: an array, or what is too deep. */
static bool skip_value(char **p)
{
    struct list_text text;
    unsigned depth = 0;
    do {
        *p = skip_blanks(*p);
        if (**p == '"') {
            if (!take_string(p, &text))
                return false;
        } else if (**p == '{' || **p == '[') {
            depth++;
            ++*p;
        } else if (depth && (**p == '}' || **p == ']')) {
            depth--;
            ++*p;
        } else if (depth && (**p == ',' || **p == ':')) {
            ++*p;
        } else {
            const size_t len = strcspn(*p, " \t\r\n,:{}[]\"");
            if (len == 0)
                return false;
            *p += len;
        }
    } while (depth);
    return true;
}

/* Members of a value that is an object are called name, a point, and their own name. */
static bool take_member(struct listrow *r, char **p, char name[NAME_MAX_HERE], size_t len,
                        unsigned depth)
{
    if (**p == '{' && len + 1 < NAME_MAX_HERE && depth < DEPTH_MAX) {
        name[len] = '.';
        return take_object(r, p, name, len + 1, depth + 1);
    }
    const enum list_column c = len < NAME_MAX_HERE ? listrow_column(r, name, len) : COLUMN_NONE;
    if (**p == '"') {
        struct list_text text;
        if (!take_string(p, &text))
            return false;
        listrow_text(r, c, text.p, text.len);
        return true;
    }
    char *const from = *p;
    const bool is_number = *from == '-' || (*from >= '0' && *from <= '9');
    if (!skip_value(p))
        return false;
    if (is_number && *p - from < NUMBER_MAX)
        listrow_text(r, c, from, (size_t)(*p - from));
    return true;
}

static bool take_object(struct listrow *r, char **p, char name[NAME_MAX_HERE], size_t len,
                        unsigned depth)
{
    ++*p;
    for (bool first = true;; first = false) {
        *p = skip_blanks(*p);
        if (**p == '}' && first)
            break;
        struct list_text own;
        if (!take_string(p, &own))
            return false;
        *p = skip_blanks(*p);
        if (*(*p)++ != ':')
            return false;
        const size_t all = len + own.len;
        if (all < NAME_MAX_HERE)
            memcpy(name + len, own.p, own.len);
        *p = skip_blanks(*p);
        if (!take_member(r, p, name, all, depth))
            return false;
        *p = skip_blanks(*p);
        if (**p == '}')
            break;
        if (*(*p)++ != ',')
            return false;
    }
    ++*p;
    return true;
}

bool listjson_read(struct listrow *r, char *line)
{
    char name[NAME_MAX_HERE] = "", *p = line;
    return *p == '{' && take_object(r, &p, name, 0, 0) && !*skip_blanks(p);
}
