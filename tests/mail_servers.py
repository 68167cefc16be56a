"""A real SMTP server in a thread of the test."""

from __future__ import annotations

import socket
from typing import Any

from aiosmtpd.controller import Controller
from ports import free_port
from waiting import PATIENCE


class MailServer(Controller):
    """It gives what comes to `inbox`. It has more time to begin than aiosmtpd's own second, which a machine that stops a
    process for two does not leave it."""

    def __init__(self, inbox: Any, **options: Any) -> None:
        super().__init__(inbox, hostname="127.0.0.1", port=free_port(), ready_timeout=PATIENCE, **options)

    def _trigger_server(self) -> None:
        with socket.create_connection((self.hostname, self.port), PATIENCE) as asking:
            asking.recv(1024)
