/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Scenes: what one host does in a stretch of time, packet by packet. A scene knows which flow leads
 * to which, since it makes them do so; numbers are given when packets are saved, in the order of
 * all hosts' packets.
 */
#ifndef CLEAVE_GENERATE_SCENE_H
#define CLEAVE_GENERATE_SCENE_H

#include "cleave/packet.h"
#include "generate/wire.h"

enum scene_relation {
    SCENE_LED_BY_NONE,
    SCENE_LED_BY_DNS,
    SCENE_LED_BY_HTTP,
    SCENE_LED_BY_SIP,
    SCENE_LED_BY_FTP,
    SCENE_LED_BY_TFTP,
    SCENE_LED_BY_ICMP,
};

/* A name has a number; its text follows from both. */
struct scene_name {
    enum { SCENE_NAMELESS, SCENE_HOST, SCENE_CALL } kind;
    uint32_t n;
};
enum { SCENE_NAME_MAX = 40 };
void scene_name_text(struct scene_name name, char to[SCENE_NAME_MAX]);

struct scene_flow {
    struct clv_tuple t; /* source: who sends first */
    struct scene_name name;
    uint16_t vlan;
    uint8_t relation; /* enum scene_relation */
    uint32_t master;  /* its index + 1; 0: none */
    uint32_t lookup;  /* of the master, the same */
    int64_t announced_ns;

    /* As it is saved. */
    uint32_t number; /* 0: not yet */
    uint32_t n_lookups, first_lookup;
    uint64_t packets, bytes;
    int64_t first_ns, last_ns;
    uint32_t root, root_lookup; /* who led to it in the end: indexes + 1 */
};

struct scene_lookup {
    struct scene_name name;
    uint32_t flow, n; /* as it is saved: that of its first message, + 1; which of it */
};

struct scene_packet {
    int64_t ts_ns;
    size_t at; /* bytes of the frame in the host's */
    uint32_t len;
    uint32_t flow, lookup; /* index; index + 1 */
};

/* What a name's lookup has given. */
struct scene_answer {
    struct scene_name name;
    uint32_t flow, lookup; /* indexes */
    int64_t ts_ns;         /* 0: nothing yet */
    uint8_t addrs[2][16];
};

/* One who does scene after scene. */
struct scene_host {
    uint32_t number;
    uint8_t addr[16], family;
    uint16_t vlan, port;
    bool own_sockets; /* each question has a socket of its own; else all have one */
    uint32_t stub;    /* the flow of that, + 1; 0: none yet */
    struct scene_answer last;
    int64_t now_ns;
    struct scene_packet *packets; /* in the order of their times */
    size_t n_packets, packets_cap, next;
    uint8_t *bytes;
    size_t n_bytes, bytes_cap;
};

/* All that scenes have made. */
struct scene_set {
    struct scene_flow *flows;
    size_t n_flows, flows_cap;
    struct scene_lookup *lookups;
    size_t n_lookups, lookups_cap;
    uint32_t n_names, n_servers, n_calls;
    uint64_t rng;
};

void scene_set_fini(struct scene_set *set);
void scene_host_fini(struct scene_host *h);

/* Makes the host's next scene, from its time on. false: no memory. */
bool scene_make(struct scene_set *set, struct scene_host *h);

/* ---- for those who write scenes ---- */

struct scene {
    struct scene_set *set;
    struct scene_host *host;
    bool failed; /* no memory: what follows does nothing */
};

/* A connection: its flow, and the sequence numbers of both ends, of who opened it first. */
struct scene_conn {
    uint32_t flow, seq[2];
};

uint32_t scene_random(struct scene *s, uint32_t below);
uint64_t scene_random64(struct scene *s);
bool scene_chance(struct scene *s, unsigned percent);

/* Time passes: milliseconds, from half as many to one and a half. */
void scene_wait(struct scene *s, uint32_t ms);

uint16_t scene_port(struct scene *s);               /* even; the one after it is free, too */
void scene_server(struct scene *s, uint8_t to[16]); /* an address that nobody has had */

/* A flow from the host to a server, or from it. Its index. */
uint32_t scene_flow(struct scene *s, uint8_t proto, const uint8_t server[16], uint16_t own_port,
                    uint16_t port, bool from_server);

/* Why it is there. */
void scene_led(struct scene *s, uint32_t flow, enum scene_relation relation, uint32_t master,
               int64_t announced_ns);
void scene_led_by_lookup(struct scene *s, uint32_t flow, const struct scene_answer *answer);
void scene_named(struct scene *s, uint32_t flow, struct scene_name name);

/* A datagram, or a message of a protocol without a header here. back: against the flow's source. */
void scene_send(struct scene *s, uint32_t flow, bool back, const struct wire *w);

/*
 * The router's error about the flow's last packet, which is the host's last one, too. It is a flow
 * of its own that the other has led to, at that packet's time.
 */
void scene_error(struct scene *s, const uint8_t router[16], uint32_t flow, int64_t ts_ns);

/* The handshake; *c is filled. */
void scene_open(struct scene *s, struct scene_conn *c, uint32_t flow);

/* Bytes in as many segments as they take, and the other side's acknowledgement. */
void scene_say(struct scene *s, struct scene_conn *c, bool back, const struct wire *w);

/* Bytes in one segment, of which nothing is said. */
void scene_part(struct scene *s, struct scene_conn *c, bool back, const struct wire *w);

/* So many bytes that look encrypted, in records of TLS. */
void scene_bytes(struct scene *s, struct scene_conn *c, bool back, size_t n);

void scene_close(struct scene *s, struct scene_conn *c);

/* A SYN that nobody answers. */
void scene_knock(struct scene *s, struct scene_conn *c, uint32_t flow);

/* The last packet swaps its place with the one before it, not its time: it was overtaken. */
void scene_overtake(struct scene *s);

/* A question for a new name, and its answer with both addresses. */
void scene_ask(struct scene *s, struct scene_answer *answer);

#endif
