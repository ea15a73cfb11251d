/* SPDX-License-Identifier: BSD-2-Clause */
#include "scan/listjson.h"

#include <stdlib.h>

enum { NAME_MAX_HERE = 64, DEPTH_MAX = 32, NUMBER_MAX = 48 };

static char *skip_blanks(char *p)
{
    return p + strspn(p, " \t\r\n");
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

/* A string, made plain where it is; *p moves behind it. NULL: it is none. */
static char *take_string(char **p)
{
    char *from = *p + 1, *to = from;
    char *const text = to;
    if (**p != '"')
        return NULL;
    while (*from && *from != '"')
        if (*from != '\\')
            *to++ = *from++;
        else if (from++, !escape(&from, &to))
            return NULL;
    if (!*from)
        return NULL;
    *p = from + 1;
    *to = '\0';
    return text;
}

static bool take_object(struct listrow *r, char **p, char name[NAME_MAX_HERE], size_t len,
                        unsigned depth);

/* A value that is not looked at: an array, or what is too deep. */
static bool skip_value(char **p)
{
    unsigned depth = 0;
    do {
        *p = skip_blanks(*p);
        if (**p == '"') {
            if (!take_string(p))
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
    const enum list_column c = len < NAME_MAX_HERE ? list_column_of(name, len) : COLUMN_NONE;
    if (**p == '"') {
        char *const text = take_string(p);
        if (text)
            listrow_text(r, c, text, strlen(text));
        return text;
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
        const char *const own = take_string(p);
        const size_t own_len = own ? strlen(own) : 0;
        *p = skip_blanks(*p);
        if (!own || *(*p)++ != ':')
            return false;
        const size_t all = len + own_len;
        for (size_t i = 0; all < NAME_MAX_HERE && i < own_len; i++)
            name[len + i] = own[i];
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
    char name[NAME_MAX_HERE], *p = line;
    return *p == '{' && take_object(r, &p, name, 0, 0) && !*skip_blanks(p);
}
