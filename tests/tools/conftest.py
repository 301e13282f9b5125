"""The command `lossbook` as the tests call it, with a progress of their own."""

import pytest

from lossbook import cli


@pytest.fixture(autouse=True)
def progress(tmp_path, monkeypatch):
    """Keep the progress of a test to itself, in a folder that is not there yet."""
    file = tmp_path / "pro gress" / "progress.json"
    monkeypatch.setenv("LOSSBOOK_PROGRESS", str(file))
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    return file


@pytest.fixture
def lossbook(capsys):
    """Run the command; give what it printed, after looking at its exit code."""

    def run(*arguments, code=0):
        assert cli.main([str(argument) for argument in arguments]) == code
        told = capsys.readouterr()
        assert "Traceback" not in told.out + told.err
        return told.out + told.err

    return run
