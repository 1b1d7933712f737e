"""Configuration, rows and environment become accounts and pools; what does not fit is named."""

from pathlib import Path

import pytest

from freehold.catalog.accounts import Signing
from freehold.catalog.resolve import Account, Resolution, Resolved, keyless, resolve, resolve_all
from freehold.config.load import Loaded, load_text
from freehold.vocabulary.endpoint import Dialect, Endpoint
from freehold.vocabulary.errors import ConfigError

CHAT, MESSAGES, EMBEDDINGS = Dialect.CHAT, Dialect.MESSAGES, Dialect.EMBEDDINGS
RESPONSES, COUNT_TOKENS, CONVERSE = Dialect.RESPONSES, Dialect.COUNT_TOKENS, Dialect.CONVERSE
GEMINI, GEMINI_EMBEDDINGS = Dialect.GEMINI, Dialect.GEMINI_EMBEDDINGS
KEYS = {"OPENAI_API_KEY": "sk-secret", "ANTHROPIC_API_KEY": "ak-secret", "DEEPSEEK_API_KEY": "ds-secret"}
GOOGLE = "https://generativelanguage.googleapis.com/v1beta"
ONE_MODEL = "/models/{model}:{method}"
OPENAI = "[providers.openai]\n"
ALIAS = '\n[aliases]\na = ["p/m"]'


def resolution(text: str, env: dict[str, str] | None = None) -> Resolution:
    loaded = load_text(text, "f")
    assert isinstance(loaded, Loaded), loaded
    return resolve_all(loaded.config, KEYS if env is None else env, loaded.document)


def resolved(text: str, env: dict[str, str] | None = None) -> Resolved:
    result = resolution(text, env)
    assert result.resolved is not None, result.errors
    return result.resolved


def account(text: str, env: dict[str, str] | None = None) -> Account:
    """The account of the first provider, which is given an alias."""
    name = text.partition("[providers.")[2].partition("]")[0]
    return resolved(f'{text}\n[aliases]\na = ["{name}/m"]', env).accounts[name]


ACCOUNTS = [
    (
        OPENAI,
        {
            CHAT: "https://api.openai.com/v1/chat/completions",
            RESPONSES: "https://api.openai.com/v1/responses",
            EMBEDDINGS: "https://api.openai.com/v1/embeddings",
        },
        {"authorization": "Bearer sk-secret"},
    ),
    (
        "[providers.anthropic]",
        {
            MESSAGES: "https://api.anthropic.com/v1/messages",
            COUNT_TOKENS: "https://api.anthropic.com/v1/messages/count_tokens",
        },
        {"x-api-key": "ak-secret", "anthropic-version": "2023-06-01"},
    ),
    (
        "[providers.deepseek]",
        {
            CHAT: "https://api.deepseek.com/chat/completions",
            MESSAGES: "https://api.deepseek.com/anthropic/v1/messages",
        },
        {"authorization": "Bearer ds-secret", "anthropic-version": "2023-06-01"},
    ),
    (
        '[providers.deepseek]\nbase_url = "https://relay.example/v1/"\n',
        {CHAT: "https://relay.example/v1/chat/completions", MESSAGES: "https://relay.example/v1/messages"},
        {"authorization": "Bearer ds-secret", "anthropic-version": "2023-06-01"},
    ),
    (
        '[providers.second]\nkind = "openai"\nkey_env = "ANTHROPIC_API_KEY"\ndialects = ["chat"]',
        {CHAT: "https://api.openai.com/v1/chat/completions"},
        {"authorization": "Bearer ak-secret"},
    ),
    (
        '[providers.house]\nbase_url = "https://llm.example"\nheaders = { X-Team = "blue" }',
        {CHAT: "https://llm.example/chat/completions", EMBEDDINGS: "https://llm.example/embeddings"},
        {"x-team": "blue"},
    ),
    (
        '[providers.openai]\nheaders = { Authorization = "Basic abc" }\ndialects = ["chat"]',
        {CHAT: "https://api.openai.com/v1/chat/completions"},
        {"authorization": "Basic abc"},
    ),
    ("[providers.ollama]\ndialects = ['chat']", {CHAT: "http://127.0.0.1:11434/v1/chat/completions"}, {}),
    (
        '[providers.p]\nkind = "mistral"\nbase_url = "http://127.0.0.1:9"\ndialects = ["chat"]',
        {CHAT: "http://127.0.0.1:9/chat/completions"},
        {},
    ),
]


@pytest.mark.parametrize(("text", "urls", "headers"), ACCOUNTS, ids=[text for text, _, _ in ACCOUNTS])
def test_a_table_and_its_row_become_urls_and_headers(
    text: str, urls: dict[Dialect, str], headers: dict[str, str]
) -> None:
    found = account(text)

    assert dict(found.urls) == urls
    assert dict(found.headers) == headers


CLOUDS = [
    (
        '[providers.azure]\nresource = "ours"\ndialects = ["responses"]',
        {"AZURE_OPENAI_API_KEY": "az-secret"},
        {RESPONSES: "https://ours.openai.azure.com/openai/v1/responses"},
        {"api-key": "az-secret"},
        None,
    ),
    (
        '[providers.azure]\nbase_url = "https://x.example/openai/v1"\ndialects = ["chat"]',
        {"AZURE_OPENAI_API_KEY": "az-secret"},
        {CHAT: "https://x.example/openai/v1/chat/completions"},
        {"api-key": "az-secret"},
        None,
    ),
    (
        "[providers.bedrock]",
        {"AWS_DEFAULT_REGION": "eu-west-1"},
        {CONVERSE: "https://bedrock-runtime.eu-west-1.amazonaws.com/model/{model}/{method}"},
        {},
        Signing("sigv4", "eu-west-1"),
    ),
    (
        '[providers.bedrock]\nregion = "us-east-1"\nbase_url = "https://vpce.example"',
        {"AWS_DEFAULT_REGION": "eu-west-1"},
        {CONVERSE: "https://vpce.example/model/{model}/{method}"},
        {},
        Signing("sigv4", "us-east-1"),
    ),
    (
        '[providers.bedrock]\nregion = "us-east-1"',
        {"AWS_BEARER_TOKEN_BEDROCK": "br-secret"},
        {CONVERSE: "https://bedrock-runtime.us-east-1.amazonaws.com/model/{model}/{method}"},
        {"authorization": "Bearer br-secret"},
        None,
    ),
    (
        '[providers.bedrock]\nregion = "us-east-1"\nheaders = { Authorization = "Bearer mine" }',
        {},
        {CONVERSE: "https://bedrock-runtime.us-east-1.amazonaws.com/model/{model}/{method}"},
        {"authorization": "Bearer mine"},
        None,
    ),
    (
        '[providers.vertex]\nregion = "europe-west4"\nproject = "example.com:ours"',
        {},
        {
            GEMINI: "https://europe-west4-aiplatform.googleapis.com/v1/projects/example.com:ours/locations/"
            "europe-west4/publishers/google/models/{model}:{method}"
        },
        {},
        Signing("google"),
    ),
    (
        '[providers.vertex]\nregion = "global"',
        {"GOOGLE_CLOUD_PROJECT": "ours"},
        {
            GEMINI: "https://aiplatform.googleapis.com/v1/projects/ours/locations/global/publishers/google"
            + ONE_MODEL
        },
        {},
        Signing("google"),
    ),
    (
        '[providers.vertex]\nregion = "eu"\nproject = "ours"\nkey_env = "TOKEN"',
        {"TOKEN": "ya-secret"},
        {
            GEMINI: "https://aiplatform.eu.rep.googleapis.com/v1/projects/ours/locations/eu/publishers/google"
            + ONE_MODEL
        },
        {"authorization": "Bearer ya-secret"},
        None,
    ),
]


@pytest.mark.parametrize(
    ("text", "env", "urls", "headers", "signing"), CLOUDS, ids=[row[0] for row in CLOUDS]
)
def test_a_cloud_is_where_the_table_or_the_environment_says(
    text: str, env: dict[str, str], urls: dict[Dialect, str], headers: dict[str, str], signing: Signing | None
) -> None:
    found = account(text, env)

    assert dict(found.urls) == urls
    assert dict(found.headers) == headers
    assert found.signing == signing


def test_a_key_is_shown_as_each_dialect_wants_it() -> None:
    found = account("[providers.gemini]", {"GEMINI_API_KEY": "g-secret"})

    assert dict(found.urls) == {
        GEMINI: GOOGLE + ONE_MODEL,
        CHAT: f"{GOOGLE}/openai/chat/completions",
        GEMINI_EMBEDDINGS: GOOGLE + ONE_MODEL,
        EMBEDDINGS: f"{GOOGLE}/openai/embeddings",
    }
    native, bearer = (("x-goog-api-key", "g-secret"),), (("authorization", "Bearer g-secret"),)
    assert found.headers == ()
    assert dict(found.own_headers) == {
        GEMINI: native,
        CHAT: bearer,
        GEMINI_EMBEDDINGS: native,
        EMBEDDINGS: bearer,
    }
    assert "secret" not in repr(found)


@pytest.mark.parametrize(
    ("provider", "library", "extra"),
    [("bedrock", "botocore", "bedrock"), ("vertex", "google.auth", "vertex")],
)
def test_a_library_that_is_not_there_is_named_with_its_extra(
    provider: str, library: str, extra: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("freehold.catalog.accounts.find_spec", lambda _: None)
    env = {"AWS_REGION": "us-east-1", "GOOGLE_CLOUD_PROJECT": "p", "GOOGLE_CLOUD_LOCATION": "global"}

    (error,) = resolution(f'[providers.{provider}]\n[aliases]\na = ["{provider}/m"]', env).errors

    assert str(error) == f'f:1:12: provider "{provider}" needs the library {library}, which is not installed'
    assert f'`pip install "freehold[{extra}]"`' in error.remedy
    assert f'`pip install ".[{extra}]"`' in error.remedy


def test_google_signs_with_a_file_that_is_there(tmp_path: Path) -> None:
    file = tmp_path / "account.json"
    text = f'[providers.vertex]\nregion = "global"\nproject = "p"\nkey_file = "{file}"'
    (error,) = resolution(f'{text}\n[aliases]\na = ["vertex/m"]', {}).errors
    assert str(error) == f"f:4:1: key_file {file} cannot be read: No such file or directory"

    file.write_text("{}")
    file.chmod(0o600)
    assert account(text, {}).signing == Signing("google", key_file=str(file))


def test_the_preferred_dialect_comes_first_and_endpoints_say_so() -> None:
    result = resolved('[providers.deepseek]\ndialects = ["messages", "chat"]\n[aliases]\na = ["deepseek/m"]')

    assert result.aliases["a"] == (Endpoint("deepseek/m", "deepseek", "m", (MESSAGES, CHAT)),)


def test_credentials_are_not_in_a_repr() -> None:
    env = KEYS | {"HTTPS_PROXY": "http://user:hidden@proxy:1"}
    result = resolved(OPENAI + '[aliases]\na = ["openai/m"]', env)

    assert result.accounts["openai"].proxy == "http://user:hidden@proxy:1"
    assert "secret" not in repr(result)
    assert "hidden" not in repr(result)


def test_names_and_globs_are_kept_apart_and_the_longest_glob_comes_first() -> None:
    result = resolved(
        OPENAI
        + """
        [aliases]
        exact = ["openai/x/y"]
        "*" = ["openai/*"]
        "gpt-5*" = ["openai/gpt-5*"]
        "gpt-*" = ["openai/gpt-*", "openai/fallback"]
        """
    )

    assert [(name, [entry.model for entry in pool]) for name, pool in result.aliases.items()] == [
        ("exact", ["x/y"])
    ]
    assert [(prefix, [entry.model for entry in pool]) for prefix, pool in result.globs] == [
        ("gpt-5", ["gpt-5*"]),
        ("gpt-", ["gpt-*", "fallback"]),
        ("", ["*"]),
    ]


ERRORS = [
    (
        '[providers.openia]\n[aliases]\na = ["openia/m"]',
        'f:1:12: no provider "openia" is known, and it has no base_url',
        'Write kind = "openai", or leave `kind` out and give base_url = "https://...".',
    ),
    (
        '[providers.p]\nkind = "antropic"' + ALIAS,
        'f:2:1: no provider "antropic" is known',
        'Write kind = "anthropic", or leave `kind` out and give base_url = "https://...".',
    ),
    (
        OPENAI + '[aliases]\na = [\n  "openai/m",\n  "opnai/m"]',
        'f:5:3: pool of "a": no provider "opnai"',
        'Did you mean "openai/m"? If not, add a table [providers.opnai].',
    ),
    (
        OPENAI + '[aliases.a]\npool = ["zzz/m"]',
        'f:3:9: pool of "a": no provider "zzz"',
        "Add a table [providers.zzz].",
    ),
    (
        '[providers.groq]\n[aliases]\na = ["groq/m"]',
        'f:1:12: provider "groq" has no key: GROQ_API_KEY is not set',
        "Set GROQ_API_KEY, or name a key_file in [providers.groq], or remove the table.",
    ),
    (
        '[providers.openai]\nkey_env = "MY_KEY"\n[aliases]\na = ["openai/m"]',
        'f:2:1: provider "openai" has no key: MY_KEY is not set',
        "Set MY_KEY, or name a key_file in [providers.openai], or remove the table.",
    ),
    (
        '[providers.bedrock]\nkey_env = "MY_KEY"\nregion = "us-east-1"\n[aliases]\na = ["bedrock/m"]',
        'f:2:1: provider "bedrock" has no key: MY_KEY is not set',
        "Set MY_KEY, or name a key_file in [providers.bedrock], or remove the table.",
    ),
    (
        '[providers.bedrock]\n[aliases]\na = ["bedrock/m"]',
        'f:1:12: provider "bedrock" has no region',
        'Write region = "..." in [providers.bedrock], or set AWS_REGION or AWS_DEFAULT_REGION.',
    ),
    (
        '[providers.vertex]\nregion = "global"\nproject = "a/b"\n[aliases]\na = ["vertex/m"]',
        "f:3:1: the project is not a name",
        "Use letters, digits, hyphens, dots and colons.",
    ),
    (
        '[providers.openai]\nkey_env = "A"\nkey_file = "b"\n[aliases]\na = ["openai/m"]',
        "f:3:1: key_env and key_file are both given",
        "Keep one of them.",
    ),
    (
        '[providers.p]\nbase_url = "api.example.com"' + ALIAS,
        "f:2:1: base_url does not begin with http:// or https:// and a host",
        'Write it like "https://api.example.com/v1".',
    ),
    (
        '[providers.p]\nbase_url = "https://x.example/v1/chat/completions"' + ALIAS,
        "f:2:1: base_url is the URL of one call (chat), not the base of all",
        'Write it like "https://api.example.com/v1".',
    ),
    (
        '[providers.p]\nbase_url = "https://me:pw@x.example"' + ALIAS,
        "f:2:1: base_url holds credentials, which belong into key_env or key_file",
        'Write it like "https://api.example.com/v1".',
    ),
    (
        '[providers.p]\nbase_url = "https://x.example:port"' + ALIAS,
        "f:2:1: base_url is not a URL",
        'Write it like "https://api.example.com/v1".',
    ),
    (
        '[providers.p]\nbase_url = "https://x.example"\ndialects = []' + ALIAS,
        "f:3:1: `dialects` is empty",
        'Name what it speaks, e.g. dialects = ["chat"].',
    ),
    (
        '[providers.p]\nbase_url = "https://x.example"\nheaders = { Host = "y" }' + ALIAS,
        'f:3:1: header "Host" is set by the connection itself',
        "Leave it out.",
    ),
    (
        '[providers.p]\nbase_url = "https://x.example"\nheaders = { X = "a\\r\\nb" }' + ALIAS,
        'f:3:1: header "X" is not a valid HTTP header',
        "Use one line of Latin text.",
    ),
    (
        OPENAI + '[aliases]\n"*x" = ["openai/m"]',
        'f:3:1: alias "*x" has a `*` before its end',
        "Let the `*` be the last character, and only there.",
    ),
    (
        OPENAI + '[aliases]\n" x" = ["openai/m"]',
        'f:3:1: alias " x" is empty or has blanks around it',
        "Write the name as applications will.",
    ),
    (
        OPENAI + '[aliases]\na = ["openai/*"]',
        'f:3:6: "openai/*" has a `*`, but the alias "a" has none',
        "Name one model, or end the alias in `*`.",
    ),
    (
        OPENAI + '[aliases]\n"a*" = ["openai/*-*"]',
        'f:3:9: "openai/*-*" has more than one `*`',
        "Keep one; what the caller wrote goes there.",
    ),
    (
        OPENAI + '[aliases]\na = ["openai"]',
        'f:3:6: "openai" is not "provider/model"',
        'Write both, e.g. "openai/gpt-5-mini".',
    ),
    (
        OPENAI + '[aliases]\na = ["openai/m", "openai/m"]',
        'f:3:18: "openai/m" stands twice in the pool of "a"',
        "Remove one of them.",
    ),
    (
        OPENAI,
        "f: there is no alias, so there is nothing to ask for",
        'Add one, e.g. [aliases] with fast = ["openai/gpt-5-mini"].',
    ),
    (
        OPENAI + '[server]\nhost = "0.0.0.0"\nkeys = false\n[aliases]\na = ["openai/m"]',
        "f:4:1: server.keys is false, but server.host is 0.0.0.0, which others can reach",
        'Remove `keys = false`, or listen on host = "127.0.0.1".',
    ),
    (
        '[providers."a/b"]\nbase_url = "https://x.example"\n[aliases]\na = ["x/m"]',
        'f:1:12: a provider cannot be called "a/b"',
        "Choose a name without `/` and `*`.",
    ),
]


@pytest.mark.parametrize(("text", "message", "remedy"), ERRORS, ids=[text for text, _, _ in ERRORS])
def test_an_error_is_named_with_its_place_and_its_remedy(text: str, message: str, remedy: str) -> None:
    result = resolution(text)

    assert result.resolved is None
    assert (str(result.errors[0]), result.errors[0].remedy) == (message, remedy)


def test_every_error_is_told_not_only_the_first() -> None:
    result = resolution("[providers.groq]\n[providers.xai]\n[aliases]\na = ['x/y']\nb = ['groq/*']", {})

    assert [error.line for error in result.errors] == [1, 2, 4, 5]


def test_resolve_raises_the_first_error() -> None:
    loaded = load_text("[providers.groq]\n[aliases]\na = ['groq/m']", "f")
    assert isinstance(loaded, Loaded)

    with pytest.raises(ConfigError, match="GROQ_API_KEY is not set"):
        resolve(loaded.config, {})


@pytest.mark.parametrize(
    ("content", "mode", "errors", "warnings"),
    [
        ("sk-file\n", 0o600, [], []),
        ("sk-file\n", 0o644, [], ["key_file {file} can be read by others"]),
        ("", 0o600, ["key_file {file} is empty"], []),
        ("two words", 0o600, ["the key in key_file holds blanks or control characters"], []),
        ("caf\u00e9", 0o600, ["key_file {file} cannot be read: it is not plain text"], []),
    ],
)
def test_a_key_comes_from_a_file_that_only_its_owner_reads(
    tmp_path: Path, content: str, mode: int, errors: list[str], warnings: list[str]
) -> None:
    file = tmp_path / "key"
    file.write_text(content, encoding="utf-8")
    file.chmod(mode)

    result = resolution(f'[providers.openai]\nkey_file = "{file}"\n[aliases]\na = ["openai/m"]', {})

    assert [error.message for error in result.errors] == [text.format(file=file) for text in errors]
    assert [warning.message for warning in result.warnings] == [text.format(file=file) for text in warnings]
    if result.resolved:
        assert dict(result.resolved.accounts["openai"].headers) == {"authorization": "Bearer sk-file"}


def test_a_key_file_that_is_not_there_is_told_once(tmp_path: Path) -> None:
    text = f'[providers.openai]\nkey_file = "{tmp_path}/none"\n[aliases]\na = ["openai/m"]'

    assert [error.message for error in resolution(text).errors] == [
        f"key_file {tmp_path}/none cannot be read: No such file or directory"
    ]


@pytest.mark.parametrize(
    ("url", "warned"),
    [("http://10.0.0.5/v1", True), ("http://127.0.0.1/v1", False), ("https://x.example/v1", False)],
)
def test_a_key_in_the_clear_is_warned_of(url: str, warned: bool) -> None:
    text = f'[providers.p]\nbase_url = "{url}"\nkey_env = "OPENAI_API_KEY"' + ALIAS
    result = resolution(text)

    assert ["the key and all prompts travel unencrypted" in str(w) for w in result.warnings] == [
        True
    ] * warned


def test_a_provider_in_no_pool_is_warned_of() -> None:
    result = resolution(OPENAI + '[providers.anthropic]\n[aliases]\na = ["openai/m"]')

    assert [str(warning) for warning in result.warnings] == ['f:2:12: provider "anthropic" is in no pool']


def test_own_models_need_stand_in_no_pool_to_be_promoted() -> None:
    result = resolution('[providers.own]\n[providers.vllm]\n[aliases]\na = ["vllm/m"]')

    assert (result.errors, result.warnings) == ((), ())


def test_a_proxy_that_is_no_http_address_is_refused() -> None:
    result = resolution(OPENAI + '[aliases]\na = ["openai/m"]', KEYS | {"HTTPS_PROXY": "socks5://x:1"})

    assert [str(error) for error in result.errors] == ["f:1:12: HTTPS_PROXY is not an http:// address"]


def test_without_keys_the_same_is_decided_with() -> None:
    text = (
        '[providers.openai]\n[providers.bedrock]\nregion = "eu-central-1"\n[providers.p]\nbase_url = "http://p/v1"\n'
        '[aliases]\na = ["openai/m", "bedrock/m"]\n"g/*" = ["openai/*", "p/m"]\n'
    )
    loaded = load_text(text, "f")
    assert isinstance(loaded, Loaded)
    env = {"OPENAI_API_KEY": "k", "AWS_BEARER_TOKEN_BEDROCK": "k"}

    found, full = keyless(loaded.config, {}), resolved(text, env)

    assert (found.aliases, found.globs, found.settings) == (full.aliases, full.globs, full.settings)
    assert {name: (one.region, tuple(one.urls)) for name, one in found.accounts.items()} == {
        name: (one.region, tuple(one.urls)) for name, one in full.accounts.items()
    }
