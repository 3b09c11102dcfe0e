#!/usr/bin/env bash
# A WebSocket client that leaves without naming a code, and one whose connection is lost, as ASGI servers tell the application.
#
# One would guess: the first is `websocket.disconnect` with code 1005, as the ASGI specification says, and the second has 1006,
# which RFC 6455 section 7.1.5 has for a connection that ended without a close frame.
# What happens (versions below): uvicorn 0.54.0 over websockets 17.4 and over wsproto 1.3.2, and granian 2.8.9, say 1005 for
# both; hypercorn 0.18.0 says 1006 for both; daphne 4.2.3 says 1006 for the second, and None, which is no code, for the first.
# Why it matters: a browser's `socket.close()` names no code. A server that keeps what a client had when its connection broke, and
# drops it when the client is done, cannot go by the code: it keeps too much or too little. So a client has to say goodbye
# with a code of its own (1000), and whoever does not is waited for.
set -euo pipefail
folder=$(mktemp -d)
server=
trap 'test -z "$server" || kill -9 -- -"$server" 2>/dev/null || true; rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv env
env/bin/pip install --quiet --disable-pip-version-check uvicorn==0.54.0 websockets==17.4 wsproto==1.3.2 hypercorn==0.18.0 \
  daphne==4.2.3 granian==2.8.9
cat >app.py <<'PY'
import pathlib


async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        while True:
            event = (await receive())["type"]
            await send({"type": f"{event}.complete"})
            if event == "lifespan.shutdown":
                return
    if scope["type"] != "websocket":
        return
    await receive()
    await send({"type": "websocket.accept"})
    while (message := await receive())["type"] != "websocket.disconnect":
        await send({"type": "websocket.send", "text": message["text"]})
    place = pathlib.Path(scope["path"].strip("/"))
    place.with_suffix(".part").write_text(str(message.get("code")))
    place.with_suffix(".part").rename(place)
PY
cat >client.py <<'PY'
import asyncio
import pathlib
import sys

import websockets


async def connected(url):
    for _ in range(200):
        try:
            return await websockets.connect(url, compression=None, ping_interval=None)
        except OSError:
            await asyncio.sleep(0.1)
    raise SystemExit(f"no server at {url}")


async def main(port):
    said = []
    for how in ("no-code", "lost"):
        connection = await connected(f"ws://127.0.0.1:{port}/{how}")
        await connection.send("here")
        assert await connection.recv() == "here"
        if how == "lost":
            connection.transport.abort()
        else:
            # A masked close frame without a payload, as a browser's `close()` sends it.
            connection.transport.write(bytes([0x88, 0x80, 1, 2, 3, 4]))
        place = pathlib.Path(how)
        for _ in range(200):
            if place.exists():
                break
            await asyncio.sleep(0.1)
        said.append(place.read_text())
        place.unlink()
    print(*said)


asyncio.run(main(sys.argv[1]))
PY
failed=0
see() {
  local name=$1 expected=$2 port
  shift 2
  port=$(python3 -c 'import socket; s = socket.create_server(("127.0.0.1", 0)); print(s.getsockname()[1])')
  set -m
  "${@//PORT/$port}" >server.log 2>&1 &
  server=$!
  set +m
  seen=$(env/bin/python client.py "$port")
  kill -9 -- -"$server" 2>/dev/null || true
  wait "$server" 2>/dev/null || true
  server=
  printf '%-22s without a code: %-5s lost: %s\n' "$name" ${seen}
  test "$seen" = "$expected" || failed=1
}
PATH="$folder/env/bin:$PATH"
see "uvicorn, websockets" "1005 1005" uvicorn app:app --port PORT --ws websockets-sansio --log-level error
see "uvicorn, wsproto" "1005 1005" uvicorn app:app --port PORT --ws wsproto --log-level error
see "granian" "1005 1005" granian --interface asgi --host 127.0.0.1 --port PORT app:app
see "hypercorn" "1006 1006" hypercorn app:app -b 127.0.0.1:PORT
see "daphne" "None 1006" daphne -b 127.0.0.1 -p PORT app:app
test "$failed" = 0 || { echo "They no longer do as described above." >&2; exit 1; }
