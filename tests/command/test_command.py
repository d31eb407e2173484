"""The command line: what it prints, and the status that a script sees."""

import inspect
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import equinox as eqx
import jax
import pytest

import eqinit
from eqinit import HeNormal, Rule, Zeros
from eqinit._command.formulas import readable
from eqinit._command.listing import recipe_functions, schemes
from eqinit._command.main import main


ROOT = Path(__file__).parents[2]

MODEL = """
import equinox as eqx
import jax

class Net(eqx.Module):
    blocks: list
    head: eqx.nn.Linear

    def __init__(self, width, *, key):
        keys = jax.random.split(key, 5)
        self.blocks = [eqx.nn.Linear(width, width, key=k) for k in keys[:4]]
        self.head = eqx.nn.Linear(width, 3, key=keys[4])

    def __call__(self, x):
        for block in self.blocks:
            x = jax.nn.relu(block(x))
        return self.head(x)

def make(key):
    return Net(8, key=key)

def big(key):
    return eqx.nn.Linear(10**6, 10**6, key=key)

def keyed(*, key):
    return Net(8, key=key)

def untraceable(key):
    if float(jax.random.normal(key)) < 100:
        return Net(8, key=key)

def broken(key):
    raise ValueError("of the model's own")

made = make(jax.random.key(0))

def loss(model, x):
    return jax.vmap(model)(x).sum()
"""

RULES = """
[[rules]]
selector = "head"
init = "zeros"

[[rules]]
selector = { type = "Layer", cls = "equinox.nn.Linear" }
fields = { weight = { type = "HeNormal", gain = 0.5 } }
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "net.py").write_text(MODEL)
    (tmp_path / "rules.toml").write_text(RULES)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.delitem(sys.modules, "net", raising=False)


def out(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert main(arguments) == 0
    return capsys.readouterr().out


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert main(arguments) == 1
    streams = capsys.readouterr()
    assert streams.out == ""
    assert streams.err.startswith("eqinit: ")
    return streams.err


NAMES = ("net.py:make", "net.py:keyed", "net.py:untraceable", "net.py:made", "net:made")


@pytest.mark.parametrize("model", NAMES)
def test_plan_is_the_plan_of_the_rules(model: str, capsys: pytest.CaptureFixture[str]):
    printed = out(capsys, "plan", model, "--rules", "rules.toml")
    keys = jax.random.split(jax.random.key(0), 5)
    blocks = [eqx.nn.Linear(8, 8, key=key) for key in keys[:4]]
    model = {"blocks": blocks, "head": eqx.nn.Linear(8, 3, key=keys[4])}
    rules = [Rule("head", Zeros()), Rule(eqx.nn.Linear, weight=HeNormal(gain=0.5))]
    assert printed == f"{eqinit.plan(model, rules)}\n"
    assert "6 parameters set (283 numbers), 4 kept" in printed


def test_nothing_is_allocated(capsys: pytest.CaptureFixture[str]):
    # 4 TB, were it made.
    printed = out(capsys, "plan", "net.py:big", "--recipe", "keras")
    assert "f32[1000000,1000000]" in printed


def test_rows_as_data(capsys: pytest.CaptureFixture[str]):
    command = ("plan", "net.py:make", "--rules", "rules.toml", "--json")
    rows = json.loads(out(capsys, *command))["rows"]
    assert [row["path"] for row in rows[-2:]] == ["head.weight", "head.bias"]
    assert rows[0]["std"] == pytest.approx(0.25, rel=1e-6)  # 0.5 sqrt(2 / 8)


def test_unfolded(capsys: pytest.CaptureFixture[str]):
    command = ("plan", "net.py:make", "--recipe", "keras()")
    assert "blocks.0..3.weight" in out(capsys, *command)
    assert "blocks.2.weight" in out(capsys, *command, "--unfolded")


def test_rules_of_files_stand_before_recipes(capsys: pytest.CaptureFixture[str]):
    printed = out(
        capsys, "plan", "net.py:make", "--recipe", "keras", "--rules", "rules.toml"
    )
    kinds = {line.split()[0]: line for line in printed.splitlines()}
    assert "HeNormal(gain=0.5)" in kinds["blocks.0..3.weight"]
    assert "Path('head')" in kinds["head.weight"]
    assert "Zeros()" in kinds["blocks.0..3.bias"]


def test_arguments_of_recipes(capsys: pytest.CaptureFixture[str]):
    command = ("plan", "net.py:make", "--recipe", "gpt2(4, residual='head', std=0.5)")
    rows = json.loads(out(capsys, *command, "--json"))["rows"]
    stds = {row["path"]: row["std"] for row in rows}
    assert stds["blocks.0.weight"] == 0.5
    assert stds["head.weight"] == pytest.approx(0.5 / 8**0.5, rel=1e-6)


def test_dead_rules_fail(capsys: pytest.CaptureFixture[str]):
    Path("dead.toml").write_text('[[rules]]\nselector = "haed"\ninit = "zeros"\n')
    error = refused(capsys, "plan", "net.py:make", "--rules", "dead.toml")
    assert "matches nothing. Did you mean `head`?" in error


def test_strict_wants_a_rule_for_all(capsys: pytest.CaptureFixture[str]):
    command = ("plan", "net.py:make", "--rules", "rules.toml", "--strict")
    assert "4 parameters are claimed by no rule" in refused(capsys, *command)


@pytest.mark.parametrize(
    "arguments, words",
    [
        (("plan", "net.py:make"), "no rules: pass `--rules"),
        (("plan", "net.py", "--recipe", "keras"), "write FILE:NAME"),
        (("plan", "nte.py:make", "--recipe", "keras"), "there is no file `nte.py`"),
        (("plan", "no_such:make", "--recipe", "keras"), "no module `no_such`"),
        (("plan", "net.py:mkae", "--recipe", "keras"), "Did you mean `make`"),
        (("plan", "net.py:Net", "--recipe", "keras"), "`Net` wants width as well"),
        (("plan", "net.py:make", "--recipe", "kears"), "Did you mean `keras`"),
        (("plan", "net.py:make", "--recipe", "mup"), "`--recipe mup`: "),
        (("plan", "net.py:make", "--recipe", "gpt2(f())"), "is no recipe"),
        (("plan", "net.py:make", "--rules", "no.toml"), "there is no file `no.toml`"),
        (("plan", "net.py:make", "--rules", "net.py"), "`net.py` cannot be read"),
        (("probe", "net.py:make", "--input", "8x8"), "`8x8` is no input"),
        (("probe", "net.py:make", "--input", "i32[8]"), "`i32[8]` is no input"),
        (("probe", "net.py:make", "--input", "4,3"), "Pass another `--input`"),
        (("schemes", "HeNorml"), "Did you mean `HeNormal`"),
        (("recipes", "gtp2"), "Did you mean `gpt2`"),
    ],
)
def test_what_is_wrong_is_told_in_words(
    arguments: tuple[str, ...], words: str, capsys: pytest.CaptureFixture[str]
):
    assert words in refused(capsys, *arguments)


def test_config_mistakes_name_the_file(capsys: pytest.CaptureFixture[str]):
    Path("typo.toml").write_text('[[rules]]\nselector = "head"\ninit = "zeross"\n')
    error = refused(capsys, "plan", "net.py:make", "--rules", "typo.toml")
    assert "`typo.toml`: " in error
    assert "`zeross`" in error
    Path("none.toml").write_text("rules = []\n")
    assert "has no `[[rules]]`" in refused(
        capsys, "plan", "net.py:make", "--rules", "none.toml"
    )


def test_errors_of_the_model_are_its_own():
    with pytest.raises(ValueError, match="of the model's own"):
        main(["plan", "net.py:broken", "--recipe", "keras"])


def test_inspect(capsys: pytest.CaptureFixture[str]):
    printed = out(capsys, "inspect", "net.py:make")
    made = [eqx.nn.Linear(8, 8, key=jax.random.key(0))]
    assert str(eqinit.inspect(made)).splitlines()[0].split()[0] in printed
    assert "10 arrays, 10 of them parameters; 0 with unknown layout" in printed


@pytest.mark.parametrize("call", [(), ("--call", "net.py:loss")])
def test_probe(call: tuple[str, ...], capsys: pytest.CaptureFixture[str]):
    command = ("probe", "net.py:make", "--input", "16,8", *call, "--json")
    before = json.loads(out(capsys, *command))["rows"]
    after = json.loads(out(capsys, *command, "--rules", "rules.toml"))["rows"]
    assert [row["path"] for row in before][-1] == "head"
    assert before[-1]["std"] > 0
    assert after[-1]["std"] == 0  # its weight and bias are zeros now


def test_lists_have_every_name(capsys: pytest.CaptureFixture[str]):
    listed = {line.split()[0] for line in out(capsys, "schemes").splitlines() if line}
    assert {"HeNormal", "Orthogonal", "XavierNormal", "ssm.S4D"} <= listed
    listed = {line.split()[0] for line in out(capsys, "recipes").splitlines() if line}
    functions = {n for n in dir(eqinit.recipes) if n[0].islower()}
    assert functions == listed & set(dir(eqinit.recipes))
    assert "arXiv:1502.01852" in out(capsys, "schemes", "HeNormal")
    assert out(capsys, "schemes", "he_normal") == out(capsys, "schemes", "HeNormal")


@pytest.mark.parametrize(
    ("formula", "shown"),
    [
        (r"$\mathcal N(0, 0.02^2)$ and $w=2$", "N(0, 0.02^2) and w=2"),
        (r"$g \sqrt{6 / (n_\text{in} + n_\text{out})}$", "g sqrt(6 / (n_in + n_out))"),
        (r"$\frac{g}{\sqrt{n}}$, $-\frac12 + i \pi n$", "g/sqrt(n), -1/2 + i pi n"),
        (r"$\frac{1 + a}{2}$ and $\tfrac{g^{k+1}}{n}$", "(1 + a)/2 and g^(k+1)/n"),
        (r"$U(\pm 1/\sqrt n)$, $\pm\text{std}$", "U(+-1/sqrt(n)), +-std"),
        (r"$e^{i\theta}$, $10^{-6}$, $W W^\top$", "e^(i theta), 10^-6, W W^T"),
        (r"$\ln\Delta \sim U$, $w \in \{-s, s\}$", "ln Delta ~ U, w in {-s, s}"),
        (r"$$\begin{pmatrix} A & -A \\ -A & A \end{pmatrix}$$", "[A, -A; -A, A]"),
        (r"costs `$5` or \n, no formula", r"costs `$5` or \n, no formula"),
    ],
)
def test_formulas_are_spelled_out(formula: str, shown: str):
    assert readable(formula) == shown


def test_no_source_of_a_formula_is_shown():
    for known in (schemes(), recipe_functions()):
        for name, value in known.items():
            assert not re.search(r"\\|\$", readable(inspect.getdoc(value) or "")), name


@pytest.mark.thorough
def test_as_a_script_sees_it():
    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "eqinit", *arguments]
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        return subprocess.run(
            command, capture_output=True, text=True, check=False, env=environment
        )

    good = run("plan", "net.py:make", "--rules", "rules.toml")
    assert good.returncode == 0, good.stderr
    assert re.search(r"^head\.weight .* Zeros\(\)", good.stdout, re.MULTILINE)
    Path("dead.toml").write_text('[[rules]]\nselector = "haed"\ninit = "zeros"\n')
    dead = run("plan", "net.py:make", "--rules", "dead.toml")
    assert (dead.returncode, dead.stdout) == (1, "")
    assert "Did you mean `head`" in dead.stderr
    assert run("plan").returncode == 2


@pytest.mark.thorough
def test_a_reader_that_has_seen_enough_is_no_error():
    read, write = os.pipe()
    os.close(read)
    with os.fdopen(write, "w") as pipe:
        ended = subprocess.run(
            [sys.executable, "-m", "eqinit", "schemes"],
            stdout=pipe,
            stderr=subprocess.PIPE,
            check=False,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )
    assert (ended.returncode, ended.stderr) == (128 + 13, b"")


def test_rules_as_the_page_writes_them(capsys: pytest.CaptureFixture[str]):
    page = (ROOT / "docs" / "command.md").read_text("utf-8")
    (rules,) = re.findall(r"^```toml\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    Path("page.toml").write_text(rules)
    printed = out(capsys, "plan", "net.py:make", "--rules", "page.toml")
    assert "10 parameters set" in printed
