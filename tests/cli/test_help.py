"""Help, versions and misuse."""

import re
import subprocess
import sys

import pytest
from typer.testing import CliRunner

import topophys
from topophys.cli.app import app

PROMISED = {"generate", "info", "verify", "train", "predict", "probe", "plot", "report", "demo"}
COMMANDS = [command.callback.__name__ for command in app.registered_commands]
GROUPS = {
    one.typer_instance.info.name: [
        command.callback.__name__ for command in one.typer_instance.registered_commands
    ]
    for one in app.registered_groups
}
#: Words that lead to each command.
WAYS = COMMANDS + [
    f"{group} {command}" for group, commands in GROUPS.items() for command in commands
]


def invoke(*words):
    return CliRunner().invoke(app, list(words), prog_name="topophys")


@pytest.mark.parametrize("flag", ["--help", "-h"])
def test_help_lists_the_commands(flag):
    found = invoke(flag)
    assert found.exit_code == 0
    listed = re.findall(r"^  ([a-z0-9]+)  ", found.output.partition("Commands:")[2], re.MULTILINE)
    assert listed == [*COMMANDS, *GROUPS]
    assert set(listed) >= PROMISED


@pytest.mark.parametrize("command", WAYS)
def test_every_command_shows_an_example_that_it_understands(command):
    found = invoke(*command.split(), "--help")
    assert found.exit_code == 0
    text = " ".join(found.output.split())
    example = re.search(rf"Example: topophys ({command} .+?) (Arguments|Options):", text)
    assert example
    words = example[1].split()
    options = set(re.findall(r"(?<![\w-])--?[a-z][\w-]*", found.output))
    assert {word for word in words if word.startswith("-")} <= options
    # parsed as far as the first value that cannot be there
    depth = len(command.split())
    refused = invoke(*words[:depth], "--no-such-option", *words[depth:])
    assert refused.exit_code == 2


#: Commands that write pages, figures or models, and answer nothing.
MAKERS = {"plot", "report", "demo", "explore", "materials generate", "materials train"}


@pytest.mark.parametrize("command", sorted(set(WAYS) - MAKERS))
def test_every_command_that_answers_prints_json(command):
    assert re.search(r"^  --json ", invoke(*command.split(), "-h").output, re.MULTILINE)


def test_no_arguments_show_the_help():
    found = invoke()
    assert found.exit_code == 2
    assert "Commands:" in found.output


def test_version():
    found = invoke("--version")
    assert (found.exit_code, found.output) == (0, f"topophys {topophys.__version__}\n")


@pytest.mark.parametrize(
    "words",
    [
        ("no-such-command",),
        ("generate",),
        ("generate", "recipe.toml"),
        ("info",),
        ("info", "a", "b"),
        ("info", "a", "--no-such-option"),
        ("train", "a.h5"),
        ("generate", "a.toml", "-o", "b.h5", "--workers", "many"),
        ("probe", "run", "-n", "1.5"),
        ("predict", "run"),
    ],
)
def test_misuse_ends_with_status_2(words):
    found = invoke(*words)
    assert found.exit_code == 2
    assert "Usage: topophys" in found.stderr
    assert "Traceback" not in found.output


@pytest.mark.process
def test_help_is_fast_because_it_loads_no_heavy_library():
    code = """
import sys
sys.argv = ["topophys", "--help"]
from topophys.cli import main
try:
    main()
except SystemExit as left:
    assert left.code == 0
heavy = {"torch", "h5py", "matplotlib", "sklearn", "safetensors", "jinja2"} & set(sys.modules)
assert not heavy, heavy
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
