"""The console in a real browser: what it shows, how it is used, and that it obeys nobody."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import console_sample as sample
import pytest
from playwright.sync_api import Browser, Page, expect

from provisioner.emulator.http.settings import Settings
from provisioner.emulator.server import Running, running

pytestmark = pytest.mark.browser

AXE = Path(__file__).parent / "node_modules/axe-core/axe.min.js"
PLACES = [
    "endpoints",
    "services",
    "endpoints/support-assistant",
    "endpoints/support-assistant/query",
    "endpoints/support-assistant/logs",
    "endpoints/support-assistant/requests",
    "endpoints/support-assistant/permissions",
    "endpoints/support-assistant/json",
    "endpoints/none",
    "playground/summaries/support-assistant",
    "secrets",
    "models",
    "requests",
]
# What Chromium says by itself about an answer that is an error, which the page shows.
EXPECTED = "Failed to load resource"
HOSTILE = '"><img src=x onerror=alert(1)><script>alert(2)</script>{{7*7}}'

Opened = Callable[..., Page]


@pytest.fixture(scope="module")
def server() -> Iterator[Running]:
    with sample.filled() as server:
        yield server


@pytest.fixture
def opened(browser: Browser) -> Iterator[Opened]:
    """Open the console; a page that complains or asks anybody else fails the test."""
    complaints: list[str] = []
    contexts = []

    def complain(text: str) -> None:
        if EXPECTED not in text:
            complaints.append(text)

    def open_page(server: Running, place: str = "endpoints", **settings: object) -> Page:
        context = browser.new_context(**settings)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: complain(message.text))
        page.on("pageerror", lambda error: complain(str(error)))
        page.on("dialog", lambda dialog: complain(dialog.message))
        page.on(
            "request",
            lambda asked: None if asked.url.startswith(server.url) else complain(asked.url),
        )
        page.goto(f"{server.url}/#token={server.token}&/{place}")
        expect(page.locator("h1")).to_be_visible()
        expect(page.locator("main .loading")).to_have_count(0)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert complaints == []


def go(page: Page, server: Running, place: str) -> None:
    """Go there, and wait until it was read."""
    page.goto(f"{server.url}/#/{place}")
    page.evaluate("document.querySelector('h1').textContent = 'before'")
    expect(page.locator("h1")).not_to_have_text("before")
    expect(page.locator("main .loading")).to_have_count(0)


def row(page: Page, name: str):
    return page.get_by_role("row").filter(has=page.get_by_role("link", name=name, exact=True))


def test_the_list_tells_state_versions_traffic_and_limits(server: Running, opened: Opened):
    page = opened(server)
    assistant = row(page, "support-assistant")
    for text in ("Ready", "gpt-4o", "90 %", "10 %", "100 calls / minute", "fallback", "config v1"):
        expect(assistant).to_contain_text(text)
    expect(assistant.get_by_role("img")).to_have_attribute(
        "aria-label", "Traffic: gpt-4o 90 %, claude 10 %"
    )
    expect(row(page, "fraud")).to_contain_text("version 11")
    page.get_by_text("Provided by Databricks").click()
    expect(row(page, "databricks-dbrx-instruct")).to_be_visible()


def test_the_token_leaves_the_address_and_no_request_carries_it_there(
    server: Running, opened: Opened
):
    page = opened(server)
    assert server.token not in page.url
    assert page.evaluate("history.length") <= 3
    log = str(sample.call(server, "GET", "/__emulator__/requests"))
    assert server.token not in log
    page.reload()
    expect(row(page, "fraud")).to_be_visible()


def test_the_filter_takes_the_keyboard(server: Running, opened: Opened):
    page = opened(server)
    page.keyboard.press("/")
    page.keyboard.type("cohere")
    expect(row(page, "search-embeddings")).to_be_visible()
    expect(row(page, "fraud")).to_have_count(0)
    page.keyboard.press("Escape")
    expect(row(page, "fraud")).to_be_visible()


def test_an_endpoint_has_all_its_parts(server: Running, opened: Opened):
    page = opened(server, "endpoints/support-assistant")
    expect(page.get_by_role("heading", level=1)).to_have_text("support-assistant")
    expect(page.locator("main")).to_contain_text("team: assistants")
    page.get_by_text("claude-sonnet-4 · anthropic").click()
    expect(page.locator("main")).to_contain_text("{{secrets/providers/anthropic_api_key}}")
    parts = {
        "Logs": "[local workspace]",
        "Requests": "/serving-endpoints/support-assistant/invocations",
        "Permissions": "CAN_MANAGE",
        "JSON": '"config_version": 1',
    }
    for title, text in parts.items():
        page.get_by_role("link", name=title, exact=True).last.click()
        expect(page.locator("main section")).to_contain_text(text)
    expect(page).to_have_title("support-assistant · local workspace")


def test_the_rows_of_an_inference_table_are_shown(server: Running, opened: Opened):
    page = opened(server, "endpoints/support-assistant/requests")
    rows = page.get_by_role("table", name="Rows of prod.logs.support_payload").get_by_role("row")
    assert rows.count() >= 2
    rows.nth(1).locator("summary").click()
    expect(rows.nth(1)).to_contain_text("How do I reset my password?")


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        ("support-assistant", "Made-up answer"),
        ("search-embeddings", "2 vectors of"),
        ("fraud", '"predictions"'),
    ],
)
def test_a_query_is_filled_in_for_its_task(server: Running, opened: Opened, name: str, answer: str):
    page = opened(server, f"endpoints/{name}/query")
    page.get_by_role("button", name="Send").click()
    expect(page.locator("main")).to_contain_text(answer)
    expect(page.locator("main")).to_contain_text("answered by")
    expect(page.locator("main .facts-line")).to_contain_text(re.compile(r"\d+ ms|\d s"))


@pytest.mark.parametrize("form", ["records", "Instances", "Inputs", "Chat"])
def test_every_example_for_a_custom_model_is_answered(server: Running, opened: Opened, form: str):
    page = opened(server, "endpoints/fraud/query")
    options = page.get_by_label("Example").locator("option").all_inner_texts()
    chosen = next(option for option in options if form in option)
    page.get_by_label("Example").select_option(chosen)
    page.get_by_role("button", name="Send").click()
    expect(page.locator("main .facts-line")).to_contain_text("answered by")


def test_a_query_may_name_the_entity_and_be_streamed(server: Running, opened: Opened):
    page = opened(server, "endpoints/support-assistant/query")
    page.get_by_label("Ask").select_option("claude")
    page.get_by_label("Body").fill(
        '{"messages": [{"role": "user", "content": "Hello?"}], "stream": true}'
    )
    page.get_by_label("Body").press("Control+Enter")
    expect(page.locator("main .answer")).to_contain_text("You asked: Hello?")
    expect(page.locator("main .facts-line")).to_contain_text("answered by claude")


def test_what_is_wrong_with_a_query_is_told(server: Running, opened: Opened):
    page = opened(server, "endpoints/summaries/query")
    page.get_by_label("Body").fill("{not json")
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_role("alert")).to_contain_text("The body is not JSON")
    page.get_by_label("Body").fill("{}")
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_role("alert")).to_contain_text("400")


def test_what_is_typed_stays_while_the_page_refreshes(server: Running, opened: Opened):
    page = opened(server, "endpoints/summaries/query")
    body = page.get_by_label("Body")
    body.fill('{"prompt": "half')
    with page.expect_response(lambda answer: answer.url.endswith("/summaries"), timeout=10_000):
        pass
    page.wait_for_function("document.activeElement.tagName === 'TEXTAREA'")
    assert body.input_value() == '{"prompt": "half'


def test_the_playground_asks_several_side_by_side(server: Running, opened: Opened):
    page = opened(server, "playground")
    for name in ("support-assistant", "summaries"):
        page.get_by_role("checkbox", name=name).check()
    assert page.url.endswith("#/playground/support-assistant/summaries")
    page.get_by_label("Question").fill("What is a wombat?")
    page.get_by_label("Question").press("Control+Enter")
    answers = page.get_by_role("article")
    expect(answers).to_have_count(2)
    for index in range(2):
        expect(answers.nth(index)).to_contain_text("You asked: What is a wombat?")
        expect(answers.nth(index)).to_contain_text("tokens")


def test_secrets_have_names_and_no_values(server: Running, opened: Opened):
    page = opened(server, "secrets")
    expect(page.locator("main")).to_contain_text("{{secrets/providers/openai_api_key}}")
    assert "sk-never-shown" not in page.content()
    page.goto(f"{server.url}/#/requests")
    expect(page.get_by_role("table", name="Requests")).to_be_visible()
    assert "sk-never-shown" not in page.content()


def test_services_show_where_requests_go_and_what_limits_them(server: Running, opened: Opened):
    page = opened(server, "services")
    services = page.get_by_role("table", name="Model services", exact=True)
    chat = services.get_by_role("row").filter(has_text="main.gateway.chat")
    for text in (
        "Chat for everybody",
        "gpt: gpt-5 of main.gateway.openai_prod 90 %",
        "mini: gpt-5-mini of main.gateway.openai_prod 10 %",
        "last: gpt-5-mini of main.gateway.openai_prod fallback",
        "user default: 100 requests / minute",
        "interns: 10 requests, 20000 tokens / hour",
        "main.gateway.chat_payload",
    ):
        expect(chat).to_contain_text(text)
    expect(chat.locator(".badge")).to_have_count(0)
    old = services.get_by_role("row").filter(has_text="summaries_of")
    expect(old).to_contain_text("only: gpt-5 of main.gateway.openai_old 100 % deleted")
    # Whose the object is, in the last line of its comment, is not for readers.
    assert "managed by provisioner" not in page.content()


def test_services_of_providers_and_tools_have_their_own_tables(server: Running, opened: Opened):
    page = opened(server, "services")
    providers = page.get_by_role("table", name="Model provider services")
    for text in ("main.gateway.openai_prod", "Platform account", "openai", "gpt-5-mini"):
        expect(providers).to_contain_text(text)
    assert "sk-never-shown" not in page.content()
    tools = page.get_by_role("table", name="MCP services")
    for text in ("main.gateway.tracker", "Reads the issue tracker", "read_*", "100 requests"):
        expect(tools).to_contain_text(text)
    expect(tools).to_contain_text("main.gateway.tracker_http")


def test_services_change_while_the_page_is_open(opened: Opened):
    with running(Settings()) as server:
        page = opened(server, "services")
        expect(page.locator("main")).to_contain_text("No services yet")
        expect(page.locator("main")).to_contain_text("provisioner migrate ENDPOINT")
        sample.add_services(server)
        expect(page.get_by_role("table", name="MCP services")).to_be_visible()


def test_every_area_fits_on_a_phone(server: Running, opened: Opened):
    page = opened(server, "services", viewport={"width": 400, "height": 800})
    areas = page.get_by_role("navigation").first
    assert areas.evaluate("bar => bar.scrollWidth <= bar.clientWidth")
    expect(areas.get_by_role("link")).to_have_count(6)


def test_registered_models_have_versions_and_aliases(opened: Opened):
    with running(Settings()) as server:
        page = opened(server, "models")
        expect(page.locator("main")).to_contain_text("provisioner emulator register")
        sample.register(server, "prod.risk.fraud")
        expect(page.get_by_role("table", name="Versions of prod.risk.fraud")).to_contain_text(
            "champion"
        )


def test_an_update_shows_and_ends_by_itself(opened: Opened):
    with running(Settings(transition="seconds=3600")) as server:
        page = opened(server)
        expect(page.locator("main")).to_contain_text("You have no endpoints yet")
        expect(page.locator("main")).to_contain_text("provisioner apply")
        sample.create(server, "fraud", (sample.custom("champion", "prod.risk.fraud", "11"), 100))
        expect(row(page, "fraud")).to_contain_text("Updating")
        page.get_by_role("link", name="fraud", exact=True).click()
        expect(page.locator("main")).to_contain_text("Updating to config version 1")
        sample.call(server, "POST", "/__emulator__/clock", {"advance_s": 3601})
        expect(page.locator("main .badge").first).to_have_text("Ready")
        expect(page.locator("main .callout")).to_have_count(0)
        sample.start_update(server)
        expect(page.locator("main .callout")).to_contain_text("Version 1 still serves")
        sample.call(server, "DELETE", f"{sample.BASE}/fraud")
        expect(page.locator("main")).to_contain_text("Page not found")


def test_a_workspace_that_ends_is_waited_for(opened: Opened):
    with running(Settings(token="t")) as server:
        page = opened(server)
    expect(page.get_by_role("status")).to_contain_text("does not answer")
    expect(page.locator("h1")).to_have_text("Endpoints")
    with running(Settings(token="t", port=server.port)):
        expect(page.get_by_role("status")).to_be_empty()


def test_a_wrong_token_is_asked_for_again(browser: Browser, server: Running):
    page = browser.new_page()
    page.goto(f"{server.url}/#token=wrong")
    expect(page.get_by_role("alert")).to_contain_text("does not accept the token")
    page.get_by_label("Token").fill("wröng")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("not the token")
    page.get_by_label("Token").fill(server.token)
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_have_text("Endpoints")
    page.close()


def test_a_keyboard_alone_gets_everywhere(server: Running, opened: Opened):
    page = opened(server)
    page.locator("body").press("Tab")
    expect(page.get_by_role("link", name="Skip to content")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="fraud", exact=True)).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="fraud", level=1)).to_be_focused()
    for _ in range(2):
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_label("Body")).to_be_visible()
    while not page.get_by_label("Body").evaluate("box => box === document.activeElement"):
        page.keyboard.press("Tab")
    page.keyboard.press("Control+Enter")
    expect(page.locator("main .facts-line")).to_contain_text("answered by")


def test_the_theme_follows_the_system_until_one_is_chosen(server: Running, opened: Opened):
    page = opened(server, color_scheme="dark")
    ground = "getComputedStyle(document.body).backgroundColor"
    dark = page.evaluate(ground)
    theme = page.get_by_role("button", name="Theme")
    theme.click()
    expect(theme).to_have_text("Theme: light")
    light = page.evaluate(ground)
    assert light != dark
    page.reload()
    expect(theme).to_have_text("Theme: light")
    assert page.evaluate(ground) == light


@pytest.mark.parametrize(
    ("scheme", "rules"),
    [
        ("light", "['wcag2a', 'wcag2aa', 'wcag21aa', 'best-practice']"),
        # The page is the same but for its colours.
        ("dark", "{type: 'rule', values: ['color-contrast']}"),
    ],
    ids=["light", "dark"],
)
def test_nobody_is_kept_out(server: Running, opened: Opened, scheme: str, rules: str):
    page = opened(server, color_scheme=scheme, bypass_csp=True)
    page.add_script_tag(path=AXE)
    for place in PLACES:
        go(page, server, place)
        found = page.evaluate(f"axe.run(document, {{runOnly: {rules}}})")
        broken = [(each["id"], each["nodes"][0]["html"]) for each in found["violations"]]
        assert broken == [], place


def test_no_width_makes_the_page_scroll_sideways(server: Running, opened: Opened):
    page = opened(server)
    for place in PLACES:
        go(page, server, place)
        for width in (320, 390, 1280):
            page.set_viewport_size({"width": width, "height": 800})
            needed = page.evaluate("document.documentElement.scrollWidth")
            assert needed <= width, f"{place} needs {needed} of {width}"


def test_nothing_in_a_name_is_run(opened: Opened):
    with running(Settings()) as server:
        sample.add_keys(server)
        sample.create(
            server,
            "chat",
            (sample.external("a", "gpt-4o"), 50),
            (sample.external("b", "x" * 300), 50),
            description=HOSTILE,
            tags=[{"key": "team", "value": HOSTILE}],
        )
        entry = {"user_name": HOSTILE, "permission_level": "CAN_QUERY"}
        found = sample.call(server, "GET", f"{sample.BASE}/chat")
        path = f"/api/2.0/permissions/serving-endpoints/{found['id']}"
        sample.call(server, "PATCH", path, {"access_control_list": [entry]})
        sample.add_services(server)
        sample.add_service(server, "mcp-services", "bad", sample.tools(HOSTILE), HOSTILE)
        page = opened(server)
        for place in [*PLACES, f"endpoints/{HOSTILE}", f"playground/{HOSTILE}", HOSTILE]:
            go(page, server, place.replace("support-assistant", "chat"))
            assert page.locator("main img, main script").count() == 0
            assert page.evaluate("document.documentElement.scrollWidth") <= 1280
        go(page, server, "endpoints/chat/query")
        message = HOSTILE.replace('"', '\\"')
        page.get_by_label("Body").fill(
            f'{{"messages": [{{"role": "user", "content": "{message}"}}]}}'
        )
        page.get_by_role("button", name="Send").click()
        expect(page.locator("main .answer")).to_contain_text("<script>alert(2)</script>")
        go(page, server, "endpoints/chat/permissions")
        expect(page.locator("main")).to_contain_text("<script>alert(2)</script>")


def test_the_policy_stops_markup_that_gets_in(browser: Browser, server: Running):
    page = browser.new_page()
    page.goto(server.url)
    stopped = page.evaluate(
        """() => {
            try { document.body.innerHTML = "<p>x</p>"; } catch { return true; }
            return false;
        }"""
    )
    page.close()
    assert stopped


def test_another_origin_reads_and_changes_nothing(browser: Browser, server: Running):
    with running(Settings()) as other:
        page = browser.new_page()
        page.goto(f"{other.url}/console/icon.svg")
        answered = page.evaluate(
            """async ([url, token]) => {
                const headers = {authorization: `Bearer ${token}`};
                const tried = [
                    fetch(url, {headers}),
                    fetch(url, {method: "POST", mode: "no-cors", body: '{"name": "stolen"}'}),
                ];
                return (await Promise.allSettled(tried)).map((each) => each.status);
            }""",
            [f"{server.url}{sample.BASE}", server.token],
        )
        page.close()
    assert answered[0] == "rejected"
    names = [each["name"] for each in sample.call(server, "GET", sample.BASE)["endpoints"]]
    assert "stolen" not in names


def test_a_gradual_rollout_shows_its_share_what_is_paid_and_the_next_command(opened: Opened):
    with running(Settings()) as server:
        sample.start_rollout(server)
        page = opened(server, "endpoints/risk")
        card = page.locator("[data-key=rollout]")
        for text in ("champion-12 is at 5 %, beside champion-11", "Small CPU and Small CPU"):
            expect(card).to_contain_text(text)
        expect(card).to_contain_text("provisioner rollout advance risk")
        bar = card.get_by_role("img")
        expect(bar).to_have_attribute("aria-label", "New version: 5 % of the traffic")


def test_a_version_that_was_rolled_back_says_why(opened: Opened):
    with running(Settings()) as server:
        sample.start_rollout(server, word="back", reason="-errors_4p1_pct_gt_1_pct")
        card = opened(server, "endpoints/risk").locator("[data-key=rollout]")
        expect(card).to_contain_text("was rolled back at 5 % (errors 4.1 % > 1 %)")
        expect(card).to_contain_text("provisioner rollout retry risk")
