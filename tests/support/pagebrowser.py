# SPDX-License-Identifier: BSD-2-Clause
"""Pages in Chromium, by way of Selenium: one that all cases of a suite share."""
import os
import shutil
import sys
import tempfile
import time
from typing import List, Optional

import harness
from harness import check

try:
    from selenium import webdriver
    from selenium.webdriver.chrome.options import Options
    from selenium.webdriver.chrome.service import Service
    from selenium.webdriver.common.action_chains import ActionChains  # pylint: disable=unused-import
    from selenium.webdriver.common.keys import Keys  # pylint: disable=unused-import
except ImportError:  # another Python may have it
    webdriver = None

OPENS_S = 600  # until a page must have drawn itself, on the slowest machine
WIDTH, HEIGHT = 1400, 2400


def find() -> None:
    """Goes on in a Python that has Selenium. Skips where there is no such, or no browser."""
    harness.tool('chromedriver')
    if webdriver is None:
        python = harness.python_with('selenium')
        os.execv(python, [python, *sys.argv])


def start(profile: str) -> 'webdriver.Chrome':
    options = Options()
    options.binary_location = next(
        (path for path in map(shutil.which, ('chromium', 'chromium-browser')) if path),
        None) or harness.tool('chromium')
    # As root, and where /dev/shm is small, Chromium needs the second and the third.
    for flag in ('--headless=new', '--no-sandbox', '--disable-dev-shm-usage', '--disable-gpu',
                 '--hide-scrollbars', '--disable-lcd-text', '--user-data-dir=' + profile):
        options.add_argument(flag)
    options.set_capability('goog:loggingPrefs', {'browser': 'ALL'})
    return webdriver.Chrome(service=Service(harness.tool('chromedriver')), options=options)


class Browser:
    """with Browser(...) as browser: what one case left behind the next one does not see."""
    driver: Optional['webdriver.Chrome'] = None
    profile: Optional[tempfile.TemporaryDirectory] = None

    def __init__(self, dark: bool, patience: int = 1) -> None:
        self.dark = dark
        self.patience = patience

    def __enter__(self) -> 'Browser':
        if not Browser.driver:
            Browser.profile = tempfile.TemporaryDirectory()
            Browser.driver = start(Browser.profile.name)
        self.emulate('')
        self.resize(WIDTH, HEIGHT)
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        if kind:
            self.quit()
        else:
            self.driver.get('about:blank')
            self.complaints()

    @classmethod
    def quit(cls) -> None:
        if cls.driver:
            cls.driver.quit()
            cls.profile.cleanup()
            cls.driver = None

    def emulate(self, medium: str) -> None:
        """'print', or '' for a screen."""
        self.driver.execute_cdp_cmd('Emulation.setEmulatedMedia', {'media': medium, 'features': [
            {'name': 'prefers-color-scheme', 'value': 'dark' if self.dark else 'light'}]})

    def resize(self, width: int, height: int, scale: int = 1) -> None:
        self.driver.execute_cdp_cmd('Emulation.setDeviceMetricsOverride', {
            'width': width, 'height': height, 'deviceScaleFactor': scale, 'mobile': False})

    def open(self, path: str) -> None:
        self.driver.get('file://' + path)
        self.wait('return document.querySelector("[role=status]") !== null')

    def run(self, script: str) -> object:
        return self.driver.execute_script(script)

    def wait(self, script: str) -> None:
        until = time.monotonic() + OPENS_S * self.patience
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
        """Of the table of flows: what can be sorted by this."""
        at = self.run('return [...document.querySelectorAll("#flows thead th")].findIndex('
                      'x => [...x.querySelectorAll("button")].some(x => %s))' % self._called(title))
        check(at >= 0, 'no column %r', title)
        return self.texts('#flows tbody td:nth-child(%d)' % (at + 1))

    def press(self, title: str) -> None:
        self.run('[...document.querySelectorAll("button")].find(x => %s).click()' % self._called(title))

    @staticmethod
    def _called(title: str) -> str:
        """Whether x is a button of that name."""
        return '(x.ariaLabel ?? x.textContent.replace(/ [▲▼]/, "")) === %r' % title

    def search(self, words: str) -> None:
        """Waits until the table shows what was found."""
        before = self.texts('[role=status]')
        self.run('const s = document.getElementById("search"); s.value = %r;'
                 's.dispatchEvent(new Event("input"))' % words)
        self.wait('return document.querySelector("[role=status]").textContent !== %r' % before[0])
