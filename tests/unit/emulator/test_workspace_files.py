"""Files of the workspace, as the Databricks CLI uses them for bundles."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest

WORKSPACE = "/api/2.0/workspace"
IMPORT_FILE = "/api/2.0/workspace-files/import-file"
HOME = "/Workspace/Users/local-user@example.com"
LOCK = f"{HOME}/.bundle/shop/dev/state/deploy.lock"


def import_file(client: Any, path: str, content: bytes, query: str = "") -> Any:
    return client.call("POST", f"{IMPORT_FILE}/{quote(path[1:], safe='')}{query}", content)


def status(client: Any, path: str) -> Any:
    return client.call("GET", f"{WORKSPACE}/get-status?path={path}&return_export_info=true")


def download(client: Any, path: str) -> bytes:
    reply = client.call("GET", f"{WORKSPACE}/export?path={path}&direct_download=true")
    assert reply.status == 200, reply.content
    return bytes(reply.content)


def test_a_file_needs_its_folder_then_a_lock_excludes_another(client: Any) -> None:
    assert import_file(client, LOCK, b"{}", "?overwrite=false").status == 404
    client.post(f"{WORKSPACE}/mkdirs", {"path": LOCK.rpartition("/")[0]})
    assert import_file(client, LOCK, b"{}", "?overwrite=false").status == 200
    refused = import_file(client, LOCK, b"mine", "?overwrite=false")
    assert (refused.status, refused.code) == (409, "RESOURCE_ALREADY_EXISTS")
    assert download(client, LOCK) == b"{}"
    assert import_file(client, LOCK, b"\x00\xff", "?overwrite=true").status == 200
    assert download(client, LOCK) == b"\x00\xff"


def test_a_path_is_the_same_with_and_without_the_prefix(client: Any) -> None:
    client.post(f"{WORKSPACE}/mkdirs", {"path": HOME})
    import_file(client, f"{HOME}/a.txt", b"abc")
    for path in (f"{HOME}/a.txt", f"{HOME}/a.txt".removeprefix("/Workspace")):
        found = status(client, path).json
        assert (found["path"], found["object_type"], found["size"]) == (path, "FILE", 3)
    assert status(client, HOME).json["object_type"] == "DIRECTORY"


def test_an_unencoded_path_is_a_file_too(client: Any) -> None:
    assert client.call("POST", f"{IMPORT_FILE}/Shared/b.json", b"{}").status == 200
    assert download(client, "/Shared/b.json") == b"{}"


def test_the_root_lists_the_folders_that_are_always_there(client: Any) -> None:
    for root in ("/", "/Workspace"):
        listed = client.get(f"{WORKSPACE}/list?path={root}")["objects"]
        prefix = root.rstrip("/")
        assert [each["path"] for each in listed] == [f"{prefix}/Shared", f"{prefix}/Users"]
        assert all(each == status(client, each["path"]).json for each in listed)


def test_the_root_lists_each_folder_once(client: Any) -> None:
    client.post(f"{WORKSPACE}/mkdirs", {"path": "/Users/ada@example.com"})
    client.post(f"{WORKSPACE}/mkdirs", {"path": "/Repos"})
    listed = client.get(f"{WORKSPACE}/list?path=/")["objects"]
    assert [each["path"] for each in listed] == ["/Repos", "/Shared", "/Users"]


def test_a_folder_lists_what_is_directly_in_it(client: Any) -> None:
    client.post(f"{WORKSPACE}/mkdirs", {"path": "/Shared/a/deep"})
    import_file(client, "/Shared/a/b", b"")
    import_file(client, "/Shared/a/deep/c", b"")
    listed = client.get(f"{WORKSPACE}/list?path=/Shared/a")["objects"]
    assert [each["path"] for each in listed] == ["/Shared/a/b", "/Shared/a/deep"]
    (itself,) = client.get(f"{WORKSPACE}/list?path=/Shared/a/b")["objects"]
    assert itself["path"] == "/Shared/a/b"


def test_only_an_empty_folder_is_deleted_unless_asked_for(client: Any) -> None:
    client.post(f"{WORKSPACE}/mkdirs", {"path": "/Shared/a/b"})
    refused = client.call("POST", f"{WORKSPACE}/delete", {"path": "/Shared/a"})
    assert (refused.status, refused.code) == (400, "DIRECTORY_NOT_EMPTY")
    client.post(f"{WORKSPACE}/delete", {"path": "/Shared/a", "recursive": True})
    assert status(client, "/Shared/a/b").code == "RESOURCE_DOES_NOT_EXIST"
    assert client.call("POST", f"{WORKSPACE}/delete", {"path": "/Shared/a"}).status == 404


def test_content_goes_in_and_out_as_base64(client: Any) -> None:
    sent = {"path": "/Shared/n.py", "content": "cHJpbnQoMSk=", "format": "AUTO"}
    client.post(f"{WORKSPACE}/import", sent)
    exported = client.get(f"{WORKSPACE}/export?path=/Shared/n.py")
    assert exported == {"content": "cHJpbnQoMSk=", "file_type": "py"}
    refused = client.call("POST", f"{WORKSPACE}/import", sent)
    assert (refused.status, refused.code) == (400, "RESOURCE_ALREADY_EXISTS")
    assert "Path (/Shared/n.py) already exists." in refused.json["message"]


def form(**fields: bytes) -> tuple[bytes, str]:
    """The body and the content type of a form; ``content`` is a file in it."""
    body = b""
    for name, value in fields.items():
        file = (
            '; filename="x"\r\nContent-Type: application/octet-stream' if name == "content" else ""
        )
        head = f'--edge\r\nContent-Disposition: form-data; name="{name}"{file}\r\n\r\n'
        body += head.encode() + value + b"\r\n"
    return body + b"--edge--\r\n", "multipart/form-data; boundary=edge"


def test_content_may_come_as_a_file_in_a_form(client: Any) -> None:
    content = bytes(range(256)) * 3 + b"\r\n--ed\n\r"
    body, content_type = form(path=b"/Shared/a.bin", format=b"AUTO", content=content)
    path, headers = f"{WORKSPACE}/import", {"content-type": content_type}
    assert client.call("POST", path, body, **headers).status == 200
    assert download(client, "/Shared/a.bin") == content
    again = client.call("POST", path, body, **headers)
    assert (again.status, again.code) == (400, "RESOURCE_ALREADY_EXISTS")
    body, _ = form(path=b"/Shared/a.bin", overwrite=b"true", content=b"new")
    assert client.call("POST", path, body, **headers).status == 200
    assert download(client, "/Shared/a.bin") == b"new"


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"no form", id="text"),
        pytest.param(form(content=b"x")[0], id="a form without a path"),
        pytest.param(form(path=b"/Shared/a", overwrite=b"maybe")[0], id="neither true nor false"),
        pytest.param(form(path=b"\xff")[0], id="a path that is no text"),
        pytest.param(form(path=b"/Shared/a")[0][:-20], id="a form that ends early"),
    ],
)
def test_a_form_that_cannot_be_read_is_400(client: Any, body: bytes) -> None:
    headers = {"content-type": "multipart/form-data; boundary=edge"}
    reply = client.call("POST", f"{WORKSPACE}/import", body, **headers)
    assert (reply.status, reply.code) == (400, "INVALID_PARAMETER_VALUE")
    assert client.get(f"{WORKSPACE}/list?path=/Shared") == {"objects": []}


WRONG = [
    pytest.param("get-status", "?path=relative", id="a relative path"),
    pytest.param("get-status", "?path=/a/../b", id="a path that leaves its folder"),
    pytest.param("get-status", "", id="no path"),
    pytest.param("export", "?path=/Shared", id="a folder as a file"),
]


@pytest.mark.parametrize(("call", "query"), WRONG)
def test_a_path_that_cannot_be_is_400(client: Any, call: str, query: str) -> None:
    assert client.call("GET", f"{WORKSPACE}/{call}{query}").status == 400


def test_a_file_is_no_folder(client: Any) -> None:
    import_file(client, "/Shared/a", b"")
    refused = client.call("POST", f"{WORKSPACE}/mkdirs", {"path": "/Shared/a/b"})
    assert (refused.status, refused.code) == (400, "RESOURCE_ALREADY_EXISTS")
    assert import_file(client, "/Shared/a/b", b"").status == 404


def test_the_sdk_reads_and_writes_them(client: Any) -> None:
    from databricks.sdk import WorkspaceClient
    from databricks.sdk.errors import ResourceDoesNotExist
    from databricks.sdk.service.workspace import ImportFormat, ObjectType

    workspace = WorkspaceClient(host=client.server.url, token=client.server.token).workspace
    workspace.mkdirs("/Shared/sdk")
    workspace.import_("/Shared/sdk/a.txt", content="aGVsbG8=", format=ImportFormat.AUTO)
    (found,) = workspace.list("/Shared/sdk")
    assert (found.path, found.object_type) == ("/Shared/sdk/a.txt", ObjectType.FILE)
    with workspace.download("/Shared/sdk/a.txt") as file:
        assert file.read() == b"hello"
    workspace.delete("/Shared/sdk", recursive=True)
    with pytest.raises(ResourceDoesNotExist):
        workspace.get_status("/Shared/sdk")
