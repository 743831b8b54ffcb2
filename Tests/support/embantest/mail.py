"""A mail server for tests: it takes every mail, keeps it, and offers as much encryption as it is told to."""

from __future__ import annotations

import base64
import email
import email.policy
import socketserver
import ssl
import threading
from dataclasses import dataclass, field
from email.message import EmailMessage
from pathlib import Path

from embantest.process import free_port
from embantest.steady import eventually

#: Of `localhost` and 127.0.0.1, with its key: for this server alone, and for a hundred years.
CERTIFICATE = Path(__file__).with_name("mail_server.pem")


@dataclass
class Mail:
    sender: str
    recipient: str
    message: EmailMessage
    encrypted: bool
    #: Who signed in before, as `user:password`; empty for nobody.
    login: str = ""

    @property
    def text(self) -> str:
        return str(self.message.get_content())

    @property
    def link(self) -> str:
        """The one link of the text."""
        links = [line for line in self.text.splitlines() if line.startswith("http")]
        assert len(links) == 1, self.text
        return links[0]


@dataclass
class MailServer:
    #: none, starttls, or tls from the beginning.
    encryption: str = "none"
    #: The password it takes; nothing for no sign-in at all.
    password: str = ""
    #: Recipients that it refuses.
    refused: set[str] = field(default_factory=set)
    #: What stands behind its answer to STARTTLS, in one piece with it: how long that answer is in bytes, and the text that follows in the clear.
    before_tls: tuple[int, str] | None = None
    #: How many connections have gone on with TLS after STARTTLS.
    handshakes: int = 0
    mails: list[Mail] = field(default_factory=list)
    #: Everything that clients said before the connection was encrypted.
    overheard: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.port = free_port()
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(CERTIFICATE)
        owner = self

        class Handler(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                try:
                    Conversation(owner, self.request).hold()
                except (OSError, EOFError):
                    pass  # the client went away

        class Server(socketserver.ThreadingTCPServer):
            allow_reuse_address = True
            daemon_threads = True

        self.server = Server(("127.0.0.1", self.port), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()

    def __enter__(self) -> MailServer:
        return self

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join(60)

    @property
    def url(self) -> str:
        scheme = {"none": "smtp+plain", "starttls": "smtp", "tls": "smtps"}[self.encryption]
        person = f"emban%40example.com:{self.password}@" if self.password else ""
        trusted = "" if self.encryption == "none" else f"?ca={CERTIFICATE}"
        return f"{scheme}://{person}localhost:{self.port}{trusted}"

    def wait(self, recipient: str) -> Mail:
        """The newest mail to somebody, once there is one."""
        eventually(lambda: [m.recipient for m in self.mails], lambda found: recipient in found, f"a mail to {recipient}", 60)
        return next(mail for mail in reversed(self.mails) if mail.recipient == recipient)


def padded(code: str, size: int) -> str:
    """A reply of so many bytes, or of the fewest that it takes."""
    last = f"{code} go ahead\r\n"
    lines = ""
    while (rest := size - len(lines) - len(last)) > 0:
        # No line may be left that is too short to be one.
        length = rest if rest <= 100 else min(80, rest - 20)
        lines += f"{code}-{'x' * (length - 6)}\r\n"
    return lines + last


class Conversation:
    def __init__(self, owner: MailServer, connection: object) -> None:
        self.owner = owner
        self.connection = connection
        self.encrypted = False
        self.login = ""
        if owner.encryption == "tls":
            self.encrypt()
        self.reader = self.connection.makefile("rb")

    def encrypt(self) -> None:
        self.connection = self.owner.context.wrap_socket(self.connection, server_side=True)
        self.encrypted = True

    def say(self, text: str) -> None:
        self.connection.sendall(f"{text}\r\n".encode())

    def line(self) -> str:
        line = self.reader.readline()
        if not line:
            raise EOFError
        text = line.decode().rstrip("\r\n")
        if not self.encrypted:
            self.owner.overheard.append(text)
        return text

    def hold(self) -> None:
        sender = recipient = ""
        self.say("220 mail.example.com")
        while True:
            line = self.line()
            verb, _, rest = line.partition(" ")
            if verb == "EHLO":
                self.say("250-mail.example.com")
                if self.owner.encryption == "starttls" and not self.encrypted:
                    self.say("250-STARTTLS")
                if self.owner.password:
                    self.say("250-AUTH PLAIN LOGIN")
                self.say("250 8BITMIME")
            elif verb == "STARTTLS":
                if self.owner.before_tls:
                    size, text = self.owner.before_tls
                    self.connection.sendall((padded("220", size) + text).encode())
                else:
                    self.say("220 go ahead")
                self.encrypt()
                self.owner.handshakes += 1
                self.reader = self.connection.makefile("rb")
            elif verb == "AUTH":
                _, user, password = base64.b64decode(rest.split(" ")[1]).decode().split("\0")
                self.login = f"{user}:{password}"
                self.say("235 welcome" if password == self.owner.password else "535 who are you")
            elif verb == "MAIL":
                sender = rest[len("FROM:<"):-1]
                self.say("250 ok")
            elif verb == "RCPT":
                recipient = rest[len("TO:<"):-1]
                self.say("550 nobody here" if recipient in self.owner.refused else "250 ok")
            elif verb == "DATA":
                self.say("354 go on")
                lines: list[str] = []
                while (text := self.line()) != ".":
                    lines.append(text.removeprefix("."))
                message = email.message_from_string("\r\n".join(lines), policy=email.policy.default)
                assert isinstance(message, EmailMessage)
                self.owner.mails.append(Mail(sender, recipient, message, self.encrypted, self.login))
                self.say("250 taken")
            elif verb == "QUIT":
                self.say("221 bye")
                return
            else:
                self.say("500 what")
