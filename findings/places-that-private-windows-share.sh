#!/usr/bin/env bash
# Chromium: which places of an extension are one for ordinary and private windows, where its manifest says "split".
#
# One would guess: `"incognito": "split"` gives each kind of window a worker of its own, and what lives in memory only is
# each worker's own too; `storage.local` and `storage.sync` alone are shared, as they are on the disk.
# What happens (versions below): `storage.session`, which is in memory, is one for both. What one worker writes the other
# reads and overwrites, and hears of in `storage.onChanged`; what private windows left stays when the last of them is
# closed. So are the content scripts that a worker registers by `scripting`: either takes away what the other registered.
# IndexedDB, the Cache API, BroadcastChannel and alarms are each kind's own.
# Why it matters: a worker that keeps its state over its own end in `storage.session`, as extensions are told to, mixes
# both kinds of windows: each start of one restores what the other wrote last.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet playwright==1.65.2
mkdir extension
cat >extension/manifest.json <<'JSON'
{
  "manifest_version": 3,
  "name": "places",
  "version": "1",
  "incognito": "split",
  "permissions": ["storage", "alarms", "scripting"],
  "host_permissions": ["http://app.test/*"],
  "background": { "service_worker": "worker.js" }
}
JSON
echo '<!doctype html><title>places</title><script src="page.js"></script>' >extension/page.html
echo "chrome.runtime.sendMessage('start')" >extension/page.js
cat >extension/worker.js <<'JS'
chrome.runtime.onMessage.addListener(() => {})
const heard = []
chrome.storage.onChanged.addListener((changes, area) => heard.push(`${area} ${Object.keys(changes)}`))
const channel = new BroadcastChannel('places')
channel.onmessage = () => heard.push('channel')
const done = (request) =>
  new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result)
    request.onerror = () => reject(request.error)
  })
async function database() {
  const request = indexedDB.open('places', 1)
  request.onupgradeneeded = () => request.result.createObjectStore('items')
  return done(request)
}
// Each place: how something is put there, and whether it is there.
self.places = {
  'storage.session': [() => chrome.storage.session.set({ mark: 1 }), async () => 'mark' in (await chrome.storage.session.get(null))],
  'storage.local': [() => chrome.storage.local.set({ mark: 1 }), async () => 'mark' in (await chrome.storage.local.get(null))],
  IndexedDB: [
    async () => done((await database()).transaction('items', 'readwrite').objectStore('items').put(1, 'mark')),
    async () => (await done((await database()).transaction('items').objectStore('items').count())) > 0
  ],
  'Cache API': [
    async () => (await caches.open('places')).put('http://app.test/', new Response('')),
    async () => (await caches.keys()).length > 0
  ],
  alarms: [() => chrome.alarms.create('mark', { periodInMinutes: 60 }), async () => (await chrome.alarms.getAll()).length > 0],
  'registered content scripts': [
    () => chrome.scripting.registerContentScripts([{ id: 'mark', matches: ['http://app.test/*'], js: ['worker.js'] }]),
    async () => (await chrome.scripting.getRegisteredContentScripts()).length > 0
  ],
  BroadcastChannel: [async () => channel.postMessage(1), async () => heard.includes('channel')],
  'storage.onChanged of session': [async () => {}, async () => heard.includes('session mark')],
  'storage.onChanged of local': [async () => {}, async () => heard.includes('local mark')]
}
JS
cat >run.py <<'PY'
import os
import shutil
import sys

from playwright.sync_api import sync_playwright

EXTENSION = os.path.abspath("extension")
# What a person does by the switches "Developer mode" and "Allow in Incognito". The second loads the extension anew.
ALLOW = """(extensionId) => new Promise((resolve) =>
  chrome.developerPrivate.updateProfileConfiguration({ inDeveloperMode: true }, () =>
    chrome.developerPrivate.updateExtensionConfiguration({ extensionId, incognitoAccess: true }, resolve)))"""
# The page asks for its worker, which starts.
OPEN = "() => chrome.windows.create({ incognito: true, url: chrome.runtime.getURL('page.html') }).then(() => null)"
EXPECTED = {
    "storage.session": True,
    "storage.local": True,
    "IndexedDB": False,
    "Cache API": False,
    "alarms": False,
    "registered content scripts": True,
    "BroadcastChannel": False,
    "storage.onChanged of session": True,
    "storage.onChanged of local": True,
}


def worker_of(context, page, *, private):
    for _ in range(300):
        for worker in context.service_workers:
            if worker.evaluate("chrome.extension.inIncognitoContext") is private:
                return worker
        page.wait_for_timeout(100)
    sys.exit("no worker")


def main():
    with sync_playwright() as driver:
        context = driver.chromium.launch_persistent_context(
            "profile",
            executable_path=shutil.which("chromium") or shutil.which("chromium-browser"),
            headless=True,
            ignore_default_args=["--disable-extensions"],
            args=["--no-sandbox", f"--load-extension={EXTENSION}", f"--disable-extensions-except={EXTENSION}"],
        )
        first = context.service_workers[0] if context.service_workers else context.wait_for_event("serviceworker")
        extension_id = first.url.split("/")[2]
        page = context.new_page()
        page.goto("chrome://extensions")
        page.evaluate(ALLOW, extension_id)
        page.goto(f"chrome-extension://{extension_id}/page.html")
        ordinary = worker_of(context, page, private=False)
        ordinary.evaluate(OPEN)
        hidden = worker_of(context, page, private=True)
        print("Chromium", ordinary.evaluate("navigator.userAgent").partition("Chrome/")[2].split()[0])
        found = {}
        for place in EXPECTED:
            hidden.evaluate("(place) => places[place][0]()", place)
            # An answer that comes after it: whatever was to be heard has been heard.
            ordinary.evaluate("() => chrome.storage.session.get(null).then(() => null)")
            ordinary.evaluate("() => new Promise((then) => setTimeout(then, 300))")
            found[place] = ordinary.evaluate("(place) => places[place][1]()", place)
        for place, shared in found.items():
            print(f"{place:32}", "one for both kinds of window" if shared else "each kind's own")
        windows = "() => chrome.windows.getAll().then((all) => all.filter(({ incognito }) => incognito).length)"
        hidden.evaluate("() => { chrome.windows.getAll().then((all) => all.filter(({ incognito }) => incognito).forEach(({ id }) => chrome.windows.remove(id))) }")
        for _ in range(100):
            ordinary.evaluate("() => new Promise((then) => setTimeout(then, 100))")
            if ordinary.evaluate(windows) == 0:
                break
        stays = ordinary.evaluate("places['storage.session'][1]()")
        print("storage.session, last private window closed:", "still there" if stays else "gone")
        context.close()
    sys.exit(0 if found == EXPECTED and stays else 1)


main()
PY
venv/bin/python run.py
