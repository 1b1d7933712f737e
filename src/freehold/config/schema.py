"""The knobs: each with its unit in its name, a default, and a sentence.

A name ends in its unit: `_s` seconds, `_bytes` bytes. The comment beside a field is its documentation.
"""

from enum import StrEnum
from typing import Annotated

from msgspec import Meta, Struct, field

from freehold.vocabulary.endpoint import Dialect

Seconds = Annotated[float, Meta(gt=0, le=86_400)]
Bytes = Annotated[int, Meta(ge=1_024, le=1 << 32)]
Count = Annotated[int, Meta(ge=1, le=1_000_000)]
Port = Annotated[int, Meta(ge=0, le=65_535)]
Share = Annotated[float, Meta(ge=0, le=1)]
Margin = Annotated[float, Meta(gt=0, lt=1)]
Usd = Annotated[float, Meta(ge=0, le=1_000_000)]
Weight = Annotated[float, Meta(gt=0, le=1_000_000)]


DATA_CLASSES = ("public", "internal", "confidential", "personal", "special")


class Strategy(StrEnum):
    """Which endpoint of a pool is asked first."""

    ORDERED = "ordered"  # as the pool is written
    WEIGHTED = "weighted"  # drawn anew for each request, with the alias's weights
    CHEAPEST = "cheapest"  # by [prices]
    FASTEST = "fastest"  # by the time to the first token, as measured here
    LEAST_BUSY = "least_busy"  # by requests under way


class Server(Struct, frozen=True, forbid_unknown_fields=True):
    """How applications reach the gateway."""

    host: str = "127.0.0.1"  # the address to listen on; anything but loopback needs keys
    port: Port = 4141  # 0 takes a free one
    workers: Annotated[int, Meta(ge=1, le=256)] = 1  # processes on the port, each with its own journal
    keys: bool | None = None  # ask for a key: true, false (loopback only), or unset: as soon as one exists
    head_bytes_max: Bytes = 65_536  # request line and headers together
    body_bytes_max: Bytes = 32 << 20  # a request's body
    request_s: Seconds = 60.0  # a whole request must have arrived by then
    keep_alive_s: Seconds = 75.0  # an idle connection of an application is closed after this
    in_flight_max: Count = 10_000  # more requests at once are answered 503
    drain_s: Seconds = 30.0  # after SIGTERM, answers under way get this long


class Timeouts(Struct, frozen=True, forbid_unknown_fields=True):
    """Deadlines of one exchange with a provider."""

    connect_s: Seconds = 5.0  # TCP and TLS together
    first_byte_s: Seconds = 120.0  # until the answer's first byte
    first_token_s: Seconds | None = None  # until a stream's first token; unset: no deadline of its own
    idle_s: Seconds = 60.0  # between two pieces of an answer
    total_s: Seconds = 600.0  # the whole exchange, all attempts together


class Breaker(Struct, frozen=True, forbid_unknown_fields=True):
    """When an endpoint is left alone."""

    failures: Count = 5  # in a row, until it is left alone
    open_s: Seconds = 10.0  # for this long, doubled at each failed probe
    open_s_max: Seconds = 300.0  # and never longer than this
    wait_s_max: Seconds = 5.0  # wait for a Retry-After this long when nobody else can answer


class Retry(Struct, frozen=True, forbid_unknown_fields=True):
    """When everybody who may be asked has failed."""

    rounds: Annotated[int, Meta(ge=0, le=10)] = 1  # so often the endpoints are asked once more; 0: never
    base_s: Seconds = 0.2  # wait up to this long before it, doubled at each round
    max_s: Seconds = 5.0  # and never longer than this
    budget: Share = 0.2  # of all exchanges; more attempts than that are not made a second time


class Hedging(Struct, frozen=True, forbid_unknown_fields=True):
    """Asking a second endpoint when the first is slow to begin, for aliases with `hedge = true`."""

    share_max: Share = 0.05  # of an alias's exchanges


class Queue(Struct, frozen=True, forbid_unknown_fields=True):
    """Where requests wait while all their endpoints are at a limit."""

    max: Annotated[int, Meta(ge=0, le=1_000_000)] = 1_000  # waiting at once; more are answered 429
    wait_s: Seconds = 10.0  # for this long, then 429


class Cache(Struct, frozen=True, forbid_unknown_fields=True):
    """Answers kept for the same request, for aliases with `cache_s`."""

    bytes_max: Bytes = 64 << 20  # of all answers together
    entry_bytes_max: Bytes = 1 << 20  # of one answer; a longer one is not kept


class Policy(Struct, frozen=True, forbid_unknown_fields=True):
    """Which written policies decide what may go where, and what may be done beyond sending a request once."""

    enforce: tuple[str, ...] = ()  # all must allow it; each a file, or the name of a policy that comes along
    shadow: tuple[str, ...] = ()  # decide beside them, are recorded, and change nothing
    default_class: str | None = None  # of requests that nobody gave a data class; unset: unknown
    refused_elsewhere: tuple[str, ...] = ()  # with these refusals a prompt may go to the next endpoint
    repeat_acting: bool = False  # send a request again through which a provider may have acted already


class Price(Struct, frozen=True, forbid_unknown_fields=True):
    """What an endpoint costs, in US dollars for a million tokens."""

    input: Usd
    output: Usd


class Limit(Struct, frozen=True, forbid_unknown_fields=True):
    """What an endpoint is spared; unset: no limit."""

    concurrency: Count | None = None  # requests under way at once
    requests_per_minute: Count | None = None
    tokens_per_minute: Annotated[int, Meta(ge=1, le=1_000_000_000)] | None = None  # in and out together


class Application(Struct, frozen=True, forbid_unknown_fields=True):
    """How an application is treated, by the name its key was made for."""

    priority: Annotated[int, Meta(ge=-1_000, le=1_000)] = 0  # who waits for an endpoint: higher goes first
    data_class: str | None = None  # of what it sends, at least
    purpose: str | None = None  # of what it sends, unless a request says otherwise
    user_region: str | None = None  # of its users, unless a request says otherwise: a country's code
    retention: str | None = None  # the class in [retention] that its bodies are kept in; unset: none is kept


class Catalog(Struct, frozen=True, forbid_unknown_fields=True):
    """What is known of endpoints beyond what comes along."""

    facts: tuple[str, ...] = ()  # files with facts of your own, which win over those that come along


class Retention(Struct, frozen=True, forbid_unknown_fields=True):
    """How long the bodies of a retention class are kept, sealed."""

    days: Annotated[int, Meta(ge=1, le=36_500)]  # then its keys are destroyed
    min_days: Annotated[int, Meta(ge=0, le=36_500)] = 0  # nobody may destroy them earlier
    body_bytes_max: Bytes = 2 << 20  # of one body; the rest of a longer one is not kept


class Durability(StrEnum):
    """When a record counts as written."""

    JOURNAL = "journal"  # once the kernel has it: survives the death of the process
    STRICT = "strict"  # once the disk has it: survives a power cut


class Upstream(Struct, frozen=True, forbid_unknown_fields=True):
    """The connections to providers."""

    connections_max: Count = 2_000  # to one provider
    idle_s: Seconds = 30.0  # an unused connection is closed after this
    head_bytes_max: Bytes = 65_536  # an answer's status line and headers together
    answer_bytes_max: Bytes = 64 << 20  # an answer that is not streamed


class Witness(Struct, frozen=True, forbid_unknown_fields=True):
    """Somebody else who is asked to cosign the ledger's checkpoints."""

    url: str  # below which it answers `add-checkpoint`
    keys: Annotated[tuple[str, ...], Meta(min_length=1)]  # as `freehold witness --keys` prints them


class Ledger(Struct, frozen=True, forbid_unknown_fields=True):
    """Where exchanges are recorded."""

    segment_bytes: Bytes = 64 << 20  # a journal file is followed by the next at this size
    commit_s: Seconds = 0.1  # records become durable in groups this far apart
    durability: Durability = Durability.JOURNAL  # when a prompt may leave, and an answer may end
    tree: bool = True  # keep a signed tree over what is recorded; without it, nothing can be proved
    checkpoint_s: Seconds = 1.0  # the tree is signed this often, where there is something new
    origin: str | None = None  # the log's name in its checkpoints; unset: "freehold.local/HOST"
    witnesses: dict[str, Witness] = field(default_factory=dict)  # asked to cosign, by your names for them
    anchor_file: str | None = None  # signed checkpoints are appended to this file
    anchor_git: str | None = None  # and committed into the git repository in this folder
    anchor_s: Seconds = 60.0  # how often checkpoints are taken to all of these


class Provider(Struct, frozen=True, forbid_unknown_fields=True):
    """One account at one provider. What is left out comes from the catalog row named by `kind`."""

    kind: str | None = None  # the catalog's row; unset: the table's own name
    base_url: str | None = None  # e.g. "https://api.openai.com/v1"
    dialects: tuple[Dialect, ...] | None = None  # what it speaks; the preferred first
    key_env: str | None = None  # the environment variable that holds the key
    key_file: str | None = None  # or a file that holds it; for Google, a service account's credentials
    admin_key_env: str | None = None  # the variable with the key that `freehold catalog attest` asks with
    region: str | None = None  # where a cloud's models run, e.g. "eu-west-1"
    project: str | None = None  # the Google Cloud project; at OpenAI, the one that the key belongs to
    resource: str | None = None  # the name of the Azure resource, or the ID of the Cloudflare account
    headers: dict[str, str] = field(default_factory=dict)  # sent with each request
    ca_file: str | None = None  # a CA bundle to trust in place of the system's
    account: tuple[str, ...] = ()  # how the account is set up, e.g. "zero-retention": facts may depend on it
    prefill: bool = False  # its models go on with an unfinished turn of their own, without being told to


class Alias(Struct, frozen=True, forbid_unknown_fields=True):
    """A model name that applications ask for, and who may answer: "provider/model", in this order.

    An alias may end in `*`; a `*` in its pool then stands for what the caller wrote there.
    """

    pool: Annotated[tuple[str, ...], Meta(min_length=1)]
    strategy: Strategy = Strategy.ORDERED  # who is asked first
    weights: tuple[Weight, ...] = ()  # for "weighted": one for each entry of the pool
    sticky: bool = True  # a conversation stays with who answered it last, and so keeps its prompt cache
    hedge: bool = False  # ask a second endpoint when the first is slower to begin than 95 in 100
    continue_: bool = field(name="continue", default=False)  # let another finish a stream that broke off
    cache_s: Seconds | None = None  # answer the same request from memory for this long; unset: never


class Audits(Struct, frozen=True, forbid_unknown_fields=True):
    """What audits may spend, and how sure they are before they say something."""

    usd: Usd = 5.0  # of one run, unless it is told another
    calls: Count = 3_000  # of one run, unless it is told another
    at_once: Annotated[int, Meta(ge=1, le=256)] = 4  # prompts under way
    answer_tokens: Annotated[int, Meta(ge=1, le=100_000)] = 400  # of an answer, at most
    alpha: Annotated[float, Meta(gt=0, le=0.5)] = 0.05  # chance of a false alarm or a false acquittal
    alarm: Annotated[float, Meta(ge=2)] = 20.0  # e-value from which an audit leans; a placebo's voids it
    accuse: Annotated[float, Meta(ge=1_000)] = 1_000.0  # e-value of a verdict that accuses
    margin: Share = 0.15  # "same so far" rules out a difference larger than this share


class Watch(Struct, frozen=True, forbid_unknown_fields=True):
    """What is looked for in answers."""

    text: bool = (
        True  # read their words: refusals, cuts, broken formats; without it, only what surrounds them
    )
    refusal_min: Share = 0.5  # words count as a refusal from this probability on
    history_min: Annotated[int, Meta(ge=2, le=512)] = (
        20  # answers of an endpoint before any is unusual for it
    )
    slow_s: Seconds = 1.0  # later than usual by less than this is not slow
    shadow_share: Share = (
        0.0  # of answers, whose prompts other labs' models are asked afterwards; needs `text`
    )
    shadow_peers: Annotated[int, Meta(ge=2, le=3)] = 3  # of them at most, each of another lab
    shadow_usd_per_day: Usd = 1.0  # for all of these; who has no known price is not asked


class Roles(Struct, frozen=True, forbid_unknown_fields=True):
    """Who may do what in the console, by what the claim with the roles holds; "*" is everybody who signs in."""

    viewer: tuple[str, ...] = ()  # may look
    operator: tuple[str, ...] = ()  # may also run and stop drills
    admin: tuple[str, ...] = ()  # may also make and end keys


class Oidc(Struct, frozen=True, forbid_unknown_fields=True):
    """Whom the console asks who somebody is, beside its own tokens."""

    issuer: str  # as the provider's own configuration names it, e.g. "https://login.example.com/realms/a"
    client_id: str  # what the console is called there
    client_secret_env: str | None = None  # the variable with its secret; unset: the client is a public one
    scopes: tuple[str, ...] = ("openid", "profile", "email")  # what is asked for
    name_claim: str = "email"  # what people are called here and on the ledger; without it, `sub`
    roles_claim: str = "groups"  # what of an identity says its roles; a dot goes into a table
    roles: Roles = Roles()  # who may do what; who has no role may not come in


class Console(Struct, frozen=True, forbid_unknown_fields=True):
    """The web pages beside the gateway, on 127.0.0.1."""

    port: Port = 4142  # 0: none
    url: str | None = None  # where a proxy before it lets people reach it; unset: on this machine alone
    idle_s: Seconds = 3_600.0  # who does nothing for this long is signed out
    session_s: Seconds = 43_200.0  # and everybody after this
    oidc: Oidc | None = None  # unset: its own tokens alone


class Own(Struct, frozen=True, forbid_unknown_fields=True):
    """Models of one's own, as `freehold own serve` serves them where [providers.own] leads, on 127.0.0.1."""

    start_s: Seconds = 300.0  # an engine that has not loaded its model by then is started anew
    delta_max: Margin = 0.05  # by how much worse a plan may let a model be, of 1, to be promoted
    delta_bits_max: Margin = 0.02  # the same for language models and models of DNA: bits a byte, bits a base
    alpha_max: Margin = 0.05  # the chance that a plan may leave to a model which is worse by that


class Config(Struct, frozen=True, forbid_unknown_fields=True):
    """The whole of `freehold.toml`."""

    state_dir: str = ".freehold"  # keys, journals and database; relative to the configuration file
    data_classes: tuple[str, ...] = DATA_CLASSES  # how sensitive data can be, the least first
    server: Server = Server()
    timeouts: Timeouts = Timeouts()
    breaker: Breaker = Breaker()
    retry: Retry = Retry()
    hedging: Hedging = Hedging()
    queue: Queue = Queue()
    cache: Cache = Cache()
    policy: Policy = Policy()
    upstream: Upstream = Upstream()
    ledger: Ledger = Ledger()
    providers: dict[str, Provider] = field(default_factory=dict)
    aliases: dict[str, Alias | tuple[str, ...]] = field(default_factory=dict)
    prices: dict[str, Price] = field(default_factory=dict)
    limits: dict[str, Limit] = field(default_factory=dict)
    applications: dict[str, Application] = field(default_factory=dict)
    catalog: Catalog = Catalog()
    retention: dict[str, Retention] = field(default_factory=dict)
    audits: Audits = Audits()
    watch: Watch = Watch()
    console: Console = Console()
    own: Own = Own()
