"""The one place where Numba's compilation flags are chosen, and what the first calls cost.

A kernel is compiled twice at most: as an entry that Python calls, which is kept on disk, and as a
part of other kernels. Parts get no wrappers and no machine code of their own, and are optimized
where they are used; left alone, Numba does all of that for each function on every level.
"""

from __future__ import annotations

import hashlib
import inspect
import os
import pickle
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Any, ClassVar, Final, TypeVar

import llvmlite.binding
import numba
from numba.core import errors, types
from numba.core.caching import IndexDataCacheFile
from numba.core.codegen import JITCodeLibrary
from numba.core.compiler import Compiler
from numba.core.compiler_lock import global_compiler_lock
from numba.core.targetconfig import ConfigStack

from topophys._io import open_regular
from topophys.kernels._interpreted import interpret_first

_F = TypeVar("_F", bound=Callable[..., Any])

#: The library of parts rests on LLVM's new pass manager.
_SEPARATE_PARTS: Final = hasattr(llvmlite.binding, "create_pass_builder")
#: Seconds of compilation after which a line says what is going on.
_PATIENCE: Final = 1.0


def kernel(func: _F) -> _F:
    """Compile `func` on its first call, with IEEE semantics and a disk cache.

    No fastmath: the certificates rest on the rounding of each operation. `nogil` lets threads
    above the kernels run side by side.
    """
    return _compiled(func, fastmath=False)


def compiled_kernel(func: _F) -> _F:
    """As `kernel`, but never as Python: for what rests on machine integers or is stored."""
    return _compiled(func, interpret=False, fastmath=False)


def fused_kernel(func: _F) -> _F:
    """As `kernel`, but products and sums may be fused into one operation with one rounding.

    For counts whose own filter hands on whatever rounding could change: the integer is the same
    on every machine, the last bits of what is counted are not.
    """
    return _compiled(func, fastmath={"contract"})


def _compiled(func: _F, interpret: bool = True, **options: Any) -> _F:
    options |= {"nogil": True, "error_model": "numpy", "no_cfunc_wrapper": True}
    parts = options | {"no_cpython_wrapper": True}
    if _SEPARATE_PARTS:
        options["pipeline_class"], parts["pipeline_class"] = _EntryCompiler, _PartCompiler
    try:
        entry = numba.njit(func, cache=True, **options)
    except RuntimeError:
        # neither the package nor the home of the user is writable: each process compiles again
        _Progress.kept = False
        entry = numba.njit(func, **options)
    if not hasattr(entry, "get_call_template"):  # NUMBA_DISABLE_JIT
        return func
    _guard_what_is_kept(entry)
    if _SEPARATE_PARTS:
        _call_parts(entry, numba.njit(func, **parts))
    compile_new = entry._compiler.compile  # not reached where the result lies on disk

    def compile_once(args: Any, return_type: Any) -> Any:
        with _compiling():
            return compile_new(args, return_type)

    entry._compiler.compile = compile_once
    if interpret:
        interpret_first(entry)
    compiled: _F = entry
    return compiled


@cache
def _sources() -> str:
    """Digest of the sources of all kernels."""
    digest = hashlib.sha256()
    for path in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def _guard_what_is_kept(entry: Any) -> None:
    """Let a change of any kernel outdate what is kept on disk of this one, and check all of it.

    Numba looks at the file of the entry alone; the parts that it took in come from others.
    """
    file = getattr(getattr(entry, "_cache", None), "_cache_file", None)
    if file is not None:
        base = file._index_name.removesuffix(".nbi")
        stamp = (file._source_stamp, _sources())
        entry._cache._cache_file = _KernelFiles(file._cache_path, base, stamp)


class _KernelFiles(IndexDataCacheFile):
    """Numba's files of compiled code; damaged ones and those of other signatures are not read.

    Numba runs whatever code it finds, and two processes that compile at once may give one name to
    the code of two signatures. What cannot be kept is compiled again in the next process.
    """

    _told: ClassVar[set[str]] = set()
    HEAD: Final = f"topophys kernel, numba {numba.__version__}\n".encode()

    def load(self, key: Any) -> Any:
        """Compiled code of a signature; None where there is none."""
        name = self._load_index().get(key)
        if name is None:
            return None
        kept, code = self._read(self._data_path(name), (None, None))
        return code if kept == key else None

    def save(self, key: Any, data: Any) -> None:
        """Keep the compiled code of a signature, if the disk takes it."""
        with suppress(OSError):
            super().save(key, (key, data))

    def _load_index(self) -> Any:
        stamp, names = self._read(self._index_path, (None, {}))
        return names if stamp == self._source_stamp else {}

    def _save_index(self, overloads: Any) -> None:
        self._write(self._index_path, (self._source_stamp, overloads))

    def _save_data(self, name: str, data: Any) -> None:
        self._write(self._data_path(name), data)

    def _read(self, path: str, otherwise: Any) -> Any:
        try:
            with open_regular(path) as stream:
                content = stream.read()
        except OSError:
            return otherwise
        if not content.startswith(self.HEAD):  # empty, or of another release
            return otherwise
        start = len(self.HEAD) + hashlib.sha256().digest_size
        if hashlib.sha256(content[start:]).digest() != content[len(self.HEAD) : start]:
            if path not in self._told:
                self._told.add(path)
                _say(f"`{path}` is damaged; what it held is compiled again")
            return otherwise
        return pickle.loads(content[start:])

    def _write(self, path: str, content: Any) -> None:
        body = self._dump(content)
        with self._open_for_write(path) as stream:
            stream.write(self.HEAD + hashlib.sha256(body).digest() + body)


# ------------------------------------------------------------------------------ Parts of kernels


class _Library(JITCodeLibrary):
    """Numba's own, which also "optimizes" each function that is merely declared."""

    def _optimize_functions(self, ll_module: Any) -> None:
        if "llvm_module" in inspect.signature(self._codegen._function_pass_manager).parameters:
            super()._optimize_functions(ll_module)  # of earlier releases of Numba
            return
        ll_module.data_layout = self._codegen._data_layout
        for function in ll_module.functions:
            if not function.is_declaration:
                manager, builder = self._codegen._function_pass_manager()
                manager.run(function, builder)


class _PartLibrary(_Library):
    """Code that other kernels take in: not optimized as a whole, and no machine code."""

    def _optimize_final_module(self) -> None:
        pass

    def _finalize_final_module(self) -> None:
        self._finalize_dynamic_globals()
        self._finalized = True


class _EntryCompiler(Compiler):
    """Numba's own pipeline, which ends in a `_Library`."""

    def define_pipelines(self) -> Any:
        state = self.state
        state.library = _Library(state.targetctx.codegen(), state.func_id.func_qualname)
        state.library.enable_object_caching()
        return super().define_pipelines()


class _PartCompiler(Compiler):
    """Numba's own pipeline, which ends in a `_PartLibrary`."""

    def define_pipelines(self) -> Any:
        state = self.state
        state.flags.no_compile = True
        state.library = _PartLibrary(state.targetctx.codegen(), state.func_id.func_qualname)
        return super().define_pipelines()


def _call_parts(entry: Any, part: Any) -> None:
    """Let kernels that call `entry` take in `part`, once for all integers that are constants."""

    def add_overload(result: Any) -> None:
        key = object()  # in the place of a compiled function: by it the callers find the code
        part.targetctx.insert_user_function(key, result.fndesc, [result.library])
        part.overloads[tuple(result.signature.args)] = result._replace(entry_point=key)

    template = part.get_call_template

    def get_call_template(args: Any, kws: Any) -> Any:
        plain = {name: types.unliteral(kind) for name, kind in kws.items()}
        return template(tuple(types.unliteral(kind) for kind in args), plain)

    part.add_overload = add_overload
    entry.get_call_template, entry.get_overload = get_call_template, part.get_overload


# ----------------------------------------------------------------------- While something compiles


class _NoColours:
    """Numba formats the reason of each overload that does not fit, in colours, for nobody."""

    def __getattr__(self, name: str) -> Callable[[str], str]:
        return lambda text: text


class _Progress:
    """Seconds spent on compiling in this process, and whether that was said."""

    depth = 0
    seconds = 0.0
    said = False
    kept = True


#: Signatures that were found for operators and functions of NumPy, for each set of flags.
_resolved: dict[Any, dict[Any, Any]] = {}


@contextmanager
def _compiling() -> Iterator[None]:
    """Resolve each call of a built-in function once, and say on stderr what takes so long."""
    with global_compiler_lock:
        if _Progress.depth:
            yield
            return
        base: Any = types.BaseFunction
        messages: Any = errors
        resolve, colours = base.get_call_type, getattr(messages, "_termcolor_inst", None)
        current: dict[int, tuple[Any, dict[Any, Any]]] = {}

        def get_call_type(self: Any, context: Any, args: Any, kws: Any) -> Any:
            if kws:
                return resolve(self, context, args, kws)
            flags = ConfigStack.top_or_none()
            if id(flags) not in current:
                current[id(flags)] = flags, _resolved.setdefault(flags, {})
            found, key = current[id(flags)][1], (self, tuple(args))
            if key not in found:
                found[key] = resolve(self, context, args, kws)
            return found[key]

        line = threading.Timer(max(0.0, _PATIENCE - _Progress.seconds), _say_once)
        line.daemon = True
        start, _Progress.depth = time.perf_counter(), 1
        base.get_call_type, messages._termcolor_inst = get_call_type, _NoColours()
        line.start()
        try:
            yield
        finally:
            line.cancel()
            base.get_call_type, messages._termcolor_inst = resolve, colours
            _Progress.depth = 0
            _Progress.seconds += time.perf_counter() - start


def _say_once() -> None:
    """Say in each process what takes so long."""
    if not _Progress.said:
        _Progress.said = True
        _say(
            "compiling what this call needs for the first time; the result is kept on disk"
            " (`topophys warmup` compiles everything at once)"
            if _Progress.kept
            else "compiling what this call needs, as each process must where no folder can be"
            " written to (NUMBA_CACHE_DIR names another one)"
        )


def _say(text: str) -> None:
    """Print one line, unless TOPOPHYS_QUIET is set."""
    if os.environ.get("TOPOPHYS_QUIET"):
        return
    with suppress(OSError, ValueError, AttributeError):  # nobody may be there to read it
        sys.stderr.write(f"topophys: {text}\n")
        sys.stderr.flush()
