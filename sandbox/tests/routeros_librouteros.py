"""A session of the untagged client librouteros with the router stand-in: host port tls|plain token|plain user password fingerprint."""

import hashlib
import ssl
import sys

from librouteros import connect
from librouteros.exceptions import TrapError
from librouteros.login import plain, token
from librouteros.query import Key, Or

host, port, transport, login, user, password, fingerprint = sys.argv[1:]


def pinned(socket):
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    wrapped = context.wrap_socket(socket)
    certificate = wrapped.getpeercert(binary_form=True)
    assert hashlib.sha256(certificate).hexdigest() == fingerprint, "another certificate"
    return wrapped


def refused(message, act):
    try:
        act()
    except TrapError as trap:
        assert message in str(trap), f"{trap} is not about {message}"
    else:
        raise AssertionError(f"nothing was refused with {message}")


def open_api(with_password):
    options = {"ssl_wrapper": pinned} if transport == "tls" else {}
    method = token if login == "token" else plain
    return connect(host=host, port=int(port), username=user, password=with_password, login_method=method,
                   encoding="latin-1", timeout=20, **options)


refused("cannot log in" if login == "token" else "invalid user name or password", lambda: open_api("wrong"))
api = open_api(password)

assert [row["name"] for row in api.path("system", "identity")] == ["Stand-in"]
assert "version" in list(api.path("system", "resource"))[0]

profiles = api.path("ip", "hotspot", "user", "profile")
profile = profiles.add(**{"name": "1h-5M", "rate-limit": "5M/5M", "shared-users": "1"})
users = api.path("ip", "hotspot", "user")
refused("input does not match any value of profile", lambda: users.add(name="u0", profile="none"))
ids = [users.add(name=f"guest{n}", password="9F3K", profile="1h-5M", comment="caf\xe9", **{"limit-uptime": "60m"})
       for n in range(3)]
assert len(set(ids)) == 3 and all(one.startswith("*") for one in ids)
refused("already have user with this name for this server", lambda: users.add(name="guest0"))

name, comment, limit, profile_of = Key("name"), Key("comment"), Key("limit-uptime"), Key("profile")
rows = list(users.select(name, comment, limit, profile_of).where(name == "guest1"))
assert rows == [{"name": "guest1", "comment": "caf\xe9", "limit-uptime": "1h", "profile": "1h-5M"}], rows
rows = list(users.select(name).where(Or(name == "guest0", name == "guest2"), limit == "1h"))
assert [row["name"] for row in rows] == ["guest0", "guest2"], rows
assert list(users.select(name).where(name == "nobody")) == []

users.update(**{".id": ids[0], "limit-uptime": "1w4d1h16m55s", "disabled": True})
row = list(users.select("limit-uptime", "disabled").where(Key(".id") == ids[0]))[0]
assert row == {"limit-uptime": "1w4d1h16m55s", "disabled": True}, row
users.remove(ids[0], ids[1])
refused("no such item", lambda: users.remove(ids[0]))
assert [row["name"] for row in users if row["name"].startswith("guest")] == ["guest2"]

active = api.path("ip", "hotspot", "active")
assert list(active) == []
login_to = {"user": "guest2", "password": "9F3K", "mac-address": "02:00:00:00:00:01"}
refused("unknown host IP", lambda: tuple(active("login", ip="10.5.50.250", **login_to)))
tuple(active("login", ip="10.5.50.10", **login_to))
rows = list(active)
assert len(rows) == 1 and rows[0]["user"] == "guest2" and rows[0]["session-time-left"] == "1h", rows
cookies = api.path("ip", "hotspot", "cookie")
assert [row["user"] for row in cookies] == ["guest2"]
active.remove(rows[0][".id"])
assert list(active) == [] and list(cookies) == []

refused("no such command", lambda: tuple(api("/ip/hotspot/teleport/print")))
users.remove(ids[2])
profiles.remove(profile)
api.close()
print("librouteros: session complete")
