#!/usr/bin/env bash
# Answers in JSON Lines, one JSON text a line, read over HTTP by requests and by nine Python clients of model servers,
# Docker and Kubernetes.
#
# One would guess: this is the easiest stream there is. A line ends at a line feed, JSON escapes every line feed inside a
# text, and nothing else needs care.
# What happens (versions below): a text with U+0085 or U+2028 in it, which JSON allows as they are, is cut in two by the
# clients that take httpx's lines, which end there too. ollama, kr8s and lightkube raise. cohere and elevenlabs drop the
# event and go on WITHOUT an error, so words and sound are missing. docker turns a character that two HTTP chunks share
# into two U+FFFD. kubernetes drops a last line that no line feed ends, again without an error. anthropic cuts batch
# results anew, every 64 bytes, so a CRLF that lies across such a place is a parse error; requests fails the same way
# where two HTTP chunks share it, and docker if it is the last. aiodocker refuses a line of 1 MiB.
# Why it matters: U+0085 is what an ellipsis of Windows-1252 becomes when read as Latin-1, and Go's encoder, which escapes
# U+2028, sends it raw. Who serves JSON Lines must write ASCII only, end each line with a bare line feed, the last one
# too, and send each in one piece.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv env
env/bin/pip install --quiet --disable-pip-version-check ollama==0.6.3 cohere==7.3.1 elevenlabs==2.78.0 anthropic==2.14.0 \
  docker==7.2.0 aiodocker==0.27.0 kubernetes==37.0.1 lightkube==1.0.1 kr8s==0.20.15 requests==2.34.2 httpx==0.28.1 \
  httpx2==2.16.2 aiohttp==3.14.5
cat >run.py <<'PY'
import asyncio
import json
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import aiodocker
import anthropic
import cohere
import docker
import kr8s
import kubernetes
import lightkube
import ollama
import requests
from elevenlabs.client import ElevenLabs
from lightkube.config.kubeconfig import Cluster, User
from lightkube.resources.core_v1 import ConfigMap

# The first and the last text of three, the end of a line, and where the body is cut into HTTP chunks.
WAYS = {
    "plain": ("a b", "\n", None),
    "next-line": ("a\u0085b", "\n", None),
    "separator": ("a\u2028b", "\n", None),
    "crlf": ("a b", "\r\n", None),
    "crlf-in-two": ("a b", "\r\n", b"\r"),
    "character-in-two": ("a\u00e9b", "\n", b"\xc3"),
    "last-without-end": ("a b", None, None),
    "long": ("a" * 2**20, "\n", None),
}
# What is not read whole; all else must be.
DIFFERS = {
    ("next-line", "ollama"): "[] JSONDecodeError",
    ("next-line", "cohere"): "['c']",
    ("next-line", "elevenlabs"): "['c']",
    ("next-line", "lightkube"): "[] DecodeError",
    ("next-line", "kr8s"): "[] JSONDecodeError",
    ("separator", "ollama"): "[] JSONDecodeError",
    ("separator", "cohere"): "['c']",
    ("separator", "elevenlabs"): "['c']",
    ("separator", "lightkube"): "[] DecodeError",
    ("separator", "kr8s"): "[] JSONDecodeError",
    ("crlf-in-two", "anthropic"): "['a b'] JSONDecodeError",
    ("crlf-in-two", "docker"): "['a b', 'c', 'a b'] StreamParseError",
    ("crlf-in-two", "requests"): "['a b'] JSONDecodeError",
    ("character-in-two", "docker"): "['a\\ufffd\\ufffdb', 'c', 'a\\ufffd\\ufffdb']",
    ("last-without-end", "kubernetes"): "['a b', 'c']",
    ("long", "aiodocker"): "[] LineTooLong",
}
MESSAGE = {"id": "m", "type": "message", "role": "assistant", "model": "m", "stop_reason": "end_turn"}
SHAPES = {
    "/api/chat": lambda text, n: {"model": "m", "message": {"role": "assistant", "content": text}, "done": n == 3},
    "/v1/chat": lambda text, n: {"event_type": "text-generation", "text": text, "is_finished": n == 3},
    "/with-timestamps": lambda text, n: {
        "audio_base64": "AAAA",
        "alignment": {
            "characters": [text],
            "character_start_times_seconds": [0],
            "character_end_times_seconds": [1],
        },
    },
    "/results": lambda text, n: {
        "custom_id": str(n),
        "result": {"type": "succeeded", "message": {**MESSAGE, "content": [{"type": "text", "text": text}]}},
    },
    "/configmaps": lambda text, n: {
        "type": "ADDED",
        "object": {
            "kind": "ConfigMap",
            "apiVersion": "v1",
            "metadata": {"name": f"n{n}", "namespace": "default", "resourceVersion": str(n)},
            "data": {"text": text},
        },
    },
    "/images/create": lambda text, n: {"status": text},
    "/raw": lambda text, n: {"status": text},
}
KINDS = [{"name": "configmaps", "kind": "ConfigMap", "singularName": "", "namespaced": True, "verbs": ["watch"]}]


def chunks(way, shape):
    text, end, cut = WAYS[way]
    lines = [json.dumps(shape(part, n), ensure_ascii=False) for n, part in enumerate([text, "c", text], 1)]
    if cut == b"\r":  # white space after a JSON text, so that the carriage return is byte 64, 128, ...
        lines[0] += " " * (-(len(lines[0]) + 1) % 64)
    body = ("\n".join(lines) if end is None else "".join(line + end for line in lines)).encode()
    if cut is None:
        return [body]
    *first, last = body.split(cut)
    return [*(part + cut for part in first), last]


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        self.rfile.read(int(self.headers.get("content-length") or 0))
        self.do_GET()

    def do_GET(self):
        url = urlsplit(self.path)
        way = parse_qs(url.query).get("fromImage", url.path.split("/")[1:])[0]
        shape = next((SHAPES[end] for end in SHAPES if url.path.endswith(end)), None)
        if shape is None:  # what the clients of Anthropic and Kubernetes ask first
            found = {"id": "b", "results_url": f"{BASE}/{way}/results"}
            found |= {"versions": ["v1"], "groups": [], "resources": KINDS}
            found |= {"major": "1", "minor": "33", "gitVersion": "v1.33.0"}
            body = json.dumps(found).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()
        for piece in [body] if shape is None else chunks(way, shape):
            self.wfile.write(b"%x\r\n%b\r\n" % (len(piece), piece))
        self.wfile.write(b"0\r\n\r\n")

    def log_message(self, *_):
        pass


class Server(ThreadingHTTPServer):
    def handle_error(self, *_):  # a client that has seen enough closes
        pass


def with_ollama(way):
    messages = [{"role": "user", "content": "hello"}]
    for part in ollama.Client(host=f"{BASE}/{way}").chat("m", messages, stream=True):
        yield part.message.content


def with_cohere(way):
    for event in cohere.Client("none", base_url=f"{BASE}/{way}").chat_stream(message="hello"):
        yield event.text


def with_elevenlabs(way):
    speech = ElevenLabs(api_key="none", base_url=f"{BASE}/{way}").text_to_speech
    for part in speech.stream_with_timestamps("v", text="hello"):
        yield part.alignment.characters[0]


def with_anthropic(way):
    client = anthropic.Anthropic(api_key="none", base_url=f"{BASE}/{way}", max_retries=0)
    for entry in client.messages.batches.results("b"):
        yield entry.result.message.content[0].text


def with_docker(way):
    client = docker.APIClient(base_url=BASE.replace("http", "tcp"), version="1.45")
    for entry in client.pull(way, tag="x", stream=True, decode=True):
        yield entry["status"]


def with_kubernetes(way):
    client = kubernetes.client.ApiClient(kubernetes.client.Configuration(host=f"{BASE}/{way}"))
    listing = kubernetes.client.CoreV1Api(client).list_namespaced_config_map
    for event in kubernetes.watch.Watch().stream(listing, "default", timeout_seconds=1):
        yield event["object"].data["text"]


def with_lightkube(way):
    config = lightkube.KubeConfig.from_one(cluster=Cluster(server=f"{BASE}/{way}"), user=User())
    for _, item in lightkube.Client(config=config.get(), trust_env=False).watch(ConfigMap, namespace="default"):
        yield item.data["text"]
        if item.metadata.name == "n3":  # it asks again for ever
            return


def with_requests(way):
    for line in requests.get(f"{BASE}/{way}/raw", stream=True, timeout=9).iter_lines():
        yield json.loads(line)["status"]


async def with_aiodocker(way):
    async with aiodocker.Docker(url=BASE, api_version="v1.45") as client:
        async for entry in client.images.pull(way, tag="x", stream=True):
            yield entry["status"]


async def with_kr8s(way):
    api = await kr8s.asyncio.api(url=f"{BASE}/{way}")
    async for _, item in api.watch("configmaps", namespace="default"):
        yield item.raw["data"]["text"]


def seen_by(read, way):
    seen, ending = [], ""

    async def collect(texts):
        async for text in texts:
            seen.append(text)

    try:
        if read in (with_aiodocker, with_kr8s):
            asyncio.run(asyncio.wait_for(collect(read(way)), 20))
        else:
            for text in read(way):
                seen.append(text)
    except Exception as error:
        ending = " " + type(error).__name__
    whole = seen == [WAYS[way][0], "c", WAYS[way][0]] and not ending
    return "whole" if whole else ascii([text[:9] for text in seen]) + ending


server = Server(("127.0.0.1", 0), Handler)
BASE = f"http://127.0.0.1:{server.server_port}"
threading.Thread(target=server.serve_forever, daemon=True).start()
readers = (with_ollama, with_cohere, with_elevenlabs, with_anthropic, with_docker, with_aiodocker, with_kubernetes)
changed = False
for way in WAYS:
    print(way)
    for read in (*readers, with_lightkube, with_kr8s, with_requests):
        package = read.__name__.removeprefix("with_")
        seen = seen_by(read, way)
        as_found = seen == DIFFERS.get((way, package), "whole")
        changed |= not as_found
        print(f"  {'as found' if as_found else 'CHANGED '}  {package:10}  {seen}")
sys.exit(changed)
PY
env/bin/python run.py
