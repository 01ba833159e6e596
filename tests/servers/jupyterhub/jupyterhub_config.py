"""The hub of the tests: whoever knows the one password may sign in; it starts no notebooks, so nothing stands in front of it."""

import os

from jupyterhub.proxy import Proxy

c = get_config()  # noqa: F821

port, data = os.environ["HUB_PORT"], os.environ["HUB_DATA"]


class NoProxy(Proxy):
    """Remembers the routes that it is told of, for the hub looks whether they are there. Callers reach the hub itself."""

    should_start = False

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.routes = {}

    async def add_route(self, routespec, target, data):
        self.routes[routespec] = {"routespec": routespec, "target": target, "data": data}

    async def delete_route(self, routespec):
        self.routes.pop(routespec, None)

    async def get_all_routes(self):
        return self.routes


c.JupyterHub.proxy_class = NoProxy
c.JupyterHub.bind_url = f"http://127.0.0.1:{port}"
c.JupyterHub.hub_bind_url = f"http://127.0.0.1:{port}"
c.JupyterHub.db_url = f"sqlite:///{data}/jupyterhub.sqlite"
c.JupyterHub.cookie_secret_file = f"{data}/cookie_secret"
c.JupyterHub.authenticator_class = "shared-password"
c.SharedPasswordAuthenticator.user_password = "hub-of-the-tests"
c.Authenticator.allow_all = True
c.JupyterHub.concurrent_spawn_limit = 0
# What the token of a service like ours may do, and no more.
c.JupyterHub.services = [{"name": "revoked", "api_token": "service-of-the-tests"}]
c.JupyterHub.load_roles = [
    {
        "name": "revoked",
        "scopes": ["admin:users", "tokens", "list:users", "read:users", "admin:servers"],
        "services": ["revoked"],
    }
]
