"""Node.js as a customer has it: our built packages in a node_modules folder, programs that use them, and a network that fails."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import threading
from collections.abc import Callable, Mapping
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from embantest.process import ROOT, clean_environment

PACKAGES = ROOT / ".build" / "packages"
#: What a program prints before its result, so that other output does not disturb.
RESULT = "@@@ result "


def system_module(name: str) -> Path:
    """A module of npm that the set-up has installed."""
    for folder in (ROOT / "web" / "node_modules", Path("/usr/share/nodejs")):
        if (folder / name).exists():
            return folder / name
    raise FileNotFoundError(f"there is no {name} for Node.js: run scripts/setup test")


def tool(name: str) -> str:
    local = ROOT / "web" / "node_modules" / ".bin" / name
    found = str(local) if local.exists() else shutil.which(name)
    if found is None:
        raise FileNotFoundError(f"there is no {name}: run scripts/setup packages")
    return found


class Project:
    """A folder with node_modules: ours as published, and others as installed."""

    def __init__(self, folder: Path, modules: tuple[str, ...] = ()) -> None:
        self.folder = folder
        scope = folder / "node_modules" / "@emban"
        scope.mkdir(parents=True)
        for package in sorted(PACKAGES.iterdir()):
            (scope / package.name).symlink_to(package)
        for name in modules:
            place = folder / "node_modules" / name
            place.parent.mkdir(exist_ok=True)
            place.symlink_to(system_module(name))

    def write(self, name: str, text: str) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def start(self, name: str, environment: Mapping[str, str] | None = None, arguments: tuple[str, ...] = ()) -> subprocess.Popen[str]:
        return subprocess.Popen(
            ["node", *arguments, name], cwd=self.folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            env={**clean_environment(), "NODE_NO_WARNINGS": "1", **(environment or {})})

    def run(self, name: str, text: str, environment: Mapping[str, str] | None = None, arguments: tuple[str, ...] = ()) -> str:
        """Writes a program, runs it to its end, and gives what it printed."""
        self.write(name, text)
        process = self.start(name, environment, arguments)
        try:
            output, errors = process.communicate(timeout=240)
        except subprocess.TimeoutExpired:
            process.kill()
            output, errors = process.communicate()
            raise AssertionError(f"{name} did not end:\n{output}\n{errors}") from None
        assert process.returncode == 0, f"{name} ended with {process.returncode}:\n{output}\n{errors}"
        return output + errors

    def result(self, name: str, text: str, environment: Mapping[str, str] | None = None, arguments: tuple[str, ...] = ()) -> Any:
        """Runs a program that calls `report(value)` once."""
        report = f"const report = (value) => console.log({RESULT!r} + JSON.stringify(value));\n"
        output = self.run(name, report + text, environment, arguments)
        lines = [line for line in output.splitlines() if line.startswith(RESULT)]
        assert len(lines) == 1, output
        return json.loads(lines[0][len(RESULT):])

    def check_types(self, *files: str, options: Mapping[str, Any] | None = None) -> None:
        """Type-checks files of this folder as strictly as a careful customer would."""
        configuration = {
            "compilerOptions": {
                "target": "ES2021", "lib": ["ES2021", "DOM", "DOM.Iterable"], "strict": True, "noEmit": True, "skipLibCheck": True, "jsx": "react-jsx",
                "module": "ESNext", "moduleResolution": "node", "types": [], "esModuleInterop": True, "exactOptionalPropertyTypes": True,
                **(options or {}),
            },
            "files": list(files),
        }
        self.write("tsconfig.json", json.dumps(configuration, indent=2))
        done = subprocess.run([tool("tsc"), "--project", "."], cwd=self.folder, capture_output=True, text=True, timeout=300)
        assert done.returncode == 0, done.stdout + done.stderr

    def bundle(self, entry: str, target: str = "bundle.js", *, server: bool = False) -> str:
        """A page's script with everything in it, as esbuild makes it for development; or a server's, which finds its packages when it runs."""
        kind = ["--format=esm", "--platform=node", "--packages=external"] if server else [
            "--format=iife", "--define:process.env.NODE_ENV=\"development\""]
        # A customer's own settings leave JSX to others.
        self.write("bundle.json", '{"compilerOptions": {"jsx": "react-jsx"}}')
        done = subprocess.run(
            [tool("esbuild"), entry, "--bundle", *kind, f"--outfile={target}", "--tsconfig=bundle.json", "--log-level=warning", "--preserve-symlinks"],
            cwd=self.folder, capture_output=True, text=True, timeout=300, env={**os.environ, "NODE_PATH": "/usr/share/nodejs"})
        assert done.returncode == 0, done.stdout + done.stderr
        return (self.folder / target).read_text()


Fault = Callable[[BaseHTTPRequestHandler, int], bool]


class Proxy:
    """Stands before a real server. `fault(handler, number)` may answer request `number` (from 0) in its place, and then gives True."""

    def __init__(self, url: str, fault: Fault | None = None) -> None:
        self.fault = fault
        self.bodies: list[bytes] = []
        self.lock = threading.Lock()
        target = urlsplit(url)
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_request(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                with proxy.lock:
                    number = len(proxy.bodies)
                    proxy.bodies.append(body)
                if proxy.fault and proxy.fault(self, number):
                    return
                proxy.forward(self, body, target.hostname or "", target.port or 80)

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = handle_request  # noqa: N815 (the library's names)

            def log_message(self, *_: object) -> None:
                """Quiet."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    @staticmethod
    def forward(handler: BaseHTTPRequestHandler, body: bytes, host: str, port: int, *, tell: bool = True) -> None:
        """Asks the real server; without `tell` the caller never hears what it said."""
        connection = HTTPConnection(host, port, timeout=60)
        headers = {name: value for name, value in handler.headers.items() if name.lower() not in ("host", "connection")}
        connection.request(handler.command, handler.path, body or None, headers)
        answer = connection.getresponse()
        content = answer.read()
        connection.close()
        if not tell:
            return
        handler.send_response(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in ("connection", "transfer-encoding", "content-length", "date"):
                handler.send_header(name, value)
        if answer.status != 204:
            handler.send_header("Content-Length", str(len(content)))
        handler.end_headers()
        handler.wfile.write(content)

    def __enter__(self) -> Proxy:
        return self

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self.server.server_close()


def hang_up(handler: BaseHTTPRequestHandler) -> None:
    """Breaks the connection off without an answer."""
    handler.close_connection = True
    handler.connection.shutdown(socket.SHUT_RDWR)


def refuse(handler: BaseHTTPRequestHandler, status: int, headers: Mapping[str, str] | None = None, body: bytes = b"") -> None:
    handler.send_response(status)
    for name, value in {**(headers or {}), "Content-Length": str(len(body))}.items():
        handler.send_header(name, value)
    handler.end_headers()
    handler.wfile.write(body)
