"""Passwords that are changed and forgotten, sessions that are listed and ended, and the mails about them."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator

import pytest
from embantest.client import Client, expect_error
from embantest.mail import MailServer
from embantest.process import EmbanProcess, clean_environment
from embantest.reset import reset_link
from embantest.steady import eventually
from embantest.team import accept, browser, invite, join, new_address, token_of
from embantest.workspace import PASSWORD, Organization

NEW = "another long password 7"


def login(organization: Organization, password: str = PASSWORD) -> int:
    return Client(organization.base).post("/v1/auth/login", {"email": organization.email, "password": password}).status


# --- Changing -------------------------------------------------------------------------------------------------------------


def test_another_password_ends_all_other_sessions(organization: Organization) -> None:
    console, elsewhere = organization.login(), organization.login()
    changed = console.post("/v1/auth/password", {"current_password": PASSWORD, "password": NEW})
    assert changed.status == 204
    fresh = browser(organization.base, changed)
    assert fresh.get("/v1/auth/me").status == 200
    for ended in (console, elsewhere):
        expect_error(ended.get("/v1/auth/me"), 401)
    assert (login(organization), login(organization, NEW)) == (401, 200)
    assert organization.admin.get("/v1/dashboards").status == 200, "keys are no passwords"


def test_the_present_password_must_be_known(organization: Organization) -> None:
    console = organization.login()
    wrong = console.post("/v1/auth/password", {"current_password": "not the password", "password": NEW})
    expect_error(wrong, 401, "invalid_credentials")
    for password in ("short", "x" * 300, organization.email.upper()):
        details = expect_error(console.post("/v1/auth/password", {"current_password": PASSWORD, "password": password}), 422)["details"]
        assert [detail["field"] for detail in details] == ["password"]
    assert console.get("/v1/auth/me").status == 200 and login(organization) == 200


def test_guessing_the_present_password_is_slowed_down(own_server: Callable[..., EmbanProcess]) -> None:
    organization = Organization(own_server().start().url)
    console = organization.login()
    statuses: list[int] = []
    while len(statuses) < 60 and 429 not in statuses:
        statuses.append(console.post("/v1/auth/password", {"current_password": f"guess {len(statuses)}", "password": NEW}).status)
    assert len(statuses) > 4 and statuses[-1] == 429 and set(statuses[:-1]) == {401}, statuses


# --- Sessions -------------------------------------------------------------------------------------------------------------


def test_sessions_are_listed_and_ended(organization: Organization) -> None:
    credentials = {"email": organization.email, "password": PASSWORD}
    phone = browser(organization.base, Client(organization.base, {"User-Agent": "Phone/1.0"}).post("/v1/auth/login", credentials))
    console = organization.login()
    listed = console.get("/v1/auth/sessions").expect(200)["data"]
    # Registration has signed in as well.
    assert len(listed) == 3 and sum(entry["current"] for entry in listed) == 1
    assert set(listed[0]) == {"id", "organization_id", "created_at", "last_seen_at", "expires_at", "address", "user_agent", "current"}
    assert {entry["organization_id"] for entry in listed} == {organization.id} and {entry["address"] for entry in listed} == {"127.0.0.1"}
    theirs = next(entry for entry in listed if entry["user_agent"] == "Phone/1.0")
    assert console.delete(f"/v1/auth/sessions/{theirs['id']}").status == 204
    expect_error(phone.get("/v1/auth/me"), 401)
    expect_error(console.delete(f"/v1/auth/sessions/{theirs['id']}"), 404, "session_not_found")
    assert phone.headers["Cookie"].split("=")[1] not in str(listed)


def test_signing_out_everywhere(organization: Organization) -> None:
    console, elsewhere = organization.login(), organization.login()
    kept = console.delete("/v1/auth/sessions?keep_current=true")
    assert kept.status == 204 and not kept.header("Set-Cookie")
    expect_error(elsewhere.get("/v1/auth/me"), 401)
    assert [entry["current"] for entry in console.get("/v1/auth/sessions").expect(200)["data"]] == [True]
    elsewhere = organization.login()
    everywhere = console.delete("/v1/auth/sessions")
    assert everywhere.status == 204 and "Max-Age=0" in everywhere.header("Set-Cookie")
    for ended in (console, elsewhere):
        expect_error(ended.get("/v1/auth/me"), 401)
    for query in ("keep_current=yes", "keep=true"):
        expect_error(organization.login().delete(f"/v1/auth/sessions?{query}"), 422)


def test_sessions_of_others_are_out_of_reach(organization: Organization, other_organization: Organization) -> None:
    theirs = other_organization.login()
    session = next(entry["id"] for entry in theirs.get("/v1/auth/sessions").expect(200)["data"] if entry["current"])
    expect_error(organization.login().delete(f"/v1/auth/sessions/{session}"), 404, "session_not_found")
    member = join(organization, "member")
    mine = next(entry["id"] for entry in organization.login().get("/v1/auth/sessions").expect(200)["data"])
    expect_error(member.client.delete(f"/v1/auth/sessions/{mine}"), 404, "session_not_found")
    assert theirs.get("/v1/auth/me").status == 200


# --- Forgotten, without a mail server -------------------------------------------------------------------------------------


def test_an_operator_makes_a_link_beside_the_running_server(own_server: Callable[..., EmbanProcess]) -> None:
    server = own_server().start()
    organization = Organization(server.url)
    console = organization.login()
    nobody = Client(server.url)
    assert nobody.post("/v1/auth/password/forgot", {"email": organization.email}).expect(202) == {"delivery": "operator"}
    first, second = (reset_link(server, organization.email) for _ in range(2))
    assert first.returncode == 0 and second.returncode == 0, first.stderr + second.stderr
    old, token = (token_of(done.stdout.strip(), "reset") for done in (first, second))
    expect_error(nobody.post("/v1/auth/password/reset", {"token": old, "password": NEW}), 404, "reset_link_invalid")
    details = expect_error(nobody.post("/v1/auth/password/reset", {"token": token, "password": "short"}), 422)["details"]
    assert [detail["field"] for detail in details] == ["password"]
    assert nobody.post("/v1/auth/password/reset", {"token": token, "password": NEW}).status == 204
    expect_error(nobody.post("/v1/auth/password/reset", {"token": token, "password": NEW}), 404, "reset_link_invalid")
    expect_error(console.get("/v1/auth/me"), 401)
    assert (login(organization), login(organization, NEW)) == (401, 200)
    unknown = reset_link(server, "nobody@example.com")
    assert unknown.returncode != 0 and "nobody@example.com" in unknown.stderr and not unknown.stdout
    assert token not in server.log and PASSWORD not in server.log and NEW not in server.log


def test_the_command_refuses_what_is_no_data_directory(own_server: Callable[..., EmbanProcess]) -> None:
    done = reset_link(own_server(), "ada@example.com")
    assert done.returncode != 0 and "data directory" in done.stderr


# --- Forgotten, and invited, with one -------------------------------------------------------------------------------------


@pytest.fixture(params=["none", "starttls", "tls"])
def post_office(request: pytest.FixtureRequest) -> Iterator[MailServer]:
    with MailServer(encryption=request.param, password="let emban in") as server:
        yield server


def test_links_are_mailed(post_office: MailServer, own_server: Callable[..., EmbanProcess]) -> None:
    server = own_server(environment={"EMBAN_SMTP_URL": post_office.url, "EMBAN_MAIL_FROM": "emban@example.com"}).start()
    organization = Organization(server.url)
    nobody = Client(server.url)
    for address in ("nobody@example.com", organization.email):
        assert nobody.post("/v1/auth/password/forgot", {"email": address}).expect(202) == {"delivery": "mail"}
    mail = post_office.wait(organization.email)
    # The one that was asked for first would have come first.
    assert [sent.recipient for sent in post_office.mails] == [organization.email]
    assert mail.sender == "emban@example.com" and mail.login == "emban@example.com:let emban in"
    assert mail.encrypted == (post_office.encryption != "none")
    assert mail.message["Subject"] and mail.message["Date"] and mail.message["Message-ID"] and organization.email in mail.text
    token = token_of(mail.link, "reset")
    assert nobody.post("/v1/auth/password/reset", {"token": token, "password": NEW}).status == 204
    assert login(organization, NEW) == 200

    answer = nobody.post("/v1/auth/login", {"email": organization.email, "password": NEW})
    owner = browser(server.url, answer)
    owner.patch("/v1/organization", {"name": "Grüße\tGmbH"}).expect(200)
    address = new_address()
    invited = owner.post("/v1/members/invite", {"email": address, "role": "editor"}).expect(201)
    assert invited["delivery"] == "mail" and invited["link"] is None
    mail = post_office.wait(address)
    assert "Grüße GmbH" in mail.message["Subject"] and "Olga Owner" in mail.text
    assert accept(server.url, mail.link).expect(200)["user"]["role"] == "editor"
    if post_office.encryption == "starttls":
        assert {line.split(" ")[0] for line in post_office.overheard} == {"EHLO", "STARTTLS"}
    assert token not in server.log and "let emban in" not in server.log


def test_a_link_is_answered_when_the_mail_does_not_go_out(own_server: Callable[..., EmbanProcess]) -> None:
    with MailServer(refused={"gone@example.com"}) as post_office:
        server = own_server(environment={"EMBAN_SMTP_URL": post_office.url}).start()
        owner = Organization(server.url).login()
        refused = invite(owner, "member", "gone@example.com")
        assert refused["delivery"] == "link" and accept(server.url, refused["link"]).status == 200
        assert "550" in server.log and token_of(refused["link"], "invite") not in server.log
        assert invite(owner, "member", "there@example.com")["delivery"] == "mail"
    # And when nobody is there at all.
    assert invite(owner, "member")["delivery"] == "link"


def test_no_password_goes_to_a_server_without_encryption(own_server: Callable[..., EmbanProcess]) -> None:
    with MailServer(password="let emban in") as post_office:
        address = post_office.url.replace("smtp+plain://", "smtp://")
        server = own_server(environment={"EMBAN_SMTP_URL": address}).start()
        assert invite(Organization(server.url).login(), "member")["delivery"] == "link"
        assert post_office.mails == [] and not [line for line in post_office.overheard if not line.startswith("EHLO")]
    eventually(lambda: "STARTTLS" in server.log, bool, "the reason in the log", 60)


def test_what_was_said_before_tls_is_not_the_servers(own_server: Callable[..., EmbanProcess]) -> None:
    """Somebody between us lets the answer to STARTTLS end where the client's buffer does, whatever its size, and says more."""
    with MailServer(encryption="starttls", password="let emban in") as post_office:
        server = own_server(environment={"EMBAN_SMTP_URL": post_office.url}).start()
        owner = Organization(server.url).login()
        for size in (0, *(2 ** power for power in range(6, 14))):
            post_office.before_tls = (size, "250-mail.example.com\r\n250 AUTH PLAIN\r\n")
            assert invite(owner, "member")["delivery"] == "link"
        assert "spoke before TLS had begun" in server.log
        assert post_office.mails == [] and post_office.handshakes == 0
        post_office.before_tls = None
        assert invite(owner, "member")["delivery"] == "mail" and post_office.handshakes == 1
        # Mail servers refuse who does not say where it comes from.
        assert {line for line in post_office.overheard if line.startswith("EHLO")} == {"EHLO [127.0.0.1]"}


def test_a_certificate_that_nobody_trusts_is_refused(own_server: Callable[..., EmbanProcess]) -> None:
    with MailServer(encryption="tls", password="let emban in") as post_office:
        server = own_server(environment={"EMBAN_SMTP_URL": post_office.url.split("?")[0]}).start()
        assert invite(Organization(server.url).login(), "member")["delivery"] == "link"
        assert post_office.mails == []


@pytest.mark.parametrize(("name", "value"), [
    ("EMBAN_SMTP_URL", "mail.example.com"), ("EMBAN_SMTP_URL", "smtp://user@mail.example.com"), ("EMBAN_SMTP_URL", "smtps://localhost?ca=/nowhere.pem"),
    ("EMBAN_MAIL_FROM", "nobody"), ("EMBAN_MAIL_FROM", "a<b>@example.com"), ("EMBAN_SMTP_URL", "smtp+plain://user:password@mail.example.com"),
    ("EMBAN_TRUSTED_PROXIES", "10.0.0.0/33"), ("EMBAN_TRUSTED_PROXIES", "proxy.example.com"),
])
def test_wrong_settings_refuse_to_start(own_server: Callable[..., EmbanProcess], name: str, value: str) -> None:
    server = own_server(environment={name: value})
    done = subprocess.run(server.command_line(), capture_output=True, text=True, timeout=180, env=clean_environment(server.environment))
    assert done.returncode != 0 and (name in done.stderr or "/nowhere.pem" in done.stderr), done.stderr


def test_asking_for_links_is_limited(own_server: Callable[..., EmbanProcess]) -> None:
    with MailServer() as post_office:
        server = own_server(environment={"EMBAN_SMTP_URL": post_office.url}).start()
        first, second = Organization(server.url), Organization(server.url)
        # Whoever asks for the mails of others keeps nobody from asking, and floods nobody.
        for _ in range(8):
            assert server.client.post("/v1/auth/password/forgot", {"email": first.email}).expect(202) == {"delivery": "mail"}
        server.client.post("/v1/auth/password/forgot", {"email": second.email}).expect(202)
        post_office.wait(second.email)
        eventually(lambda: len(post_office.mails), lambda count: count >= 4, "three mails and one", 60)
        assert sorted(mail.recipient for mail in post_office.mails) == sorted([first.email] * 3 + [second.email])
        # Only who asks too often from one place is refused.
        answers = [server.client.post("/v1/auth/password/forgot", {"email": "u@example.com"})]
        while answers[-1].status == 202 and len(answers) < 60:
            answers.append(server.client.post("/v1/auth/password/forgot", {"email": f"u{len(answers)}@example.com"}))
        assert len(answers) > 11 and answers[-1].status == 429 and int(answers[-1].header("Retry-After")) >= 1
    for body in ({"email": "nobody"}, {}, {"email": "a@example.com", "to": "b@example.com"}):
        expect_error(server.client.post("/v1/auth/password/forgot", body), 422)
