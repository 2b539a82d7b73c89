"""A real nginx as a process, with the configuration that the project gives as an example: only addresses and paths of
files are put in.
"""

from __future__ import annotations

import datetime
import os
import re
import shutil
import signal
import socket
import ssl
import tempfile
from collections.abc import Mapping
from pathlib import Path

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.e2e.process import Process
from tests.e2e.prometheus import own_address
from tests.e2e.waiting import CLOCK, until

EXAMPLE = Path(__file__).parents[2] / "deploy" / "nginx"
REQUIRED_VARIABLE = "WEB_TESTS"
"""``required``: where nginx is not installed that is a failure and no reason to skip."""
NAME = "desktops.example.org"
_MAIN = """\
daemon off;
master_process off;
pid {directory}/nginx.pid;
error_log stderr warn;
events {{ worker_connections 512; }}
http {{
    access_log off;
    default_type application/octet-stream;
    client_body_temp_path {directory}/body;
    proxy_temp_path {directory}/proxy;
    fastcgi_temp_path {directory}/fastcgi;
    uwsgi_temp_path {directory}/uwsgi;
    scgi_temp_path {directory}/scgi;
    include {directory}/winux.conf;
}}
"""


def need_nginx() -> None:
    """Skips where it is not installed, or fails where it is required."""
    if shutil.which("nginx") is None:
        why = "nginx is not installed: `apt-get install nginx-light`"
        if os.environ.get(REQUIRED_VARIABLE) == "required":
            pytest.fail(f"nginx cannot be tested here: {why}")
        pytest.skip(why)


class Nginx:
    """Answers when it was made; ``end`` leaves nothing behind."""

    def __init__(self, upstream: str) -> None:
        """``upstream`` is the ``host:port`` of the controller's page."""
        self.directory = Path(tempfile.mkdtemp(prefix="wxn"))
        self.tls, self.plain = own_address(), own_address()
        self.authority = _certificate(self.directory)
        try:
            self._configure(upstream)
            command = ["nginx", "-p", str(self.directory), "-c", str(self.directory / "nginx.conf")]
            self.process = Process(command, name="nginx", directory=self.directory)
            until(self._serves, what="nginx serves", show=self.process.tail)
        except BaseException:
            self.end()
            raise

    def end(self) -> None:
        try:
            process = getattr(self, "process", None)
            if process is not None:
                if process.status is None:
                    process.signal(signal.SIGTERM)
                    process.wait()
                process.end()
        finally:
            shutil.rmtree(self.directory, ignore_errors=True)

    def _configure(self, upstream: str) -> None:
        text = (EXAMPLE / "winux.conf").read_text(encoding="utf-8")
        for pattern, instead, times in (
            (r"server 127\.0\.0\.1:8080;", f"server {upstream};", 1),
            (r"\n *listen \[::\]:[^\n]*", "", 3),
            (r"listen 443\b", f"listen {self.tls}", 2),
            (r"listen 80\b", f"listen {self.plain}", 1),
            (r"/etc/ssl/winux/", f"{self.directory}/", 2),
            (r"/etc/nginx/winux-proxy\.conf", str(EXAMPLE / "winux-proxy.conf"), 3),
        ):
            # In comments these words may stand as they are.
            found = re.compile(rf"(?m)^(?P<line>[^#\n]*?){pattern}" if not pattern.startswith("\\n") else pattern)
            text, count = found.subn(lambda match, new=instead: match.groupdict().get("line", "") + new, text)
            assert count == times, f"{pattern} stands {count} times in the example"
        (self.directory / "winux.conf").write_text(text, encoding="utf-8")
        (self.directory / "nginx.conf").write_text(_MAIN.format(directory=self.directory), encoding="utf-8")

    def _serves(self) -> bool:
        assert self.process.status is None, self.process.tail()
        host, _, port = self.tls.partition(":")
        with socket.socket() as probe:
            return probe.connect_ex((host, int(port))) == 0


class Browser(httpx.Client):
    """Asks for the site by its name, comes from ``address``, and believes only the site's own authority."""

    def __init__(self, nginx: Nginx, *, address: str, headers: Mapping[str, str] | None = None) -> None:
        trust = ssl.create_default_context(cafile=str(nginx.authority))
        transport = httpx.HTTPTransport(verify=trust, local_address=address)
        super().__init__(
            base_url=f"https://{nginx.tls}", transport=transport, trust_env=False, timeout=60, headers=headers
        )

    def send(self, request: httpx.Request, **more: object) -> httpx.Response:  # type: ignore[override]
        request.headers["host"] = NAME
        request.extensions = {**request.extensions, "sni_hostname": NAME}
        return super().send(request, **more)  # type: ignore[arg-type]


def _certificate(directory: Path) -> Path:
    """A certificate for the site that vouches for itself; returns its file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, NAME)])
    now = datetime.datetime.fromtimestamp(CLOCK.now(), datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(minutes=5))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(NAME)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    chain, private = directory / "fullchain.pem", directory / "privkey.pem"
    chain.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    private.touch(mode=0o600)
    private.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return chain
