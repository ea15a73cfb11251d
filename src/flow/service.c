/* SPDX-License-Identifier: BSD-2-Clause */
#include "flow/service.h"

#include <strings.h>

enum { TCP = SERVICE_TCP, UDP = SERVICE_UDP, BOTH = SERVICE_TCP | SERVICE_UDP };

/*
 * IANA, "Service Name and Transport Protocol Port Number Registry", those that captures are full
 * of; and what people call some of these, which comes last.
 */
static const struct service services[] = {
    {"ftp-data", 20, TCP},
    {"ftp", 21, TCP},
    {"ssh", 22, TCP},
    {"telnet", 23, TCP},
    {"smtp", 25, TCP},
    {"domain", 53, BOTH},
    {"dns", 53, BOTH},
    {"bootps", 67, UDP},
    {"dhcp", 67, UDP},
    {"bootpc", 68, UDP},
    {"tftp", 69, UDP},
    {"www", 80, TCP},
    {"http", 80, TCP},
    {"kerberos", 88, BOTH},
    {"pop3", 110, TCP},
    {"sunrpc", 111, BOTH},
    {"nntp", 119, TCP},
    {"ntp", 123, UDP},
    {"epmap", 135, TCP},
    {"netbios-ns", 137, UDP},
    {"netbios-dgm", 138, UDP},
    {"netbios-ssn", 139, TCP},
    {"imap", 143, TCP},
    {"snmp", 161, BOTH},
    {"snmptrap", 162, BOTH},
    {"bgp", 179, TCP},
    {"ldap", 389, BOTH},
    {"https", 443, BOTH},
    {"microsoft-ds", 445, TCP},
    {"smb", 445, TCP},
    {"submissions", 465, TCP},
    {"isakmp", 500, UDP},
    {"syslog", 514, UDP},
    {"printer", 515, TCP},
    {"rip", 520, UDP},
    {"dhcpv6-client", 546, UDP},
    {"dhcpv6-server", 547, UDP},
    {"rtsp", 554, BOTH},
    {"submission", 587, TCP},
    {"ipp", 631, TCP},
    {"ldaps", 636, TCP},
    {"domain-s", 853, BOTH},
    {"rsync", 873, TCP},
    {"ftps-data", 989, TCP},
    {"ftps", 990, TCP},
    {"imaps", 993, TCP},
    {"pop3s", 995, TCP},
    {"socks", 1080, TCP},
    {"openvpn", 1194, BOTH},
    {"ms-sql-s", 1433, TCP},
    {"l2tp", 1701, UDP},
    {"h323hostcall", 1720, TCP},
    {"pptp", 1723, TCP},
    {"radius", 1812, BOTH},
    {"radius-acct", 1813, BOTH},
    {"mqtt", 1883, TCP},
    {"ssdp", 1900, UDP},
    {"nfs", 2049, BOTH},
    {"gtp-control", 2123, UDP},
    {"gtp-user", 2152, UDP},
    {"mysql", 3306, TCP},
    {"ms-wbt-server", 3389, BOTH},
    {"rdp", 3389, BOTH},
    {"stun", 3478, BOTH},
    {"teredo", 3544, UDP},
    {"ipsec-nat-t", 4500, UDP},
    {"vxlan", 4789, UDP},
    {"sip", 5060, BOTH},
    {"sips", 5061, BOTH},
    {"xmpp-client", 5222, TCP},
    {"xmpp-server", 5269, TCP},
    {"mdns", 5353, UDP},
    {"llmnr", 5355, UDP},
    {"postgresql", 5432, TCP},
    {"amqps", 5671, TCP},
    {"amqp", 5672, TCP},
    {"rfb", 5900, TCP},
    {"vnc", 5900, TCP},
    {"geneve", 6081, UDP},
    {"redis", 6379, TCP},
    {"sane-port", 6566, TCP},
    {"ircu", 6667, TCP},
    {"irc", 6667, TCP},
    {"ircs-u", 6697, TCP},
    {"http-alt", 8080, TCP},
    {"secure-mqtt", 8883, TCP},
    {"git", 9418, TCP},
};
enum { N_SERVICES = sizeof services / sizeof *services };

const struct service *service_at(size_t i)
{
    return i < N_SERVICES ? &services[i] : NULL;
}

bool service_find(const char *name, uint16_t *port)
{
    for (unsigned i = 0; i < N_SERVICES; i++)
        if (strcasecmp(services[i].name, name) == 0) {
            *port = services[i].port;
            return true;
        }
    return false;
}

bool service_has(uint16_t port)
{
    for (unsigned i = 0; i < N_SERVICES; i++)
        if (services[i].port == port)
            return true;
    return false;
}
