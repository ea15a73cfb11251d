/* SPDX-License-Identifier: BSD-2-Clause */
#include "manifest/name.h"

#include "base/path.h"
#include "cleave/capture.h"
#include "manifest/community.h"
#include "manifest/manifest.h"

#include <string.h>
#include <strings.h>

const char *name_of_proto(uint8_t proto)
{
    switch (proto) {
    case 1:
        return "icmp";
    case 2:
        return "igmp";
    case 4:
        return "ipip";
    case 6:
        return "tcp";
    case 17:
        return "udp";
    case 33:
        return "dccp";
    case 41:
        return "ipv6";
    case 46:
        return "rsvp";
    case 47:
        return "gre";
    case 50:
        return "esp";
    case 51:
        return "ah";
    case 58:
        return "icmp6";
    case 88:
        return "eigrp";
    case 89:
        return "ospf";
    case 103:
        return "pim";
    case 108:
        return "ipcomp";
    case 112:
        return "vrrp";
    case 115:
        return "l2tp";
    case 132:
        return "sctp";
    case 136:
        return "udplite";
    default:
        return NULL;
    }
}

bool name_find_proto(const char *name, uint8_t *proto)
{
    static const struct {
        const char *other; /* of /etc/protocols, Zeek and Suricata */
        uint8_t proto;
    } others[] = {{"icmpv6", 58}, {"ipv6-icmp", 58}, {"ipencap", 4}, {"ospfigp", 89}};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (strcasecmp(others[i].other, name) == 0) {
            *proto = others[i].proto;
            return true;
        }
    for (unsigned i = 0; i <= UINT8_MAX; i++) {
        const char *known = name_of_proto((uint8_t)i);
        if (known && strcasecmp(known, name) == 0) {
            *proto = (uint8_t)i;
            return true;
        }
    }
    return false;
}

enum { ENDING_MAX = 9 }; /* bytes, the dot counted: ".pcapng" and the like */

void name_put_proto(uint8_t proto, struct text *out)
{
    const char *name = name_of_proto(proto);
    if (name) {
        text_str(out, name);
    } else {
        text_str(out, "ip-");
        text_u64(out, proto, 1);
    }
}

static void put_addr(const struct name_of *of, bool src, struct text *out)
{
    const uint8_t *addr = flow_addr(of->t->by, of->s->f, src);
    if (addr)
        text_addr(out, addr, of->s->f->key.family, '-');
    else
        text_str(out, "any");
}

static void put_port(const struct name_of *of, bool src, struct text *out)
{
    uint16_t port;
    if (flow_port(of->t->by, of->s->f, src, &port))
        text_u64(out, port, 1);
    else
        text_char(out, '-');
}

/* Fields of a key are words with '_' between them. */
static void next_word(struct text *out, size_t *words)
{
    if ((*words)++)
        text_char(out, '_');
}

/* true: the flow's key has the field, if maybe nothing of it. */
static bool has_field(const struct name_of *of, const struct flow_key_field *field)
{
    return field->put && of->s->extra && of->t->by->fields & field->bit;
}

/* The fields that the key has, as words: tcp_10.0.0.1_50000_10.0.0.2_80 */
static void part_key(const struct name_of *of, struct text *out)
{
    const struct flow *f = of->s->f;
    const struct flow_by *by = of->t->by;
    size_t words = 0;
    if (f->key.has & FLOW_HAS_SHARD) {
        text_str(out, "shard");
        text_u64(out, flow_shard_of(&f->key), 1);
        return;
    }
    if (flow_has_proto(&f->key)) {
        next_word(out, &words);
        name_put_proto(f->key.proto, out);
    }
    for (unsigned src = 2; src--;) {
        uint16_t port;
        if (flow_addr(by, f, src)) {
            next_word(out, &words);
            put_addr(of, src, out);
        }
        if (flow_port(by, f, src, &port)) {
            next_word(out, &words);
            put_port(of, src, out);
        }
    }
    for (unsigned i = 0; of->s->extra && i < FLOW_KEY_FIELDS; i++) {
        const struct flow_key_field *field = &flow_key_fields[i];
        if (!has_field(of, field))
            continue;
        next_word(out, &words);
        const size_t len = out->len;
        text_str(out, field->before);
        if (field->put(by, f, of->s->extra, out))
            continue;
        out->len = len;
        text_str(out, field->none);
    }
    if (words == 0)
        text_str(out, f->key.has & (FLOW_HAS_KEY) && by->fields == 0 ? "all" : "none");
}

/* A field that few keys have, alone. */
static void part_key_field(const struct name_of *of, struct text *out)
{
    const struct flow_key_field *field = of->part->field;
    if (!has_field(of, field))
        text_str(out, field->lacking);
    else if (!field->put(of->t->by, of->s->f, of->s->extra, out))
        text_str(out, field->alone);
}

static void part_text(const struct name_of *of, struct text *out)
{
    text_put(out, of->part->text, of->part->len);
}

static void part_n(const struct name_of *of, struct text *out)
{
    text_u64(out, of->s->f->n, of->part->width);
}

static void part_proto(const struct name_of *of, struct text *out)
{
    if (flow_has_proto(&of->s->f->key))
        name_put_proto(of->s->f->key.proto, out);
    else
        text_str(out, "ip");
}

static void part_src(const struct name_of *of, struct text *out)
{
    put_addr(of, true, out);
}

static void part_dst(const struct name_of *of, struct text *out)
{
    put_addr(of, false, out);
}

static void part_sport(const struct name_of *of, struct text *out)
{
    put_port(of, true, out);
}

static void part_dport(const struct name_of *of, struct text *out)
{
    put_port(of, false, out);
}

/* As ISO 8601's basic format has it, which every file system takes: 20261122T235959.123456789Z */
static void part_first(const struct name_of *of, struct text *out)
{
    char buf[48];
    struct text t = text_on(buf, sizeof buf);
    if (of->s->first_ns == CLV_NO_TIME) {
        text_str(out, "notime");
        return;
    }
    text_time(&t, of->s->first_ns);
    for (size_t i = 0; i < t.len; i++)
        if (buf[i] != '-' && buf[i] != ':')
            text_char(out, buf[i]);
}

static void part_input(const struct name_of *of, struct text *out)
{
    text_str(out, of->t->input);
}

static void part_shard(const struct name_of *of, struct text *out)
{
    const struct flow_key *k = &of->s->f->key;
    text_u64(out, k->has & FLOW_HAS_SHARD ? flow_shard_of(k) : 0, of->part->width);
}

static void part_part(const struct name_of *of, struct text *out)
{
    text_u64(out, of->s->part ? of->s->part : 1, of->part->width);
}

static void part_community_id(const struct name_of *of, struct text *out)
{
    char id[COMMUNITY_ID_LEN + 1];
    if (!community_id(of->t->by, of->s->f, of->t->community_seed, id))
        text_char(out, '-');
    else
        for (const char *c = id; *c; c++) /* base64's '/' and '+' as RFC 4648 section 5 */
            text_char(out, (char)(*c == '/' ? '_' : *c == '+' || *c == ':' ? '-' : *c));
}

/*
 * What the flow, or the lookup that led to a group, is called; a flow without a name has its key's
 * text. Of a name that somebody else has chosen only what is harmless in all file systems is taken.
 */
static void part_name(const struct name_of *of, struct text *out)
{
    enum { LONGEST = 128 };
    const struct flow_extra *group = of->t->grouped ? of->s->extra : NULL;
    const bool is_shard = of->s->f->key.has & FLOW_HAS_SHARD; /* of many flows and groups */
    const struct relations *known = is_shard ? NULL : of->t->known;
    const char *name =
        known ? relations_name(known, group ? group->group : of->s->f->n, group ? group->lookup : 0)
              : NULL;
    if (!name) {
        part_key(of, out);
        return;
    }
    for (unsigned i = 0; i < LONGEST && name[i]; i++) {
        const char c = name[i];
        const bool harmless = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                              (c >= '0' && c <= '9') || c == '-' || c == '_' || (c == '.' && i) ||
                              c == '@';
        text_char(out, (char)(harmless ? c : '_'));
    }
}

/* Fields of templates, in braces; those of keys that have a text of their own are fields too. */
static const struct field {
    const char *word;
    name_put_fn *put;
    bool counts; /* it takes :DIGITS */
    bool (*supported)(struct clv_error *err);
} fields[] = {
    {"n", .put = part_n, .counts = true},
    {"key", .put = part_key},
    {"proto", .put = part_proto},
    {"src", .put = part_src},
    {"dst", .put = part_dst},
    {"sport", .put = part_sport},
    {"dport", .put = part_dport},
    {"first", .put = part_first},
    {"input", .put = part_input},
    {"shard", .put = part_shard, .counts = true},
    {"part", .put = part_part, .counts = true},
    {"community_id", .put = part_community_id, .supported = community_supported},
    {"name", .put = part_name},
};
enum { FIELDS = sizeof fields / sizeof *fields };

static bool bad(struct clv_error *err, const char *what, const char *text)
{
    return clv_fail(err, CLV_ERR_OPTION, "name", "%s: \"%.80s\"", what, text);
}

static bool unknown_field(struct clv_error *err, const char *text)
{
    char words[128];
    struct text t = text_on(words, sizeof words);
    text_str(&t, "n n:DIGITS");
    for (unsigned i = 1; i < FIELDS; i++) {
        text_char(&t, ' ');
        text_str(&t, fields[i].word);
    }
    for (unsigned i = 0; i < FLOW_KEY_FIELDS; i++)
        if (flow_key_fields[i].put) {
            text_char(&t, ' ');
            text_str(&t, flow_key_fields[i].word);
        }
    (void)bad(err, "unknown field", text);
    return clv_fail_hint(err, "fields, in braces: %s", text_end(&t));
}

/* The field that the text between two braces names, without its width. NULL: none. */
static const struct field *find_field(struct name_part *part, const char *p, size_t len)
{
    static const struct field of_keys = {.put = part_key_field};
    for (unsigned i = 0; i < FIELDS; i++)
        if (strlen(fields[i].word) == len && memcmp(fields[i].word, p, len) == 0)
            return &fields[i];
    for (unsigned i = 0; i < FLOW_KEY_FIELDS; i++) {
        part->field = &flow_key_fields[i];
        if (part->field->put && strlen(part->field->word) == len &&
            memcmp(part->field->word, p, len) == 0)
            return &of_keys;
    }
    return NULL;
}

static bool parse_width(struct name_part *part, const char *p, size_t digits)
{
    if (digits < 1 || digits > 2)
        return false;
    part->width = 0;
    for (size_t i = 0; i < digits; i++) {
        if (p[i] < '0' || p[i] > '9')
            return false;
        part->width = part->width * 10 + (unsigned)(p[i] - '0');
    }
    return part->width >= 1 && part->width <= 20;
}

/* What braces have between them, len bytes at p. */
static bool parse_field(struct name_part *part, const char *p, size_t len, bool *names_hosts,
                        struct clv_error *err)
{
    const char *colon = memchr(p, ':', len);
    const size_t word_len = colon ? (size_t)(colon - p) : len;
    *part = (struct name_part){.text = "", .width = 1};
    const struct field *field = find_field(part, p, word_len);
    if (!field || (colon && (!field->counts || !parse_width(part, colon + 1, len - word_len - 1))))
        return unknown_field(err, p - 1);
    part->put = field->put;
    *names_hosts |= field->put == part_name;
    return !field->supported || field->supported(err);
}

static const char *const packed[] = {".gz", ".zst", ".lz4", ".xz", ".bz2"};

/* The length without the one ending that is there, if one is. */
static size_t without(const char *name, size_t len, const char *const *endings, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const size_t e = strlen(endings[i]);
        if (len > e && memcmp(name + len - e, endings[i], e) == 0)
            return len - e;
    }
    return len;
}

size_t name_unpacked(const char *name, size_t len)
{
    return without(name, len, packed, sizeof packed / sizeof *packed);
}

bool name_reserved(const char *name, size_t len)
{
    static const char *const names[] = {"other.pcap", "other.pcapng", "cleave.json"};
    const size_t plain = name_unpacked(name, len);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strlen(names[i]) == plain && memcmp(names[i], name, plain) == 0)
            return true;
    if (manifest_is_file(name, plain))
        return true;
    /* other_2.pcap and so on: where one file cannot hold all. */
    return len > sizeof NAME_OTHER && memcmp(name, NAME_OTHER "_", sizeof NAME_OTHER) == 0 &&
           name[sizeof NAME_OTHER] >= '0' && name[sizeof NAME_OTHER] <= '9';
}

/* As directories of the fan-out are called. */
static bool is_fan_out(const char *name, size_t len)
{
    size_t digits = 0;
    while (digits < len && name[digits] >= '0' && name[digits] <= '9')
        digits++;
    return len >= NAME_FAN_OUT_DIGITS && digits == len;
}

bool name_taken(const struct name_template *t, const char *name, size_t len)
{
    return name_reserved(name, len) || (!t->has_dir && is_fan_out(name, len)) ||
           (t->page && strncmp(t->page, name, len) == 0 && t->page[len] == '\0');
}

/* The literal text of a template may hold directories, but none that lead out or are hidden. */
static bool check_components(const char *text, struct clv_error *err)
{
    const char *p = text;
    for (;;) {
        const size_t len = strcspn(p, "/");
        if (len == 0)
            return bad(err, "an empty path component", text);
        if (p[0] == '.')
            return bad(err, "a path component begins with a dot", text);
        if (p[len] == '\0')
            return true;
        p += len + 1;
    }
}

static bool digit(char c)
{
    return c >= '0' && c <= '9';
}

/*
 * {n} can be read back from a name when it stands at its beginning before a character that is no
 * digit, or at the end after one (an ending such as ".pcap" may follow): then names are unique
 * because numbers are.
 */
static bool unique_by_n(const struct name_template *t)
{
    const struct name_part *p = t->parts;
    const size_t n = t->n_parts;
    if (p[0].put == part_n && (n == 1 || (p[1].put == part_text && !digit(p[1].text[0]))))
        return true;
    size_t last = n - 1;
    if (p[last].put == part_text && last > 0 && !digit(p[last].text[0]))
        last--;
    return p[last].put == part_n && last > 0 && p[last - 1].put == part_text &&
           !digit(p[last - 1].text[p[last - 1].len - 1]);
}

/* Up to its first dot the name is one that Windows gives to devices in every directory. */
static bool is_device(const char *name, size_t len)
{
    static const char *const devices[] = {"con", "prn", "aux", "nul", "com", "lpt"};
    enum { NUMBERED = 4 }; /* from this one on */
    const char *dot = memchr(name, '.', len);
    size_t n = dot ? (size_t)(dot - name) : len;
    while (n && name[n - 1] == ' ')
        n--;
    for (size_t i = 0; i < sizeof devices / sizeof *devices; i++)
        if (n == (i < NUMBERED ? 3 : 4) && strncasecmp(name, devices[i], 3) == 0 &&
            (i < NUMBERED || digit(name[3])))
            return true;
    return false;
}

/*
 * In the alphabet that also NTFS, FAT, exFAT and SMB take (learn.microsoft.com, Naming Files,
 * Paths, and Namespaces), so that outputs can be made there, or moved there later.
 */
void name_of_input(char name[NAME_COMPONENT_MAX + 1], const char *path)
{
    static const char *const endings[] = {".pcap", ".pcapng", ".cap", ".dmp", ".ntar", ".trace"};
    static const char *const archives[] = {".zip"};
    size_t len = strlen(path);
    while (len > 1 && path[len - 1] == '/') /* a directory of captures */
        len--;
    const char *base = path + len;
    while (base > path && (base[-1] != '/' || base == path + len))
        base--;
    if (strcmp(path, "-") == 0)
        base = "stdin";
    for (const char *member; (member = strstr(base, ".zip:")) != NULL;) /* evidence.zip:a.pcap */
        base = member + strlen(".zip:");
    len = strcspn(base, "/");
    len = without(base, len, archives, sizeof archives / sizeof *archives);
    len = without(base, len, packed, sizeof packed / sizeof *packed);
    len = without(base, len, endings, sizeof endings / sizeof *endings);
    /*
     * At most 128 bytes, to leave room for the rest of a name; what is no text becomes '_', and
     * what begins as a formula in spreadsheets, where the manifest may be opened, gets one in
     * front.
     */
    size_t n = 0;
    if (len > 1 && strchr("=+-@", base[0]))
        name[n++] = '_';
    for (size_t i = 0, step; i < len && n <= 128 - 4; i += step ? step : 1) {
        step = text_utf8(base + i, len - i);
        /* What stands for no text in the run's record, by which names are made again. */
        const bool replaced = step == 3 && memcmp(base + i, "\xef\xbf\xbd", 3) == 0;
        if (step == 0 || replaced || text_is_control(base + i, step) ||
            strchr(":?*\"<>|\\", base[i]) || (n == 0 && (base[i] == '.' || base[i] == '-')))
            name[n++] = '_';
        else
            for (size_t k = 0; k < step; k++)
                name[n++] = base[i + k];
    }
    if (n == 0)
        name[n++] = '_'; /* a component must not be empty */
    if (name[n - 1] == '.' || name[n - 1] == ' ')
        name[n - 1] = '_';
    if (is_device(name, n)) {
        memmove(name + 1, name, n++);
        name[0] = '_';
    }
    name[n] = '\0';
}

/* Where ".pcap", ".pcap.zst" and the like begin in the text, or NULL. */
static const char *ending_of(const char *text)
{
    const size_t len = strlen(text);
    const size_t plain = without(text, len, packed, sizeof packed / sizeof *packed);
    size_t dot = plain;
    while (dot > 0 && text[dot - 1] != '.' && text[dot - 1] != '/')
        dot--;
    /* Without what is packed, if that leaves an ending; else what is packed is one. */
    if (dot > 0 && text[dot - 1] == '.' && plain - (dot - 1) <= ENDING_MAX)
        return text + dot - 1;
    return plain < len ? text + plain : NULL;
}

bool name_parse(struct name_template *t, const char *text, const char *input_path,
                const struct flow_by *by, struct clv_error *err)
{
    *t = (struct name_template){.by = by};
    const size_t len = strlen(text);
    if (len == 0 || len > NAME_TEMPLATE_MAX)
        return bad(err, "a template has 1 to 200 bytes", text);
    memcpy(t->text, text, len + 1);
    t->ending = t->text + len;
    t->other_ending = ".pcap";
    name_of_input(t->input, input_path);
    if (!check_components(t->text, err))
        return false;
    if (name_reserved(t->text, strcspn(t->text, "/")) && strchr(t->text, '/'))
        return bad(err, "a directory cannot have the name of one of cleave's own files", text);
    for (const char *p = t->text; *p;) {
        if (t->n_parts == NAME_MAX_PARTS)
            return bad(err, "too many fields", text);
        struct name_part *part = &t->parts[t->n_parts++];
        if (*p == '{') {
            const char *end = strchr(p, '}');
            if (!end)
                return unknown_field(err, p);
            if (!parse_field(part, p + 1, (size_t)(end - p - 1), &t->names_hosts, err))
                return false;
            p = end + 1;
            continue;
        }
        const size_t n = strcspn(p, "{");
        for (size_t i = 0; i < n; i++)
            if ((unsigned char)p[i] < 0x20 || p[i] == 0x7f || p[i] == '}')
                return bad(err, "a control character or a stray }", text);
        *part = (struct name_part){.put = part_text, .text = p, .len = n};
        p += n;
    }
    /* Beside other_2.pcap and so on, {n} alone does not make names unique. */
    t->unique = unique_by_n(t) && strncmp(t->text, NAME_OTHER "_", sizeof NAME_OTHER) != 0;
    const struct name_part *last = &t->parts[t->n_parts - 1];
    const char *dot = last->put == part_text ? ending_of(last->text) : NULL;
    if (dot) {
        t->ending = dot;
        t->ending_len = strlen(dot);
        t->parts[t->n_parts - 1].len -= t->ending_len;
    }
    t->has_dir = strchr(t->text, '/') != NULL;
    return true;
}

/* A host may be called like one of the files beside it, whose name no directory can have. */
static void free_directory(const struct name_template *t, struct text *name)
{
    const char *slash = memchr(name->p, '/', name->len);
    if (CLV_LIKELY(!slash || !name_taken(t, name->p, (size_t)(slash - name->p))))
        return;
    text_char(name, '_'); /* for the room */
    if (!name->full)
        memmove(name->p + 1, name->p, name->len - 1);
    name->p[0] = '_';
}

void name_format(const struct name_template *t, const struct name_subject *s, struct text *out)
{
    const struct flow *f = s->f;
    if (flow_is_other(&f->key)) {
        text_str(out, NAME_OTHER);
        if (f->n > 1) {
            text_char(out, '_');
            text_u64(out, f->n, 1);
        }
        text_str(out, t->other_ending);
        return;
    }
    if (!t->has_dir && f->n >= NAME_FAN_OUT) {
        text_u64(out, (uint64_t)f->n / NAME_FAN_OUT * NAME_FAN_OUT, NAME_FAN_OUT_DIGITS);
        text_char(out, '/');
    }
    /* A suffix stands before the ending, if the template has one: a.pcap, a-2.pcap, a-3.pcap */
    for (size_t i = 0; i < t->n_parts; i++)
        t->parts[i].put(&(struct name_of){t, &t->parts[i], s}, out);
    if (s->again) {
        text_char(out, '-');
        text_u64(out, (uint64_t)s->again + 1, 1);
    }
    text_put(out, t->ending, t->ending_len);
    if (t->has_dir)
        free_directory(t, out);
}
