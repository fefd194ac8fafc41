"""Secret scopes: which keys are written, when, and what is never read or deleted."""

from __future__ import annotations

import threading
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provisioner.emulator.http.settings import Settings
from provisioner.emulator.server import running
from provisioner.errors import ServiceError, UnreachableError
from provisioner.kinds import KINDS
from provisioner.kinds.secret_scopes.validation import relations
from provisioner.model.field_rules import rules_in
from provisioner.model.live import Phase
from provisioner.model.paths import Key, path_text
from provisioner.model.plan import ABSENT, Action, Address, Operation
from provisioner.model.resource import Resource
from provisioner.model.secret import Secret, SecretReader
from provisioner.planning.comparison import remaining
from provisioner.planning.planner import plan_step
from provisioner.planning.request import Pair, PlanContext
from provisioner.workspace import WorkspaceTarget, connect

KIND = KINDS["secret_scopes"]
ROOT = "/api/2.0/secrets"
SCOPES, KEYS = f"{ROOT}/scopes/list", f"{ROOT}/list"
NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
NOON_MS = 1_795_176_000_000


class Script:
    """A workspace that gives prepared answers and remembers what it was asked."""

    host = "https://workspace.example.com"
    clock_skew_s = 0.0

    def __init__(self, answers):
        self.answers = answers
        self.asked = []

    def get(self, path, query=None, absent=frozenset()):
        self.asked.append((path, dict(query or {})))
        return self.answers.get(path)

    def send(self, method, path, body, *, repeatable, once=False):
        self.asked.append((path, body, repeatable))
        answer = self.answers.get(path, {})
        if isinstance(answer, Exception):
            raise answer
        return answer


def scope(**secrets):
    return {"name": "keys", "secrets": secrets}


def env(name="KEY", **fields):
    return {"from_env": name} | fields


def stored(**keys):
    """What the service says of the scope: key to the time of the last change."""
    listed = [{"key": key, "last_updated_timestamp": ms} for key, ms in keys.items()]
    return {SCOPES: {"scopes": [{"name": "keys"}]}, KEYS: {"secrets": listed}}


def resource(document):
    return Resource(Address("secret_scopes", "openai"), document["name"], document)


def step_for(document, answers, tmp_path, **request):
    driver = KIND.runtime.connect(Script(answers), SecretReader(tmp_path))
    wanted = resource(document)
    asked = PlanContext(project="shop", environment="dev", **request)
    return plan_step(Pair(wanted.address, wanted.name, wanted, driver.read(wanted)), KIND, asked)


def told(step):
    return [(path_text(c.path), c.reason) for c in step.changes if c.action is not Action.KEEP]


LATER = "rotated_at is later than the stored value's date"
ROTATE = "secret_scopes.openai"
WRITTEN = [
    pytest.param(scope(a=env()), stored(a=NOON_MS), (), [], id="a key that is there"),
    pytest.param(
        scope(a=env()),
        stored(a=NOON_MS, b=1),
        (),
        [],
        id="a key that nobody declared is left alone",
    ),
    pytest.param(
        scope(b=env(), a=env()),
        stored(),
        (),
        [("secrets[a]", "does not exist yet"), ("secrets[b]", "does not exist yet")],
        id="keys that are missing",
    ),
    pytest.param(
        scope(a=env(rotated_at="2026-11-20T12:00:01Z")),
        stored(a=NOON_MS),
        (),
        [("secrets[a]", LATER)],
        id="a rotation one second later",
    ),
    pytest.param(
        scope(a=env(rotated_at="2026-11-20T12:00Z")),
        stored(a=str(NOON_MS)),
        (),
        [],
        id="a rotation at the same moment",
    ),
    pytest.param(
        scope(a=env(rotated_at="2026-11-20T13:00:00+01:00")),
        stored(a=NOON_MS),
        (),
        [],
        id="the same moment in another zone",
    ),
    pytest.param(
        scope(a=env(rotated_at="2026-11-20T12:00:01Z")),
        stored(a=None),
        (),
        [],
        id="a stored value without a date",
    ),
    pytest.param(
        scope(a=env(), b=env()),
        stored(a=NOON_MS, b=NOON_MS),
        (ROTATE,),
        [("secrets[a]", "--rotate"), ("secrets[b]", "--rotate")],
        id="all keys asked for",
    ),
    pytest.param(
        scope(a=env(), b=env()),
        stored(a=NOON_MS, b=NOON_MS),
        (f"{ROTATE}[b]",),
        [("secrets[b]", "--rotate")],
        id="one key asked for",
    ),
    pytest.param(
        scope(a=env()),
        stored(a=NOON_MS),
        ("secret_scopes.other",),
        [],
        id="another scope asked for",
    ),
]


@pytest.mark.parametrize(("document", "answers", "rotate", "expected"), WRITTEN)
def test_which_keys_are_written(document, answers, rotate, expected, tmp_path):
    step = step_for(document, answers, tmp_path, rotate=frozenset(rotate))
    assert told(step) == expected
    assert step.action is (Action.UPDATE if expected else Action.KEEP)
    assert [one.call for one in step.operations] == ["put_secret"] * len(expected)


def test_a_change_shows_where_the_value_comes_from_and_never_the_value(tmp_path):
    document = scope(new={"from_file": "key.txt"}, old=env(rotated_at="2026-11-20T13:00:00Z"))
    new, old = step_for(document, stored(old=NOON_MS), tmp_path).changes
    assert (new.before, new.after) == (ABSENT, {"$secret": {"from_file": "key.txt"}})
    assert (old.before, old.after) == (
        {"stored_at": "2026-11-20T12:00:00Z"},
        {"$secret": {"from_env": "KEY"}},
    )


def test_a_scope_that_is_missing_is_created_with_its_keys(tmp_path):
    step = step_for(scope(b=env("B"), a=env("A")), {SCOPES: {"scopes": []}}, tmp_path)
    assert step.action is Action.CREATE
    assert [(one.call, one.method, one.path, one.payload) for one in step.operations] == [
        ("create_scope", "POST", f"{ROOT}/scopes/create", {"scope": "keys"}),
        *(
            (
                "put_secret",
                "POST",
                f"{ROOT}/put",
                {"scope": "keys", "key": key, "string_value": {"$secret": {"from_env": variable}}},
            )
            for key, variable in (("a", "A"), ("b", "B"))
        ),
    ]


def test_a_scope_without_keys_can_be_declared(tmp_path):
    assert step_for({"name": "keys"}, stored(a=1), tmp_path).action is Action.KEEP
    step = step_for({"name": "keys"}, {SCOPES: {}}, tmp_path)
    assert [one.call for one in step.operations] == ["create_scope"]


def test_a_scope_is_never_deleted(tmp_path):
    driver = KIND.runtime.connect(Script(stored(a=1)), SecretReader(tmp_path))
    live = driver.read(resource(scope()))
    pair = Pair(Address("secret_scopes", "keys"), "keys", None, live)
    step = plan_step(pair, KIND, PlanContext(project="shop", environment="dev", prune=True))
    assert step.operations == ()
    assert not KIND.is_owned


def test_a_scope_in_a_key_vault_is_not_written_to(tmp_path):
    answers = stored(a=NOON_MS)
    answers[SCOPES] = {"scopes": [{"name": "keys", "backend_type": "AZURE_KEYVAULT"}]}
    assert step_for(scope(a=env()), answers, tmp_path).action is Action.KEEP
    step = step_for(scope(b=env()), answers, tmp_path)
    assert step.action is Action.BLOCKED
    assert step.operations == ()
    assert "Azure Key Vault" in step.changes[0].reason


def test_an_ignored_key_is_left_as_it_is(tmp_path):
    driver = KIND.runtime.connect(Script(stored()), SecretReader(tmp_path))
    document = scope(a=env(), b=env())
    wanted = Resource(
        Address("secret_scopes", "x"), "keys", document, ignore_changes=(("secrets", Key("a")),)
    )
    pair = Pair(wanted.address, "keys", wanted, driver.read(wanted))
    step = plan_step(pair, KIND, PlanContext(project="shop", environment="dev"))
    assert [one.payload["key"] for one in step.operations] == ["b"]


def test_scopes_do_not_mind_the_case_and_are_asked_for_as_they_are_spelled(tmp_path):
    script = Script({SCOPES: {"scopes": [{"name": "KEYS"}]}, KEYS: {"secrets": [{"key": "a"}]}})
    driver = KIND.runtime.connect(script, SecretReader(tmp_path))
    assert driver.read(resource(scope(a=env()))).identity == "KEYS"
    assert driver.confirm("keys").phase is Phase.READY
    assert driver.confirm("others").phase is Phase.ABSENT
    assert (KEYS, {"scope": "KEYS"}) in script.asked


def test_the_scopes_are_listed_once_and_their_keys_only_where_they_exist(tmp_path):
    script = Script(stored(a=1))
    driver = KIND.runtime.connect(script, SecretReader(tmp_path))
    threads = [threading.Thread(target=driver.inventory) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    driver.read(resource(scope(a=env())))
    driver.read(resource({"name": "not-there"}))
    assert script.asked == [(SCOPES, {}), (KEYS, {"scope": "keys"})]


def fingerprint(answers, tmp_path, document=None):
    driver = KIND.runtime.connect(Script(answers), SecretReader(tmp_path))
    return driver.read(resource(document or scope(a=env()))).fingerprint


def test_the_fingerprint_is_of_the_declared_keys_alone(tmp_path):
    assert fingerprint(stored(a=1), tmp_path) == fingerprint(stored(a=1, b=2), tmp_path)
    assert fingerprint(stored(a=1), tmp_path) != fingerprint(stored(a=2), tmp_path)
    assert fingerprint(stored(a=1), tmp_path) != fingerprint(stored(), tmp_path)


@pytest.mark.parametrize(
    ("answers", "call"),
    [
        pytest.param({SCOPES: {"status": "ok"}}, "scopes/list", id="an object of somebody else"),
        pytest.param({SCOPES: {"scopes": [{}]}}, "scopes/list", id="a scope without a name"),
        pytest.param(
            {SCOPES: {"scopes": [{"name": "keys"}]}, KEYS: {"secrets": 7}},
            "secrets/list",
            id="no list of keys",
        ),
    ],
)
def test_lists_that_are_not_believed(answers, call, tmp_path):
    driver = KIND.runtime.connect(Script(answers), SecretReader(tmp_path))
    with pytest.raises(UnreachableError) as raised:
        driver.read(resource(scope()))
    (problem,) = raised.value.problems
    assert problem.code == "E434"
    assert call in problem.message


CREATE = Operation("create_scope", "POST", f"{ROOT}/scopes/create", {"scope": "keys"})
PUT = Operation(
    "put_secret",
    "POST",
    f"{ROOT}/put",
    {"scope": "keys", "key": "a", "string_value": {"$secret": {"from_env": "SCOPE_KEY"}}},
)


def refusal(error_code):
    return ServiceError(400, error_code, "no", "POST x")


def test_a_scope_that_somebody_else_has_just_created_will_do(tmp_path):
    answers = {CREATE.path: refusal("RESOURCE_ALREADY_EXISTS")}
    driver = KIND.runtime.connect(Script(answers), SecretReader(tmp_path))
    assert driver.perform(CREATE, "") == "keys"


@pytest.mark.parametrize(
    ("operation", "error_code"),
    [
        pytest.param(CREATE, "RESOURCE_LIMIT_EXCEEDED", id="too many scopes"),
        pytest.param(PUT, "RESOURCE_ALREADY_EXISTS", id="a key, which is simply replaced"),
    ],
)
def test_other_refusals_are_told(operation, error_code, tmp_path, monkeypatch):
    monkeypatch.setenv("SCOPE_KEY", "x")
    driver = KIND.runtime.connect(
        Script({operation.path: refusal(error_code)}), SecretReader(tmp_path)
    )
    with pytest.raises(ServiceError):
        driver.perform(operation, "")


def test_a_value_is_resolved_when_it_is_sent_and_may_be_sent_again(tmp_path, monkeypatch):
    monkeypatch.setenv("SCOPE_KEY", "sk-canary")
    script = Script({})
    KIND.runtime.connect(script, SecretReader(tmp_path)).perform(PUT, "")
    ((_, body, repeatable),) = script.asked
    assert isinstance(body["string_value"], Secret)
    assert body["string_value"].reveal() == "sk-canary"
    assert repeatable


def found(document):
    return [(one.code, one.at, one.key) for one in relations(document, {}, lambda: NOON)]


A = ("secrets", "a")
RELATIONS = [
    pytest.param(scope(a=env()), [], id="a variable"),
    pytest.param(scope(a={"from_file": "x"}), [], id="a file"),
    pytest.param(scope(a=env(rotated_at="2026-11-20t11:59z")), [], id="a rotation in the past"),
    pytest.param(scope(a={}), [("E341", A, True)], id="no source"),
    pytest.param(
        scope(a=env(from_file="x")), [("E341", (*A, "from_file"), True)], id="two sources"
    ),
    pytest.param(
        scope(**{"a b": env()}), [("E340", ("secrets", "a b"), True)], id="a key with a blank"
    ),
    pytest.param(
        scope(**{"a\n": env()}), [("E340", ("secrets", "a\n"), True)], id="a key with a line break"
    ),
    pytest.param(
        scope(a=env(rotated_at="2026-13-20T10:00:00Z")),
        [("E342", (*A, "rotated_at"), False)],
        id="a thirteenth month",
    ),
    pytest.param(
        scope(a=env(rotated_at="2026-11-20T10:00:00")),
        [("E342", (*A, "rotated_at"), False)],
        id="a time without a zone",
    ),
    pytest.param(
        scope(a=env(rotated_at="2026-11-20T12:00:01Z")),
        [("E343", (*A, "rotated_at"), False)],
        id="a rotation in the future",
    ),
]


@pytest.mark.parametrize(("document", "expected"), RELATIONS)
def test_what_a_schema_cannot_say(document, expected):
    assert found(document) == expected


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=8,
)
SOURCES = st.fixed_dictionaries({}, optional={"from_env": JSON, "rotated_at": JSON})


@given(
    st.fixed_dictionaries({"secrets": JSON | st.dictionaries(st.text(max_size=3), SOURCES | JSON)})
)
def test_no_shape_of_a_document_trips_a_relation(document):
    assert all(code for code, _, _ in found(document))


def test_the_schema_admits_the_names_and_times_of_the_service():
    properties = KIND.schema.model().model_json_schema()["properties"]
    assert properties["name"]["pattern"] == r"^[A-Za-z0-9_.@-]{1,128}$"
    assert KIND.schema.rules() == rules_in(KIND.schema.model().model_json_schema())
    assert KIND.schema.rules().fields["secrets"].mapping
    assert KIND.schema.rules().fields["name"].immutable


def test_after_an_apply_nothing_is_left_to_do(tmp_path, monkeypatch):
    monkeypatch.setenv("SCOPE_KEY", "one")
    (tmp_path / "key.txt").write_text("two\n", encoding="utf-8")
    document = scope(a=env("SCOPE_KEY", rotated_at="2026-01-01T00:00Z"), b={"from_file": "key.txt"})
    wanted = resource(document)
    with (
        running(Settings(token="dapi-kinds")) as server,
        connect(WorkspaceTarget(host=server.url, token="dapi-kinds"), {}, "tests") as connection,
    ):
        for expected in (["create_scope", "put_secret", "put_secret"], []):
            driver = KIND.runtime.connect(connection, SecretReader(tmp_path))
            pair = Pair(wanted.address, "keys", wanted, driver.read(wanted))
            step = plan_step(pair, KIND, PlanContext(project="shop", environment="dev"))
            assert [one.call for one in step.operations] == expected
            for operation in step.operations:
                driver.perform(operation, "")
            live = KIND.runtime.connect(connection, SecretReader(tmp_path)).read(wanted)
            assert remaining(step, live, KIND) == ()
        assert driver.poll()["keys"].phase is Phase.READY
        value = connection.get(f"{ROOT}/get", {"scope": "keys", "key": "b"})
        assert value == {"key": "b", "value": "dHdv"}
