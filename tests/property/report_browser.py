# SPDX-License-Identifier: BSD-2-Clause
"""The page of --report in a browser: it draws, sorts, searches and turns pages without a word of
complaint, in both themes, and takes hostile names for text. Chromium by way of Selenium.
"""
import ipaddress
import os
import re
import shlex
import sys
from typing import Callable, Dict, Iterator, List

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'support'))
# pylint: disable=wrong-import-position
import harness
import pagebrowser
import pcapfile as pf
import reportpage
import samples
from harness import check, check_equal

S = 10**9
suite = harness.Suite(__doc__.split('\n', maxsplit=1)[0])


def Browser(dark: bool) -> pagebrowser.Browser:  # pylint: disable=invalid-name
    return pagebrowser.Browser(dark, suite.patience)


def traffic(flows: int) -> str:
    path = suite.path('traffic %d.pcap' % flows)
    suite.run_cleave('generate', 'traffic', '-q', '--flows', str(flows), '--packets',
                     str(4 * flows), '--udp', '30', '--ipv6', '20', '--other', '3', '-o', path)
    return path


def report(capture: str, *flags: str) -> str:
    page = suite.path('report.html')
    suite.run_cleave('split', capture, '-o', suite.path('out'), '--report', page, '-q', '--force',
                     *flags)
    return page


def check_drawn(browser: pagebrowser.Browser) -> None:
    for section in ('time', 'sizes', 'durations'):
        box = browser.run('const x = document.querySelector("#%s svg"); const b = x.getBBox();'
                          'return [x.getAttribute("aria-label"), b.width, b.height]' % section)
        check(box[0] and box[1] > 100 and box[2] > 50, '%s is not drawn: %r', section, box)
    for section in ('protocols', 'services', 'hosts'):
        check(browser.texts('#%s tbody tr' % section), '%s is empty', section)
    wide = browser.run('return document.documentElement.scrollWidth - window.innerWidth')
    check(wide <= 0, 'the page is %r pixels too wide', wide)


def brightness(browser: pagebrowser.Browser) -> float:
    color = browser.run('return getComputedStyle(document.body).backgroundColor')
    return sum(int(x) for x in color.strip('rgb()').split(',')) / 3


def drawn(flows: int) -> Callable[[], None]:
    def case() -> None:
        page = report(traffic(flows), '--dry-run')
        rows = len(reportpage.read(page).rows)
        for dark in (False, True):
            with Browser(dark) as browser:
                browser.open(page)
                check_drawn(browser)
                check_equal(brightness(browser) < 100, dark, 'a dark page')
                check(browser.texts('[role=status]')[0].endswith('of {:,} rows'.format(rows)),
                      'rows: %r', browser.texts('[role=status]'))
                for theme in ('light', 'dark'):
                    browser.run('document.getElementById("theme").click()')
                    check_equal(brightness(browser) < 100, theme == 'dark', theme + ' on demand')
                check_equal(browser.complaints(), [], 'complaints')
    return case


def bucket(value: int) -> int:
    """The least that falls into a bar with this."""
    return max(lead * 10**power for power in range(20) for lead in (1, 2, 5)
               if lead * 10**power <= value)


def numbers(texts: List[str]) -> List[int]:
    return [int(text.replace(',', '')) for text in texts if text]


def table() -> None:
    page = report(traffic(1000))
    rows = reportpage.read(page).as_dicts()
    sizes = sorted((row['src_wire_bytes'] + row['dst_wire_bytes'] for row in rows), reverse=True)
    with Browser(False) as browser:
        browser.open(page)
        check_equal(numbers(browser.column('Bytes')), sizes[:100], 'largest first')
        browser.press('Next')
        check_equal(numbers(browser.column('Bytes')), sizes[100:200], 'second page')
        browser.press('Last')
        check_equal(numbers(browser.column('Bytes')), sizes[(len(sizes) - 1) // 100 * 100:],
                    'last page')
        browser.press('Bytes')
        check_equal(numbers(browser.column('Bytes')), sizes[::-1][:100], 'smallest first')
        check_equal(browser.texts('[aria-sort=ascending]'), ['Bytes ▲'], 'sorted by')
        browser.press('Protocol')
        found = browser.column('Protocol')
        check_equal(found, sorted(found), 'by protocol')
        # Addresses by their numbers, and not as text.
        browser.search('udp 10.')
        browser.press('Source')
        keys = [[int(x) for x in text.split(':')[0].split('.')]
                for text in browser.column('Source') if text.startswith('10.')]
        check(len(keys) > 10, 'nothing to compare')
        check_equal(keys, sorted(keys), 'by source')
        browser.search('udp 2001')
        browser.press('Destination')
        browser.press('Source')
        keys = [int(ipaddress.ip_address(text[1:].split(']')[0])) for text in browser.column('Source')
                if text.startswith('[')]
        check(len(keys) > 10, 'nothing to compare')
        check_equal(keys, sorted(keys), 'by source of IPv6')
        for title in ('Source port', 'Destination port'):  # each apart from its address
            browser.press(title)
            check_equal(browser.texts('[aria-sort=descending]')[0].endswith(' : port ▼'), True, 'sorted by')
            ports = [int(text.rsplit(':', 1)[1]) for text in browser.column(title)]
            check_equal(ports, sorted(ports, reverse=True), 'by ' + title)
        check_equal(browser.texts('#command'), ['cleave split %s -o %s --report %s' % tuple(map(
            shlex.quote, (suite.path('traffic 1000.pcap'), suite.path('out'), page)))], 'command')
        some = rows[7]
        browser.search(some['file'].upper())
        check_equal(browser.column('File'), ['open'], 'found by name')
        check_equal(browser.run('return document.querySelector("#flows tbody a").title'), some['file'], 'file')
        link = browser.run('return document.querySelector("#flows tbody a").href')
        check_equal(link, 'file://' + suite.path('out', some['file']), 'link')
        browser.search('no such flow')
        check_equal(browser.texts('[role=status]'), ['nothing found'], 'what is said')
        check_equal(browser.texts('#flows tbody td'), [], 'rows')
        check_equal(browser.complaints(), [], 'complaints')


def chosen() -> None:
    """A host, a service, a bar, a time: each leaves the rows that it is of, and is let go again."""
    page = reportpage.read(report(traffic(1000)))
    rows = page.as_dicts()

    def found(fits: Callable[[Dict], bool]) -> str:
        return '%s of %s rows' % ('{:,}'.format(sum(map(fits, rows))), '{:,}'.format(len(rows)))

    def size(row: Dict) -> int:
        return row['src_wire_bytes'] + row['dst_wire_bytes']

    def at(ns: int) -> str:
        return '2026-01-01T00:00:00.%09dZ' % ns

    figures = page.figures
    service = figures['services'][1][0]
    least = max(figures['sizes'], key=lambda x: x[1])[0]
    proto, port = service.split('/')
    by_service = lambda row: row['proto'] == proto and port == str(
        row['service'])
    in_bucket = lambda row: row['flow'] is not None and least <= size(row) < 5 * least and (
        bucket(size(row)) == least)
    with Browser(False) as browser:
        browser.open(suite.path('report.html'))
        bar = lambda: browser.texts('#chosen:not([hidden]) a')
        check_equal(bar(), [], 'nothing is chosen')
        for i in range(4):  # clients and servers
            host = figures['hosts'][i][0]
            browser.run('document.querySelectorAll("#hosts button")[%d].click()' % i)
            check_equal(bar(), [found(lambda row: host in (row['src'], row['dst']))], 'a host')
            check_equal(browser.texts('#hosts [aria-pressed=true]'), [host], 'what is chosen')
            browser.run('document.querySelectorAll("#hosts button")[%d].click()' % i)
            check_equal(bar(), [], 'the host is let go')
        browser.run('document.querySelectorAll("#services button")[1].click()')
        check_equal(bar(), [found(by_service)], 'a service')
        browser.search('udp')
        check_equal(bar(), [found(lambda row: by_service(row) and 'udp' in str(row).lower())], 'and a word')
        browser.press('Clear')
        browser.search('')
        browser.run('const x = [...document.querySelectorAll("#sizes g[role]")].find(x => '
                    'x.getAttribute("aria-label").includes(%r)); x.focus(); '
                    'x.dispatchEvent(new KeyboardEvent("keydown", {key: "Enter", cancelable: true}))'
                    % ('{:,} flows'.format(max(x[1] for x in figures['sizes']))))
        check_equal(bar(), [found(in_bucket)], 'a bar')
        check_equal(len(browser.texts('#sizes g[aria-pressed=true]')), 1, 'bars that are chosen')
        # The pointer goes over the chart: which bins these are is for the page to say.
        chart = browser.driver.find_element('css selector', '#time svg')
        browser.run('document.querySelector("#time svg").scrollIntoView({block: "center"})')
        pagebrowser.ActionChains(browser.driver).move_to_element(chart).click_and_hold().move_by_offset(
            150, 0).release().perform()
        span = browser.run('const {first, last} = chosen.get("time"); return [first, last]')
        check(span[1] > span[0] + 20, 'bins: %r', span)
        from_ns, to_ns = span[0] * figures['width_ns'], (span[1] + 1) * figures['width_ns']
        in_time = lambda row: row['first'] < at(to_ns) and row['last'] >= at(from_ns)
        check_equal(bar(), [found(lambda row: in_bucket(row) and in_time(row))], 'a bar and a time')
        check_equal(browser.run('return document.querySelector(".brush").getAttribute("visibility")'),
                    'visible', 'the brush')
        browser.run('document.querySelector("#chosen button").click()')
        check_equal(bar(), [found(in_time)], 'the time alone')
        browser.press('packets/s')
        check_equal(browser.texts('#time svg .axis')[0], 'Packets per second', 'the axis')
        check_equal(bar(), [found(in_time)], 'the time is still chosen')
        browser.type('#time svg', pagebrowser.Keys.ESCAPE)
        check_equal(bar(), [], 'nothing is chosen any more')
        check_equal(browser.texts('[role=status]')[0].split(' of ')[1], '{:,} rows'.format(len(rows)), 'rows')
        check_equal(browser.complaints(), [], 'complaints')


def last_in_sight(browser: pagebrowser.Browser) -> str:
    """Of the columns that all flows have the last that needs no scrolling."""
    return browser.run("""
        const edge = document.querySelector("#flows .wide").getBoundingClientRect().right;
        return [...document.querySelectorAll("#flows thead th")].filter(
          x => x.getBoundingClientRect().right <= edge + 1 && x.textContent !== "Community ID").at(-1).textContent""")


def widths() -> None:
    """From a phone to a wall: nothing but tables is wider than the window, and text keeps its size."""
    many = report(traffic(12000))
    with Browser(True) as browser:
        for width in (420, 700, 1000, 2000):
            browser.resize(width, 900)
            browser.open(many)
            check_drawn(browser)
            sizes = browser.run('return [...document.querySelectorAll("svg")].map(x => '
                                'x.getBoundingClientRect().width / x.viewBox.baseVal.width)')
            check(all(0.95 < x < 1.05 for x in sizes), '%d pixels: text is scaled by %r', width, sizes)
            cut = browser.run('return [...document.querySelectorAll(".columns .wide")].map('
                              'x => x.scrollWidth - x.clientWidth).filter(x => x > 1)')
            check_equal(cut, [], '%d pixels: cards that are cut' % width)
            check_equal(browser.texts('#flows thead th')[:2], ['Bytes ▼', 'Source : port → Destination : port']
                        if width < 600 else ['#', 'Bytes ▼'], '%d pixels: first columns' % width)
            check(width < 1000 or last_in_sight(browser) == 'File', '%d pixels: the table of flows is cut after %r',
                  width, last_in_sight(browser))
        # Paper, with little margin: nothing on it can be scrolled.
        browser.resize(720, 1000)
        browser.emulate('print')
        check_equal(browser.run('return [...document.querySelectorAll(".wide, .scroll, svg, table")].filter('
                                'x => x.getBoundingClientRect().right > innerWidth || '
                                'getComputedStyle(x).overflowX === "auto").map(x => x.outerHTML)'), [], 'cut on paper')
        check(brightness(browser) > 200, 'paper is dark')
        check('12,000 flows: those from 10,000 on are in sub-directories.' in
              browser.texts('#flows .hint'), 'hints: %r', browser.texts('#flows .hint'))


def odd_pages() -> Iterator[List[str]]:
    yield from (['--shards', '4'], ['--by', 'none'], ['--by', 'host'], ['--by', 'vlan,mac'],
                ['--by', 'connection', '--idle-timeout', '1ms'], ['--inner'], ['--top', '3'],
                ['--name', '{proto}/{n} 100%?#&.pcap'], ['--filter', 'udp port 53'], ['--directed'],
                ['--by', 'client,service'], ['--by', 'ip/24,proto'], ['--by', 'server,proto,port'])


# What can be chosen, and how many rows that leaves: as many as it is said to have flows.
MISCOUNTED = """
    const found = [], look = (list, choiceOf) => list.forEach(([name, flows]) => {
      const fit = rows.filter(choiceOf(name).fits).length;
      if (fit !== flows) found.push([name, flows, fit]);
    });
    look(figures.services, byService);
    look(figures.hosts, byHost);
    look(figures.protocols.filter(([name]) => name !== OTHER), byProtocol);
    for (const [list, valueOf] of [[figures.sizes, (row) => sum(row, "wire_bytes")], [figures.durations, lasted]])
      look(list.slice(0, -1), (least) => byRange("", "", least, nextOf(list).get(least), valueOf));
    return found;"""


def odd() -> None:
    """Keys that lack what a section shows: it is left out."""
    capture = traffic(100)
    with Browser(True) as browser:
        for flags in odd_pages():
            page = report(capture, *flags)
            browser.open(page)
            check_equal(browser.complaints(), [], '%s: complaints' % flags)
            check_equal(browser.run(MISCOUNTED), [], '%s: choices that leave other rows' % flags)
            for link in browser.run('return [...document.querySelectorAll("#flows a")]'
                                    '.map(x => decodeURIComponent(new URL(x.href).pathname))'):
                check(os.path.isfile(link), '%s: no file %s', flags, link)


def nothing() -> None:
    """Pages about no records at all."""
    empty = suite.write('empty.pcap', pf.Format().header())
    with Browser(False) as browser:
        for capture, flags, said in ((empty, [], 'The capture has no packets.'),
                                     (traffic(10), ['--proto', 'sctp'], 'No packet matches the filters.')):
            browser.open(report(capture, *flags))
            check_equal(browser.complaints(), [], 'complaints')
            check_equal(browser.texts('#time'), [said], 'what is said')
            check_equal(browser.texts('[role=status]'), ['nothing found'], 'rows')


def spread() -> None:
    """Flows of all durations: ticks that a clock has, labels that stand apart, and ranges left out; and
    what made a page that has no outputs, or is among them.
    """
    frames = []
    for port, lasted in enumerate((0, 2 * S, 700 * S, 4000 * S)):
        data = pf.frame('10.0.0.1', '10.0.0.2', pf.UDP, pf.udp('10.0.0.1', '10.0.0.2', port + 1, 9))
        frames += [pf.Packet(data, S), pf.Packet(data, S + lasted)]
    suite.write('a.pcap', pf.Capture(pf.Format(), sorted(frames, key=lambda x: x.ts_ns)).encode())

    def made(*flags: str) -> None:
        suite.run_cleave('split', 'a.pcap', *flags, '-q', '--force', cwd=suite.dir)
    made('-o', 'o 1', '--report', 'o 1/r.html')
    made('-o', 'o.zip', '--report', 'z.html')
    made('--dry-run', '--report', 'r.html')
    with Browser(False) as browser:
        browser.resize(420, 900)
        browser.open(suite.path('r.html'))
        check_equal(browser.texts('#command'), ['cleave split a.pcap --dry-run --report r.html'], 'command')
        labels = 'return [...document.querySelectorAll("#%s svg text")].filter(x => +x.getAttribute("y") > ' \
            '200 && !x.classList.contains("axis")).map(x => [x.textContent, x.getBoundingClientRect().x, ' \
            'x.getBoundingClientRect().right]).filter(([text]) => /[1-9]|0 s/.test(text) && !text.endsWith("/s"))'
        for chart, wanted in (('time', r'\d\d:\d\d'), ('durations', r'0 s|[125]0? s|(1|10) min|1 h')):
            found = browser.run(labels % chart)
            check(len(found) >= 2 and all(re.fullmatch(wanted, text) for text, *_ in found),
                  '%s: labels %r', chart, found)
            check(all(a[2] < b[1] for a, b in zip(found, found[1:])), '%s: labels overlap: %r', chart, found)
        check_equal(browser.texts('#durations .hint'), ['Empty ranges are skipped, at the dashed line.'], 'hint')
        check_equal(browser.run('const x = document.getElementById("theme").getBoundingClientRect(); '
                                'return x.top > document.querySelector("h1").getBoundingClientRect().bottom'),
                    True, 'the title comes first')
        browser.open(suite.path('z.html'))
        check_equal(browser.texts('#command'), ['cleave split a.pcap -o o.zip --report z.html'], 'command')
        browser.open(suite.path('o 1', 'r.html'))
        check_equal(browser.texts('#command'), ["cleave split a.pcap -o 'o 1' --report 'o 1/r.html'"], 'command')
        check_equal(browser.complaints(), [], 'complaints')


def warned() -> None:
    """Of damage and of what was dropped, and of nothing else."""
    whole = traffic(100)
    with open(whole, 'rb') as f:
        cut = suite.write('cut.pcap', f.read()[:-1])
    empty = suite.write('empty.pcap', b'')
    with Browser(False) as browser:
        for captures, flags, status, wanted in (
                ([whole], [], 0, []), ([whole], ['--by', 'host'], 0, []), ([whole], ['--proto', 'udp'], 0, []),
                ([whole], ['--no-other'], 0, [r'Dropped, in no file: \d+ packets without an IP address[.]']),
                ([cut], [], 1, [r'The capture is damaged at byte [0-9,]+ [(]packet 400[)]: .*']),
                ([whole, empty], [], 1, [r'\S*empty.pcap is left out: the file is empty.*']),
                ([whole, cut, empty], [], 1, [r'\S*cut.pcap is damaged at byte [0-9,]+ [(]packet 400[)]: .*',
                                              r'\S*empty.pcap is left out: the file is empty.*'])):
            page = suite.path('report.html')
            suite.run_cleave('split', *captures, '-o', suite.path('out'), '--report', page, '-q',
                             '--force', *flags, status=status)
            browser.open(page)
            found = browser.texts('.warning')
            check(len(found) == len(wanted) and all(map(re.fullmatch, wanted, found)), '%r: warnings %r',
                  flags, found)


def by_hand() -> None:
    """Without a pointer, and in a narrow window."""
    with Browser(False) as browser:
        browser.open(report(traffic(100)))
        key = 'document.querySelector("#time svg").dispatchEvent(new KeyboardEvent("keydown", ' \
            '{key: "%s", bubbles: true, cancelable: true}))'
        told = []
        for name in ('ArrowRight', 'ArrowRight', 'ArrowLeft'):
            browser.run(key % name)
            told += browser.texts('output')
        check_equal(told[0] == told[2] and told[0] != told[1], True, 'what is told: %r' % told)
        browser.resize(500, 900)
        wide = browser.run('return document.documentElement.scrollWidth - window.innerWidth')
        check(wide <= 0, 'the page is %r pixels too wide', wide)
        check_equal(browser.run('return [...document.querySelectorAll(".wide, .scroll")].every('
                                'x => x.tabIndex === 0 && x.getAttribute("aria-label"))'), True,
                    'all that scrolls can be reached')


def hostile() -> None:
    """Every name is text."""
    evil = '<img src=x onerror=document.title=1>&amp;"\'<script>document.title=2<_script>'
    packet = pf.frame('10.0.0.1', '10.0.0.2', pf.UDP, pf.udp('10.0.0.1', '10.0.0.2', 1, 2))
    capture = suite.write(evil + '.pcap',
                          pf.Capture(pf.Format(), [pf.Packet(packet, S)]).encode())
    page = report(capture, '--name', evil + '{n}.pcap')
    with Browser(False) as browser:
        browser.open(page)
        check_equal(browser.run('return document.querySelector("#flows tbody a").title'), evil + '1.pcap', 'file')
        check_equal(browser.texts('h1'), [evil + '.pcap'], 'heading')
        check_equal(browser.driver.title, evil + '.pcap - cleave', 'title')
        check_equal(browser.run('return document.querySelectorAll("img").length'), 0, 'images')
        # What gets past all that is stopped by the policy.
        browser.run('const s = document.createElement("script"); s.textContent = '
                    '"document.title = 3"; document.body.append(s)')
        check_equal(browser.driver.title, evil + '.pcap - cleave', 'title after a foreign script')


# Rows of the sample whose numbers are 1 to 7: name, app and what led there, by number.
NAMED = [('', 'udp · dns', ''), ('www.example.com', 'tcp · http', 'dns #1 · group'),
         ('www.example.com', 'tcp · http', 'http #2 · group'), ('files.example.com', 'tcp · ftp', 'dns #1 · group'),
         ('', 'tcp', 'ftp #4 · group'), ('files.example.com', 'udp', 'dns #1 · group'),
         ('', 'icmp', 'icmp #6 · group')]


def check_names(browser: pagebrowser.Browser) -> None:
    browser.press('#')
    if browser.column('#')[0] != '1':
        browser.press('#')
    check_equal(list(zip(*map(browser.column, ('Name', 'App', 'Led by')))), NAMED, 'what is known')
    check_equal(browser.column('Destination')[1], '203.0.113.80:80', 'destination, whose name the row has')
    check_equal(browser.column('Source')[6], 'files.example.com203.0.113.81', 'source of the error')
    check('files.example.com203.0.113.81' in browser.texts('#hosts tbody th'), 'hosts have no names')
    check_equal(browser.texts('#led section, #led tbody th'), [
        'DNS lookups', 'Web pages', 'FTP sessions', 'Flows of ICMP errors'], 'what led to what')


def check_links(browser: pagebrowser.Browser) -> None:
    """By the keyboard: to a row that the search hides, to a group, and into its tree."""
    browser.search('51201')
    browser.type('#flow-5 a', pagebrowser.Keys.ENTER)
    browser.wait('return document.activeElement.id === "flow-4"')
    check_equal(len(browser.column('#')), 7, 'rows, as the search is over')
    browser.type('#flow-4 a[href="#group-1-2"]', pagebrowser.Keys.ENTER)
    browser.wait('return document.activeElement.textContent.startsWith("lookup files.example.com")')
    browser.wait('return document.querySelector("#group-1-2 li a") !== null')
    check_equal(browser.texts('#group-1-2 > ul > li > a'), ['#1', '#4', '#6'], 'what it led to')
    browser.type('#group-1-2 li summary', pagebrowser.Keys.ENTER)
    browser.wait('return document.querySelectorAll("#group-1-2 ul ul a").length === 1')
    check_equal(browser.texts('#group-1-2 ul ul a'), ['#5'], 'what that led to')
    browser.type('#group-1-2 ul ul a', pagebrowser.Keys.ENTER)
    browser.wait('return document.activeElement.id === "flow-5"')
    browser.driver.back()
    browser.wait('return document.activeElement.textContent.startsWith("lookup files.example.com")')
    # A group that is not among the largest is added to the tree.
    browser.run('document.getElementById("group-1-1").parentNode.remove()')
    check_equal(browser.run('return [...document.querySelectorAll("#flows tbody a[href^=\\"#group\\"]")].map('
                            'x => x.title)'), ['The group of #1 lookup 1'] * 2 + ['The group of #1 lookup 2'] * 4,
                'groups')
    browser.type('#flow-2 a[href="#group-1-1"]', pagebrowser.Keys.ENTER)
    browser.wait('return document.querySelector("#group-1-1 li a") !== null')
    check_equal(browser.texts('#group-1-1 > summary'), ['lookup www.example.com: 2 flows, 449 B'], 'added')


def hostile_names() -> str:
    evil = b'<img/src=x/onerror=document.title=1>'
    call = b'INVITE sip:a@b SIP/2.0\r\nVia: SIP/2.0/UDP c\r\nCSeq: 1 INVITE\r\nCall-ID: %s\r\n' \
        b'Content-Type: application/sdp\r\n\r\nv=0\r\nc=IN IP4 192.168.1.10\r\nm=audio 4000 RTP/AVP 0\r\n'
    frames = [pf.frame(samples.CLIENT, samples.SERVER, pf.UDP, pf.udp(
        samples.CLIENT, samples.SERVER, sport, dport, data))
        for sport, dport, data in ((5060, 5060, call % evil), (4000, 5000, b'audio'))]
    for i, host in enumerate((b'</script><script>document.title=2</script>', b'\xe2\x80\xaexyz', b'x' * 250)):
        frames += samples.said(samples.CLIENT, samples.SERVER, 50000 + i, 80, (
            True, b'GET / HTTP/1.1\r\nHost: ' + host + b'\r\n\r\n'))
    return suite.write('hostile.pcap', pf.Capture(pf.Format(), pf.at_times(frames, S)).encode())


def traced() -> str:
    """After a lookup one packet, whose lower port is the client's."""
    client, resolver, there = samples.CLIENT, samples.RESOLVER, '198.51.100.7'
    frames = [pf.frame(a, b, pf.UDP, pf.udp(a, b, sport, dport, payload)) for a, b, sport, dport, payload in (
        (client, resolver, 40001, 53, samples.dns(1, 'far.example')),
        (resolver, client, 53, 40001, samples.dns(1, 'far.example', there)),
        (client, there, 10530, 33434, b''))]
    return suite.write('traced.pcap', pf.Capture(pf.Format(), pf.at_times(frames, S)).encode())


def names() -> None:
    """Names before addresses, what led to what, and groups that unfold."""
    capture = suite.write('related.pcap', samples.related().encode())
    with Browser(True) as browser:
        browser.resize(1200, 900)
        browser.open(report(capture, '--related', 'all'))
        check_equal(last_in_sight(browser), 'File', 'the last column at 1200 pixels')
        browser.resize(1400, 900)
        check_names(browser)
        check_links(browser)
        browser.resize(420, 900)
        evil = hostile_names()
        for page in (report(capture, '--group', 'all'), report(capture, '--names'),
                     report(evil, '--related', 'all'), report(evil, '--group', 'sip')):
            browser.open(page)
            browser.run('document.querySelectorAll("#groups details").forEach(x => x.open = true)')
            wide = browser.run('return document.documentElement.scrollWidth - window.innerWidth')
            check(wide <= 0, 'the page is %r pixels too wide', wide)
            check_equal(browser.run('return [...document.querySelectorAll(".wide, .scroll")].every('
                                    'x => x.tabIndex === 0 && x.getAttribute("aria-label"))'), True,
                        'all that scrolls can be reached')
        browser.open(report(traced(), '--related', 'dns'))
        named = [text for text in browser.texts('#hosts tbody th') if 'far' in text]
        check_equal(named, ['far.example198.51.100.7'], 'whose name it is')
        browser.open(report(evil, '--related', 'all'))
        stacked = browser.column('Name')  # the window is still narrow
        check(any(text.startswith('<img/src=x/onerror=document.title=1>192.168.1.10:') for text in stacked),
              'names above ends: %r', stacked)
        check_equal(browser.run('return document.querySelectorAll("img, #flows script").length'), 0,
                    'images')
        check_equal(browser.driver.title, 'hostile.pcap - cleave', 'title')
        check_equal(browser.complaints(), [], 'complaints')


CASES: Dict[str, Callable[[], None]] = {
    '10-flows': drawn(10),
    '1,000-flows': drawn(1000),
    '100,000-flows': drawn(100000),
    'table': table,
    'chosen': chosen,
    'widths': widths,
    'odd': odd,
    'nothing': nothing,
    'spread': spread,
    'warned': warned,
    'by-hand': by_hand,
    'hostile': hostile,
    'names': names,
}


def main() -> int:
    try:
        pagebrowser.find()
    except harness.Skip as why:
        print('skipped: %s' % why)
        return harness.SKIPPED
    try:
        return suite.run(CASES)
    finally:
        pagebrowser.Browser.quit()


if __name__ == '__main__':
    sys.exit(main())
