"""A mail server for tests: see start."""

import ssl
import sys
import threading

from aiosmtpd.controller import Controller
from aiosmtpd.handlers import Mailbox
from aiosmtpd.smtp import AuthResult

LOGIN = (b"revoked", b"mail-of-the-tests")


def authenticate(server, session, envelope, mechanism, data):
    return AuthResult(success=(data.login, data.password) == LOGIN, handled=False)


def main(port, folder, port_of_tls):
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(f"{folder}/server.pem", f"{folder}/server.key")
    handler = Mailbox(f"{folder}/mail")
    common = {"hostname": "127.0.0.1", "authenticator": authenticate, "auth_required": True}
    Controller(handler, port=int(port), tls_context=context, require_starttls=True, **common).start()
    Controller(handler, port=int(port_of_tls), ssl_context=context, auth_require_tls=False, **common).start()
    threading.Event().wait()


main(*sys.argv[1:])
