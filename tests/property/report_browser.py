# SPDX-License-Identifier: BSD-2-Clause
"""The page of --report in a browser: it draws, sorts, searches and turns pages without a word of
complaint, in both themes, and takes hostile names for text. Chromium by way of Selenium.
"""
import ipaddress
import os
import shutil
import sys
import time
from typing import Callable, Dict, Iterator, List

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'support'))
# pylint: disable=wrong-import-position
import harness
import pcapfile as pf
import reportpage
import samples
from harness import check, check_equal

S = 10**9
OPENS_S = 600  # until a page must have drawn itself, on the slowest machine

try:
    from selenium import webdriver
    from selenium.webdriver.chrome.options import Options
    from selenium.webdriver.chrome.service import Service
    from selenium.webdriver.common.keys import Keys
except ImportError:  # another Python may have it
    webdriver = None

suite = harness.Suite(__doc__.split('\n', maxsplit=1)[0])


class Browser:
    def __init__(self, dark: bool) -> None:
        options = Options()
        options.binary_location = next(
            (path for path in map(shutil.which, ('chromium', 'chromium-browser')) if path),
            None) or harness.tool('chromium')
        # As root, and where /dev/shm is small, Chromium needs the second and the third.
        for flag in ('--headless=new', '--no-sandbox', '--disable-dev-shm-usage', '--disable-gpu',
                     '--window-size=1400,2400', '--user-data-dir=' + suite.path('profile'),
                     '--blink-settings=preferredColorScheme=%d' % (0 if dark else 1)):
            options.add_argument(flag)
        options.set_capability('goog:loggingPrefs', {'browser': 'ALL'})
        self.driver = webdriver.Chrome(service=Service(harness.tool('chromedriver')),
                                       options=options)

    def __enter__(self) -> 'Browser':
        return self

    def __exit__(self, *_: object) -> None:
        self.driver.quit()

    def open(self, path: str) -> None:
        self.driver.get('file://' + path)
        self.wait('return document.querySelector("[role=status]") !== null')

    def run(self, script: str) -> object:
        return self.driver.execute_script(script)

    def wait(self, script: str) -> None:
        until = time.monotonic() + OPENS_S * suite.patience
        while not self.run(script):
            check(time.monotonic() < until, 'still not: %s', script)
            time.sleep(0.05)

    def type(self, selector: str, key: str) -> None:
        """Where the keyboard's focus goes first."""
        self.run('document.querySelector(%r).focus()' % selector)
        self.driver.switch_to.active_element.send_keys(key)

    def focused(self) -> str:
        return self.run('return document.activeElement.id || document.activeElement.textContent')

    def complaints(self) -> List[str]:
        return [line['message'] for line in self.driver.get_log('browser')]

    def texts(self, selector: str) -> List[str]:
        return self.run('return [...document.querySelectorAll(%r)].map(x => x.textContent)'
                        % selector)

    def column(self, title: str) -> List[str]:
        heads = [head.rstrip(' ▲▼') for head in self.texts('#flows thead th')]
        return self.texts('#flows tbody td:nth-child(%d)' % (heads.index(title) + 1))

    def press(self, title: str) -> None:
        self.run('[...document.querySelectorAll("button")].find('
                 'x => x.textContent.replace(/ [▲▼]/, "") === %r).click()' % title)

    def search(self, words: str) -> None:
        """Waits until the table shows what was found."""
        before = self.texts('[role=status]')
        self.run('const s = document.getElementById("search"); s.value = %r;'
                 's.dispatchEvent(new Event("input"))' % words)
        self.wait('return document.querySelector("[role=status]").textContent !== %r' % before[0])


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


def check_drawn(browser: Browser) -> None:
    for section in ('time', 'sizes', 'durations'):
        box = browser.run('const x = document.querySelector("#%s svg"); const b = x.getBBox();'
                          'return [x.getAttribute("aria-label"), b.width, b.height]' % section)
        check(box[0] and box[1] > 100 and box[2] > 50, '%s is not drawn: %r', section, box)
    for section in ('protocols', 'services', 'hosts'):
        check(browser.texts('#%s tbody tr' % section), '%s is empty', section)
    wide = browser.run('return document.documentElement.scrollWidth - window.innerWidth')
    check(wide <= 0, 'the page is %r pixels too wide', wide)


def brightness(browser: Browser) -> float:
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
        keys = [[int(x) for x in text.rsplit(':', 1)[0].split('.')]
                for text in browser.column('Source') if text.startswith('10.')]
        check(len(keys) > 10, 'nothing to compare')
        check_equal(keys, sorted(keys), 'by source')
        browser.search('udp 2001')
        browser.press('Destination')
        browser.press('Source')
        keys = [int(ipaddress.ip_address(text[1:text.index(']')])) for text in
                browser.column('Source') if text.startswith('[')]
        check(len(keys) > 10, 'nothing to compare')
        check_equal(keys, sorted(keys), 'by source of IPv6')
        some = rows[7]
        browser.search(some['file'].upper())
        check_equal(browser.column('File'), [some['file']], 'found by name')
        link = browser.run('return document.querySelector("#flows tbody a").href')
        check_equal(link, 'file://' + suite.path('out', some['file']), 'link')
        browser.search('no such flow')
        check_equal(browser.texts('[role=status]'), ['nothing found'], 'what is said')
        check_equal(browser.texts('#flows tbody td'), [], 'rows')
        check_equal(browser.complaints(), [], 'complaints')


def odd_pages() -> Iterator[List[str]]:
    yield from (['--shards', '4'], ['--by', 'none'], ['--by', 'host'], ['--by', 'vlan,mac'],
                ['--by', 'connection', '--idle-timeout', '1ms'], ['--inner'], ['--top', '3'],
                ['--name', '{proto}/{n} 100%?#&.pcap'], ['--filter', 'udp port 53'])


def odd() -> None:
    """Keys that lack what a section shows: it is left out."""
    capture = traffic(100)
    with Browser(True) as browser:
        for flags in odd_pages():
            page = report(capture, *flags)
            browser.open(page)
            check_equal(browser.complaints(), [], '%s: complaints' % flags)
            for link in browser.run('return [...document.querySelectorAll("#flows a")]'
                                    '.map(x => decodeURIComponent(new URL(x.href).pathname))'):
                check(os.path.isfile(link), '%s: no file %s', flags, link)


def nothing() -> None:
    """Pages about no records at all."""
    empty = suite.write('empty.pcap', pf.Format().header())
    with Browser(False) as browser:
        for capture, flags, said in ((empty, [], 'The capture has no records.'),
                                     (traffic(10), ['--proto', 'sctp'], 'No record was asked for.')):
            browser.open(report(capture, *flags))
            check_equal(browser.complaints(), [], 'complaints')
            check_equal(browser.texts('#time'), [said], 'what is said')
            check_equal(browser.texts('[role=status]'), ['nothing found'], 'rows')


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
        browser.driver.set_window_size(500, 900)
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
        check_equal(browser.column('File'), [evil + '1.pcap'], 'file')
        check_equal(browser.texts('h1'), [evil + '.pcap'], 'heading')
        check_equal(browser.driver.title, evil + '.pcap - cleave', 'title')
        check_equal(browser.run('return document.querySelectorAll("img").length'), 0, 'images')
        # What gets past all that is stopped by the policy.
        browser.run('const s = document.createElement("script"); s.textContent = '
                    '"document.title = 3"; document.body.append(s)')
        check_equal(browser.driver.title, evil + '.pcap - cleave', 'title after a foreign script')


# Rows of the sample whose numbers are 1 to 7: name, app and what led there, by number.
NAMED = [('', 'dns', ''), ('www.example.com', 'http', 'dns #1'), ('www.example.com', 'http', 'http #2'),
         ('files.example.com', 'ftp', 'dns #1'), ('', '', 'ftp #4'), ('files.example.com', '', 'dns #1'),
         ('', '', 'icmp #6')]


def check_names(browser: Browser) -> None:
    browser.press('#')
    if browser.column('#')[0] != '1':
        browser.press('#')
    check_equal(list(zip(*map(browser.column, ('Name', 'App', 'Led by')))), NAMED, 'what is known')
    check_equal(browser.column('Destination')[1], 'www.example.com203.0.113.80:80', 'destination')
    check_equal(browser.column('Source')[6], 'files.example.com203.0.113.81', 'source of the error')
    check('files.example.com203.0.113.81' in browser.texts('#hosts tbody th'), 'hosts have no names')
    check_equal(browser.texts('#led section, #led tbody th'), [
        'DNS lookups', 'Web pages', 'FTP sessions', 'Flows of ICMP errors',
        'files.example.comlookup', 'www.example.comlookup'], 'what led to what')


def check_links(browser: Browser) -> None:
    """By the keyboard: to a row that the search hides, to a group, and into its tree."""
    browser.search('51201')
    browser.type('#flow-5 a', Keys.ENTER)
    browser.wait('return document.activeElement.id === "flow-4"')
    check_equal(len(browser.column('#')), 7, 'rows, as the search is over')
    browser.type('#led tbody a', Keys.ENTER)
    browser.wait('return document.activeElement.textContent.startsWith("lookup files.example.com")')
    browser.wait('return document.querySelector("#group-1-2 li a") !== null')
    check_equal(browser.texts('#group-1-2 > ul > li > a'), ['#1', '#4', '#6'], 'what it led to')
    browser.type('#group-1-2 li summary', Keys.ENTER)
    browser.wait('return document.querySelectorAll("#group-1-2 ul ul a").length === 1')
    check_equal(browser.texts('#group-1-2 ul ul a'), ['#5'], 'what that led to')
    browser.type('#group-1-2 ul ul a', Keys.ENTER)
    browser.wait('return document.activeElement.id === "flow-5"')
    browser.driver.back()
    browser.wait('return document.activeElement.textContent.startsWith("lookup files.example.com")')
    # A group that is not among the largest is added to the tree.
    browser.run('document.getElementById("group-1-1").parentNode.remove()')
    check_equal(browser.column('Group'), [''] + ['#1 lookup 1'] * 2 + ['#1 lookup 2'] * 4, 'groups')
    browser.type('#flow-2 a[href="#group-1-1"]', Keys.ENTER)
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


def names() -> None:
    """Names before addresses, what led to what, and groups that unfold."""
    capture = suite.write('related.pcap', samples.related().encode())
    with Browser(True) as browser:
        browser.open(report(capture, '--related', 'all'))
        check_names(browser)
        check_links(browser)
        browser.driver.execute_cdp_cmd('Emulation.setDeviceMetricsOverride', {
            'width': 420, 'height': 900, 'deviceScaleFactor': 1, 'mobile': False})
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
        browser.open(report(evil, '--related', 'all'))
        check('<img/src=x/onerror=document.title=1>' in browser.column('Name'), 'name: %r',
              browser.column('Name'))
        check_equal(browser.run('return document.querySelectorAll("img, #flows script").length'), 0,
                    'images')
        check_equal(browser.driver.title, 'hostile.pcap - cleave', 'title')
        check_equal(browser.complaints(), [], 'complaints')


CASES: Dict[str, Callable[[], None]] = {
    '10-flows': drawn(10),
    '1,000-flows': drawn(1000),
    '100,000-flows': drawn(100000),
    'table': table,
    'odd': odd,
    'nothing': nothing,
    'by-hand': by_hand,
    'hostile': hostile,
    'names': names,
}


def main() -> int:
    try:
        harness.tool('chromedriver')
        if webdriver is None:
            python = harness.python_with('selenium')
            os.execv(python, [python, *sys.argv])
    except harness.Skip as why:
        print('skipped: %s' % why)
        return harness.SKIPPED
    return suite.run(CASES)


if __name__ == '__main__':
    sys.exit(main())
