"""Learning tasks: one invariant of one kind of Hamiltonian, from its data fields to its figures.

Everything that differs between tasks is an attribute or a method of a `Task`, found by its name in
the registry; no other module compares names of tasks. The tasks of the package are in
`topophys.tasks`, one file each, and are loaded at their first use.
"""

from __future__ import annotations

import importlib
import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Final, Generic, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from topophys.errors import InputError, KindError

__all__ = [
    "FAMILIES",
    "FIELDS",
    "GIVEN",
    "Field",
    "Member",
    "OfEachTask",
    "Registered",
    "Sampling",
    "Task",
    "get_task",
    "register_task",
    "task_names",
]

V = TypeVar("V")


@dataclass(frozen=True)
class Field:
    """One array of a split.

    Attributes
    ----------
    name : str
        Name of the HDF5 dataset.
    axes : tuple of str
        Letters of `topophys.datasets.schema.LETTERS`, or digits for fixed lengths; "S" first.
    dtype : str
        Little-endian NumPy dtype.
    unit : str
        Unit of the numbers.
    meaning : str
        One sentence for the format page, the card and the HDF5 attribute of the same name.
    """

    name: str
    axes: tuple[str, ...]
    dtype: str
    unit: str
    meaning: str

    def shape(self, sizes: Mapping[str, int]) -> tuple[int, ...]:
        """Lengths of all axes."""
        return tuple(int(axis) if axis.isdigit() else sizes[axis] for axis in self.axes)

    def n_bytes(self, sizes: Mapping[str, int]) -> int:
        """Size of the array in bytes, for given lengths of the letters."""
        return math.prod(self.shape(sizes)) * np.dtype(self.dtype).itemsize


@dataclass(frozen=True)
class Sampling:
    """How Hamiltonians become the input of a network.

    Attributes
    ----------
    grid : tuple of int
        Number of k points along each axis.
    channels : int
        Real numbers per k point.
    n_occupied : int
        Number of occupied bands.
    refine : int
        How many points replace one by interpolation.
    sublattice : sequence of int, optional
        Orbitals of the first sublattice, where the caller names them.
    """

    grid: tuple[int, ...]
    channels: int
    n_occupied: int = 1
    refine: int = 1
    sublattice: Sequence[int] | None = None

    @property
    def size(self) -> int:
        """Side of the complex matrices that the channels hold."""
        return math.isqrt(self.channels // 2)


class Member(NamedTuple):
    """What follows from the name of a family of Hamiltonians."""

    kind: str
    dim: int
    invariant: str
    keys: tuple[str, ...]


class Task(ABC):
    """One invariant of one kind of Hamiltonian.

    Attributes
    ----------
    name : str
        Kind of data set, as files, runs and `Dataset.kind` say it.
    dim : int
        Dimension of k space.
    invariant : str
        Name of the invariant in recipes, such as "winding".
    title : str
        What the label is, in words: "winding number of chiral chains".
    symbol : str
        Symbol of the invariant, such as "nu".
    families : mapping of str to tuple of str
        Families that recipes may name, and the keys of the table `hamiltonian` that mean something
        for each. The family of Hamiltonians that users bring begins with "given".
    fields : tuple of Field
        Arrays of a split, beside those that all tasks share.
    batch : int
        Hamiltonians drawn at a time; part of what fixes the samples, like the seed.
    quantity : str
        What the integer is called in sentences, such as "Chern number".
    encoder : str or None
        Registered name of the network that reads `x` by default.
    local_field : str or None
        Field whose sum over the Brillouin zone is 2 pi times the invariant.
    given : str or None
        Array of the coefficients in files that users bring, such as "hoppings"; None where none
        are read. See `coefficients`.
    ranges : mapping of str to int
        Hopping ranges of families that have one of their own; a recipe must allow it.
    descriptions : mapping of str to str
        A sentence about each family for the card, with {reach}, {n}, {bands} and {filled} filled
        in; the title where there is none.
    """

    name: ClassVar[str]
    dim: ClassVar[int]
    invariant: ClassVar[str]
    title: ClassVar[str]
    symbol: ClassVar[str]
    families: ClassVar[Mapping[str, tuple[str, ...]]]
    fields: ClassVar[tuple[Field, ...]]
    batch: ClassVar[int] = 1024
    quantity: ClassVar[str] = "invariant"
    encoder: ClassVar[str | None] = None
    local_field: ClassVar[str | None] = None
    given: ClassVar[str | None] = None
    ranges: ClassVar[Mapping[str, int]] = {}
    descriptions: ClassVar[Mapping[str, str]] = {}

    def filling(self, n_bands: int | None, n_occupied: int | None) -> int:
        """Count the occupied bands of a recipe: as it says, else half of them rounded down."""
        return n_occupied or (n_bands or 2) // 2

    @abstractmethod
    def family(self, recipe: Any, spec: Any) -> Any:
        """`topophys.datasets.families.Family` that draws, certifies and evaluates one split."""

    @abstractmethod
    def hamiltonians(
        self, vectors: NDArray[np.int64], hoppings: NDArray[np.complex128], filled: int
    ) -> Any:
        """Hamiltonians with exactly the stored coefficients."""

    def coefficients(
        self,
        vectors: NDArray[np.int64],
        given: NDArray[np.complex128],
        n_occupied: int | None,
    ) -> tuple[NDArray[np.int64], NDArray[np.complex128], int | None]:
        """Check the coefficients that a user brings, and add those of -R where they follow.

        Returns lattice vectors (M, dim), coefficients (S, M, ...) and the number of occupied bands,
        where fields of the task need it.
        """
        return vectors, given, n_occupied

    def samples(self, H: Any, sampling: Sampling) -> tuple[NDArray[Any], NDArray[Any]]:  # noqa: ARG002
        """Evaluate Hamiltonians, or take samples of them, as the field `x` holds them.

        Returns samples of shape (..., *grid, *entries) as they are, and flattened.
        """
        raise KindError(
            f"Networks of the task {self.name!r} read data sets, not Hamiltonians; give the task a"
            " method `samples`."
        )

    def prove(
        self,
        H: Any,  # noqa: ARG002
        n_occupied: int | None,  # noqa: ARG002
        sublattice: Sequence[int] | None = None,  # noqa: ARG002
    ) -> Any:
        """`Certificate` of the invariant; `n_occupied` is what the network was trained on."""
        raise InputError(
            f"Argument `certify` must be False for networks of the task {self.name!r}, which has no"
            " method `prove`."
        )

    def probe_layers(self) -> tuple[Any, ...]:
        """Layers of the default network, each with the quantity it should hold and its controls."""
        return ()

    def sampled_invariants(self, x: NDArray[np.float32]) -> NDArray[np.int64] | None:  # noqa: ARG002
        """Invariants by a formula on the k points of an input, masked where there is none.

        Networks are compared with it; None where the task has no such formula.
        """
        return None

    def sampled_formulas(
        self,
        x: NDArray[np.float32],  # noqa: ARG002
        reach: int,  # noqa: ARG002
    ) -> Mapping[str, NDArray[np.int64]]:
        """Invariants by other formulas on the same k points, by name, masked where there is none.

        `reach` is the range of the hoppings, which a filter may use. Networks are compared
        with these beside `sampled_invariants`.
        """
        return {}

    def largest_invariant(self, spec: Any, reach: int) -> int | None:  # noqa: ARG002
        """Largest size of the invariant for a table `hamiltonian`, or None where none is known."""
        return None

    def symmetries(self) -> tuple[Any, ...]:
        """Operations on the input whose consequences exact physics knows, for the audit."""
        return ()

    def interventions(
        self,
        network: Any,  # noqa: ARG002
        samples: Any,  # noqa: ARG002
        *,
        seed: int,  # noqa: ARG002
        n_swaps: int,  # noqa: ARG002
        n_random: int,  # noqa: ARG002
    ) -> Iterable[Callable[[], list[Any]]]:
        """Causal tests that only this task has, as functions without arguments."""
        return ()

    def figures(self, run: Any, dataset: Any) -> Iterable[Any]:  # noqa: ARG002
        """Figures of a run that only this task has."""
        return ()


#: Modules of the tasks that come with the package; `TASK` is the task in each.
_BUILTIN: Final = {
    "winding": "topophys.tasks.winding",
    "chern": "topophys.tasks.chern",
    "bands": "topophys.tasks.bands",
    "majorana": "topophys.tasks.majorana",
    "z2": "topophys.tasks.z2",
    "winding_3d": "topophys.tasks.winding_3d",
    "point_gap": "topophys.tasks.point_gap",
}
_TASKS: Final[dict[str, Task]] = {}


def register_task(task: Task) -> Task:
    """Make a task known to recipes, data sets, training, probes and reports.

    Register it in every process that draws or reads its data; a module that registers the task
    when it is imported does.

    Parameters
    ----------
    task : Task
        The task.

    Returns
    -------
    Task
        The same task.

    Raises
    ------
    InputError
        If another task has the name, or one of the families.

    Examples
    --------
    >>> get_task("winding").symbol
    'nu'
    """
    known = _TASKS.get(task.name)
    if known is not None and type(known) is not type(task):
        raise InputError(
            f"Argument `task` must have a name of its own, but {task.name!r} is registered already."
        )
    # those of the package are made as they are first asked for
    others = _TASKS.values() if task.name in _BUILTIN else _all()
    taken = {name: t.name for t in others if t.name != task.name for name in t.families}
    if twice := sorted(set(task.families) & set(taken)):
        raise InputError(
            f"Argument `task` must have families of its own, but {twice[0]!r} belongs to the"
            f" task {taken[twice[0]]!r}."
        )
    _TASKS[task.name] = task
    return task


def get_task(name: str) -> Task:
    """Find a registered task by its name.

    Parameters
    ----------
    name : str
        Kind of data set.

    Returns
    -------
    Task
        The task.

    Raises
    ------
    KindError
        If there is none of that name.

    Examples
    --------
    >>> [field.name for field in get_task("chern").fields]
    ['x', 'hoppings', 'flux', 'label', 'gap_bound', 'seed_key']
    """
    if name not in _TASKS and name in _BUILTIN:
        _TASKS[name] = importlib.import_module(_BUILTIN[name]).TASK
    if name not in _TASKS:
        raise KindError(
            f"Argument `name` must be a registered task ({', '.join(task_names())}), but is"
            f" {name!r}; register it with `topophys.tasks.register_task`."
        )
    return _TASKS[name]


def task_names() -> tuple[str, ...]:
    """Names of all registered tasks.

    Returns
    -------
    tuple of str
        Those of the package first.

    Examples
    --------
    >>> task_names()[:3]
    ('winding', 'chern', 'bands')
    """
    return tuple(dict.fromkeys((*_BUILTIN, *_TASKS)))


def _all() -> Iterator[Task]:
    return (get_task(name) for name in task_names())


def _members() -> dict[str, Member]:
    return {
        family: Member(task.name, task.dim, task.invariant, keys)
        for task in _all()
        for family, keys in task.families.items()
    }


class Registered(Mapping[str, V], Generic[V]):
    """A mapping that follows the registry: `of` makes it from the tasks of the moment."""

    def __init__(self, of: Callable[[], Mapping[str, V]]) -> None:
        self._of = of

    def __getitem__(self, key: str) -> V:
        return self._of()[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._of())

    def __len__(self) -> int:
        return len(self._of())


class OfEachTask(Registered[V]):
    """What `of` finds in each task, by name, without those where it is empty."""

    def __init__(self, of: Callable[[Task], V | None]) -> None:
        super().__init__(lambda: {t.name: found for t in _all() if (found := of(t))})


#: Kind of data set, dimension of k space, invariant, and the keys of the table `hamiltonian` that
#: have a meaning, by family.
FAMILIES: Final[Mapping[str, Member]] = Registered(_members)
#: Families of Hamiltonians that were not drawn but given by a user, and their kinds.
GIVEN: Final[Mapping[str, str]] = Registered(
    lambda: {name: m.kind for name, m in _members().items() if name.startswith("given")}
)
#: Every field of a split, by kind of data set.
FIELDS: Final[Mapping[str, tuple[Field, ...]]] = OfEachTask(lambda task: task.fields)
