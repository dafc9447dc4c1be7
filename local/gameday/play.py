"""Runs exercises: injects a fault, and shows that an alarm goes off and ends.

The alarms are those of the synthesized templates, over the metrics that the real functions emit under load, in
simulated time. Each fault has to raise an alarm that links to the runbook of its kind, and removing it has to end the
alarm. Windows of hours hold only the minutes of the exercise, so their alarms go off earlier than on AWS.
"""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from local.aws.functions.function import platform
from local.aws.relay import Relay
from local.aws.synth import synthesize
from local.choice import choose
from local.cloud.metrics.pump import MetricPump
from local.cloud.releases.published import PublishedVersions
from local.gameday.exercises import EXERCISES, Exercise, GameDay
from local.gameday.observer import AlarmObserver
from local.rehearse.target import read
from local.runner import ExtraServices, deployment

STAGE = "staging"
PACE = 15.0  # simulated seconds per real second
# Minutes without a fault before, at most with the fault until the alarm, and at most after it until the alarm ends.
BEFORE, PATIENCE, RECOVERY = 5, 15, 20
OUT = Path(".build/gameday")


def main() -> int:
    """Plays the chosen exercises; returns 0 only if each alarm went off and ended."""
    chosen = choose(EXERCISES, "exercise", "python -m local.gameday", "Break what Bonafide depends on.")
    with deployed() as day:
        held = [play(day, each) for each in chosen]
    print(f"\n{sum(held)} of {len(held)} breakages set off their alarm, and mending ended it.")
    return 0 if all(held) else 1


@contextmanager
def deployed() -> Iterator[GameDay]:
    """Deploys a stage with a relay in front of its state."""
    with ExitStack() as cleanup:
        relay, pump = Relay(), MetricPump({})
        cleanup.callback(relay.stop)
        variables = {"AWS_ENDPOINT_URL": relay.endpoint}
        services, assembly = ExtraServices(pump.record, variables), synthesize(stage=STAGE)
        running = cleanup.enter_context(deployment(stage=STAGE, assembly=assembly, logs=OUT, services=services))
        relay.upstream, pump.names = running.emulator.endpoint, running.template.resource_names()
        templates = read(assembly, STAGE, running.template, PublishedVersions()).all
        everything = {**platform(running.emulator.endpoint), **variables}
        yield GameDay(running, relay, pump, templates, everything, cleanup)


def play(day: GameDay, exercise: Exercise) -> bool:
    """Injects a fault and removes it; returns whether the alarm went off and ended, without a false alarm before."""
    print(f"\n{exercise.name}: {exercise.title}", flush=True)
    with ExitStack() as cleanup:
        cleanup.callback(exercise.load(day).stop)
        day.pump.read(day.running.logs)
        day.pump.restart(PACE)
        observer, kind = AlarmObserver(day), exercise.kind
        if observer.until(lambda: bool(observer.going_off(kind)), BEFORE):
            print(f"\u2717 {kind} went off although nothing was broken")
            return False
        with contextmanager(exercise.broken)(day):
            observer.note("broken")
            went_off = observer.until(lambda: bool(observer.going_off(kind)), PATIENCE)
            named = observer.going_off(kind)
        observer.note("mended")
        # Alarms over hours last for hours; the end of one over minutes is enough.
        ended = observer.until(lambda: bool(set(named) - set(observer.going_off(kind))), RECOVERY)
        over = sorted(set(named) - set(observer.going_off(kind)))
    return print_result(kind, over or named, went_off, ended)


def print_result(kind: str, named: Sequence[str], went_off: bool, ended: bool) -> bool:
    """Prints the result of an exercise; returns whether it held."""
    if not went_off:
        print(f"\u2717 no alarm of {kind} went off within {PATIENCE} minutes")
    elif not ended:
        print(f"\u2717 {', '.join(named)} did not end within {RECOVERY} minutes")
    else:
        print(f"\u2713 {', '.join(named)} went off and ended; what to do is in docs/runbooks/{kind}.md")
    return went_off and ended
