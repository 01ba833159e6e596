"""Keystone as a WSGI application. It reads the arguments of whatever program hosts it as its own, so they are taken away first."""

import sys

sys.argv = sys.argv[:1]

from keystone.wsgi.api import application  # noqa: E402, F401
