"""The command `lossbook`: do the exercises in a terminal, with the judge of the notebooks."""

import argparse
import json
import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from time import sleep

from .exercises import exercise
from .exercises._catalogue import LEVELS, Entry, entries, entry, selected
from .exercises._exercise import KINDS
from .exercises._file import FileError, read as read_answers, reports
from .exercises._judge import Report
from .exercises._marking import ORDER, Row, rows, write_csv
from .exercises._notebook import notebook, script, write_new
from .exercises._progress import (
    Mark,
    Marks,
    NewerError,
    ProgressError,
    current,
    keep,
    marked,
    merged,
    progress_file,
    read as read_progress,
    write,
)
from .exercises._rendering import as_text, coloured

SIGNS = {"done": "+", "tried": "~", "untouched": "."}


def main(arguments: list[str] | None = None) -> int:
    """Run a command and return 0 if all is right, 1 if something is wrong, 2 if the command cannot be understood."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")  # the consoles of Windows do not have all characters
    options = _parser().parse_args(arguments)
    try:
        code: int = options.command(options)
        sys.stdout.flush()
    except (ValueError, ProgressError, NewerError, FileError) as error:
        return _refused(error)
    except BrokenPipeError:  # `lossbook list | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except OSError as error:
        return _refused(f"{error.filename}: {error.strerror}" if error.filename else error)
    except KeyboardInterrupt:
        return 130
    return code


def _refused(why: object) -> int:
    print(f"lossbook: {why}", file=sys.stderr)
    return 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="lossbook",
        description="Do the exercises of lossbook in a terminal.",
        epilog="Exit codes: 0 all right, 1 something is wrong, 2 the command cannot be understood.",
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def add(name: str, command: object, told: str) -> argparse.ArgumentParser:
        made = commands.add_parser(name, help=told, description=f"{told[0].upper()}{told[1:]}.")
        made.set_defaults(command=command)
        return made

    def add_filters(made: argparse.ArgumentParser) -> None:
        made.add_argument("--chapter", help="only of this chapter, for instance huber")
        made.add_argument("--topic", help="only of this topic, for instance regression")
        made.add_argument("--kind", choices=KINDS, help="only of this kind")
        made.add_argument("--level", type=int, choices=LEVELS, help="only of this level")

    add_filters(add("list", _list, "name the exercises"))
    showing = add("show", _show, "print an exercise as a script to begin with")
    showing.add_argument("name", metavar="NAME")
    showing.add_argument("-o", "--output", metavar="FILE", type=Path, help="write it to a new file instead")
    checking = add("check", _check, "judge the answers of a script or notebook")
    checking.add_argument("file", metavar="FILE", type=Path, help='it calls check("huber.gradient", huber_gradient)')
    checking.add_argument("--watch", action="store_true", help="again whenever the file changes, until Ctrl-C")
    checking.add_argument("--json", action="store_true", help="print the reports as JSON, and keep no progress")
    checking.add_argument("--closed", type=Path, metavar="FOLDER", help=argparse.SUPPRESS)
    add("hint", _hint, "print a nudge, and a sketch when asked again").add_argument("name", metavar="NAME")
    add("solution", _solution, "print the solution and why it has this form").add_argument("name", metavar="NAME")
    add("status", _status, "show what is done, by chapter")
    add("export", _export, "write the progress to a file").add_argument("file", metavar="FILE", type=Path)
    add("import", _import, "add the progress of a file, keeping the better").add_argument(
        "file", metavar="FILE", type=Path
    )
    writing = add("notebook", _notebook, "write a notebook of exercises")
    add_filters(writing)
    writing.add_argument("--no-solutions", action="store_true", help="leave hints and solutions out")
    writing.add_argument("-o", "--output", metavar="FILE", type=Path, required=True, help="a new .ipynb file")
    grading = add("grade", _grade, "mark a folder with a file or sub-folder for each student")
    grading.add_argument("folder", metavar="FOLDER", type=Path)
    grading.add_argument("--csv", metavar="FILE", type=Path, help="write the table to a file as well")
    return parser


def _marks() -> Marks:
    marks, note = current()
    if note:
        print(f"lossbook: {note}", file=sys.stderr)
    return marks


def _keep(marks: Marks) -> None:
    if note := keep(marks):
        print(f"lossbook: {note}", file=sys.stderr)


# --- looking for one -------------------------------------------------------------------------------------------------


def _list(options: argparse.Namespace) -> int:
    found = selected(options.chapter, options.topic, options.kind, options.level)
    marks = _marks()
    names, titles = max(len(each.name) for each in found), max(len(each.title) for each in found)
    topic = ""
    for each in found:
        if each.topic != topic:
            topic = each.topic
            print(topic)
        state = marks.get(each.name, Mark()).state
        line = (
            f"  {each.name:<{names}}  {each.title:<{titles}}  {each.kind:<7}  level {each.level}  {each.minutes:>2} min"
        )
        print(line if state == "untouched" else f"{line}  {coloured(state)}")
    return 0


def _show(options: argparse.Namespace) -> int:
    text = script(entry(options.name))
    if options.output:
        write_new(text, options.output)
    else:
        print(text, end="")
    return 0


def _status(options: argparse.Namespace) -> int:
    marks = _marks()
    chapters: dict[str, list[Entry]] = {}
    for each in entries():
        chapters.setdefault(each.chapter, []).append(each)
    width, topic = max(map(len, chapters)), ""
    for chapter, held in chapters.items():
        if held[0].topic != topic:
            topic = held[0].topic
            print(topic)
        states = [marks.get(each.name, Mark()).state for each in held]
        signs = "".join(coloured(state, SIGNS[state]) for state in states)
        print(f"  {chapter:<{width}}  {signs}  {states.count('done')} of {len(held)}")
    states = [marks.get(each.name, Mark()).state for each in entries()]
    counted = ", ".join(f"{SIGNS[state]} {states.count(state)} {state}" for state in SIGNS)
    print(f"\n{counted}; kept in {progress_file()}")
    return 0


# --- doing one -------------------------------------------------------------------------------------------------------


def _check(options: argparse.Namespace) -> int:
    if not options.watch:
        return _check_once(options)
    code = 0
    try:
        for _ in _versions(options.file):
            try:
                code = _check_once(options)
            except (FileError, OSError) as error:  # it is being written
                code = _refused(error)
            print(f"\nwatching {options.file}; Ctrl-C ends\n", flush=True)
    except KeyboardInterrupt:
        print()
    return code


def _versions(path: Path) -> Iterator[None]:
    """Yield now, and whenever a file has changed."""
    before: object = ()
    while True:
        try:
            stat = path.stat()
            now: object = (stat.st_mtime_ns, stat.st_size)
        except OSError:
            now = None
        if now != before:
            before = now
            yield
        sleep(0.5)


def _check_once(options: argparse.Namespace) -> int:
    os.environ["CUDA_VISIBLE_DEVICES"] = ""  # where autograd has met a GPU, an answer cannot run in a child
    file = read_answers(options.file, options.closed)
    found = []
    for report in reports(file):
        found.append(report)
        if not options.json:
            _tell(report)
    if options.json:
        print(json.dumps([_plain(report) for report in found]))
    return 0 if all(report.status == "right" for report in found) else 1


def _tell(report: Report) -> None:
    known = {each.name: each.title for each in entries()}
    width = shutil.get_terminal_size((100, 24)).columns
    print(as_text(report, known.get(report.name, ""), width), flush=True)
    mark = marked(report.status)
    if mark and report.name in known:
        _keep({report.name: mark})


def _plain(report: Report) -> dict[str, object]:
    checks = [{"label": check.label, "passed": check.passed, "words": check.words} for check in report.checks]
    return {"name": report.name, "status": report.status, "checks": checks, "printed": report.printed}


def _hint(options: argparse.Namespace) -> int:
    task = exercise(options.name)
    first = _marks().get(task.name, Mark()).hints == 0
    print(f"A nudge: {task.nudge}" if first else f"A sketch: {task.sketch}")
    _keep({task.name: Mark(hints=1 if first else 2)})
    if first:
        print(f"\nAsked again, `lossbook hint {task.name}` gives a sketch.")
    return 0


def _solution(options: argparse.Namespace) -> int:
    task = exercise(options.name)
    print(f"{task.solution}\n\nWhy this form: {task.why}")
    return 0


# --- files -----------------------------------------------------------------------------------------------------------


def _export(options: argparse.Namespace) -> int:
    marks = _marks()
    if options.file.exists():
        read_progress(options.file)  # anything else is not written over
    write(marks, options.file)
    print(f"{options.file}: {len(marks)} exercises")
    return 0


def _import(options: argparse.Namespace) -> int:
    theirs, mine = read_progress(options.file), _marks()
    after = merged(mine, theirs)
    write(after, progress_file())
    print(f"{progress_file()}: {sum(after[name] != mine.get(name) for name in after)} exercises changed")
    return 0


def _notebook(options: argparse.Namespace) -> int:
    if options.output.suffix != ".ipynb":
        raise ValueError(f"a notebook ends in .ipynb, got {options.output}")
    found = selected(options.chapter, options.topic, options.kind, options.level)
    title = f"Exercises: {options.chapter or options.topic or options.kind or 'all topics'}"
    write_new(notebook(title, found, solutions=not options.no_solutions), options.output)
    print(f"{options.output}: {len(found)} exercises, about {sum(each.minutes for each in found)} minutes")
    return 0


def _grade(options: argparse.Namespace) -> int:
    if not options.folder.is_dir():
        raise ValueError(f"{options.folder} is not a folder")
    if options.csv and (options.csv.suffix.lower() != ".csv" or options.csv.is_dir()):
        raise ValueError(f"a table ends in .csv, got {options.csv}")
    found = []
    for row in rows(options.folder):
        found.append(row)
        states = list(row.found.values())
        told = ", ".join(f"{states.count(status)} {status}" for status in reversed(ORDER) if status in states)
        print(f"{row.student}: {'; '.join(filter(None, (told, row.note)))}", flush=True)
    if not found:
        raise ValueError(f"{options.folder} holds no student's script or notebook")
    if options.csv:
        write_csv(found, _columns(found), options.csv)
        print(f"{options.csv}: {len(found)} students, {len(_columns(found))} exercises")
    return 0


def _columns(found: list[Row]) -> list[str]:
    """Name the exercises that somebody answered, in the order of the book."""
    answered = {name for row in found for name in row.found}
    return [each.name for each in entries() if each.name in answered]


if __name__ == "__main__":
    sys.exit(main())
