"""Known fraudsters over REST: registered from a recording or a call, found in the next one, and removed."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

from tests.api.parts import Api, audio, enrol
from tests.api.test_sessions import Call, piece
from tests.hosted import HOSTED
from tests.readings import reading

PIECES = 3
STATED = {"legal_basis": "lia-7", "reason": "case 12"}


def until(days: int = 30) -> str:
    return (datetime.now(UTC) + timedelta(days=days)).isoformat()


def reasons(api: Api, domain: str, caller: str) -> list[str]:
    path = f"/v1/domains/{domain}/speakers/grace/authentications"
    answer = api.call("POST", path, {"audio": audio(reading(caller, 2))}).document
    assert answer["decision"] != "ACCEPT" or "WATCHLIST_MATCH" not in answer["reasons"]
    found: list[str] = answer["reasons"]
    return found


def test_a_fraudster_who_calls_as_somebody_else_is_found_until_the_entry_is_removed(api: Api, domain: str) -> None:
    enrol(api, domain, "grace", "train_grace")
    path = f"/v1/domains/{domain}"
    one = f"{path}/watchlists/known/fraudsters/f1"
    assert "WATCHLIST_MATCH" not in reasons(api, domain, "train_atkins")
    body = {**STATED, "audio": audio(reading("train_atkins", 1)), "expires_at": until()}
    first = api.call("PUT", one, body)
    assert first.status == 200, first.document
    assert (first.document["legal_basis"], first.document["same_voice"]) == ("lia-7", [])
    assert first.document["author"]
    # Every environment knows it from the next request on, and nobody else is taken for it.
    assert all("WATCHLIST_MATCH" in reasons(api, domain, "train_atkins") for _ in range(3))
    assert "WATCHLIST_MATCH" not in reasons(api, domain, "train_grace")
    call = {"audio": audio(reading("train_atkins", 2))}
    decided = api.call("POST", f"{path}/speakers/grace/authentications", call).document
    entry = api.call("GET", f"{path}/decisions/{decided['decision_id']}").document
    match = entry["watchlist_match"]
    assert (match["watchlist"], match["fraudster"], match["searched"]) == ("known", "f1", 1)
    assert match["expected"] <= 0.01

    again = api.call("PUT", f"{path}/watchlists/others/fraudsters/f2", {**body, "audio": call["audio"]})
    assert again.document["same_voice"] == [{"watchlist": "known", "fraudster": "f1"}]
    lists = api.call("GET", f"{path}/watchlists").document["watchlists"]
    assert lists == [{"watchlist": "known", "fraudsters": 1}, {"watchlist": "others", "fraudsters": 1}]
    page = api.call("GET", f"{path}/watchlists/known/fraudsters?limit=1").document
    assert ([each["fraudster"] for each in page["fraudsters"]], page["next_cursor"]) == (["f1"], None)
    for name in ("known/fraudsters/f1", "others/fraudsters/f2"):
        assert api.call("DELETE", f"{path}/watchlists/{name}").status == 204
    assert "WATCHLIST_MATCH" not in reasons(api, domain, "train_atkins")
    acts = [each["operation"] for each in api.call("GET", f"{path}/audit").document["entries"]]
    assert {"putFraudster", "deleteFraudster"} <= set(acts)
    gone = api.call("GET", one)
    assert (gone.status, gone.document["code"]) == (404, "fraudster_not_found")
    assert api.call("GET", f"{path}/double-enrollments").document["searched_at"] is None
    wrong = [{"audio": body["audio"], "session": "s"}, {}, {"audio": body["audio"], "expires_at": until(2000)}]
    assert [api.call("PUT", one, {**STATED, "expires_at": until(), **each}).status for each in wrong] == [400] * 3


def test_a_call_becomes_an_entry_that_finds_the_next_one(api: Api, domain: str) -> None:
    path = f"/v1/domains/{domain}"
    session = heard(api, domain, "train_kennard", 1)
    body = {**STATED, "session": session, "expires_at": until()}
    first = api.call("PUT", f"{path}/watchlists/known/fraudsters/f1", body)
    assert first.status == 200, first.document
    assert first.document["session_id"] == session
    for reader, found in (("train_kennard", True), ("train_dotrice", False)):
        evaluation = api.call("GET", f"{path}/sessions/{heard(api, domain, reader, 2)}/evaluation").document
        assert ("WATCHLIST_MATCH" in evaluation["reasons"]) is found, evaluation
        assert evaluation["degraded"] == []


@HOSTED
def test_the_same_registrations_at_once_make_one_entry_each(api: Api, domain: str) -> None:
    path = f"/v1/domains/{domain}/watchlists/known/fraudsters"
    body = {**STATED, "audio": audio(reading("train_atkins", 1)), "expires_at": until()}
    with ThreadPoolExecutor(32) as threads:
        answers = list(threads.map(lambda number: api.call("PUT", f"{path}/f{number % 4}", body), range(32)))
    assert {each.status for each in answers} <= {200, 429, 503}
    assert {each.document["fraudster"] for each in answers if each.status == 200} == {f"f{n}" for n in range(4)}
    lists = api.call("GET", f"/v1/domains/{domain}/watchlists").document["watchlists"]
    assert lists == [{"watchlist": "known", "fraudsters": 4}]


def heard(api: Api, domain: str, reader: str, passage: int) -> str:
    """Streams pieces of a passage into a session without a claim; returns its name once they are scored."""
    call = Call(api, domain)
    for number in range(PIECES):
        assert call.put(number, piece(reading(reader, passage), number)).status == 200
    call.once(lambda found: found["chunks"]["scored"] == PIECES)
    return str(call.session)
