"""People who act in tests, and a machine on which people sign in."""

from core.access import Person

VIEWER = Person("vera@example.org", "viewer")
OPERATOR = Person("otto@example.org", "operator")
OTHER = Person("olga@example.org", "operator")
ADMIN = Person("ada@example.org", "admin")

SIGNING_IN = """
[access]
admins = ["ada@example.org"]
operators = ["otto@example.org", "olga@example.org"]

[auth]
redirect_uri = "http://localhost:8501/oauth2callback"
cookie_secret = "0123456789abcdef0123456789abcdef"
client_id = "cxr-lab"
client_secret = "client-secret-of-the-tests"
server_metadata_url = "http://localhost:1/.well-known/openid-configuration"
"""
