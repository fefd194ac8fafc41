"""The token goes to the one host that was configured: not behind redirects, not to proxies,
not to somebody with another certificate, and not in clear text."""

import socket
import sys
import threading
from contextlib import suppress

import pytest

from provisioner.errors import LostAnswerError, UnreachableError
from provisioner.workspace import WorkspaceTarget
from provisioner.workspace.hosts import read_host
from provisioner.workspace.proxies import is_exempt
from provisioner.workspace.retries import CallLimits

PATH = "/api/2.0/serving-endpoints/chat"
PASSWORD = "p%40ss-canary"


def redirect(status, location):
    return f"HTTP/1.1 {status} X\r\nContent-Length: 0\r\nLocation: {location}\r\n\r\n".encode()


LOCATIONS = {
    "another host": "{trap}" + PATH,
    "another host, without a scheme": "//{trap_address}" + PATH,
    "another host behind a user name": "http://127.0.0.1@{trap_address}" + PATH,
    "the same host with another port": "http://127.0.0.1:{trap_port}/",
    "the same host by name": "http://localhost:{trap_port}/",
    "a path": "/elsewhere",
    "two lines": "{trap}\r\n Authorization: x",
    "a file": "file:///etc/passwd",
    "nothing": "",
}


@pytest.mark.parametrize("status", [300, 301, 302, 303, 304, 307, 308])
@pytest.mark.parametrize("location", LOCATIONS.values(), ids=LOCATIONS)
def test_redirects_are_not_followed(status, location, serve, connect):
    trap = serve("good")
    to = location.format(trap=trap.url, trap_port=trap.port, trap_address=f"127.0.0.1:{trap.port}")
    server = serve(redirect(status, to))
    with pytest.raises(UnreachableError, match="answered with a web page") as caught:
        connect(server.url).get(PATH)
    assert caught.value.problems[0].code == "E413"
    assert (len(server.requests), trap.connections) == (1, 0)


def test_a_redirected_write_was_not_carried_out(serve, connect):
    server = serve(redirect(307, "/login"))
    with pytest.raises(UnreachableError) as caught:
        connect(server.url).send("POST", PATH, {}, repeatable=False)
    assert not isinstance(caught.value, LostAnswerError)
    assert len(server.requests) == 1


def test_the_host_of_a_redirect_is_named(serve, connect):
    server = serve(redirect(302, "https://login.example.test/sign-in?canary"))
    with pytest.raises(UnreachableError, match=r"a redirect to login\.example\.test, status 302"):
        connect(server.url).get(PATH)


def test_a_netrc_file_is_not_read(serve, connect, tmp_path, monkeypatch):
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login canary password canary\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    server = serve("good")
    connect(server.url).get(PATH)
    assert "Authorization: Bearer dapi" in server.requests[0][0]


class ProxyServer:
    """Passes every CONNECT on to one address, whatever name was asked for."""

    def __init__(
        self, upstream_port, answer=b"HTTP/1.1 200 Connection established\r\n\r\n", tls=None
    ):
        self.heads = []
        self._upstream_port = upstream_port
        self._answer = answer
        self._tls = tls
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                sock, _ = self._socket.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(sock,), daemon=True).start()

    def _serve(self, sock):
        with suppress(OSError), sock:
            sock.settimeout(5)
            stream = self._tls.wrap_socket(sock, server_side=True) if self._tls else sock
            with stream:
                self._tunnel(stream)

    def _tunnel(self, stream):
        head = b""
        while b"\r\n\r\n" not in head:
            head += stream.recv(4096)
        self.heads.append(head.decode())
        stream.sendall(self._answer)
        if b" 200 " in self._answer:
            with socket.create_connection(("127.0.0.1", self._upstream_port), 5) as upstream:
                back = threading.Thread(target=pump, args=(upstream, stream), daemon=True)
                back.start()
                pump(stream, upstream)
                back.join(5)

    def close(self):
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()


def pump(source, sink):
    with suppress(OSError):
        while piece := source.recv(65536):
            sink.sendall(piece)
    with suppress(OSError):
        sink.shutdown(socket.SHUT_WR)


@pytest.fixture
def proxy():
    started = []

    def start(*args, **more):
        started.append(ProxyServer(*args, **more))
        return started[-1]

    yield start
    for server in started:
        server.close()


@pytest.fixture
def workspace(serve, tls_for):
    """https://workspace.test, to which only a proxy knows the way."""
    return serve("good", tls=tls_for("workspace.test"))


def through(bundle, **more):
    token = {"DATABRICKS_TOKEN": "dapi-canary", "REQUESTS_CA_BUNDLE": str(bundle)}
    return token | more


VARIABLES = ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"]


@pytest.mark.parametrize("variable", VARIABLES)
def test_a_proxy_sees_the_name_of_the_host_and_nothing_else(
    variable, workspace, proxy, connect, bundle
):
    way = proxy(workspace.port)
    environ = through(bundle, **{variable: f"http://127.0.0.1:{way.port}"})
    assert connect("https://workspace.test", environ).get(PATH) == {"name": "chat"}
    (head,) = way.heads
    assert head.startswith("CONNECT workspace.test:443 HTTP/1.")
    assert "uthorization" not in head
    assert "Authorization: Bearer dapi-canary" in workspace.requests[0][0]


def test_a_proxy_with_a_login_and_without_a_scheme(workspace, proxy, connect, bundle):
    way = proxy(workspace.port)
    environ = through(bundle, HTTPS_PROXY=f"user:{PASSWORD}@127.0.0.1:{way.port}/")
    assert connect("https://workspace.test", environ).get(PATH) == {"name": "chat"}
    assert "Basic dXNlcjpwQHNzLWNhbmFyeQ==" in way.heads[0]
    assert "dapi" not in way.heads[0]


def test_a_proxy_that_speaks_tls(workspace, proxy, connect, bundle, tls_for):
    way = proxy(workspace.port, tls=tls_for("127.0.0.1"))
    environ = through(bundle, HTTPS_PROXY=f"https://127.0.0.1:{way.port}")
    assert connect("https://workspace.test", environ).get(PATH) == {"name": "chat"}
    assert way.heads[0].startswith("CONNECT workspace.test:443")


PAST = [
    pytest.param("127.0.0.1", {"NO_PROXY": ""}, id="this machine"),
    pytest.param("localhost", {}, id="this machine by name"),
]


@pytest.mark.parametrize(("name", "more"), PAST)
def test_no_proxy_leads_to_this_machine(name, more, serve, proxy, connect):
    server = serve("good")
    way = proxy(server.port)
    environ = {"DATABRICKS_TOKEN": "x1234"} | dict.fromkeys(
        ("HTTP_PROXY", "http_proxy", *VARIABLES), f"http://127.0.0.1:{way.port}"
    )
    connect(f"http://{name}:{server.port}", environ | more).get(PATH)
    assert (len(server.requests), way.heads) == (1, [])


def test_our_own_server_is_reached_without_proxy_and_variables(serve, proxy, connect):
    server = serve("good")
    way = proxy(server.port)
    environ = {"HTTP_PROXY": f"http://127.0.0.1:{way.port}", "DATABRICKS_TOKEN": "dapi-canary"}
    target = WorkspaceTarget(host=server.url, token="own-token")
    connect("", environ, target=target).get(PATH)
    assert "Authorization: Bearer own-token\r\n" in server.requests[0][0] + "\r\n"
    assert way.heads == []


EXEMPT = [
    pytest.param("https://a.example.test", "a.example.test", True, id="the name"),
    pytest.param("https://a.example.test", "x, .example.test ,y", True, id="a domain, with a dot"),
    pytest.param("https://a.example.test", "EXAMPLE.test", True, id="a domain, without"),
    pytest.param("https://a.example.test", "*.example.test", True, id="a domain, with a star"),
    pytest.param("https://a.example.test", "*", True, id="all"),
    pytest.param("https://a.example.test", "a.example.test:443", True, id="with the port"),
    pytest.param("https://a.example.test", "a.example.test:8443", False, id="another port"),
    pytest.param("https://a.example.test", "ample.test", False, id="the end of a name is none"),
    pytest.param("https://a.example.test", "b.example.test,", False, id="another name"),
    pytest.param("https://a.example.test", " , ", False, id="nothing"),
    pytest.param("https://10.1.2.3", "10.0.0.0/8", True, id="a network"),
    pytest.param("https://10.1.2.3", "10.1.2.3", True, id="an address"),
    pytest.param("https://11.1.2.3", "10.0.0.0/8", False, id="another network"),
    pytest.param("https://a.example.test", "10.0.0.0/8", False, id="a network and a name"),
    pytest.param("https://10.1.2.3", "10.0.0.0/99", False, id="a network that is none"),
    pytest.param("https://[2001:db8::1]", "2001:db8::1", True, id="an IPv6 address"),
    pytest.param("https://[2001:db8::1]:8443", "[2001:db8::1]:8443", True, id="IPv6 with a port"),
    pytest.param("https://[2001:db8::1]", "2001:db8::/32", True, id="an IPv6 network"),
]


@pytest.mark.parametrize(("host", "exempt", "expected"), EXEMPT)
def test_no_proxy(host, exempt, expected):
    assert is_exempt(read_host(host, "it"), exempt) is expected


def test_a_host_in_no_proxy_is_reached_directly(workspace, proxy, connect, bundle, monkeypatch):
    monkeypatch.setattr(
        socket,
        "getaddrinfo",
        lambda *_, **more: [
            (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", workspace.port))
        ],
    )
    way = proxy(workspace.port)
    environ = through(bundle, HTTPS_PROXY=f"http://127.0.0.1:{way.port}", NO_PROXY=".test")
    assert connect("https://workspace.test", environ).get(PATH) == {"name": "chat"}
    assert way.heads == []


BAD_PROXIES = {
    "socks5://127.0.0.1:1080": "is a `socks5` proxy",
    "http://": "is not the URL of a proxy",
    "http://127.0.0.1:port": "is not the URL of a proxy",
    f"http://u:{PASSWORD}@127.0.0.1:99999": "is not the URL of a proxy",
    f"http://u:{PASSWORD}@bad host:80": "is not the URL of a proxy",
    f"ftp://u:{PASSWORD}@127.0.0.1": "is a `ftp` proxy",
}


@pytest.mark.parametrize(("value", "reason"), BAD_PROXIES.items(), ids=BAD_PROXIES)
def test_a_proxy_that_cannot_be_used(value, reason, connect, bundle):
    with pytest.raises(UnreachableError, match=reason) as caught:
        connect("https://workspace.test", through(bundle, HTTPS_PROXY=value))
    (problem,) = caught.value.problems
    assert problem.code == "E414"
    assert "canary" not in problem.message + problem.hint


REFUSALS = [
    pytest.param(
        b"HTTP/1.1 407 Who\r\n\r\n", r"requires a user name and password \(407\)", 1, id="407"
    ),
    pytest.param(b"HTTP/1.1 403 No\r\n\r\n", r"refused the connection \(403\)", 2, id="403"),
    pytest.param(b"", "the connection broke", 2, id="no answer"),
    pytest.param(b"HTTP/1.1 2", "the connection broke", 2, id="half an answer"),
]


@pytest.mark.parametrize(("answer", "reason", "tries"), REFUSALS)
def test_a_proxy_that_refuses(answer, reason, tries, proxy, connect):
    way = proxy(0, answer=answer)
    environ = {
        "DATABRICKS_TOKEN": "dapi-canary",
        "HTTPS_PROXY": f"http://user:{PASSWORD}@127.0.0.1:{way.port}",
    }
    connection = connect("https://workspace.test", environ, CallLimits(attempts=2))
    with pytest.raises(UnreachableError, match=reason) as caught:
        connection.send("POST", PATH, {}, repeatable=False)
    (problem,) = caught.value.problems
    assert problem.code == "E414"
    assert f"through the proxy http://127.0.0.1:{way.port} (HTTPS_PROXY)" in problem.message
    assert "canary" not in problem.message + problem.hint
    assert len(way.heads) == tries


def test_a_proxy_with_a_certificate_that_nobody_knows(proxy, connect, tls_for):
    way = proxy(0, tls=tls_for("127.0.0.1"))
    environ = {"DATABRICKS_TOKEN": "x1234", "HTTPS_PROXY": f"https://127.0.0.1:{way.port}"}
    with pytest.raises(UnreachableError, match=r"through the proxy .* certificate is not trusted"):
        connect("https://workspace.test", environ).get(PATH)


def test_a_workspace_behind_a_proxy_with_such_a_certificate(workspace, proxy, connect):
    way = proxy(workspace.port)
    environ = {"DATABRICKS_TOKEN": "x1234", "HTTPS_PROXY": f"http://127.0.0.1:{way.port}"}
    expected = r"the certificate of https://workspace\.test is not trusted"
    with pytest.raises(UnreachableError, match=expected):
        connect("https://workspace.test", environ).get(PATH)
    assert workspace.requests == []


def test_a_proxy_whose_name_nobody_knows(connect, monkeypatch):
    def unknown(*anything, **more):
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    environ = {"DATABRICKS_TOKEN": "x1234", "HTTPS_PROXY": "http://proxy.test:3128"}
    expected = r"through the proxy http://proxy\.test:3128 .*: its name cannot be resolved"
    with pytest.raises(UnreachableError, match=expected):
        connect("https://workspace.test", environ).get(PATH)


def test_a_proxy_that_is_not_there(refused, connect):
    environ = {"DATABRICKS_TOKEN": "dapi-canary", "HTTPS_PROXY": refused}
    with pytest.raises(UnreachableError, match=r"through the proxy .*: connection refused"):
        connect("https://workspace.test", environ).get(PATH)


class TestCertificates:
    @pytest.fixture
    def server(self, serve, tls_for):
        return serve("good", tls=tls_for("127.0.0.1"))

    @pytest.mark.parametrize("variable", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"])
    def test_an_authority_of_ones_own(self, variable, server, connect, bundle):
        environ = {"DATABRICKS_TOKEN": "x1234", variable: str(bundle)}
        assert connect(server.url, environ).get(PATH) == {"name": "chat"}

    def test_an_unknown_authority(self, server, connect):
        with pytest.raises(
            UnreachableError, match=r"the certificate of .* is not trusted"
        ) as caught:
            connect(server.url).get(PATH)
        (problem,) = caught.value.problems
        assert problem.code == "E409"
        assert "REQUESTS_CA_BUNDLE" in problem.hint
        assert (server.requests, server.connections) == ([], 1)

    def test_a_certificate_for_another_name(self, serve, tls_for, connect, bundle):
        server = serve("good", tls=tls_for("other.test"))
        environ = {"DATABRICKS_TOKEN": "x1234", "REQUESTS_CA_BUNDLE": str(bundle)}
        with pytest.raises(UnreachableError, match=r"not trusted.*not valid for '127"):
            connect(server.url, environ).get(PATH)
        assert server.requests == []

    GREETINGS = [
        pytest.param(b"HTTP/1.1 400 Bad\r\n\r\n", "wrong version number", id="in clear text"),
        pytest.param(b"", "tried 3 times", id="not at all"),
    ]

    @pytest.mark.parametrize(("greeting", "reason"), GREETINGS)
    def test_who_speaks_no_tls_was_never_sent_anything(self, greeting, reason, connect):
        with socket.create_server(("127.0.0.1", 0)) as listening:
            greeter = threading.Thread(target=greet, args=(listening, greeting, 3))
            greeter.start()
            connection = connect(f"https://127.0.0.1:{listening.getsockname()[1]}")
            with pytest.raises(UnreachableError, match=reason) as caught:
                connection.send("POST", PATH, {}, repeatable=False)
            greeter.join(5)
        assert caught.value.problems[0].code in ("E408", "E409")

    def test_a_handshake_without_end(self, connect):
        with socket.create_server(("127.0.0.1", 0)) as listening:
            limits = CallLimits(attempts=1, connect_s=0.2)
            url = f"https://127.0.0.1:{listening.getsockname()[1]}"
            with pytest.raises(UnreachableError, match=r"no connection within 0\.2 s") as caught:
                connect(url, limits=limits).send("POST", PATH, {}, repeatable=False)
        assert caught.value.problems[0].code == "E410"

    def test_certifis_authorities_count(self, server, connect, bundle, monkeypatch):
        monkeypatch.setattr("certifi.where", lambda: str(bundle))
        assert connect(server.url).get(PATH) == {"name": "chat"}

    def test_without_certifi_the_systems_authorities_count(self, server, connect, monkeypatch):
        monkeypatch.setitem(sys.modules, "certifi", None)
        with pytest.raises(UnreachableError, match="is not trusted"):
            connect(server.url).get(PATH)

    def test_an_empty_folder_of_certificates_trusts_nobody(self, server, connect, tmp_path):
        environ = {"DATABRICKS_TOKEN": "x1234", "REQUESTS_CA_BUNDLE": str(tmp_path)}
        with pytest.raises(UnreachableError, match="is not trusted"):
            connect(server.url, environ).get(PATH)

    @pytest.mark.parametrize(
        ("name", "reason"),
        [
            pytest.param("missing.pem", "No such file", id="not there"),
            pytest.param("empty.pem", "it contains no certificate", id="not a certificate"),
        ],
    )
    def test_a_file_that_cannot_be_used(self, name, reason, tmp_path, connect):
        (tmp_path / "empty.pem").write_text("nothing\n")
        environ = {"DATABRICKS_TOKEN": "x1234", "CURL_CA_BUNDLE": str(tmp_path / name)}
        with pytest.raises(UnreachableError, match=reason) as caught:
            connect("https://workspace.test", environ)
        assert caught.value.problems[0].code == "E415"
        assert "CURL_CA_BUNDLE" in caught.value.problems[0].message


def greet(listening, greeting, times):
    for _ in range(times):
        with listening.accept()[0] as sock, suppress(OSError):
            sock.sendall(greeting)
            sock.recv(4096)
