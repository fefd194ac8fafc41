"""Which login is found, and what people are told when it is none, two, or another one's."""

import inspect
import json
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from provisioner.errors import LoginError, ServiceError, UnreachableError
from provisioner.workspace import WorkspaceTarget
from provisioner.workspace.credentials import SETTINGS, SdkHeaders, find_login
from provisioner.workspace.hosts import read_host
from provisioner.workspace.redaction import Redactor

DEV, PROD = "https://dev.example.test", "https://prod.example.test"
TOKEN = "dapi-environment-canary"

CONFIG = """\
[DEFAULT]
host = https://default.example.test
token = dapi-default-canary

[dev]
host = dev.example.test/
token = dapi-dev-canary

[prod]
host  = https://PROD.example.test:443
token = dapi-prod%canary

[m2m]
host = https://m2m.example.test
client_id = some-client
client_secret = m2m-secret-canary

[cli]
host = https://cli.example.test
auth_type = databricks-cli

[hostless]
token = dapi-hostless-canary

[twin1]
host = https://twin.example.test
token = dapi-twin1-canary

[twin2]
host = https://twin.example.test
token = dapi-twin2-canary

[copied]
host = https://copied.example.test/?o=123
token = dapi-copied-canary
"""


@pytest.fixture
def environ(tmp_path):
    """Makes an environment whose home holds ``CONFIG``, and nothing else but ``more``."""
    (tmp_path / ".databrickscfg").write_text(CONFIG)

    def make(**more):
        return {"HOME": str(tmp_path)} | more

    return make


def bearer(login):
    return login.headers()["Authorization"].removeprefix("Bearer ")


FOUND = [
    pytest.param(
        WorkspaceTarget(host=PROD),
        {"DATABRICKS_TOKEN": TOKEN},
        (PROD, TOKEN, "DATABRICKS_TOKEN"),
        id="a host from the environment's file and a token from the variables",
    ),
    pytest.param(
        WorkspaceTarget(),
        {"DATABRICKS_HOST": PROD, "DATABRICKS_TOKEN": TOKEN},
        (PROD, TOKEN, "DATABRICKS_TOKEN"),
        id="both from the variables",
    ),
    pytest.param(
        WorkspaceTarget(host=PROD),
        {"DATABRICKS_HOST": "HTTPS://Prod.Example.Test:443/", "DATABRICKS_TOKEN": TOKEN},
        (PROD, TOKEN, "DATABRICKS_TOKEN"),
        id="the same host written differently",
    ),
    pytest.param(
        WorkspaceTarget(host=DEV),
        {"DATABRICKS_TOKEN": f"{TOKEN}\n"},
        (DEV, TOKEN, "DATABRICKS_TOKEN"),
        id="a token with the line break of its file",
    ),
    pytest.param(
        WorkspaceTarget(profile="dev"),
        {},
        (DEV, "dapi-dev-canary", "profile `dev` in ~/.databrickscfg"),
        id="a profile by name",
    ),
    pytest.param(
        WorkspaceTarget(host=PROD, profile="prod"),
        {},
        (PROD, "dapi-prod%canary", "profile `prod` in ~/.databrickscfg"),
        id="a host and the profile for it",
    ),
    pytest.param(
        WorkspaceTarget(),
        {"DATABRICKS_CONFIG_PROFILE": "dev"},
        (DEV, "dapi-dev-canary", "profile `dev` in ~/.databrickscfg"),
        id="a profile by variable",
    ),
    pytest.param(
        WorkspaceTarget(profile="dev"),
        {"DATABRICKS_CONFIG_PROFILE": "prod"},
        (DEV, "dapi-dev-canary", "profile `dev` in ~/.databrickscfg"),
        id="the profile asked for goes before the variable",
    ),
    pytest.param(
        WorkspaceTarget(host=PROD),
        {},
        (PROD, "dapi-prod%canary", "profile `prod` in ~/.databrickscfg"),
        id="the one profile that is for the host",
    ),
    pytest.param(
        WorkspaceTarget(),
        {"DATABRICKS_HOST": DEV},
        (DEV, "dapi-dev-canary", "profile `dev` in ~/.databrickscfg"),
        id="the one profile for the host of the variable",
    ),
    pytest.param(
        WorkspaceTarget(),
        {},
        (
            "https://default.example.test",
            "dapi-default-canary",
            "profile `DEFAULT` in ~/.databrickscfg",
        ),
        id="the default profile",
    ),
    pytest.param(
        WorkspaceTarget(host=DEV, profile="hostless"),
        {},
        (DEV, "dapi-hostless-canary", "profile `hostless` in ~/.databrickscfg"),
        id="a profile without a host",
    ),
    pytest.param(
        WorkspaceTarget(host=PROD),
        {"DATABRICKS_TOKEN": TOKEN, "DATABRICKS_CLIENT_ID": "x", "DATABRICKS_AUTH_TYPE": "pat"},
        (PROD, TOKEN, "DATABRICKS_TOKEN"),
        id="two methods, of which one is chosen by name",
    ),
    pytest.param(
        WorkspaceTarget(host="http://127.0.0.1:80", token="own-canary"),
        {"DATABRICKS_HOST": PROD, "DATABRICKS_TOKEN": TOKEN, "DATABRICKS_CONFIG_PROFILE": "no"},
        ("http://127.0.0.1", "own-canary", "the local workspace"),
        id="the local workspace, whatever is set",
    ),
]


@pytest.mark.parametrize(("target", "more", "expected"), FOUND)
def test_found_without_the_sdk(target, more, expected, environ):
    login = find_login(target, environ(**more))
    assert (str(login.host), bearer(login), login.source) == expected
    assert login.method == "pat"
    assert "canary" not in repr((login, login.headers, target))


REFUSED = [
    pytest.param(
        WorkspaceTarget(host=PROD),
        {"DATABRICKS_HOST": DEV, "DATABRICKS_TOKEN": TOKEN},
        "E403",
        [DEV, PROD, "DATABRICKS_HOST"],
        id="a variable that names another host",
    ),
    pytest.param(
        WorkspaceTarget(host=PROD, profile="dev"),
        {},
        "E403",
        [DEV, PROD, "profile `dev`"],
        id="a profile for another host",
    ),
    pytest.param(
        WorkspaceTarget(host=PROD),
        {"DATABRICKS_CONFIG_PROFILE": "dev"},
        "E403",
        [DEV, PROD],
        id="a profile for another host, by variable",
    ),
    pytest.param(
        WorkspaceTarget(profile="dev"),
        {"DATABRICKS_HOST": PROD},
        "E403",
        [DEV, PROD],
        id="a profile and a variable for different hosts",
    ),
    pytest.param(
        WorkspaceTarget(host=f"{PROD}:8443"),
        {"DATABRICKS_HOST": PROD, "DATABRICKS_TOKEN": TOKEN},
        "E403",
        [f"{PROD}:8443", PROD],
        id="the same host with another port",
    ),
    pytest.param(
        WorkspaceTarget(host=PROD),
        {"DATABRICKS_TOKEN": TOKEN, "DATABRICKS_CLIENT_SECRET": "s3cret"},
        "E402",
        [
            "a personal access token (DATABRICKS_TOKEN)",
            "an OAuth client (DATABRICKS_CLIENT_SECRET)",
        ],
        id="a token and an OAuth client",
    ),
    pytest.param(
        WorkspaceTarget(host=PROD),
        {"DATABRICKS_TOKEN": TOKEN, "ARM_CLIENT_ID": "1"},
        "E402",
        ["DATABRICKS_TOKEN", "an Azure login (ARM_CLIENT_ID)"],
        id="a token and an Azure login",
    ),
    pytest.param(
        WorkspaceTarget(profile="m2m"),
        {"DATABRICKS_TOKEN": TOKEN},
        "E402",
        ["DATABRICKS_TOKEN", "an OAuth client (profile `m2m` in ~/.databrickscfg)"],
        id="a token and a profile with a client",
    ),
    pytest.param(
        WorkspaceTarget(profile="dev"),
        {"DATABRICKS_TOKEN": TOKEN},
        "E402",
        ["a personal access token (DATABRICKS_TOKEN and profile `dev` in ~/.databrickscfg)"],
        id="two different tokens",
    ),
    pytest.param(
        WorkspaceTarget(profile="cli"),
        {"DATABRICKS_TOKEN": TOKEN},
        "E402",
        ["databricks-cli (profile `cli`"],
        id="a token and a profile that names another type",
    ),
    pytest.param(
        WorkspaceTarget(host="https://twin.example.test"),
        {},
        "E402",
        ["twin1, twin2"],
        id="two profiles for the host",
    ),
    pytest.param(
        WorkspaceTarget(profile="none"),
        {},
        "E418",
        ["no profile `none` in ~/.databrickscfg"],
        id="a profile that is not there",
    ),
    pytest.param(
        WorkspaceTarget(profile="dev"),
        {"DATABRICKS_CONFIG_FILE": "/nonexistent/cfg"},
        "E418",
        ["/nonexistent/cfg"],
        id="a file that is not there",
    ),
    pytest.param(
        WorkspaceTarget(profile="copied"),
        {},
        "E404",
        ["profile `copied`", "query"],
        id="a profile's host copied from a browser",
    ),
    pytest.param(
        WorkspaceTarget(),
        {"DATABRICKS_TOKEN": TOKEN},
        "E401",
        ["no workspace is configured"],
        id="a token without a host",
    ),
    pytest.param(
        WorkspaceTarget(host=PROD),
        {"DATABRICKS_TOKEN": '"quoted canary"'},
        "E406",
        ["the token in DATABRICKS_TOKEN contains characters"],
        id="a token in quotes",
    ),
    pytest.param(
        WorkspaceTarget(host=PROD),
        {"DATABRICKS_TOKEN": "dapi\r\nX-Canary: 1"},
        "E406",
        ["contains characters"],
        id="a token with a header behind it",
    ),
    pytest.param(
        WorkspaceTarget(host=PROD),
        {"DATABRICKS_TOKEN": " "},
        "E406",
        ["contains characters"],
        id="a blank token",
    ),
]


@pytest.mark.parametrize(("target", "more", "code", "parts"), REFUSED)
def test_refused(target, more, code, parts, environ):
    with pytest.raises(LoginError) as caught:
        find_login(target, environ(**more))
    (problem,) = caught.value.problems
    text = f"{problem.message} {problem.hint}"
    assert problem.code == code
    assert problem.hint
    assert [part for part in parts if part not in text] == []
    assert "anary" not in text
    assert "s3cret" not in text


BROKEN = [
    pytest.param("token = dapi-canary\n", "line 1", id="a setting outside of a profile"),
    pytest.param("[a]\nhost\ndapi-canary\n", "line 2", id="a line that is no setting"),
    pytest.param("[a]\nx=1\n[a]\ntoken=dapi-canary\n", "line 3", id="a profile twice"),
]


@pytest.mark.parametrize(("text", "place"), BROKEN)
def test_a_broken_file_is_told_by_its_place_not_its_text(text, place, tmp_path):
    path = tmp_path / "cfg"
    path.write_text(text)
    with pytest.raises(LoginError, match=place) as caught:
        find_login(WorkspaceTarget(profile="a"), {"DATABRICKS_CONFIG_FILE": str(path)})
    assert "canary" not in str(caught.value)


def test_a_file_that_may_not_be_read(tmp_path):
    with pytest.raises(LoginError, match=r"cannot read .*directory"):
        find_login(WorkspaceTarget(profile="a"), {"DATABRICKS_CONFIG_FILE": str(tmp_path)})


def test_the_default_profile_can_be_named(tmp_path):
    path = tmp_path / "cfg"
    path.write_text(f"[__settings__]\ndefault_profile = a\n[a]\nhost = {DEV}\ntoken = t0ken\n")
    login = find_login(WorkspaceTarget(), {"DATABRICKS_CONFIG_FILE": str(path)})
    assert (str(login.host), bearer(login)) == (DEV, "t0ken")


HOSTS = [
    pytest.param("https://a.example.test", "https://a.example.test", id="as it should be"),
    pytest.param("A.Example.TEST/", "https://a.example.test", id="without a scheme"),
    pytest.param(" https://a.example.test:443\n", "https://a.example.test", id="with blanks"),
    pytest.param("https://a.example.test:8443/", "https://a.example.test:8443", id="with a port"),
    pytest.param("http://127.0.0.1:8080", "http://127.0.0.1:8080", id="this machine"),
    pytest.param("http://127.8.9.1", "http://127.8.9.1", id="this machine, differently"),
    pytest.param("http://localhost:80", "http://localhost", id="this machine by name"),
    pytest.param("http://[::1]:81", "http://[::1]:81", id="this machine in IPv6"),
    pytest.param("https://[2001:DB8::1]", "https://[2001:db8::1]", id="IPv6"),
]


@pytest.mark.parametrize(("text", "expected"), HOSTS)
def test_hosts(text, expected):
    assert str(read_host(text, "it")) == expected


BAD_HOSTS = {
    "http://a.example.test": "only for this machine",
    "http://127.0.0.1.example.test": "only for this machine",
    "http://localhost.example.test": "only for this machine",
    "http://2130706433": "only for this machine",
    "http://0.0.0.0": "only for this machine",
    "http://[::ffff:10.0.0.1]": "only for this machine",
    "ftp://a.example.test": "begins with `ftp://`",
    "https://user:canary@a.example.test": "user name",
    "https://canary@a.example.test": "user name",
    "https://a.example.test/?o=123": "query",
    "https://a.example.test?canary": "query",
    "https://a.example.test/#canary": "fragment",
    "https://a.example.test/api": "path",
    "https://a.example.test//": "path",
    "https://a.example.test\\@evil.test": "user name",
    "https://a.example.test\\evil": "not a URL",
    "https://ex\u0430mple.test": "not ASCII",
    "https://a.example.test.": "not a URL",
    "https://a..example.test": "not a URL",
    "https://a.example.test:0": "port",
    "https://a.example.test:65536": "port",
    "https://a.example.test:443:443": "not a URL",
    "https://a.example.test:": "not a URL",
    "https://a.example.test%2eevil.test": "not a URL",
    "https://a.example.test\r\nX: y": "not ASCII",
    "https://[::1": "not a URL",
    "https://[zz]": "not a URL",
    "https://[1:2]": "not a URL",
    f"https://{'a' * 64}.test": "not a URL",
    "https://": "not a URL",
    "//a.example.test": "not a URL",
}


@pytest.mark.parametrize(("text", "reason"), BAD_HOSTS.items(), ids=map(ascii, BAD_HOSTS))
def test_hosts_that_no_token_is_sent_to(text, reason):
    with pytest.raises(LoginError) as caught:
        find_login(WorkspaceTarget(host=text), {"DATABRICKS_TOKEN": TOKEN, "HOME": "/nonexistent"})
    (problem,) = caught.value.problems
    assert problem.code == "E404"
    assert reason in problem.message
    assert "canary" not in problem.message + problem.hint


def test_the_right_address_is_suggested():
    with pytest.raises(LoginError) as caught:
        read_host("https://adb-1.5.azuredatabricks.net/browse?o=1#job/2", "DATABRICKS_HOST")
    assert caught.value.problems[0].hint == "write only https://adb-1.5.azuredatabricks.net"


def test_the_table_of_methods_is_the_sdks():
    from databricks.sdk.config import Config

    theirs = {
        (a.name, a.auth, a.env, *a.env_aliases) for a in Config.attributes() if a.auth and a.env
    }
    assert {(s.key, s.family, *s.variables) for s in SETTINGS} == theirs


class TestThroughTheSdk:
    """What is not a token that was given is the SDK's business: its real one, on loopback."""

    @pytest.fixture
    def environ(self, monkeypatch, tmp_path):
        """The SDK reads the process's environment, so that has to be the one given."""
        import os

        names = {name for setting in SETTINGS for name in setting.variables}
        for name in [*names, *(name for name in os.environ if name.startswith("DATABRICKS"))]:
            monkeypatch.delenv(name, raising=False)
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv("HOME", str(tmp_path))
        monkeypatch.setenv("PATH", str(tmp_path))

        def make(**more):
            for name, value in more.items():
                monkeypatch.setenv(name, value)
            return os.environ

        return make

    @staticmethod
    def workspace(token_answers):
        """A workspace that gives out OAuth tokens; ``token_answers``: (status, body)."""
        answers = iter(token_answers)

        def behave(sock, server):
            head, _ = server.requests[-1]
            path = head.split(" ")[1]
            status, body = 200, {}
            if path == "/.well-known/databricks-config":
                body = {"oidc_endpoint": f"{server.url}/oidc", "workspace_id": "1"}
            elif path.startswith("/oidc/.well-known"):
                body = {
                    "authorization_endpoint": "x",
                    "token_endpoint": f"{server.url}/oidc/v1/token",
                }
            elif path == "/oidc/v1/token":
                status, body = next(answers)
            text = json.dumps(body).encode()
            sock.sendall(
                f"HTTP/1.1 {status} X\r\nContent-Type: application/json\r\n"
                f"Content-Length: {len(text)}\r\nConnection: close\r\n\r\n".encode()
                + text
            )

        return behave

    def test_oauth_and_renewal_of_the_token(self, serve, connect, environ):
        def token(number, expires_in):
            return 200, {
                "access_token": f"oauth-{number}",
                "token_type": "Bearer",
                "expires_in": expires_in,
            }

        server = serve(self.workspace([token(1, 1), token(2, 3600)]))
        variables = environ(DATABRICKS_CLIENT_ID="id", DATABRICKS_CLIENT_SECRET="s3cret-canary")
        connection = connect(server.url, environ=variables)
        for _ in range(3):
            assert connection.get("/api/2.0/x") == {}
        sent = [head for head, _ in server.requests if "/api/2.0/x" in head]
        assert [head.partition("Bearer ")[2].split("\r\n")[0] for head in sent] == [
            "oauth-1",
            "oauth-2",
            "oauth-2",
        ]

    def test_a_profile_and_its_secret_in_a_variable_are_one_login(
        self, serve, connect, environ, tmp_path
    ):
        token = {"access_token": "oauth-1", "token_type": "Bearer", "expires_in": 3600}
        server = serve(self.workspace([(200, token)]))
        (tmp_path / ".databrickscfg").write_text(f"[ci]\nhost = {server.url}\nclient_id = id\n")
        variables = environ(DATABRICKS_CLIENT_SECRET="s3cret-canary")
        connection = connect("", environ=variables, target=WorkspaceTarget(profile="ci"))
        assert connection.get("/api/2.0/x") == {}
        assert "Bearer oauth-1" in server.requests[-1][0]

    def test_a_client_that_is_refused(self, serve, connect, environ, caplog):
        refusal = {"error": "invalid_client", "error_description": "no such s3cret-canary"}
        server = serve(self.workspace([(401, refusal)] * 9))
        variables = environ(DATABRICKS_CLIENT_ID="id", DATABRICKS_CLIENT_SECRET="s3cret-canary")
        with caplog.at_level("DEBUG"), pytest.raises((LoginError, UnreachableError)) as caught:
            connect(server.url, environ=variables).get("/api/2.0/x")
        assert caught.value.problems[0].code == "E406"
        assert "invalid_client" in str(caught.value)
        assert "canary" not in str(caught.value) + caplog.text

    def test_no_login_names_three_ways_out(self, serve, environ):
        server = serve(self.workspace([]))
        with pytest.raises(LoginError) as caught:
            find_login(WorkspaceTarget(host=server.url), environ())
        (problem,) = caught.value.problems
        assert (problem.code, problem.message) == ("E401", f"no login for {server.url}")
        for way in ("DATABRICKS_TOKEN", "databricks auth login", "DATABRICKS_CLIENT_ID"):
            assert way in problem.hint

    ASKED = [
        pytest.param(
            {"DATABRICKS_AUTH_TYPE": "github-oidc", "DATABRICKS_TOKEN": "dapi-canary"},
            "DATABRICKS_AUTH_TYPE=github-oidc",
            id="a type by name, although there is a token",
        ),
        pytest.param(
            {"DATABRICKS_CLIENT_ID": "id"},
            r"an OAuth client \(DATABRICKS_CLIENT_ID\)",
            id="half a client",
        ),
    ]

    @pytest.mark.parametrize(("more", "asked"), ASKED)
    def test_what_was_asked_for_and_does_not_work_is_named(self, more, asked, serve, environ):
        server = serve(self.workspace([]))
        with pytest.raises(LoginError, match=f"with {asked} failed: ") as caught:
            find_login(WorkspaceTarget(host=server.url), environ(**more))
        assert caught.value.problems[0].code == "E406"
        assert "canary" not in str(caught.value)


def test_workers_do_not_renew_a_token_at_the_same_time():
    class Issuer:
        """Stands for the SDK's Config, and sees whether it is asked twice at once."""

        def __init__(self):
            self.asked, self.most = 0, 0

        def authenticate(self):
            self.asked += 1
            self.most = max(self.most, self.asked)
            somebody_else.wait(0.02)
            self.asked -= 1
            return {"Authorization": "Bearer x"}

    somebody_else = threading.Event()
    issuer = Issuer()
    headers = SdkHeaders(issuer, Redactor([]))
    with ThreadPoolExecutor(4) as workers:
        list(workers.map(lambda _: headers(), range(4)))
    assert issuer.most == 1


def test_the_workspace_refuses_the_token(serve, connect):
    body = b'{"error_code": "UNAUTHENTICATED", "message": "token expired"}'
    server = serve(b"HTTP/1.1 401 No\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
    with pytest.raises(LoginError) as caught:
        connect(server.url).get("/api/2.0/x")
    (problem,) = caught.value.problems
    assert problem.code == "E405"
    assert problem.message.endswith(
        "refused the login from DATABRICKS_TOKEN: UNAUTHENTICATED token expired"
    )
    assert "another workspace" in problem.hint
    assert not isinstance(caught.value, ServiceError)


def test_importing_the_package_loads_nothing_heavy():
    import subprocess

    import provisioner.workspace

    code = (
        "import sys, provisioner.workspace\n"
        "heavy = {'urllib3', 'ssl', 'databricks', 'http', 'requests', 'configparser'}\n"
        "print(sorted(heavy & sys.modules.keys()))\n"
        "provisioner.workspace.connect(provisioner.workspace.WorkspaceTarget('https://a.test'),\n"
        "    {'DATABRICKS_TOKEN': 'x'}, 'agent').close()\n"
        "print('databricks' in sys.modules, 'requests' in sys.modules)\n"
    )
    folder = inspect.getfile(provisioner.workspace).partition("provisioner/workspace")[0]
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, check=True
    )
    assert done.stdout == "[]\nFalse False\n"
