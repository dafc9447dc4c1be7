"""Runs exercises: injects a fault, and shows that it gives one page that names the cause, and one all-clear.

The alarms are those of the synthesized templates, over the metrics that the real functions emit under load and those
that AWS's services would count, in simulated time. Windows of hours hold only the minutes of the exercise, so their
alarms go off earlier than on AWS.
"""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from local.aws.functions.function import platform
from local.aws.relay import Relay
from local.aws.synth import synthesize
from local.choice import choose
from local.cloud.alarms.alarm import AlarmState
from local.cloud.alarms.monitor import Notification
from local.cloud.metrics.pump import MetricPump
from local.cloud.releases.published import PublishedVersions
from local.cloud.releases.target import read
from local.gameday.exercises import EXERCISES, Exercise, GameDay
from local.gameday.observer import AlarmObserver
from local.runner import ExtraServices, deployment

STAGE = "staging"
# Simulated seconds per real second: until the fault is over, and while its windows run out.
PACE, RECOVERY_PACE = 15.0, 20.0
# Of schedules: the synthetic caller calls every four simulated minutes, which leaves the machine to the load.
SCHEDULE_PACE = PACE / 4
# Minutes at most until the synthetic caller was heard, and without a fault after it; at most with the fault until the
# page, and always after it; at most until the end.
FIRST_CALL, BEFORE, PATIENCE, LONGER, RECOVERY = 60, 5, 15, 4, 60
OUT = Path(".build/gameday")


def main() -> int:
    """Plays the chosen exercises; returns 0 only if each gave one page that names its cause, and one all-clear."""
    chosen = choose(EXERCISES, "exercise", "python -m local.gameday", "Break what Bonafide depends on.")
    with deployed() as day:
        held = [play(day, each) for each in chosen]
    print(f"\n{sum(held)} of {len(held)} faults gave one page that names the cause, and one all-clear.")
    return 0 if all(held) else 1


@contextmanager
def deployed() -> Iterator[GameDay]:
    """Deploys a stage with a relay in front of its state."""
    with ExitStack() as cleanup:
        pump = MetricPump({}, stage=STAGE)
        relay = Relay(pump.relayed)
        cleanup.callback(relay.stop)
        variables = {"AWS_ENDPOINT_URL": relay.endpoint}
        services, assembly = ExtraServices(pump.record, variables, pump), synthesize(stage=STAGE)
        running = cleanup.enter_context(
            deployment(stage=STAGE, assembly=assembly, logs=OUT, services=services, pace=SCHEDULE_PACE)
        )
        relay.upstream, pump.names = running.emulator.endpoint, running.template.resource_names()
        templates = read(assembly, STAGE, running.template, PublishedVersions()).all
        everything = {**platform(running.emulator.endpoint), **variables}
        yield GameDay(running, relay, pump, templates, everything, cleanup)


def play(day: GameDay, exercise: Exercise) -> bool:
    """Injects a fault and removes it; returns whether it gave one page and one all-clear, and nothing before."""
    print(f"\n{exercise.name}: {exercise.title}", flush=True)
    with ExitStack() as cleanup:
        cleanup.callback(exercise.load(day).stop)
        day.pump.read(day.running.logs)
        day.pump.restart(PACE)
        observer = AlarmObserver(day)
        observer.until(observer.begins, FIRST_CALL)
        observer.until(lambda: False, BEFORE)
        if early := [each for each in observer.sent(0) if each.state == AlarmState.ALARM]:
            print(f"\u2717 {early[0].alarm} went off although nothing was broken")
            return False
        began = observer.minute
        with contextmanager(exercise.broken)(day):
            observer.note("broken")
            observer.until(lambda: bool(observer.sent(began)), PATIENCE)
            # What follows from the cause would page only now.
            observer.until(lambda: False, LONGER)
        observer.note("mended")
        day.pump.hasten(RECOVERY_PACE)
        observer.until(lambda: any(each.state == AlarmState.OK for each in observer.sent(began)), RECOVERY)
        faults = list(judge(exercise, observer.sent(began), observer.lost()))
    print_result(exercise, faults)
    return not faults


def judge(exercise: Exercise, sent: Sequence[Notification], lost: Sequence[Notification]) -> Iterator[str]:
    """Yields what is wrong with the notifications of an exercise."""
    alarmed = [each for each in sent if each.state == AlarmState.ALARM]
    ended = [each for each in sent if each.state == AlarmState.OK]
    if len(alarmed) != 1 or not alarmed[0].topic.endswith("-pages"):
        yield f"{len(alarmed)} notifications instead of one page"
    elif not alarmed[0].alarm.endswith(f"-{exercise.page}"):
        yield f"{alarmed[0].alarm} paged instead of {exercise.page}"
    elif not any(exercise.cause in child for child in alarmed[0].because):
        yield f"the page does not name {exercise.cause}"
    if len(ended) != 1:
        yield f"{len(ended)} all-clears instead of one"
    if lost:
        yield f"{len(lost)} notifications reached nobody"


def print_result(exercise: Exercise, faults: Sequence[str]) -> None:
    """Prints the result of an exercise."""
    good = f"one page, which names {exercise.cause}, and one all-clear"
    print(f"\u2717 {'; '.join(faults)}" if faults else f"\u2713 {good}")
