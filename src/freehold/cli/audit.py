"""`freehold audit same|changed|parity|notworse|fleet|replay|resume|list|show`: tests of endpoints, on samples."""

import shutil
from argparse import Namespace
from pathlib import Path

from freehold.audits.classes import classes_in, user_class
from freehold.audits.fleet import FLEET
from freehold.audits.folder import Folder, run_called, runs
from freehold.audits.kinds import EVERYDAY, Prompts, notworse, parallel, parity, prompts_of, same
from freehold.audits.replaying import rejudged, replayed
from freehold.cli.as_json import print_json
from freehold.cli.audit_run import Place, begin, margin_of, place_of, run_to_its_end, settings_of, tell_report
from freehold.cli.audit_scores import TASKS, cases_in, prompts_of_cases, see_checks
from freehold.cli.audit_sealed import opening
from freehold.cli.audit_traffic import prompts_of_traffic
from freehold.cli.output import OK, table
from freehold.cli.settings import config_of, state_dir
from freehold.vocabulary.errors import BadRequest
from freehold.vocabulary.report import AuditReport

PARALLEL = "criticism"  # questions that are there in several languages
_HEAD = ("AUDIT", "KIND", "SUBJECT", "VERDICT", "E", "CALLS")


def run_same(args: Namespace) -> int:
    """Ask two names the same, and say whether the same model answers."""
    place = place_of(args)
    if args.a == args.b:
        raise BadRequest("there are no two names to compare", remedy="Name two aliases or endpoints.")
    design = same(args.a, args.b, _prompts(args, place), settings_of(args, place), margin_of(args, place))
    return tell_report(args, run_to_its_end(args, place, begin(args, place, design)))


def run_parity(args: Namespace) -> int:
    """Ask the same as two classes of users, and say whether they are served alike."""
    place = place_of(args)
    known = classes_in(Path(args.classes) if args.classes else None)
    if len(args.classes_compared) != 2:
        raise BadRequest("two classes are compared", remedy="Write --as twice.")
    found = [user_class(written, known) for written in args.classes_compared]
    if any(one.language for _, one in found):
        prompts = parallel(args.probes or [PARALLEL], found)
    else:
        prompts = _prompts(args, place)
    design = parity(
        args.endpoint, found, prompts, settings_of(args, place), by=args.by, margin=margin_of(args, place)
    )
    return tell_report(args, run_to_its_end(args, place, begin(args, place, design)))


def run_notworse(args: Namespace) -> int:
    """Say whether a new endpoint does a company's own tasks no worse than an old one."""
    place = place_of(args)
    if not 0 < args.delta < 1:
        raise BadRequest(f"--delta {args.delta:g} is no margin", remedy="Write a share like 0.05.")
    cases = cases_in(Path(args.cases))
    if args.judge is None:
        see_checks(cases, runs_code=args.run_code)
    prompts = prompts_of_cases(cases)
    design = notworse(
        args.new, args.old, prompts, settings_of(args, place), delta=args.delta, judge=args.judge
    )
    folder = begin(args, place, design)
    shutil.copyfile(args.cases, folder.path / TASKS)
    return tell_report(args, run_to_its_end(args, place, folder))


def run_resume(args: Namespace) -> int:
    """Go on with a run that was interrupted; one that is over is judged again, and asks nothing."""
    place = place_of(args)
    folder = _one_run(run_called(place.state, args.id))
    return tell_report(args, run_to_its_end(args, place, folder))


def run_replay(args: Namespace) -> int:
    """Judge recorded answers as if they came in now."""
    return tell_report(args, replayed(Path(args.file), config_of(args).audits, args.seed))


def listing(args: Namespace) -> int:
    """List the runs, the latest last."""
    found = [(folder, folder.protocol, folder.report()) for folder in runs(state_dir(args))]
    if args.json:
        print_json(
            [
                report or {"audit": folder.id, "kind": fixed["kind"], "subject": fixed["subject"]}
                for folder, fixed, report in found
            ]
        )
        return OK
    rows = [
        (folder.id, fixed["kind"], fixed["subject"], *_standing(report)) for folder, fixed, report in found
    ]
    print(*table(_HEAD, rows), sep="\n")
    return OK


def _standing(report: AuditReport | None) -> tuple[str, ...]:
    if report is None:
        return ("not ended", "-", "-")
    return (report.verdict.value, f"{report.e_value:.3g}", str(report.calls))


def show(args: Namespace) -> int:
    """Print a run's report; of one that has not ended, what can be said so far."""
    state = state_dir(args)
    folder = run_called(state, args.id)
    opening(state, folder)
    return tell_report(args, folder.report() or rejudged(_one_run(folder)))


def _one_run(folder: Folder) -> Folder:
    """The folder. Raises BadRequest for a fleet's, whose runs are what can be judged or gone on with."""
    if folder.protocol["kind"] == FLEET:
        remedy = f"Name one of its runs: {', '.join(folder.protocol['runs'])}; or audit the fleet again."
        raise BadRequest(f"{folder.id} is a fleet's audit that did not end", remedy=remedy)
    return folder


def _prompts(args: Namespace, place: Place) -> Prompts:
    return prompts_of_traffic(args, place) if args.traffic else prompts_of(args.probes or [EVERYDAY])
