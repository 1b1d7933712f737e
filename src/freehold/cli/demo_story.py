"""The demo's scenes. Each asks, prints what came, and checks that it is what the scene claims."""

import json
import re
import subprocess
import sys
from collections.abc import Sequence
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path
from textwrap import dedent, indent

from freehold.cli.demo_callers import Caller, Heard, Said, chat_caller, messages_caller
from freehold.cli.demo_page import Page
from freehold.cli.demo_scenery import ALIAS, NORTH, PROVIDERS, SCENARIO, SOUTH, TASKS, WEST, Provider
from freehold.cli.demo_stage import Stage
from freehold.cli.main import main
from freehold.cli.output import OK, PROBLEMS, progress
from freehold.drills.folder import REHEARSAL, REPORT, listed, read
from freehold.drills.rehearsal import DONE, Rehearsal
from freehold.ledger.query import tail
from freehold.vocabulary.exchange import Exchange

WORDS_BEFORE_DEATH = 4
UNDERSTUDY = "understudy-mini"
UNNAMED = "style=brisk"  # another model answers, and nothing in its answers says so
DIFFERENT = "different"
CUT, ALL_FAILED = "answer_cut", "all_endpoints_failed"
NONE = "absent"
EVERYBODY = f"{len(PROVIDERS)} of {len(PROVIDERS)}"
MAIN_LINES = ("id", "outcome", "endpoint", "served.model", "served.usage", "data_class", "policy")
AUDIT_LINES = " *(verdict|effect|evidence|calls) "
PACK_S = 60.0
HURTS_MOST = "hurts most"
BENCH_LINES = "ON |" + "|".join(f"{one.endpoint}  " for one in PROVIDERS)
LEGS_LINES = f"ALIAS |{ALIAS} |{HURTS_MOST}"
DRILL_TERMS = ("--before", "0.6s", "--for", "1s", "--after", "0.9s")
HALF = 0.5
FAULT_THERE = "the fault is there"
DRILL_TOLD = "drill d[^,]*$|in force|the fault"
DRILL_LINES = " +(EXCHANGES|AFTER) |during |the first failed|service restored|back at|streams"
REPORT_LINES = "(serious|notable|noted) +(Quality|Cost|north)|exit-plan"
VERIFY_LINES = r"ok +(drill-|the result|\d+ numbers)|everything"
FINDINGS = {"truncation", "refusal", "substitution"}


class NotShown(Exception):
    """A scene did not show what it claims."""


class Story:
    """The scenes, in order. Each asks, prints what came, and raises NotShown if that is not what it claims."""

    def __init__(self, stage: Stage, page: Page) -> None:
        self._stage, self._page = stage, page
        self._said: list[Said] = []
        self._recorded: Sequence[Exchange] = ()
        with progress("loading the OpenAI SDK"):
            self._chat = chat_caller(stage.url, stage.key, ALIAS)

    def tell(self) -> None:
        """All scenes, and the ledger's account of them."""
        self._one_address()
        self._a_provider_dies()
        self._another_dies_midway()
        self._a_refusal()
        self._a_substitution()
        self._a_policy()
        self._the_ledger()
        self._the_proof()
        self._an_audit()
        self._legs()
        self._a_drill()
        self._its_report()

    def _one_address(self) -> None:
        self._page.scene("One address for every model. An application changes its base URL, and that is all.")
        self._expect(self._ask(self._chat, "What do you keep?"), NORTH, attempts=1)
        with progress("loading the Anthropic SDK"):
            self._messages = messages_caller(self._stage.url, self._stage.key, ALIAS)
        self._page.scene(
            "One built for Anthropic asks for the same. North speaks another dialect: each word is translated.",
            numbered=False,
        )
        pieces: list[str] = []
        self._expect(self._listen(self._messages, "And hold?", pieces.append), NORTH, attempts=1)
        self._claim(len(pieces) > 1, f"words come one by one; they came in {len(pieces)} piece")

    def _a_provider_dies(self) -> None:
        pid = self._stage.pid(NORTH.name)
        self._stage.kill(NORTH)
        self._page.scene(
            f"Provider north is dead (kill -9 {pid}). The next one answers, in the same request."
        )
        self._expect(self._ask(self._chat, "Who carries on?"), SOUTH, attempts=2)

    def _another_dies_midway(self) -> None:
        pid = self._stage.pid(SOUTH.name)
        self._page.scene(
            f"Provider south dies in mid-sentence (kill -9 {pid}). Half an answer is never passed off as whole."
        )
        words: list[str] = []

        def then_kill(piece: str) -> None:
            words.append(piece)
            if len(words) == WORDS_BEFORE_DEATH:
                self._stage.kill(SOUTH)

        said = self._listen(self._chat, "A story?", then_kill)
        self._expect(said, SOUTH, attempts=2, code=CUT)
        self._page.scene("The next request finds the one that is left, whatever its dialect.", numbered=False)
        self._expect(self._ask(self._chat, "And now?"), WEST, attempts=3)

    def _a_refusal(self) -> None:
        self._stage.revive(NORTH, SOUTH)
        self._stage.tell(NORTH, "refusal")
        self._page.scene(
            "North is back, and refuses, with status 200. That is passed on and marked, not taken to south in secret."
        )
        self._expect(self._ask(self._chat, "Would you?"), NORTH, attempts=1, finding="refusal")

    def _a_substitution(self) -> None:
        self._stage.tell(NORTH, f"other-model={UNDERSTUDY}")
        self._page.scene(
            "North quietly has another model answer. The answer's own word for it is kept, and marked."
        )
        said = self._ask(self._messages, "Who are you?")
        self._stage.tell(NORTH, "ok")
        self._expect(said, NORTH, attempts=1, finding="substitution")
        self._claim(said.model == UNDERSTUDY, f"the answer names its model; it names {said.model!r}")
        self._stage.tell(NORTH, UNNAMED)
        self._page.scene(
            "Then it keeps the old name, too. No single answer shows it; scene 9 will.", numbered=False
        )
        said = self._ask(self._chat, "And now?")
        self._stage.tell(NORTH, "ok")
        self._expect(said, NORTH, attempts=1)

    def _a_policy(self) -> None:
        self._page.scene(
            "A written policy: personal data stays in Europe. North and south are not there, so claims gets west alone."
        )
        claims = chat_caller(self._stage.url, self._stage.claims_key, ALIAS)
        self._expect(self._ask(claims, "My name is Ada."), WEST, attempts=1)
        self._stage.kill(WEST)
        self._page.scene(
            "West dies. Failing over never leaves the policy: nobody else sees it.", numbered=False
        )
        said = self._ask(claims, "And my number?")
        self._claim(said.code == ALL_FAILED, f"the error's code is {ALL_FAILED}; it is {said.code or NONE}")
        self._claim(
            said.proof("allowed") == "1 of 3", f"1 of 3 is allowed; it is {said.proof('allowed') or NONE}"
        )
        self._stage.revive(WEST)

    def _the_ledger(self) -> None:
        self._page.scene(
            "The ledger has it all. `freehold ledger tail`, and of `freehold ledger show` the main lines:"
        )
        self._recorded = self._exchanges()
        self._page.line(self._command("ledger", "tail", "-n", str(len(self._said)))[1])
        longest = max(self._recorded, key=lambda exchange: len(exchange.attempts))
        plain, gap, tables = self._command("ledger", "show", longest.id)[1].partition("\n\n")
        kept = [line for line in plain.splitlines() if line.split()[0] in MAIN_LINES]
        self._page.line("\n" + "\n".join(kept) + gap + tables)

    def _the_proof(self) -> None:
        self._page.scene(
            "Each record is a leaf of a signed tree: `freehold ledger verify` needs nobody's word for it."
        )
        self._claim(self._verified(self._stage.state) == OK, "the ledger is whole; it is not")
        self._page.scene(
            "In a copy, somebody rewrites history: who answered, and the checksum too.", numbered=False
        )
        copy = self._stage.rewritten(NORTH.endpoint, SOUTH.endpoint)
        self._claim(self._verified(copy) == PROBLEMS, "the change is found; it is not")

    def _an_audit(self) -> None:
        """The same questions to two hosts of one model, one of which has another answer under its name."""
        self._stage.tell(NORTH, UNNAMED)
        self._page.scene(
            "North has another model answer under the old name. `freehold audit same` asks both hosts of atlas-2 alike:"
        )
        with progress("asking both"):
            said = self._command("audit", "same", NORTH.endpoint, SOUTH.endpoint)[1]
        self._stage.tell(NORTH, "ok")
        self._lines(said, AUDIT_LINES)
        report = json.loads(self._command("audit", "list", "--json")[1])[-1]
        self._claim(report["verdict"] == DIFFERENT, f"they differ; the verdict is {report['verdict']}")
        self._page.scene(
            "Its evidence goes into a folder, which a stranger checks with nothing but Python and numpy: "
            "python verify.py",
            numbered=False,
        )
        pack = self._stage.folder / "evidence"
        code, told = self._command("audit", "evidence", report["audit"], "--out", str(pack))
        self._claim(code == OK, f"the evidence is written; it is not: {told}")
        checked = subprocess.run(  # noqa: S603 - the script that was just written
            [sys.executable, "-I", str(pack / "verify.py")],
            capture_output=True,
            text=True,
            timeout=PACK_S,
            check=False,
        )
        self._page.line("\n".join(f"   {line}" for line in checked.stdout.splitlines()[-2:]))
        self._claim(checked.returncode == OK, f"the pack verifies; it does not: {checked.stdout}")

    def _legs(self) -> None:
        self._page.scene(
            "Could it do without north? `freehold bench run` gives everybody the same tasks, here to write without "
            "emoji; `freehold independence` counts what a loss leaves:"
        )
        on = [word for one in PROVIDERS for word in ("--on", one.endpoint)]
        code, said = self._command("bench", "run", str(self._stage.folder / TASKS), *on)
        self._claim(code == OK, f"the bench is done; it is not: {said}")
        self._lines(said, BENCH_LINES)
        said = self._command("independence")[1]
        self._lines(said, LEGS_LINES)
        self._claim(
            f"{HURTS_MOST}: parent {WEST.facts['parent']}" in said, f"west is what claims needs: {said}"
        )

    def _a_drill(self) -> None:
        """North is lost on the running gateway, for marked test requests; an application of its own goes on."""
        self._page.scene(
            "North is cut off on purpose, on the gateway that runs. Those tasks meet it: `freehold drill rehearse "
            f"{SCENARIO}`"
        )
        said = []
        for line in self._stage.drill(SCENARIO, "--tasks", TASKS, *DRILL_TERMS):
            said.append(line)
            self._lines(line, DRILL_TOLD)
            if line == FAULT_THERE:
                self._nobody_else_notices()
        self._lines("\n".join(said), DRILL_LINES)
        self._claim(FAULT_THERE in said, f"there is a drill; it said {' '.join(said)}")
        found = read(self._stage.state, listed(self._stage.state)[-1], REHEARSAL, Rehearsal)
        during = found.phases[1]
        share = during.by.get(ALIAS, {}).get(SOUTH.endpoint)
        self._claim(found.ended == DONE, f"it ran to its end; it did not: {found.ended}")
        self._claim(share is not None and share.estimate > HALF, f"south carries on; it is {during.by}")
        self._claim(during.failed is not None and not during.failed.estimate, "no request fails; some do")
        self._claim(not found.violations, f"no prompt goes astray; did: {found.violations}")
        self._claim(found.detected is not None, "it is noticed that north is gone; it is not")
        self._claim(found.returned is not None, "north answers again once the fault is gone; it does not")

    def _nobody_else_notices(self) -> None:
        said = self._chat.ask("Still there?")
        told = said.proof("endpoint"), said.proof("attempts")
        self._page.line(
            f"   an application asks meanwhile: {told[0] or NONE} answers, attempts: {told[1] or NONE}"
        )
        self._claim(
            told == (NORTH.endpoint, "1"), f"whoever is not in the drill notices nothing; it is {told}"
        )

    def _its_report(self) -> None:
        self._page.scene(
            "`freehold drill report` says what it comes to, and `freehold drill verify` works every number out again:",
            numbered=False,
        )
        plan = self._stage.folder / "exit-plan"
        code, said = self._command("drill", "report", SCENARIO, "--out", str(plan))
        self._lines(said, REPORT_LINES)
        self._claim(code == OK, f"there is a report; there is none: {said}")
        code, said = self._command("drill", "verify", str(plan / REPORT))
        self._lines(said, VERIFY_LINES)
        self._claim(code == OK, f"every number agrees; it does not: {said}")

    def _lines(self, said: str, kept: str) -> None:
        """The lines of what a command printed that begin so."""
        lines = said.replace(f"{self._stage.folder}/", "").splitlines()
        if shown := [line for line in lines if re.match(kept, line)]:
            self._page.line(indent(dedent("\n".join(shown)), "   "))

    def _verified(self, state: Path) -> int:
        code, said = self._command("ledger", "verify", str(state), "--processes", "1")
        self._page.line(said.replace(f"{state}/", ""))
        return code

    def _command(self, *words: str) -> tuple[int, str]:
        """Run `freehold ...` here: its exit code, and what it prints."""
        with redirect_stdout(StringIO()) as said, redirect_stderr(StringIO()):
            code = main([*words, "--config", str(self._stage.config)])
        return code, said.getvalue().rstrip()

    def _exchanges(self) -> Sequence[Exchange]:
        recorded = tail(self._stage.state, len(self._said) + 1)
        sent = [said.proof("exchange") for said in self._said]
        held = [exchange.id for exchange in recorded]
        self._claim(sorted(held) == sorted(sent), f"the ledger holds what was sent; it holds {held}")
        noticed = {finding.kind for exchange in recorded for finding in exchange.findings}
        self._claim(noticed == FINDINGS, f"the ledger notes {FINDINGS}; it notes {noticed}")
        return recorded

    def summary(self) -> str:
        """The figures, from what was recorded."""
        attempts = sum(len(exchange.attempts) for exchange in self._recorded)
        findings = sum(len(exchange.findings) for exchange in self._recorded)
        return f"{len(self._recorded)} requests, {attempts} attempts, {findings} findings"

    def _ask(self, caller: Caller, prompt: str) -> Said:
        self._page.request(caller.name, caller.shown(prompt))
        said = caller.ask(prompt)
        self._page.answer(f"{said.text} (from {said.model})" if said.text else said.text)
        return self._noted(said)

    def _listen(self, caller: Caller, prompt: str, also: Heard = lambda _: None) -> Said:
        self._page.request(caller.name, caller.shown(prompt, stream=True))
        with self._page.words() as word:

            def heard(piece: str) -> None:
                word(piece)
                also(piece)

            said = caller.listen(prompt, heard)
            if said.model:
                word(f" (from {said.model})")
        return self._noted(said)

    def _noted(self, said: Said) -> Said:
        self._said.append(said)
        if said.error:
            self._page.error(f"{said.error} (code: {said.code})" if said.code else said.error)
        shown = {
            name: said.proof(name) for name in ("endpoint", "attempts", "finding", "allowed", "exchange")
        }
        if shown["allowed"] == EVERYBODY:
            del shown["allowed"]
        self._page.proof(shown)
        return said

    def _expect(self, said: Said, by: Provider, *, attempts: int, finding: str = "", code: str = "") -> None:
        wanted = {"endpoint": by.endpoint, "attempts": str(attempts), "finding": finding}
        for name, value in wanted.items():
            found = said.proof(name)
            self._claim(found == value, f"x-freehold-{name} is {value or NONE}; it is {found or NONE}")
        self._claim(said.text != "", "there is an answer; there is none")
        self._claim(said.code == code, f"the error's code is {code or NONE}; it is {said.code or NONE}")
        self._claim(code != "" or said.error == "", f"no error is told; told was {said.error}")

    def _claim(self, holds: bool, claim: str) -> None:
        if not holds:
            raise NotShown(claim)
