"""The driver of endpoints: what it believes, what it sends, what it tells of a failure."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from provisioner.errors import (
    LostAnswerError,
    RefusedError,
    ServiceError,
    UnreachableError,
)
from provisioner.kinds import KINDS
from provisioner.model.live import Ownership, Phase
from provisioner.model.plan import Address, Operation
from provisioner.model.resource import Resource
from provisioner.model.secret import Secret, SecretReader

KIND = KINDS["model_serving_endpoints"]
ROOT = "/api/2.0/serving-endpoints"
PLAINTEXT = {"$secret": {"from_env": "PROVIDER_KEY"}}


class Script:
    """A workspace that gives prepared answers and remembers what it was asked."""

    host = "https://workspace.example.com"
    clock_skew_s = 0.0

    def __init__(self, answers):
        self.answers = answers
        self.asked = []
        self.lock = threading.Lock()

    def get(self, path, query=None, absent=frozenset()):
        with self.lock:
            self.asked.append(("GET", path))
        return self._answer(path)

    def send(self, method, path, body, *, repeatable, once=False):
        self.asked.append((method, path, body, repeatable))
        return self._answer(path)

    def _answer(self, path):
        answer = self.answers.get(path)
        if isinstance(answer, Exception):
            raise answer
        return answer


def scripted(tmp_path, answers):
    script = Script(answers)
    return KIND.runtime.connect(script, SecretReader(tmp_path)), script


def endpoint(name="chat", **fields):
    state = {"ready": "READY", "config_update": "NOT_UPDATING"}
    return {"id": f"id-of-{name}", "name": name, "state": state} | fields


def resource(document):
    return Resource(Address("model_serving_endpoints", "x"), document["name"], document)


CHAT = resource({"name": "chat"})
FAILING = endpoint(
    state={"ready": "NOT_READY", "config_update": "UPDATE_FAILED"},
    pending_config={
        "served_entities": [
            {"name": "good", "state": {"deployment": "DEPLOYMENT_READY"}},
            {"name": "b/d", "state": {"deployment": "DEPLOYMENT_FAILED"}},
        ]
    },
)
REFUSED = ServiceError(403, "PERMISSION_DENIED", "no", "GET x")
LOGS = f"{ROOT}/chat/served-models/b%2Fd/build-logs"


def test_the_inventory_is_one_request_however_often_it_is_asked(tmp_path):
    owner = [
        {"key": "provisioner_project", "value": "shop"},
        {"key": "provisioner_environment", "value": "dev"},
    ]
    listed = [endpoint("a", tags=owner), endpoint("b")]
    driver, script = scripted(tmp_path, {ROOT: {"endpoints": listed}})
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: driver.inventory(), range(8)))
    assert [(one.name, one.identity, one.ownership) for one in found[0]] == [
        ("a", "id-of-a", Ownership(owner="shop/dev")),
        ("b", "id-of-b", Ownership()),
    ]
    assert script.asked == [("GET", ROOT)]


def test_a_poll_is_a_fresh_list_for_all_who_wait(tmp_path):
    updating = endpoint("a", state={"ready": "READY", "config_update": "IN_PROGRESS"})
    driver, script = scripted(tmp_path, {ROOT: {"endpoints": [updating]}})
    assert driver.poll()["a"].phase is Phase.UPDATING
    script.answers[ROOT] = {"endpoints": [endpoint("a")]}
    assert driver.poll()["a"].phase is Phase.READY


@pytest.mark.parametrize(
    ("answer", "names"),
    [
        pytest.param({}, [], id="an empty answer"),
        pytest.param({"endpoints": []}, [], id="an empty list"),
        pytest.param({"endpoints": [{"name": "x"}]}, ["x"], id="an entry with nothing but a name"),
    ],
)
def test_lists_that_are_believed(tmp_path, answer, names):
    driver, _ = scripted(tmp_path, {ROOT: answer})
    assert [one.name for one in driver.inventory()] == names


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        pytest.param({"status": "ok"}, "E430", id="an object of somebody else"),
        pytest.param({"endpoints": {}}, "E430", id="no list"),
        pytest.param({"endpoints": [{"id": "1"}]}, "E430", id="an entry without a name"),
        pytest.param({"endpoints": ["a"]}, "E430", id="an entry that is no object"),
        pytest.param(
            ServiceError(404, "FEATURE_DISABLED", "not enabled", "GET x"), "E433", id="no serving"
        ),
    ],
)
def test_lists_that_are_not_believed(tmp_path, answer, code):
    driver, _ = scripted(tmp_path, {ROOT: answer})
    with pytest.raises(UnreachableError) as raised:
        driver.inventory()
    assert [one.code for one in raised.value.problems] == [code]


def test_an_endpoint_that_is_not_there_is_absent(tmp_path):
    driver, _ = scripted(tmp_path, {})
    assert driver.read(CHAT) is None
    assert driver.confirm("chat").phase is Phase.ABSENT


def test_an_endpoint_that_may_not_be_read_is_not_absent(tmp_path):
    driver, _ = scripted(tmp_path, {f"{ROOT}/chat": REFUSED})
    with pytest.raises(ServiceError):
        driver.read(CHAT)


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(endpoint("other"), id="another endpoint"),
        pytest.param({}, id="nothing"),
        pytest.param({"name": "chat"}, id="an endpoint without an id"),
        pytest.param({"name": "chat", "id": 7}, id="an id that is none"),
    ],
)
def test_an_answer_about_something_else_is_not_believed(tmp_path, answer):
    driver, _ = scripted(tmp_path, {f"{ROOT}/chat": answer})
    with pytest.raises(UnreachableError) as raised:
        driver.read(CHAT)
    assert [one.code for one in raised.value.problems] == ["E431"]


def test_a_failure_is_told_with_the_end_of_the_build_log(tmp_path):
    log = "\n".join(f"line {n}\x1b[31m" for n in range(100)) + "\r\n"
    driver, script = scripted(tmp_path, {f"{ROOT}/chat": FAILING, LOGS: {"logs": log}})
    found = driver.confirm("chat")
    assert found.phase is Phase.FAILED
    assert found.message == "the last config update failed: b/d: failed"
    assert found.detail.splitlines() == [f"line {n} [31m" for n in range(80, 100)]
    assert script.asked == [("GET", f"{ROOT}/chat"), ("GET", LOGS)]


@pytest.mark.parametrize(
    "logs",
    [
        pytest.param(None, id="not there"),
        pytest.param(REFUSED, id="refused"),
        pytest.param({"logs": 7}, id="no text"),
        pytest.param({"logs": "  \n"}, id="empty"),
    ],
)
def test_a_failure_without_a_build_log_is_told_all_the_same(tmp_path, logs):
    driver, _ = scripted(tmp_path, {f"{ROOT}/chat": FAILING, LOGS: logs})
    found = driver.confirm("chat")
    assert (found.phase, found.detail) == (Phase.FAILED, "")


def create(body):
    return Operation("create", "POST", ROOT, {"name": "chat"} | body, wait=True)


def test_a_create_is_sent_once_with_its_secrets(tmp_path, monkeypatch):
    monkeypatch.setenv("PROVIDER_KEY", "sk-canary")
    driver, script = scripted(tmp_path, {ROOT: endpoint()})
    config = {"openai_config": {"openai_api_key_plaintext": PLAINTEXT}}
    assert driver.perform(create(config), "") == "id-of-chat"
    ((_, _, body, repeatable),) = script.asked
    sent = body["openai_config"]["openai_api_key_plaintext"]
    assert isinstance(sent, Secret)
    assert sent.reveal() == "sk-canary"
    assert repeatable is False


def test_a_secret_in_a_field_that_is_not_secret_is_not_sent(tmp_path, monkeypatch):
    monkeypatch.setenv("PROVIDER_KEY", "sk-canary")
    driver, script = scripted(tmp_path, {ROOT: endpoint()})
    with pytest.raises(RefusedError):
        driver.perform(create({"description": PLAINTEXT}), "")
    assert script.asked == []


@pytest.mark.parametrize("answer", [{}, endpoint("other"), {"status": "ok"}])
def test_after_a_create_with_a_strange_answer_nobody_knows(tmp_path, answer):
    driver, _ = scripted(tmp_path, {ROOT: answer})
    with pytest.raises(LostAnswerError):
        driver.perform(create({}), "")


def test_other_calls_may_be_sent_again_and_may_answer_nothing(tmp_path):
    driver, script = scripted(tmp_path, {f"{ROOT}/chat/tags": {}, "/permissions/1": {}})
    assert driver.perform(Operation("patch_tags", "PATCH", f"{ROOT}/chat/tags", {}), "1") == ""
    assert driver.perform(Operation("set_permissions", "PUT", "/permissions/{id}", {}), "1") == ""
    assert script.asked == [
        ("PATCH", f"{ROOT}/chat/tags", {}, True),
        ("PUT", "/permissions/1", {}, True),
    ]


def test_to_delete_what_is_gone_already_is_no_error(tmp_path):
    gone = ServiceError(404, "RESOURCE_DOES_NOT_EXIST", "no such endpoint", "DELETE x")
    driver, _ = scripted(tmp_path, {f"{ROOT}/chat": gone, f"{ROOT}/chat/tags": gone})
    assert driver.perform(Operation("delete", "DELETE", f"{ROOT}/chat"), "") == ""
    with pytest.raises(ServiceError):
        driver.perform(Operation("patch_tags", "PATCH", f"{ROOT}/chat/tags", {}), "")
