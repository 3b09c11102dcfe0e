"""What the doctor says of providers' limits and of the files that keep what was spent."""

import asyncio
import os
from decimal import Decimal
from pathlib import Path

import pytest

from longwire.doctor.checks.budgets import check_budgets
from longwire.doctor.finding import Finding, State
from longwire.doctor.patient import Patient
from longwire.install.browsers import browser_table
from longwire.install.surroundings import Surroundings
from longwire.policy import Locations, PolicyStore
from longwire.policy.budgets import BudgetFiles, Budgets, key_of, limits_of
from tests.unit.cli.test_budget_command import CHAT, POLICY


@pytest.fixture
def patient(tmp_path: Path) -> Patient:
    here = Surroundings("linux", str(tmp_path), str(tmp_path / ".config"), tmp_path / "state", which=lambda _: None)
    locations = Locations(tmp_path / "none" / "policy.toml", tmp_path / "policy.toml")
    locations.user.write_text(POLICY)
    return Patient(
        here, browser_table(), (), tmp_path, environ={}, policy=lambda: PolicyStore(locations), logs=tmp_path / "logs"
    )


def spend(patient: Patient) -> Path:
    """One request of the two that are allowed; the file that keeps it."""
    provider = patient.policy().current().providers[0]
    files = BudgetFiles(patient.logs / "budgets")
    reserve = Budgets(files).reserve(
        key_of(provider, CHAT, "page"), limits_of(provider), tokens=1, cost=Decimal(0), currency="USD"
    )
    asyncio.run(reserve)
    (path,) = files.folder.iterdir()
    return path


def one(patient: Patient) -> Finding:
    (finding,) = check_budgets(patient)
    return finding


def test_limits_can_be_held_before_anything_was_spent_and_after(patient: Patient) -> None:
    assert one(patient).state is State.OK
    assert not patient.logs.exists()
    spend(patient)
    assert one(patient).state is State.OK


def test_one_that_is_used_up_is_named_with_what_says_how_long(patient: Patient) -> None:
    spend(patient)
    spend(patient)
    finding = one(patient)
    assert finding.state is State.WARN
    assert finding.what == f'the provider "openai" allows 2 requests per 15m, and {CHAT} has used that up for now'
    assert "`longwire policy budgets` says how long" in finding.fix


def test_a_file_that_cannot_be_believed_closes_its_provider(patient: Patient) -> None:
    path = spend(patient)
    path.write_text("{")
    finding = one(patient)
    assert (finding.state, finding.what) == (State.FAIL, f"{path} is damaged, so a provider with limits is closed")
    assert str(path) in finding.fix


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written_closes_them(patient: Patient) -> None:
    path = spend(patient)
    path.parent.chmod(0o500)
    assert "cannot be written" in one(patient).what


def test_without_limits_there_is_nothing_to_say(patient: Patient) -> None:
    file = patient.policy().locations.user
    file.write_text(POLICY.replace("limits = ", "# limits = "))
    assert list(check_budgets(patient)) == []
    file.write_text(POLICY.replace('generate = ["openai", "ollama"]', 'generate = ["ollama"]'))
    assert list(check_budgets(patient)) == []
