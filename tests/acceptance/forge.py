#!/usr/bin/env python3
"""Stands in for `gh`, `az`, `curl` and `pip` in pipelines: a forge whose state is one file.

Called under the name of the program. Comments are kept, everything else is only noted. What the
pipelines do not use is refused, so that a typo in a template does not go unseen.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

STATE = Path(os.environ["FORGE_STATE"])


def main() -> None:
    program, words = Path(sys.argv[0]).name, sys.argv[1:]
    state = json.loads(STATE.read_text()) if STATE.exists() else {"calls": [], "comments": []}
    state["calls"].append([program, *words])
    {"gh": gh, "az": az, "curl": curl, "pip": pip}[program](words, state)
    STATE.write_text(json.dumps(state))


def option(words: list[str], name: str) -> str:
    return words[words.index(name) + 1] if name in words else ""


def body(words: list[str], mark: str) -> str:
    """The text of the file that a word ``MARK@FILE`` names."""
    (file,) = [word.split("@", 1)[1] for word in words if word.startswith(f"{mark}@")]
    return Path(file).read_text(encoding="utf-8")


def put(state: dict, found: str, text: str) -> None:
    """A new comment, or the comment ``found`` with another text; ids count from 1."""
    if found:
        state["comments"][int(found) - 1] = text
    else:
        state["comments"].append(text)


def find(state: dict, mark: str) -> str:
    numbers = (n for n, text in enumerate(state["comments"], 1) if text.startswith(mark))
    return str(next(numbers, ""))


def gh(words: list[str], state: dict) -> None:
    if words[0] == "api":
        method = option(words, "--method")
        if not method:
            # Somebody else's comment begins with the mark too; nobody may edit that one.
            own = 'user.login == "github-actions[bot]"' in option(words, "--jq")
            print(find(state, os.environ["MARK"]) if own else "999")
            return
        path = words[words.index("--method") + 2]
        put(state, path.rsplit("/", 1)[1] if method == "PATCH" else "", body(words, "body="))
    elif words[:2] == ["pr", "create"]:
        assert Path(option(words, "--body-file")).read_text(encoding="utf-8")
        print("https://github.test/owner/repository/pull/7")
    else:
        assert words[:3] == ["workflow", "run", "plan.yml"], words


def curl(words: list[str], state: dict) -> None:
    assert sys.stdin.read() == 'header = "PRIVATE-TOKEN: forge-token"\n'
    method = option(words, "--request")
    if not method and any(word.endswith("/user") for word in words):
        print(json.dumps({"id": 1}))
        return
    if not method:
        # A hundred comments of somebody else come first, some with the mark; then the own ones.
        (address,) = [word for word in words if word.startswith("https://")]
        page = int(address.rpartition("page=")[2])
        mark = Path("plan.md").read_text(encoding="utf-8").splitlines()[0]
        foreign = [{"id": 900 + n, "body": mark, "author": {"id": 2}} for n in range(100)]
        own = [
            {"id": n, "body": text, "author": {"id": 1}}
            for n, text in enumerate(state["comments"], 1)
        ]
        print(json.dumps(foreign if page == 1 else own))
        return
    address = words[words.index("--request") + 2]
    put(state, address.rsplit("/", 1)[1] if method == "PUT" else "", body(words, "body"))


def az(words: list[str], state: dict) -> None:
    if words[:2] == ["devops", "configure"]:
        return
    if words[:3] == ["repos", "pr", "create"]:
        assert Path(option(words, "--description").removeprefix("@")).read_text(encoding="utf-8")
        return
    assert words[:2] == ["devops", "invoke"], words
    if "--in-file" not in words:
        print(find(state, option(words, "--query").split("'")[1]))
        return
    sent = json.loads(Path(option(words, "--in-file")).read_text(encoding="utf-8"))
    found = [word.split("=")[1] for word in words if word.startswith("threadId=")]
    text = sent["content"] if found else sent["comments"][0]["content"]
    put(state, found[0] if found else "", text)


def pip(words: list[str], state: dict) -> None:
    assert words in (
        ["install", "--require-hashes", "-r", "requirements.txt"],
        ["install", "--no-deps", "-r", "requirements-tool.txt"],
    ), words


main()
