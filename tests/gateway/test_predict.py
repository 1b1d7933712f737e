"""What own models predict and embed is asked for like all else: by alias, under the same keys, policies and ledger."""

import json
from collections.abc import Iterator

import pytest

from freehold.gateway.promotion_order import Stage
from freehold.vocabulary.exchange import Outcome, Usage
from tests.answering import Answering, answering
from tests.gateway.house import House, Partners, Said, aliases, house, provider
from tests.gateway.promoted import copies, promote
from tests.gateway.ruled import fact, until, written

POLICY = """\
name = "here"
[rules.stays-here]
when = "data_class >= personal"
require = "inference_region == 'FI'"
reason = "Personal data stays in Finland."
"""
INPUTS = ["CAGGTAAGT", "TTTTTTTT"]


class Front(Answering):
    """Stands where own models are served: calls every sequence after its first letter, and embeds it as its length."""

    def answer(self) -> None:
        inputs = json.loads(self.sent())["inputs"]
        if not all(isinstance(one, str) for one in inputs):
            self.tell(400, {"error": {"message": "inputs[0]: expected a sequence", "code": "bad_request"}})
            return
        model = self.path.partition("/own/")[2].partition(":")[0]
        usage = {"prompt_tokens": sum(map(len, inputs))}
        if self.path.endswith(":embed"):
            vectors = [[float(len(one))] for one in inputs]
            self.tell(200, {"model": model, "kind": "genome", "embeddings": vectors, "usage": usage})
            return
        self.tell(200, {"model": model, "predictions": [{"label": one[0]} for one in inputs], "usage": usage})


@pytest.fixture(scope="module")
def there(tmp_path_factory: pytest.TempPathFactory, partners: Partners) -> Iterator[House]:
    folder = tmp_path_factory.mktemp("predict")
    facts = fact("own", inference_region="FI", input_usd_per_mtok=0) + fact("own2", inference_region="SE")
    with answering(Front) as url:
        tables = "".join(
            f'[providers.{one}]\nkind = "own"\nbase_url = "{url}/v1"\n' for one in ("own", "own2")
        )
        pools = aliases(
            splice=["own/splice-2"], old=["own/old"], elsewhere=["own2/splice-2"], chat=["plain/m"]
        )
        pools += '[aliases.kept]\npool = ["own/kept"]\ncache_s = 600\n'
        tables += provider("plain", partners.open(), "chat")
        with house(folder, written(folder, policy=POLICY, facts=facts) + tables + pools) as up:
            yield up


def predict(there: House, alias: str, inputs: object = INPUTS, **headers: str) -> Said:
    body = json.dumps({"inputs": inputs}).encode()
    return there.post(f"/v1/own/{alias}:predict", body, {k.replace("_", "-"): v for k, v in headers.items()})


def test_an_alias_is_asked_for_its_predictions(there: House) -> None:
    said = predict(there, "splice")
    found = there.exchange(said)

    assert said.json()["predictions"] == [{"label": "C"}, {"label": "T"}]
    assert said.json()["model"] == "splice-2"
    assert said.headers["x-freehold-endpoint"] == found.endpoint == "own/splice-2"
    assert (found.dialect, found.alias, found.outcome) == ("predict", "splice", Outcome.ANSWERED)
    assert found.served is not None
    assert found.served.usage == Usage(17)
    assert (found.cost_usd, found.findings) == (0.0, ())


def test_an_alias_is_asked_for_its_embeddings(there: House) -> None:
    said = there.post("/v1/own/splice:embed", json.dumps({"inputs": INPUTS}).encode())
    found = there.exchange(said)

    assert said.json()["embeddings"] == [[9.0], [8.0]]
    assert (found.endpoint, found.dialect, found.outcome) == ("own/splice-2", "embed", Outcome.ANSWERED)
    assert found.served is not None
    assert (found.served.usage, found.cost_usd, found.findings) == (Usage(17), 0.0, ())


def test_a_kept_answer_is_given_again(there: House) -> None:
    first, again, other = (predict(there, "kept", one) for one in (INPUTS, INPUTS, ["GATTACA"]))

    assert [one.headers["x-freehold-cache"] for one in (first, again, other)] == ["miss", "hit", "miss"]
    assert again.body == first.body != other.body


def test_policy_decides_where_it_may_be_asked(there: House) -> None:
    here, away = (predict(there, one, x_freehold_data_class="personal") for one in ("splice", "elsewhere"))

    assert (here.status, away.status) == (200, 403)
    assert [one.rule for one in there.exchange(away).refused] == ["stays-here"]


def test_what_the_predictor_cannot_read_is_its_callers_to_see(there: House) -> None:
    said = predict(there, "splice", [5])

    assert (said.status, said.error()["message"]) == (400, "inputs[0]: expected a sequence")
    assert there.exchange(said).outcome is Outcome.DECLINED


@pytest.mark.parametrize(
    ("alias", "body", "status", "code"),
    [
        ("nobody", b'{"inputs": ["A"]}', 404, "unknown_model"),
        ("splice", b'{"inputs": []}', 400, "bad_request"),
        ("splice", b'{"input": "A"}', 400, "bad_request"),
        ("splice", b"{", 400, "invalid_json"),
        ("chat", b'{"inputs": ["A"]}', 400, "no_endpoint_speaks"),
    ],
)
def test_what_cannot_be_asked_is_turned_down(
    there: House, alias: str, body: bytes, status: int, code: str
) -> None:
    said = there.post(f"/v1/own/{alias}:predict", body)

    assert (said.status, said.error()["code"]) == (status, code)


def test_a_path_that_is_asked_otherwise_says_so(there: House) -> None:
    got, unserved = there.get("/v1/own/splice:predict"), there.post("/v1/own/splice:train", b"{}")

    assert (got.status, got.headers["allow"]) == (405, "POST")
    assert unserved.status == 404


def test_a_newer_predictor_is_promoted_like_every_other_model(there: House) -> None:
    promote(there.state, "old", Stage.SHADOW, endpoint="own/new")
    found = there.exchange(predict(there, "old", x_freehold_data_class="public"))
    ((_, copy),) = until(lambda: copies(there.state, found.id))
    promote(there.state, "old", Stage.DEFAULT, endpoint="own/new")
    said = predict(there, "old", x_freehold_data_class="public")

    assert (found.endpoint, copy.endpoint, copy.dialect) == ("own/old", "own/new", "predict")
    assert (said.json()["model"], said.headers["x-freehold-endpoint"]) == ("new", "own/new")
