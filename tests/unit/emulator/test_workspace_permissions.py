"""Permissions of folders and files, which bundles with top-level `permissions` set and read."""

from __future__ import annotations

from typing import Any

import pytest

WORKSPACE = "/api/2.0/workspace"
FOLDERS = "/api/2.0/permissions/directories"
FILES = "/api/2.0/permissions/files"
ME = "local-user@example.com"
HOME = f"/Workspace/Users/{ME}"
BUNDLE = f"{HOME}/.bundle/shop/dev"

Granted = dict[str, list[tuple[str, bool]]]


def folder(client: Any, path: str) -> str:
    """The path of the permissions of a new folder."""
    client.post(f"{WORKSPACE}/mkdirs", {"path": path})
    return f"{FOLDERS}/{client.get(f'{WORKSPACE}/get-status?path={path}')['object_id']}"


def item(level: str, **principal: str) -> Any:
    return {"permission_level": level, **principal}


def granted(answer: Any) -> Granted:
    """Of each principal the levels, and whether each is inherited."""
    found = {}
    for entry in answer["access_control_list"]:
        (key,) = {"user_name", "group_name", "service_principal_name"} & set(entry)
        levels = [
            (each["permission_level"], each["inherited"]) for each in entry["all_permissions"]
        ]
        found[entry[key]] = levels
    return found


ADMINS = {"admins": [("CAN_MANAGE", True)]}
OWNER = {ME: [("CAN_MANAGE", True)]}


def test_a_folder_at_home_is_managed_by_whose_home_it_is(client: Any) -> None:
    path = folder(client, BUNDLE)
    answer = client.get(path)
    assert answer["object_id"] == path.removeprefix("/api/2.0/permissions")
    assert answer["object_type"] == "directory"
    assert granted(answer) == ADMINS | OWNER
    home = folder(client, HOME)
    assert granted(client.get(home)) == ADMINS | {ME: [("CAN_MANAGE", False)]}


def test_put_replaces_what_is_granted_here_and_keeps_what_is_inherited(client: Any) -> None:
    path = folder(client, BUNDLE)
    sent = [item("CAN_READ", group_name="analysts"), item("CAN_MANAGE", user_name="ada@e.com")]
    answer = client.put(path, {"access_control_list": sent})
    mine = {"analysts": [("CAN_READ", False)], "ada@e.com": [("CAN_MANAGE", False)]}
    assert granted(answer) == ADMINS | OWNER | mine
    assert client.get(path) == answer
    assert granted(client.put(path, {})) == ADMINS | OWNER


def test_patch_adds(client: Any) -> None:
    path = folder(client, BUNDLE)
    client.put(path, {"access_control_list": [item("CAN_READ", group_name="a")]})
    answer = client.patch(path, {"access_control_list": [item("CAN_RUN", group_name="b")]})
    assert granted(answer) == ADMINS | OWNER | {
        "a": [("CAN_READ", False)],
        "b": [("CAN_RUN", False)],
    }


def test_grants_are_inherited_by_everything_below(client: Any) -> None:
    above = folder(client, BUNDLE)
    client.put(above, {"access_control_list": [item("CAN_EDIT", group_name="a")]})
    below = client.get(folder(client, f"{BUNDLE}/files"))
    assert granted(below) == ADMINS | OWNER | {"a": [("CAN_EDIT", True)]}
    (entry,) = [each for each in below["access_control_list"] if each.get("group_name") == "a"]
    origin = [above.removeprefix("/api/2.0/permissions")]
    assert entry["all_permissions"][0]["inherited_from_object"] == origin


def test_a_file_has_permissions_too(client: Any) -> None:
    client.post(f"{WORKSPACE}/mkdirs", {"path": HOME})
    client.post(f"{WORKSPACE}/import", {"path": f"{HOME}/a.txt", "content": "", "format": "AUTO"})
    number = client.get(f"{WORKSPACE}/get-status?path={HOME}/a.txt")["object_id"]
    sent = {"access_control_list": [item("CAN_RUN", service_principal_name="app")]}
    answer = client.put(f"{FILES}/{number}", sent)
    assert (answer["object_id"], answer["object_type"]) == (f"/files/{number}", "file")
    assert granted(answer) == ADMINS | OWNER | {"app": [("CAN_RUN", False)]}
    assert client.call("GET", f"{FOLDERS}/{number}").status == 404


def test_whoever_makes_a_folder_outside_of_a_home_manages_it(client: Any) -> None:
    _, ada = client.principal("ada@example.com")
    path = folder(ada, "/teams/risk")
    assert granted(ada.get(path))["ada@example.com"] == [
        ("CAN_MANAGE", True),
        ("CAN_MANAGE", False),
    ]
    ada.put(path, {})
    assert granted(ada.get(path)) == ADMINS | {"ada@example.com": [("CAN_MANAGE", True)]}


def test_all_users_manage_the_shared_folder(client: Any) -> None:
    shared = folder(client, "/Shared")
    assert granted(client.get(shared)) == ADMINS | {"users": [("CAN_MANAGE", False)]}
    assert granted(client.get(folder(client, "/Shared/a")))["users"] == [("CAN_MANAGE", True)]


def test_the_root_has_the_administrators(client: Any) -> None:
    answer = client.get(f"{FOLDERS}/0")
    assert granted(answer) == {"admins": [("CAN_MANAGE", False)]}
    sent = {"access_control_list": [item("CAN_MANAGE", group_name="admins")]}
    assert client.put(f"{FOLDERS}/0", sent) == answer


def test_a_folder_that_was_deleted_has_no_permissions(client: Any) -> None:
    path = folder(client, BUNDLE)
    client.put(path, {"access_control_list": [item("CAN_READ", group_name="a")]})
    client.post(f"{WORKSPACE}/delete", {"path": BUNDLE})
    assert client.call("GET", path).code == "RESOURCE_DOES_NOT_EXIST"
    assert "a" not in granted(client.get(folder(client, BUNDLE)))


def test_only_who_manages_a_folder_changes_its_permissions(client: Any) -> None:
    _, ada = client.principal("ada@example.com")
    path = folder(client, BUNDLE)
    sent = {"access_control_list": [item("CAN_MANAGE", user_name="ada@example.com")]}
    assert ada.call("PUT", path, sent).code == "PERMISSION_DENIED"
    client.put(path, sent)
    assert granted(ada.put(path, sent))["ada@example.com"] == [("CAN_MANAGE", False)]


def test_the_levels_are_those_of_folders(client: Any) -> None:
    path = folder(client, BUNDLE)
    levels = client.get(f"{path}/permissionLevels")["permission_levels"]
    names = {level["permission_level"] for level in levels}
    assert names == {"CAN_READ", "CAN_RUN", "CAN_EDIT", "CAN_MANAGE"}


REFUSED = [
    pytest.param([item("CAN_QUERY", group_name="a")], id="a level of endpoints"),
    pytest.param([item("CAN_READ")], id="nobody"),
    pytest.param({}, id="no list"),
]


@pytest.mark.parametrize("sent", REFUSED)
def test_a_grant_is_refused(client: Any, sent: Any) -> None:
    path = folder(client, BUNDLE)
    reply = client.call("PUT", path, {"access_control_list": sent or {"a": 1}})
    assert (reply.status, reply.code) == (400, "INVALID_PARAMETER_VALUE")
    assert granted(client.get(path)) == ADMINS | OWNER


def test_an_id_that_is_no_number_is_404(client: Any) -> None:
    assert client.call("GET", f"{FOLDERS}/abc").status == 404
