"""Mail, through the SMTP server that the environment names, messages to web hooks, and calls of functions."""

from __future__ import annotations

import mimetypes
import os
import re
import smtplib
import ssl
from collections.abc import Mapping, Sequence
from email.message import EmailMessage
from html import escape
from pathlib import Path
from urllib.parse import SplitResult, unquote, urlsplit

from .errors import NotFound, StorageError, UsageError

_URL, _FROM = "WORKBENCH_SMTP_URL", "WORKBENCH_MAIL_FROM"
_EXAMPLE = f"{_URL}=smtp://user:password@mail.example.org:587 and {_FROM}=me@example.org"
_FUNCTION = re.compile(r"^[A-Za-z_][\w.]*:[A-Za-z_]\w*$")
_TIMEOUT, _HOOK_TIMEOUT = 30, 10


def mail(
    to: str,
    subject: str,
    text: str,
    attachments: Sequence[Path | tuple[str, bytes]] = (),
    settings: Mapping[str, str] = os.environ,
    figures: Sequence[Path] = (),
) -> None:
    """Send a mail to one address, or to several with commas between. Attachments are files, or (name, content);
    figures are files of pictures, shown below the text.

    In the settings `WORKBENCH_SMTP_URL` is `smtp://user:password@host:port` (STARTTLS where the server offers it; a
    password is not sent without it but to this machine) or `smtps://…` (TLS from the start).
    Raises UsageError for settings and addresses, NotFound for an attachment, StorageError when the server refuses.
    """
    server = check(to, settings)
    message = _message(settings[_FROM], to, subject, text, attachments, figures)
    where = f"{server.hostname}:{_port(server)}"
    try:
        with _connected(server) as connection:
            if server.username:
                _log_in(connection, server)
            connection.send_message(message)
    except smtplib.SMTPAuthenticationError as error:
        raise UsageError(f"{where} does not know the user {server.username}", fix=f"check {_URL}") from error
    except smtplib.SMTPRecipientsRefused as error:
        refused = "; ".join(f"{address}: {_said(reply[1])}" for address, reply in error.recipients.items())
        raise UsageError(f"the mail was not sent: {where} refuses {refused}", fix="check the address") from error
    except smtplib.SMTPResponseException as error:
        what = f"the mail to {to} was not sent: {where} says {_said(error.smtp_error)}"
        raise StorageError(what, fix=f"try again later, or check {_FROM} and {_URL}") from error
    except (OSError, smtplib.SMTPException) as error:
        raise StorageError(f"the mail to {to} was not sent: {where}: {error}", fix=f"check {_URL}") from error


def check(to: str, settings: Mapping[str, str] = os.environ) -> SplitResult:
    """Refuse what cannot be mailed before any work is done: missing settings, an address that is none."""
    missing = [name for name in (_URL, _FROM) if not settings.get(name)]
    if missing:
        raise UsageError(f"mail needs {' and '.join(missing)} in the environment", fix=f"set {_EXAMPLE}")
    addresses = [address.strip() for address in to.split(",")]
    bad = next((a for a in addresses if a.count("@") != 1 or a.startswith("@") or a.endswith("@") or " " in a), None)
    if bad is not None or "\n" in to:
        raise UsageError(f"{bad or to!r} is not a mail address", fix="--email name@example.org")
    server = urlsplit(settings[_URL])
    try:
        well_formed = server.scheme in ("smtp", "smtps") and server.hostname and (server.port or True)
    except ValueError:
        well_formed = False
    if not well_formed:
        raise UsageError(f"{_URL} is not smtp[s]://user:password@host:port", fix=f"set {_EXAMPLE}")
    return server


def can_mail(settings: Mapping[str, str] = os.environ) -> bool:
    """Whether the settings name a server and a sender."""
    return bool(settings.get(_URL) and settings.get(_FROM))


def tell(
    where: str,
    subject: str,
    text: str,
    settings: Mapping[str, str] = os.environ,
    files: Sequence[Path] = (),
) -> None:
    """A mail to an address, with pictures below its text and other files attached, or a POST of JSON, which chats show,
    to an `http(s)://` URL. Raises what goes wrong."""
    if "://" not in where:
        figures = [file for file in files if file.suffix == ".png"]
        mail(where, subject, text, [file for file in files if file not in figures], settings, figures)
        return
    import httpx

    said = {"text": f"{subject}: {text}", "subject": subject}
    httpx.post(where, json=said, timeout=_HOOK_TIMEOUT).raise_for_status()


def check_place(where: str, settings: Mapping[str, str] = os.environ) -> None:
    """Refuse, with UsageError, whom `tell` could not tell."""
    if "://" not in where and "@" in where:
        check(where, settings)
        return
    try:
        place = urlsplit(where)
        well_formed = place.scheme in ("http", "https") and place.hostname and (place.port or True)
    except ValueError:
        well_formed = False
    if not well_formed:
        what = f"{where!r} is neither a mail address nor a URL"
        raise UsageError(what, fix="--notify name@example.org, or --notify https://example.org/hook")


def is_function(where: str) -> bool:
    """Whether it is `module:function`."""
    return bool(_FUNCTION.match(where))


def _message(
    sender: str,
    to: str,
    subject: str,
    text: str,
    attachments: Sequence[Path | tuple[str, bytes]],
    figures: Sequence[Path],
) -> EmailMessage:
    message = EmailMessage()
    message["From"], message["To"] = sender, to
    message["Subject"] = " ".join(subject.split())
    message.set_content(text)
    if figures:
        _show(message, text, figures)
    for attachment in attachments:
        name, content = attachment if isinstance(attachment, tuple) else _read(Path(attachment))
        kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
        if mimetypes.guess_type(name)[1]:
            kind = "application/gzip"
        main, _, sub = kind.partition("/")
        message.add_attachment(content, maintype=main, subtype=sub, filename=name)
    return message


def _show(message: EmailMessage, text: str, figures: Sequence[Path]) -> None:
    """The text again as a page, with the figures in it."""
    contents = [_read(figure) for figure in figures]
    pictures = "".join(f'<p><img src="cid:{i}@workbench" alt="{escape(n)}"></p>' for i, (n, _) in enumerate(contents))
    message.add_alternative(f"<pre>{escape(text)}</pre>{pictures}", subtype="html")
    page = message.get_payload()[1]  # type: ignore[index]
    for i, (name, content) in enumerate(contents):
        how = {"maintype": "image", "subtype": "png", "cid": f"<{i}@workbench>", "filename": name}
        page.add_related(content, disposition="inline", **how)  # type: ignore[union-attr]


def _read(file: Path) -> tuple[str, bytes]:
    try:
        return file.name, file.read_bytes()
    except FileNotFoundError as error:
        raise NotFound(f"there is no file {file} to attach", fix="check its path") from error


def _port(server: SplitResult) -> int:
    return server.port or (465 if server.scheme == "smtps" else 587 if server.username else 25)


def _connected(server: SplitResult) -> smtplib.SMTP:
    host, port = server.hostname or "", _port(server)
    if server.scheme == "smtps":
        return smtplib.SMTP_SSL(host, port, timeout=_TIMEOUT, context=ssl.create_default_context())
    connection = smtplib.SMTP(host, port, timeout=_TIMEOUT)
    connection.ehlo()
    if connection.has_extn("starttls"):
        connection.starttls(context=ssl.create_default_context())
        connection.ehlo()
    return connection


def _log_in(connection: smtplib.SMTP, server: SplitResult) -> None:
    host = server.hostname or ""
    if not isinstance(connection.sock, ssl.SSLSocket) and host not in ("localhost", "127.0.0.1", "::1"):
        raise UsageError(f"{host} offers no TLS: the password is not sent in the clear", fix="use smtps://")
    connection.login(unquote(server.username or ""), unquote(server.password or ""))


def _said(reply: bytes | str) -> str:
    return reply.decode(errors="replace") if isinstance(reply, bytes) else reply
