"""Settings whose errors say in one line what is wrong, as those of recipes do."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from topophys.errors import InputError, RecipeError


class Settings(BaseModel):
    """Base of recipes and settings: what does not fit is one line, not the report of pydantic."""

    if not TYPE_CHECKING:  # editors and type checkers see the fields

        def __init__(self, /, **settings: Any) -> None:
            try:
                super().__init__(**settings)
            except ValidationError as error:
                name = type(self).__name__
                raise RecipeError(f"{name}: {one_line(error, type(self))}") from None

        # pydantic continues to validate nested tables itself, and reports where they stand
        __init__.__pydantic_base_init__ = True

        def __setattr__(self, name: str, value: Any) -> None:
            try:
                super().__setattr__(name, value)
            except ValidationError:
                raise InputError(
                    f"Settings of a {type(self).__name__} cannot be changed, but `{name}` was to"
                    f" become {_shown(value)}; make others with"
                    f" `.model_copy(update={{{name!r}: ...}})`."
                ) from None


def tuples(value: Any) -> Any:
    """TOML data with tuples in place of lists, at any depth."""
    if isinstance(value, list):
        return tuple(tuples(v) for v in value)
    return {k: tuples(v) for k, v in value.items()} if isinstance(value, dict) else value


def suggest(word: str, known: Iterable[str]) -> str:
    """Return " (did you mean ...?)", or nothing where no known word is close."""
    close = difflib.get_close_matches(str(word), list(known), n=1, cutoff=0.6)
    return f" (did you mean `{close[0]}`?)" if close else ""


def one_line(error: ValidationError, model: type[BaseModel]) -> str:
    """First problem of a validation, in one line: key, what it must be, what it was, what to do."""
    # a misspelt key also makes a missing one: the misspelling is the news
    problems = sorted(error.errors(include_url=False), key=lambda p: p["type"] != "extra_forbidden")
    first = problems[0]
    more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
    return printable(_sentence(first, model) + more)


def first_problem(error: ValidationError) -> str:
    """First problem of a file that a program wrote: where, and what must be there."""
    problem = error.errors(include_url=False, include_input=False)[0]
    where = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in problem["loc"])
    place = f"`{printable(where).lstrip('.'):.100}`: " if where else ""
    return place + problem["msg"].removeprefix("Value error, ")


def printable(text: str) -> str:
    """Text in which control characters and line ends are spelt out."""
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)


def _key(loc: tuple[int | str, ...]) -> str:
    text = ""
    for part in loc:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else str(part)
    return text


def _siblings(loc: tuple[int | str, ...], model: type[BaseModel]) -> list[str]:
    """Keys that may stand beside the last one of `loc`."""
    here: Any = model
    for part in loc[:-1]:
        if isinstance(part, int):
            continue
        annotation = here.model_fields[part].annotation
        inner = [a for a in get_args(annotation) if isinstance(a, type)]
        here = inner[0] if inner else annotation
    return list(here.model_fields)


def _keys_of(table: str, model: type[BaseModel]) -> list[str]:
    """Keys of a table that is a field of the settings; none of other fields."""
    field = model.model_fields.get(table)
    inner = field.annotation if field is not None else None
    if isinstance(inner, type) and issubclass(inner, BaseModel):
        return [*inner.model_fields]
    return []


def _sentence(problem: ErrorDetails, model: type[BaseModel]) -> str:
    key, kind, value = _key(problem["loc"]), problem["type"], problem["input"]
    if kind == "extra_forbidden":
        known, word = _siblings(problem["loc"], model), str(problem["loc"][-1])
        inside = [f"{table}.{word}" for table in known if word in _keys_of(table, model)]
        hint = f" (did you mean `{inside[0]}`?)" if inside else suggest(word, known)
        return f"unknown key `{key}`{hint}; allowed here: {', '.join(known)}."
    if kind == "missing":
        return f"key `{key}` is missing; add it."
    if kind == "recipe":
        return problem["msg"]
    must = problem["msg"].removeprefix("Input should ").removeprefix("be ")
    if kind == "literal_error":
        return f"key `{key}` must be {must}, but is {value!r:.60}{_near(value, must)}."
    return f"key `{key}` must be {_plain(must, problem)}, but is {_shown(value)}; change it."


def _near(value: Any, must: str) -> str:
    known = re.split(", | or ", must.replace("'", ""))
    return suggest(value, known) if isinstance(value, str) else ""


def _plain(must: str, problem: ErrorDetails) -> str:
    rules = {
        "string_pattern_mismatch": "a word of letters, digits and underscores (see the format"
        f" page; pattern {problem.get('ctx', {}).get('pattern')})",
        "tuple_type": "a list",
        "model_type": "a table",
        "too_short": "a list with at least one entry",
        "too_long": "a list with at most two entries",
    }
    return rules.get(problem["type"], must)


def _shown(value: Any) -> str:
    text = repr(list(value)) if isinstance(value, tuple) else repr(value)
    text = text.replace("\n", " ")
    return text if len(text) <= 60 else text[:57] + "..."
