"""What the steps of a run have left for each other, read back: in its form, or refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from topophys._files import read_json
from topophys.datasets._messages import printable
from topophys.errors import CheckpointError
from topophys.pipeline.forms import FORMS, Figures

__all__ = ["read_cards", "read_form", "read_measured"]


def read_form(path: Path, form: type[BaseModel], repeat: str) -> Any:
    """Read a JSON file of a run, as it is, once it is known to have its form.

    Parameters
    ----------
    path : Path
        The file.
    form : type
        Pydantic model of it.
    repeat : str
        What makes it anew, for the message.

    Returns
    -------
    object
        Content of the file, as JSON has it; None where there is no such file.

    Raises
    ------
    CheckpointError
        If it is not JSON, or not of that form.
    """
    if not path.is_file():
        return None
    try:
        content = read_json(path, finite=True)
        form.model_validate(content)
    except ValidationError as error:
        reason = _first(error)
    except (OSError, ValueError) as error:
        reason = " ".join(str(error).split())
    else:
        return content
    raise CheckpointError(f"File `{path}` is damaged ({reason}); delete it and repeat {repeat}.")


def read_measured(folder: Path, name: str) -> Any:
    """Read what was measured on a run.

    Parameters
    ----------
    folder : Path
        Folder of the run.
    name : {"accuracy", "probes", "causal", "audit", "failures"}
        Which file, without suffix.

    Returns
    -------
    object
        Content of the file; None where it was not measured.

    Raises
    ------
    CheckpointError
        If the file is damaged.

    Examples
    --------
    >>> read_measured(Path("nowhere"), "probes") is None
    True
    """
    return read_form(folder / f"{name}.json", FORMS[name], "the step that wrote it")


def read_cards(folder: Path) -> list[dict[str, str]]:
    """Read which figures of a run were drawn, and what they show.

    Parameters
    ----------
    folder : Path
        Where they are.

    Returns
    -------
    list of dict
        Name, title and caption of each; empty where none was drawn.

    Raises
    ------
    CheckpointError
        If figures.json is damaged.

    Examples
    --------
    >>> read_cards(Path("nowhere"))
    []
    """
    return read_form(folder / "figures.json", Figures, "`topophys plot`") or []


def _first(error: ValidationError) -> str:
    """Say the first problem: where, and what must be there."""
    problem = error.errors(include_url=False, include_input=False)[0]
    where = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in problem["loc"])
    place = f"`{printable(where).lstrip('.'):.100}`: " if where else ""
    return place + problem["msg"].removeprefix("Value error, ")
