"""Processes that die, a mail server that fails them, a clock that is wrong."""

from __future__ import annotations

import time
from collections import Counter

import psutil

from tests.benchmarks import dying
from tests.benchmarks.ledger import mail_problems, problems
from tests.benchmarks.product import Product, until
from tests.benchmarks.rush import Rush, comes_back
from tests.benchmarks.trial import Trial

ROUNDS = 20


def kills(trial: Trial) -> None:
    """Twenty kills of web processes, web server and worker while everybody rushes."""
    server = trial.mail_server("kill")
    with server.running():
        product = trial.product(**server.settings)
        with product.running():
            rush = Rush(product, trial.number, goes_on=True).start()
            rounds = workers = 0
            while rounds < ROUNDS and rush.is_running:
                time.sleep(trial.chance.uniform(0.3, 0.9))
                victim = _kill_one(trial, product)
                rounds += bool(victim)
                workers += victim == "worker"
            rush.wait()
            wrong, back = comes_back(product)
            wrong += problems(product, rush.acknowledged) + rush.gave_up()
            wrong += mail_problems(product, server, kills=workers)
    if rounds < ROUNDS:
        wrong.append(f"the rush was over after {rounds} kills")
    told = f"{len(rush.acknowledged)} RSVPs through {rounds} kills, {workers} of the worker"
    trial.say("kill -9 in a rush", wrong, told, back)


def _kill_one(trial: Trial, product: Product) -> str:
    """Kill the worker, a web process or their server; which, if it was there to be killed."""
    service, *others = product.processes()
    if not others:
        return ""
    victim = trial.chance.choice(others)
    try:
        is_ours = victim.ppid() == service.pid
        what = "worker" if is_ours and not victim.children() else "web"
        victim.kill()
    except psutil.NoSuchProcess:
        return ""
    return what


def dies_at_commits(trial: Trial) -> None:
    """Web processes and worker die right before and right after commits in a rush."""
    server, deaths = trial.mail_server("commit"), trial.folder / f"deaths-{trial.kind}"
    deaths.write_text("")
    with server.running():
        product = trial.product("-m", "tests.benchmarks.dying", str(deaths), **server.settings)
        with product.running():
            rush = Rush(product, 300, goes_on=True).start()
            until(
                lambda: Counter(deaths.read_text().split()) >= Counter(dying.DEATHS),
                seconds=200,
                what="enough have died",
            )
            rush.wait()
            wrong, back = comes_back(product)
            who = Counter(deaths.read_text().split())
            wrong += problems(product, rush.acknowledged) + rush.gave_up()
            wrong += mail_problems(product, server, kills=who["worker"])
    told = f"{len(rush.acknowledged)} RSVPs through {who.total()} deaths, "
    told += f"{who['worker']} of the worker"
    trial.say("death at a commit", wrong, told, back)


def mail_server_is(mode: str, trial: Trial) -> None:
    """A mail server that is away, defers, breaks, hangs; or one that refuses."""
    server = trial.mail_server(mode)
    product = trial.product(**server.settings)
    if mode != "down":
        server.behave(mode)
        server.start()
    try:
        with product.running():
            rush = Rush(product, 20, tries=1).start().wait()
            time.sleep(5)
            if mode == "down":
                server.start()
            if mode != "refuse":
                server.behave("take")
            wrong, back = comes_back(product)
            wrong += problems(product, rush.acknowledged) + rush.gave_up()
            mails = mail_problems(product, server, kills=0)
    finally:
        server.stop()
    told = "20 RSVPs answered at once; all mails went"
    if mode == "refuse":
        shown = [text for text in mails if "given up" in text]
        mails = [text for text in mails if text not in shown]
        mails += [] if shown else ["mails that were refused are not shown as given up"]
        told = "20 RSVPs answered at once; all mails shown as given up"
    trial.say(f"mail server: {mode}", wrong + mails, told, back)


def clock_steps(trial: Trial) -> None:
    """The clock of all processes jumps by up to a day in both directions in a rush."""
    server, wrong_by = trial.mail_server("clock"), trial.folder / f"wrong-{trial.kind}"
    wrong_by.write_text("0")
    with server.running():
        product = trial.product("-m", "tests.benchmarks.stepping", str(wrong_by), **server.settings)
        with product.running():
            rush = Rush(product, 300).start()
            steps = 0
            while steps < 12 or rush.is_running:
                new = wrong_by.with_suffix(".new")
                new.write_text(str(trial.chance.uniform(-86_400, 86_400)))
                new.replace(wrong_by)
                steps += 1
                time.sleep(0.5)
            wrong_by.write_text("0")
            wrong, back = comes_back(product)
            wrong += problems(product, rush.acknowledged) + rush.gave_up()
            wrong += mail_problems(product, server, kills=0)
    told = f"300 RSVPs through {steps} steps, each mailed once"
    trial.say("the clock steps by up to a day", wrong, told, back)
