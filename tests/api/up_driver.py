"""Runs `up` in a process of its own, with small stand-ins for API and worker; prints `ready {pids}` once all answer.

Arguments: nothing, or the name of a stand-in API below.
"""

import json
import sys

from rich.console import Console

from api import logs
from api.data_dir import claimed
from api.up import Programs, Site, up
from library.errors import ShelfgraphError
from settings import Settings

_NOTE_ITS_END = """
import os, signal, sys
def end(*_):
    with open(os.environ["ENDS"], "a") as ends:
        ends.write(sys.argv[-1] + "\\n")
    os._exit(0)
signal.signal(signal.SIGTERM, end)
"""
_ANSWER = """
import http.server, socket
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = b'{"status": "READY", "search": "READY"}'
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *_):
        print("asked for", self.path, flush=True)
server = http.server.HTTPServer(("", 0), Handler, bind_and_activate=False)
server.socket = socket.socket(fileno=int(sys.argv[1]))
server.serve_forever()
"""
_WORK = """
open(os.environ["ENDS"], "w").close()
while True:
    signal.pause()
"""
_APIS = {
    "good": _NOTE_ITS_END + _ANSWER,
    "broken": "print('the graph is on fire'); raise SystemExit(3)",
    "stubborn": "import signal, sys; signal.signal(signal.SIGTERM, signal.SIG_IGN)" + _ANSWER,
}


def python(code: str, *arguments: str) -> tuple[str, ...]:
    return (sys.executable, "-c", code, *arguments)


async def when_ready(site: Site) -> None:
    pids = {child.program.name: child.pid for child in site.children}
    facts = {"pids": pids, "address": site.address, "redis_url": site.redis_url, "link": await site.sign_in_link()}
    sys.stdout.write(f"ready {json.dumps(facts)}\n")
    sys.stdout.flush()


def main(api: str = "good") -> None:
    settings = Settings()
    logs.configure(level="WARNING", as_json=False)
    programs = Programs(
        # Of the API's command line only `{listener}` is filled in.
        api=python(_APIS[api].replace("{", "{{").replace("}", "}}"), "{listener}", "API"),
        worker=python(_NOTE_ITS_END + _WORK, "worker"),
    )
    try:
        with claimed(settings.data_dir):
            up(settings, Console(), when_ready, programs)
    except ShelfgraphError as error:
        sys.exit(f"shelfgraph: {error}")


if __name__ == "__main__":
    main(*sys.argv[1:])
