"""A session of the tagging client RouterOS-api with the router stand-in: host port plain|tls token|plain user password fingerprint."""

import ssl
import sys

import routeros_api
from routeros_api.exceptions import RouterOsApiCommunicationError

host, port, transport, login, user, password, fingerprint = sys.argv[1:]


def refused(message, act):
    try:
        act()
    except RouterOsApiCommunicationError as error:
        assert message in str(error), f"{error} is not about {message}"
    else:
        raise AssertionError(f"nothing was refused with {message}")


def pool(with_password):
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return routeros_api.RouterOsApiPool(
        host, port=int(port), username=user, password=with_password, plaintext_login=login == "plain",
        use_ssl=transport == "tls", ssl_context=context if transport == "tls" else None)


refused("cannot log in" if login == "token" else "invalid user name or password", lambda: pool("wrong").get_api())
connection = pool(password)
api = connection.get_api()

assert api.get_resource("/system/identity").get()[0]["name"] == "Stand-in"

profiles = api.get_resource("/ip/hotspot/user/profile")
profiles.add(name="1h-5M", rate_limit="5M/5M", shared_users="1")
users = api.get_resource("/ip/hotspot/user")
refused("input does not match any value of profile", lambda: users.add(name="u0", profile="none"))
for n in range(3):
    users.add(name=f"25471234567{n}", password="9F3K", profile="1h-5M", limit_uptime="60m", comment="pay:QK12AB34CD")
refused("already have user with this name for this server", lambda: users.add(name="254712345670"))

row = users.get(name="254712345671")[0]
assert row["limit-uptime"] == "1h" and row["profile"] == "1h-5M" and row["disabled"] == "false", row
assert users.get(name="nobody") == []
users.set(id=row["id"], disabled="yes", limit_bytes_total="10000000000")
row = users.get(id=row["id"])[0]
assert row["disabled"] == "true" and row["limit-bytes-total"] == "10000000000", row
users.remove(id=row["id"])
refused("no such item", lambda: users.remove(id=row["id"]))
assert users.get(name="254712345671") == []

active = api.get_resource("/ip/hotspot/active")
assert active.get() == []
login_to = {"user": "254712345672", "password": "9F3K", "mac-address": "02:00:00:00:00:01"}
refused("unknown host IP", lambda: active.call("login", {"ip": "10.5.50.250", **login_to}))
active.call("login", {"ip": "10.5.50.10", **login_to})
rows = active.get(user="254712345672")
assert len(rows) == 1 and rows[0]["mac-address"] == "02:00:00:00:00:01", rows
active.remove(id=rows[0]["id"])
assert active.get() == []

refused("no such command", lambda: api.get_resource("/ip/hotspot/teleport").get())
for name in ("254712345670", "254712345672"):
    users.remove(id=users.get(name=name)[0]["id"])
profiles.remove(id=profiles.get(name="1h-5M")[0]["id"])
connection.disconnect()
print("RouterOS-api: session complete")
