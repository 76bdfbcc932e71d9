# Copyright (c) 2026 rekey.aws contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The cloud as a process: ``python -m cloud`` with ``tests`` on the Python path, or ``python tests/cloud``."""

from __future__ import annotations

import argparse
import os
import signal
import socket
import sys
import threading
import time
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

if not __package__:
    sys.path[0] = str(Path(__file__).resolve().parent.parent)
    __package__ = "cloud"

from cloud import ADMIN_KEY_ID, ADMIN_SECRET


def main() -> None:
    """Serve until SIGTERM, the end of the watched process, or the end of the set time."""
    options = _parse()
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
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


def _end_with(parent: int, seconds: float) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until and (parent == 0 or _alive(parent)):
        time.sleep(min(0.5, max(0.0, until - time.monotonic())))
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
    from moto.moto_server.werkzeug_app import MotoRequestHandler
    from werkzeug.serving import make_server

    from cloud.control import PREFIX, Control
    from cloud.front import Front

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
            self._headers_buffer.append(b"\r\n" + (b"" if self.command == "HEAD" else answer.body))
            self.flush_headers()

        def log_request(self, *_: Any) -> None:
            pass

    return make_server("127.0.0.1", port, lambda *_: [], threaded=True, request_handler=Handler)


def _read_body(environ: dict[str, Any]) -> bytes:
    stream = environ["wsgi.input"]
    if environ.get("wsgi.input_terminated"):
        return bytes(stream.read())
    return bytes(stream.read(int(environ.get("CONTENT_LENGTH") or 0)))


if __name__ == "__main__":
    main()
