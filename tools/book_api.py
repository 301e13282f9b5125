"""The reference: an entry for every public name, written from its docstring when the book is built.

Families, stems and `__all__` are the list. A loss has one entry: the function with its arguments as a table, and below
it the module and the fused form, which take the same.
"""

from __future__ import annotations

import ast
import functools
import importlib
import inspect
import json
import posixpath
import re
import textwrap
import typing
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

from book_docstring import Docstring, as_code, blocks, escaped, inline
from docutils import nodes

import lossbook
import lossbook.fused
from lossbook import functional
from lossbook._core import kinds, settings
from lossbook._core.settings import Rule

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "lossbook"
INDEX = "book/api"
WIDTH = 84  # characters of a line of code


# --- what there is ---------------------------------------------------------------------------------------------------


@functools.cache
def families() -> dict[str, list[str]]:
    """Each family with its stems."""
    found: dict[str, list[str]] = {}
    for value in vars(functional).values():
        if inspect.isfunction(value):
            family, stem = value.__module__.split(".")[-2:]
            found.setdefault(family, []).append(stem)
    return {family: sorted(stems) for family, stems in sorted(found.items())}


@functools.cache
def public(module: str) -> dict[str, Any]:
    """The functions and classes that a module offers: its `__all__`, or what a type checker takes for public."""
    loaded = importlib.import_module(module)
    names = getattr(loaded, "__all__", None) or offered(loaded)
    found = {name: getattr(loaded, name) for name in names}
    return {name: value for name, value in found.items() if inspect.isfunction(value) or inspect.isclass(value)}


def offered(module: ModuleType) -> Iterator[str]:
    """What a module defines, and what it imports under the same name: `from .fit import fit as fit`."""
    for node in ast.parse(inspect.getsource(module)).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_"):
            yield node.name
        if isinstance(node, ast.ImportFrom):
            yield from (alias.name for alias in node.names if alias.asname == alias.name)


def of_stem(module: str, stem: str) -> dict[str, Any]:
    """What a module offers of one loss: its function first, then its class."""
    found = {name: value for name, value in public(module).items() if value.__module__.endswith(f".{stem}")}
    return dict(sorted(found.items(), key=lambda item: inspect.isclass(item[1])))


def page_of(family: str) -> str:
    """The page with the entries of a family or module."""
    return f"{INDEX}/{family.removeprefix('lossbook.').partition('.')[0]}"


@functools.cache
def homes() -> dict[str, str]:
    """Every public name, with the page that has its entry."""
    pages: dict[str, str] = {}
    for family, stems in families().items():
        for module in ("lossbook.functional", "lossbook", "lossbook.fused"):
            pages |= {f"{module}.{name}": page_of(family) for stem in stems for name in of_stem(module, stem)}
    for name in public("lossbook"):
        pages.setdefault(f"lossbook.{name}", INDEX)
    for path in sorted((ROOT / "book" / "api").glob("*.md")):
        for modules in re.findall(r"made by the build: api((?: lossbook[\w.]*)+) ", path.read_text(encoding="utf-8")):
            for module in modules.split():
                pages |= {f"{module}.{name}": f"{INDEX}/{path.stem}" for name in public(module)}
    return pages


@functools.cache
def chapters() -> dict[str, tuple[str, str]]:
    """The stem of each loss that has a chapter, with page and title."""
    stems = {stem for each in families().values() for stem in each}
    found = {}
    for path in sorted((ROOT / "book").glob("*/*.ipynb")):
        if path.stem in stems:
            first = json.loads(path.read_text(encoding="utf-8"))["cells"][0]["source"]
            page = path.relative_to(ROOT).with_suffix("").as_posix()
            found[path.stem] = (page, "".join(first).splitlines()[0].removeprefix("# "))
    return found


def entry_of(page: str) -> tuple[str, str] | None:
    """The function that a chapter is about and its full name, or None: the way from a chapter to its entry."""
    stem = posixpath.basename(page)
    if chapters().get(stem, ("",))[0] != page:
        return None
    name = next(iter(of_stem("lossbook.functional", stem)))
    return name, f"lossbook.functional.{name}"


# --- links and anchors -----------------------------------------------------------------------------------------------


def linked(page: str, name: str, text: str = "") -> str:
    """A link from a page to an entry, or the name as code where there is none."""
    for full in (name, f"lossbook.functional.{name}", f"lossbook.{name}"):
        if full in homes():
            return f"[{text or as_code(name.rpartition('.')[2])}]({between(page, homes()[full])}#{full})"
    return text or as_code(name)


def between(page: str, other: str, suffix: str = ".md") -> str:
    """The relative address of a page, "" for the page itself."""
    return "" if page == other else posixpath.relpath(other + suffix, posixpath.dirname(page))


def kind_of(name: str) -> str:
    """What a full name stands for, in the words of Sphinx."""
    return "class" if name.rpartition(".")[2][0].isupper() else "function"


def target(name: str) -> str:
    """The mark before a heading that :func:`anchor` makes its address; marks do not tell capital letters apart."""
    return f"({kind_of(name)} {name})="


def anchor(app: Any, doctree: nodes.document) -> None:
    """Give each entry its full name as address, `#lossbook.HuberLoss`, for links and for objects.inv."""
    page = app.env.docname
    if page != INDEX and not page.startswith(f"{INDEX}/"):
        return
    marks = {f"{kind_of(name)} {name}".lower(): name for name, home in homes().items() if home == page}
    slugs = app.env.metadata[page].setdefault("myst_slugs", {})
    for section in doctree.findall(nodes.section):
        own = [marks[mark] for mark in section["names"] if mark in marks]
        section["ids"][:0] = own
        for name in own:
            slugs[name] = (0, name, name)
            app.env.get_domain("py").note_object(name, kind_of(name), name, location=section)


# --- an entry --------------------------------------------------------------------------------------------------------


def entries(page: str, *what: str) -> str:
    """The entries of families and of modules, which begin with `lossbook`."""
    out = []
    for each in what:
        if each in families():
            out += [of_loss(page, each, stem) for stem in families()[each]]
        else:
            own = {name: value for name, value in public(each).items() if homes()[f"{each}.{name}"] == page}
            out += [of_name(page, f"{each}.{name}", value) for name, value in own.items()]
    return "\n\n".join(out)


def of_loss(page: str, family: str, stem: str) -> str:
    """A loss: its function, and what differs in its module and its fused form."""
    ((name, function),) = of_stem("lossbook.functional", stem).items()
    out = [of_name(page, f"lossbook.functional.{name}", function, before=led_by(page, family, stem))]
    for cls in of_stem("lossbook", stem):
        out.append(of_module(page, f"lossbook.{cls}", getattr(lossbook, cls)))
    if fused := of_stem("lossbook.fused", stem):
        out.append(of_fused(page, function, fused))
    return "\n\n".join(out)


def led_by(page: str, family: str, stem: str) -> str:
    """The line with the chapter and the file of a loss."""
    at = f"`lossbook/{family}/{stem}.py`"
    if stem not in chapters():
        return f"No chapter yet; source: {at}"
    chapter, title = chapters()[stem]
    return f"Chapter: [{title}]({between(page, chapter, '.ipynb')}); source: {at}"


def of_name(page: str, full: str, thing: Any, before: str = "") -> str:
    """A function or class with everything that its docstring says."""
    doc = Docstring.of(thing)

    def link(name: str) -> str:
        return as_code(name) if name == full.rpartition(".")[2] else linked(page, name)

    out = [target(full), f"## {full.rpartition('.')[2]}", code(signature(full, thing)), before]
    out += [inline(doc.summary, link), blocks(doc.text, link), arguments(page, thing, doc)]
    if attributes := doc.items("Attributes"):
        out.append(table(("Attribute", "Meaning"), [(as_code(n), inline(t, link)) for n, t in attributes.items()]))
    if inspect.isclass(thing):
        out.append(members(thing))
    if said := doc.sections.get("Returns"):
        out.append(f"**Returns**\n\n{blocks(said, link)}")
    if raised := doc.raises():
        out.append("**Raises**\n\n" + "\n".join(f"- `{error}`: {inline(why, link)}" for error, why in raised))
    for title in ("Usage", "Note"):
        if said := doc.sections.get(title):
            out.append(f"**{title}**\n\n{blocks(said, link)}")
    if example := doc.sections.get("Example"):
        out.append(f"**Example**\n\n```pycon\n{example}\n```")
    if sources := doc.references():
        out.append("**References**\n\n" + "\n".join(f"- {inline(source)}" for source in sources))
    return "\n\n".join(part for part in out if part)


def of_module(page: str, full: str, cls: Any) -> str:
    """The module of a loss: its settings, what it takes in a call, what it keeps."""
    short = full.rpartition(".")[2]
    taken = [n for n in inspect.signature(cls.forward).parameters if n != "self"]
    rules: dict[str, Rule] = cls.function.rules
    kept = [name for name in cls.settings if rules.get(name, Rule(None)).tensor]
    made = [name for name in inspect.signature(cls).parameters if name not in rules]
    said = inline(Docstring.of(cls).summary, lambda name: linked(page, name))
    said += f" Settings go into the constructor, {listed(taken)} into the call."
    if kept:
        said += f" A tensor given as {listed(kept, 'or')} is a buffer, or stays the `nn.Parameter` that it is."
    if made:
        said += f" {listed(made)} are no arguments of the function: they say what the module owns."
    return "\n\n".join([target(full), f"### {short}", code(signature(full, cls)), said])


def of_fused(page: str, readable: Any, names: dict[str, Any]) -> str:
    """The fused form: what it keeps and which gradients it has; the contract is that of the readable one."""
    function = next(iter(names.values()))
    own = Docstring.of(function).text.removesuffix(Docstring.of(readable).text).strip()
    marks = "\n".join(target(f"lossbook.fused.{name}") for name in names)
    calls = "\n".join(signature(f"lossbook.fused.{name}", value) for name, value in names.items())
    added = [n for n in inspect.signature(function).parameters if n not in inspect.signature(readable).parameters]
    same = "Arguments, meaning and refusals are those above" + (f", and {listed(added)}." if added else ".")
    said = blocks(own, lambda name: linked(page, name))
    return "\n\n".join([marks, f"### fused.{next(iter(names))}", code(calls), said, same])


def members(cls: type) -> str:
    """The methods and properties of a class that say what they do."""
    rows = []
    for name, value in vars(cls).items():
        said = inspect.getdoc(value)
        if not name.startswith("_") and said and (inspect.isfunction(value) or isinstance(value, property)):
            call = "" if isinstance(value, property) else "()"
            rows.append((as_code(f"{name}{call}"), inline(said.splitlines()[0])))
    return table(("Attribute or method", "Meaning"), rows) if rows else ""


def arguments(page: str, thing: Any, doc: Docstring) -> str:
    """The table of arguments: name, type, meaning and domain, default."""
    rows = []
    parameters = inspect.signature(thing).parameters
    types = inspect.get_annotations(inspect.unwrap(thing))
    for name, said in doc.items("Args").items():
        parameter = parameters[name.lstrip("*")]
        default = "required" if parameter.default is parameter.empty else as_code(value_of(parameter.default))
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            default = "any number"
        kind = type_of(page, types.get(name, parameter.annotation))
        rows.append((as_code(name), kind, inline(said, lambda name: linked(page, name)), default))
    head = ("Argument", "Type", "Meaning and domain", "Default")
    return boxed("lb-arguments", table(head, rows)) if rows else ""


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table of Markdown; a line in a cell has no bar that would end it."""
    cells = [[re.sub(r"(?<!\\)\|", r"\\|", cell) for cell in row] for row in rows]
    return "\n".join(f"| {' | '.join(row)} |" for row in (head, ["---"] * len(head), *cells))


def boxed(look: str, text: str) -> str:
    """Markdown under a class of book.css."""
    return f":::{{container}} {look}\n{text}\n:::"


def code(text: str) -> str:
    """Source of Python."""
    return f"```python\n{text}\n```"


def signature(full: str, thing: Any) -> str:
    """How a name is called, with its defaults, in lines of a screen's width."""
    parts, named = [], False
    for p in inspect.signature(thing).parameters.values():
        if p.kind is p.KEYWORD_ONLY and not named:
            parts.append("*")
        named = named or p.kind in (p.KEYWORD_ONLY, p.VAR_POSITIONAL)
        stars = "*" if p.kind is p.VAR_POSITIONAL else "**" if p.kind is p.VAR_KEYWORD else ""
        parts.append(stars + p.name + ("" if p.default is p.empty else f"={value_of(p.default)}"))
    line = f"{full}({', '.join(parts)})"
    if len(line) <= WIDTH:
        return line
    inner = textwrap.fill(
        ", ".join(part.replace(" ", "\0") for part in parts), WIDTH, initial_indent="    ", subsequent_indent="    "
    )
    return f"{full}(\n{inner}\n)".replace("\0", " ")


def value_of(default: Any) -> str:
    """A default as one types it."""
    return str(getattr(default, "__name__", None) or repr(default).replace("'", '"'))


def listed(words: list[str], last: str = "and") -> str:
    """Names in a sentence."""
    found = [as_code(word) for word in words]
    return found[0] if len(found) == 1 else f"{', '.join(found[:-1])} {last} {found[-1]}"


# --- types of arguments ----------------------------------------------------------------------------------------------


@functools.cache
def checked() -> dict[str, Any]:
    """The types that say what an argument may be, by name; those of tensors first."""
    found = {**vars(kinds), **vars(settings)}
    return {n: t for n, t in found.items() if typing.get_origin(t) is typing.Annotated and not n.startswith("_")}


def type_of(page: str, annotation: Any) -> str:
    """A type as a reader wants to see it: one of ours leads to what it takes, another is written out."""
    if annotation is inspect.Parameter.empty:
        return ""
    members = settings._members(annotation)
    if any(typing.get_origin(member) is typing.Annotated for member in members):
        ours = {name: member for name, type_ in checked().items() for member in members if member == type_}
        words = [f"[{name}]({between(page, INDEX)}#types-of-arguments)" for name in list(ours)[:1]]
        return " or ".join([*words, *(["`None`"] if type(None) in members else [])])
    text = annotation if isinstance(annotation, str) else inspect.formatannotation(annotation)
    return as_code(re.sub(r"\b[a-z_]\w*\.(?=[\w.]*[A-Z])", "", text))


def takes(check: Any) -> str:
    """What a check lets through, in its own words."""
    if isinstance(check, kinds.Kind):
        return check.tensor + (f"; each value: {check.holds}" if check.valid else "")
    if options := getattr(check, "options", None):
        return "one of " + ", ".join(f'"{option}"' for option in options)
    if of := getattr(check, "of", None):
        return ", or ".join(map(takes, of))
    said = (inspect.getdoc(check) or "").splitlines()[0].removesuffix(".")
    return re.sub(r"^Refuse what is (not|neither) ", "", said).replace(" nor ", " or ")


def types(_page: str) -> str:
    """The table of types, with what each takes as its check says it."""
    rows = []
    for name, annotation in checked().items():
        plain = re.sub(r"\b[a-z_]\w*\.(?=[\w.]*[A-Z])", "", inspect.formatannotation(annotation.__origin__))
        rows.append((as_code(name), as_code(plain), inline(takes(annotation.__metadata__[0]))))
    return boxed("lb-arguments", table(("Type", "For a type checker", "Takes"), rows))


def names(page: str) -> str:
    """All losses and activations: function, module, fused form and chapter, by family."""
    rows: list[Sequence[str]] = []
    for family, stems in families().items():
        rows.append((f"**{family.capitalize()}**", "", "", ""))
        for stem in stems:
            modules = ("lossbook.functional", "lossbook", "lossbook.fused")
            full = [f"{module}.{next(iter(of_stem(module, stem)), '')}" for module in modules]
            cells = [linked(page, name, short) for name, short in zip(full, ("", "", "fused"), strict=True)]
            cells[2] = cells[2] if full[2] in homes() else ""
            chapter = chapters().get(stem)
            where = f"[{escaped(chapter[1])}]({between(page, chapter[0], '.ipynb')})" if chapter else ""
            rows.append((*cells, where))
    return boxed("lb-names", table(("Function", "Module", "Fused", "Chapter"), rows))
