/* SPDX-License-Identifier: BSD-2-Clause */
#include "flow/service.h"

#include <strings.h>

/*
 * IANA, "Service Name and Transport Protocol Port Number Registry", those that captures are full
 * of; and what people call some of these.
 */
static const struct service {
    const char *name;
    uint16_t port;
} services[] = {
    {"ftp-data", 20},
    {"ftp", 21},
    {"ssh", 22},
    {"telnet", 23},
    {"smtp", 25},
    {"domain", 53},
    {"dns", 53},
    {"bootps", 67},
    {"dhcp", 67},
    {"bootpc", 68},
    {"tftp", 69},
    {"http", 80},
    {"www", 80},
    {"kerberos", 88},
    {"pop3", 110},
    {"sunrpc", 111},
    {"nntp", 119},
    {"ntp", 123},
    {"epmap", 135},
    {"netbios-ns", 137},
    {"netbios-dgm", 138},
    {"netbios-ssn", 139},
    {"imap", 143},
    {"snmp", 161},
    {"snmptrap", 162},
    {"bgp", 179},
    {"ldap", 389},
    {"https", 443},
    {"microsoft-ds", 445},
    {"smb", 445},
    {"submissions", 465},
    {"isakmp", 500},
    {"syslog", 514},
    {"printer", 515},
    {"rip", 520},
    {"dhcpv6-client", 546},
    {"dhcpv6-server", 547},
    {"rtsp", 554},
    {"submission", 587},
    {"ipp", 631},
    {"ldaps", 636},
    {"domain-s", 853},
    {"rsync", 873},
    {"ftps-data", 989},
    {"ftps", 990},
    {"imaps", 993},
    {"pop3s", 995},
    {"socks", 1080},
    {"openvpn", 1194},
    {"ms-sql-s", 1433},
    {"l2tp", 1701},
    {"h323hostcall", 1720},
    {"pptp", 1723},
    {"radius", 1812},
    {"radius-acct", 1813},
    {"mqtt", 1883},
    {"ssdp", 1900},
    {"nfs", 2049},
    {"gtp-control", 2123},
    {"gtp-user", 2152},
    {"mysql", 3306},
    {"ms-wbt-server", 3389},
    {"rdp", 3389},
    {"stun", 3478},
    {"teredo", 3544},
    {"ipsec-nat-t", 4500},
    {"vxlan", 4789},
    {"sip", 5060},
    {"sips", 5061},
    {"xmpp-client", 5222},
    {"xmpp-server", 5269},
    {"mdns", 5353},
    {"llmnr", 5355},
    {"postgresql", 5432},
    {"amqps", 5671},
    {"amqp", 5672},
    {"rfb", 5900},
    {"vnc", 5900},
    {"geneve", 6081},
    {"redis", 6379},
    {"sane-port", 6566},
    {"ircu", 6667},
    {"irc", 6667},
    {"ircs-u", 6697},
    {"http-alt", 8080},
    {"secure-mqtt", 8883},
    {"git", 9418},
};
enum { N_SERVICES = sizeof services / sizeof *services };

bool service_find(const char *name, uint16_t *port)
{
    for (unsigned i = 0; i < N_SERVICES; i++)
        if (strcasecmp(services[i].name, name) == 0) {
            *port = services[i].port;
            return true;
        }
    return false;
}
