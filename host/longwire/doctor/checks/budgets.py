"""The files that keep what was spent of providers' limits: without them those providers are closed."""

import os
import time
from collections.abc import Iterator

from longwire.doctor.finding import Finding, fail, ok, warn
from longwire.doctor.patient import Patient
from longwire.policy import UnusableState
from longwire.policy.budget_files import FOLDER_NAME, BudgetFiles
from longwire.policy.budgets import BUDGETS_COMMAND, key_of, limit_text, limits_of


def check_budgets(patient: Patient) -> Iterator[Finding]:
    """Whether limits can be held, and which are used up. Says nothing where no provider in force has any."""
    policy = patient.policy().current()
    limits = {
        key_of(provider, str(page), grant.principal): limits
        for grant in policy.in_force
        for provider in grant.generate
        if (limits := limits_of(provider))
        for page in grant.pages
    }
    if not limits:
        return
    files = BudgetFiles(patient.logs / FOLDER_NAME)
    try:
        ledgers, problems = files.all()
    except UnusableState as problem:
        ledgers, problems = [], [problem]
    for each in problems:
        yield fail("budgets", f"{each.what}, so a provider with limits is closed", each.fix)
    folder = next(each for each in (files.folder, *files.folder.parents) if each.exists())
    if not os.access(folder, os.W_OK | os.X_OK):
        what = f"{folder} cannot be written, so providers with limits are closed"
        yield fail("budgets", what, f"make {folder} yours and writable")
        return
    now_ms = time.time_ns() // 1_000_000
    used_up = [
        (key, limit)
        for key, ledger in ledgers
        for limit, _, wait_ms in ledger.room(limits.get(key, ()), now_ms)
        if wait_ms
    ]
    for key, limit in used_up:
        what = f'the provider "{key.provider}" allows {limit_text(limit)}, and {key.pages} has used that up for now'
        yield warn("budgets", what, f"wait, or give it a larger limit; `{BUDGETS_COMMAND}` says how long")
    if not problems and not used_up:
        yield ok("budgets", "limits can be held, and none is used up")
