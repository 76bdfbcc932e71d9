# Copyright (c) 2026 rekey.aws contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The cloud as a process: its options, its HTTP server, and when it ends."""

from __future__ import annotations

import argparse
import os
import signal
import socket
import threading
import time
from pathlib import Path
from typing import Any, Optional
from urllib.parse import parse_qsl, urlsplit

from moto.moto_server.werkzeug_app import MotoRequestHandler
from werkzeug.serving import make_server

from . import ADMIN_KEY_ID, ADMIN_SECRET
from .control import PREFIX, Control
from .errors import Answer
from .front import Front


def main() -> None:
    """Serve until SIGTERM, the end of the watched process, or the end of the set time."""
    options = _parse()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: os._exit(0))
    threading.Thread(target=_end_with, args=(options.parent, options.max_seconds), daemon=True).start()
    server = _server(options.port)
    url = f"http://127.0.0.1:{server.server_port}"
    print(url, flush=True)
    if options.ready_file:
        beside = options.ready_file.with_name(options.ready_file.name + ".new")
        beside.write_text(url + "\n", encoding="ascii")
        beside.replace(options.ready_file)
    server.serve_forever()


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="cloud",
        description="An AWS on loopback for tests. Prints its address when it is ready. Set AWS_ENDPOINT_URL to it.",
        epilog=f"The administrator's pair: AWS_ACCESS_KEY_ID={ADMIN_KEY_ID} AWS_SECRET_ACCESS_KEY={ADMIN_SECRET}",
    )
    parser.add_argument("--port", type=int, default=0, help="port on 127.0.0.1 (0, the default: a free one)")
    parser.add_argument("--ready-file", type=Path, metavar="PATH", help="where to write the address when ready")
    parser.add_argument("--max-seconds", type=float, default=3600.0, help="end after this time (default: an hour)")
    parser.add_argument(
        "--parent",
        type=int,
        default=os.getppid(),
        metavar="PID",
        help="end when this process does (default: the one that started it; 0: none)",
    )
    return parser.parse_args()


def _end_with(pid: int, seconds: float) -> None:
    until = time.monotonic() + seconds
    ours = pid == os.getppid()
    while time.monotonic() < until and (pid == 0 or (os.getppid() == pid if ours else _alive(pid))):
        time.sleep(min(0.25, max(0.0, until - time.monotonic())))
    os._exit(0)


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _server(port: int) -> Any:
    front = Front()
    control = Control(front)

    class Handler(MotoRequestHandler):
        """Keeps connections open, as AWS does, and can close one without an answer."""

        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def run_wsgi(self) -> None:
            environ = self.make_environ()
            body = _read_body(environ)
            path = environ["PATH_INFO"]
            answer: Optional[Answer]
            if path.startswith(PREFIX):
                query = dict(parse_qsl(urlsplit(self.path).query))
                answer = control.answer(self.command, path[len(PREFIX) :], query, body)
            else:
                answer = front.answer(environ, body)
            if answer is None:
                self.close_connection = True
                self.connection.shutdown(socket.SHUT_RDWR)
                return
            self.send_response(answer.status)
            sized = False
            for name, value in answer.headers:
                if name.lower() not in ("connection", "date", "server", "transfer-encoding"):
                    sized = sized or name.lower() == "content-length"
                    self.send_header(name, value)
            if not sized and answer.status not in (204, 304):
                self.send_header("Content-Length", str(len(answer.body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(answer.body)

        def log_request(self, *_: Any) -> None:
            pass

    return make_server("127.0.0.1", port, lambda *_: [], threaded=True, request_handler=Handler)


def _read_body(environ: dict[str, Any]) -> bytes:
    stream = environ["wsgi.input"]
    if environ.get("wsgi.input_terminated"):
        return bytes(stream.read())
    return bytes(stream.read(int(environ.get("CONTENT_LENGTH") or 0)))
